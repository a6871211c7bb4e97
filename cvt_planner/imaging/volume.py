"""A CT in memory: Hounsfield units on a grid in the patient, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvt_planner.base.arrays import HuArray
from cvt_planner.base.errors import GeometryMismatch
from cvt_planner.geometry.frames import Grid


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
        SHA-256 of geometry and voxels, hex. Two readings of the same series in any file order have the same hash.
    source
        Folder or file the volume was read from, as given.
    notices
        Sentences the user must see: thick slices, lossy compression, no identity.
    """

    hu: HuArray
    grid: Grid
    patient: Patient
    series: SeriesIdentity
    content_hash: str
    source: str
    notices: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.hu.shape != self.grid.shape_kji or self.hu.dtype != np.int16:
            raise GeometryMismatch(f"Voxels {self.hu.shape} do not fit the grid {self.grid.shape_kji}.")
        self.hu.flags.writeable = False

    @property
    def slice_distance_mm(self) -> float:
        """Return the distance between neighbouring slices, mm."""
        return float(self.grid.spacing_kji_mm[0])

    @property
    def is_thick(self) -> bool:
        """Return whether slices lie over 1.5 mm apart, too coarse to judge pedicle widths and clearances."""
        return self.slice_distance_mm > 1.5
