"""A CT in memory: Hounsfield units on a grid in the patient, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvt_planner.base.arrays import HuArray, Points, Vec3
from cvt_planner.base.errors import GeometryMismatch
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.posture import Posture

CONTRAST_HU = 30.0  # contrast medium adds 10 to 30 HU to bone and more to tumour (physics.md 2.5)


@dataclass(frozen=True)
class Patient:
    """Whose images these are, as the header says; every part may be empty."""

    name: str = ""  # readable: "Family, Given"
    patient_id: str = ""
    birth_date: str = ""  # ISO, 1972-03-01
    sex: str = ""  # "F", "M", "O" or empty
    age: str = ""  # "54 y", from the header or from the birth date at the study date


@dataclass(frozen=True)
class SeriesIdentity:
    """Which series this is, as the header says."""

    series_uid: str = ""
    study_uid: str = ""
    study_description: str = ""
    series_description: str = ""
    modality: str = "CT"
    acquired_at: str = ""  # ISO date and time, as far as known: "2026-11-20T10:42:00"
    kernel: str = ""
    patient_position: str = ""  # HFS, FFP, ...; as the header says
    slice_thickness_mm: float | None = None
    contrast_agent: str = ""  # into vessels, as the header names it; empty where none was, or nothing is said of it

    @property
    def contrast_words(self) -> str:
        """Return the sentence for the user on contrast medium; empty where none was given."""
        if not self.contrast_agent:
            return ""
        return (
            f"Contrast medium was given (header: {self.contrast_agent}): vessels and kidneys may be as bright as bone, "
            f"and the HU of bone and tumour are up to {CONTRAST_HU:.0f} HU too high."
        )


@dataclass(frozen=True)
class Gap:
    """Slices that are missing from the series: the volume holds -1024 HU there.

    Parameters
    ----------
    axis, first, last
        The empty planes, zero-based and inclusive, along this axis of the array.
    normal_lps
        Unit vector across the planes.
    low_mm, high_mm
        Where along the normal (LPS) the last picture before and the first one after the gap lie.
    """

    axis: int
    first: int
    last: int
    normal_lps: Vec3
    low_mm: float
    high_mm: float

    def is_met_by(self, lps_mm: Points, reach_mm: float = 0.0) -> bool:
        """Return whether something connected that holds the (n, 3) LPS points, and `reach_mm` around them, enters."""
        along = np.asarray(lps_mm, dtype=np.float64).reshape(-1, 3) @ np.array(self.normal_lps)
        return bool(along.min() - reach_mm < self.high_mm and along.max() + reach_mm > self.low_mm)

    @property
    def words(self) -> str:
        """Return where the gap is, in patient axes."""
        axis = int(np.argmax(np.abs(self.normal_lps)))
        names = (("R", "L"), ("A", "P"), ("I", "S"))[axis]
        sign = 1.0 if self.normal_lps[axis] > 0 else -1.0
        ends = [f"{names[sign * v >= 0]} {abs(v):.1f}" for v in (self.low_mm, self.high_mm)]
        return f"between {ends[0]} and {ends[1]} mm"


@dataclass(frozen=True)
class Saturation:
    """Hounsfield units that could not be stored: clipped at a ceiling, or wrapped round to below air."""

    ceiling_hu: int
    voxels: int  # at the ceiling
    wrapped: int  # dark voxels enclosed by bright ones
    share: float  # of all voxels, both together

    @property
    def words(self) -> str:
        """Return the sentence for the user."""
        share = f"{100.0 * self.share:.2g} % of all voxels"
        if self.wrapped:
            return (
                f"HU over {self.ceiling_hu} have wrapped round to dark values within metal ({share}): density and "
                "edges there are wrong. Ask for a reconstruction in the extended HU range."
            )
        return (
            f"HU end at {self.ceiling_hu}, where {self.voxels} voxels are clipped ({share}): metal and dense bone "
            "there are brighter than shown, and their edges are not to be measured."
        )


@dataclass(frozen=True, eq=False)
class Volume:
    """A read-only CT volume.

    Array axes are stored so that k runs most nearly towards the head, j towards the back, and i towards the patient's
    left, however the files were ordered; `grid` places every voxel.

    Parameters
    ----------
    hu
        (k, j, i) int16 Hounsfield units, read-only. Padding outside the scanned circle is -1024 or lower.
    grid
        Where the voxels lie, LPS mm.
    content_hash
        Of geometry and voxels (`content.content_hash`). Two readings of the same series in any file order have the
        same hash.
    source
        Folder or file the volume was read from, as given.
    notices
        Sentences the user must see: thick slices, lossy compression, no identity.
    gaps
        Where slices are missing.
    measured_distance_mm
        The largest distance between slices as they were measured; 0 where it is that of the grid.
    saturation
        Where HU are clipped or wrapped; None where they are not.
    posture
        What the picture shows of how the patient lies; None where that was not looked at.
    sides_confirmed, sides_reason
        Whether left and right may be named; if not, why.
    """

    hu: HuArray
    grid: Grid
    patient: Patient
    series: SeriesIdentity
    content_hash: str
    source: str
    notices: tuple[str, ...] = field(default=())
    gaps: tuple[Gap, ...] = ()
    measured_distance_mm: float = 0.0
    saturation: Saturation | None = None
    posture: Posture | None = field(default=None, repr=False)
    sides_confirmed: bool = True
    sides_reason: str = ""

    def __post_init__(self) -> None:
        if self.hu.shape != self.grid.shape_kji or self.hu.dtype != np.int16:
            raise GeometryMismatch(f"Voxels {self.hu.shape} do not fit the grid {self.grid.shape_kji}.")
        self.hu.flags.writeable = False

    @property
    def slice_distance_mm(self) -> float:
        """Return the distance between neighbouring slices, mm: as measured, where the volume was interpolated."""
        return max(float(self.grid.spacing_kji_mm[0]), self.measured_distance_mm)

    @property
    def is_thick(self) -> bool:
        """Return whether slices lie over 1.5 mm apart, too coarse to judge pedicle widths and clearances."""
        return self.slice_distance_mm > 1.5
