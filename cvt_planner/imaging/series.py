"""What was found: series with a verdict each, and the listing of a whole folder, ZIP or medium."""

from __future__ import annotations

from dataclasses import dataclass, field

from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.arrangement import Arrangement
from cvt_planner.imaging.canonical import Turn
from cvt_planner.imaging.headers import SliceHeader
from cvt_planner.imaging.kinds import IMAGE
from cvt_planner.imaging.rank import Rank, rank
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume

USABLE = "usable"
WARNING = "warning"
REFUSED = "refused"


@dataclass(frozen=True, eq=False)
class SeriesInfo:
    """One series of a listing, judged but not read.

    Parameters
    ----------
    uid
        Series Instance UID; where the header has none, a name of ours that is the same at each listing. Where several
        stacks lie under one UID, "#2" and so on follow it.
    pixel_spacing_mm, slice_distance_mm
        Between rows, between columns; between neighbouring slices as their positions say. None where unknown.
    orientation
        "axial", "coronal", "sagittal", "oblique ..." or empty.
    verdict
        `USABLE`, `WARNING` or `REFUSED`.
    reasons
        Sentences that say why it is not simply usable.
    slices
        The headers that make the volume, in the order of their positions; empty when refused or a research volume.
    grid
        Where the volume's voxels lie: axes (slice, row, column) as stored.
    arrangement
        How the slices become those of the volume; None when refused or a research volume.
    source
        What was opened, as given.
    kind
        What its images are: one of the words of `kinds`.
    images
        The headers of all its objects, those set aside and those of a refused series too.
    """

    uid: str
    identity: SeriesIdentity
    patient: Patient
    verdict: str
    reasons: tuple[str, ...]
    source: str
    slice_count: int
    rows: int
    columns: int
    files: tuple[str, ...]
    pixel_spacing_mm: tuple[float, float] | None = None
    slice_distance_mm: float | None = None
    orientation: str = ""
    is_research: bool = False
    slices: tuple[SliceHeader, ...] = field(default=(), repr=False)
    grid: Grid | None = field(default=None, repr=False)
    arrangement: Arrangement | None = field(default=None, repr=False)
    kind: str = IMAGE
    images: tuple[SliceHeader, ...] = field(default=(), repr=False)

    @property
    def study_uid(self) -> str:
        """Return the Study Instance UID."""
        return self.identity.study_uid

    @property
    def description(self) -> str:
        """Return the series' description, as the header says."""
        return self.identity.series_description

    @property
    def modality(self) -> str:
        """Return the modality, as the header says."""
        return self.identity.modality

    @property
    def can_be_read(self) -> bool:
        """Return whether a volume can be made of it."""
        return self.verdict != REFUSED

    def gave(self, volume: Volume) -> bool:
        """Return whether a volume was read from this entry, not from another stack under the same UID."""
        if not self.identity.series_uid or volume.series.series_uid != self.identity.series_uid or self.grid is None:
            return False
        return Turn.of(self.grid.lps_from_index).grid(self.grid).same_as(volume.grid)

    @property
    def label(self) -> str:
        """Return a few words that name the series among others."""
        words = [
            self.description or "without description",
            f"{self.slice_count} slice{'s' if self.slice_count != 1 else ''}",
        ]
        if self.slice_distance_mm is not None:
            words.append(f"{self.slice_distance_mm:.3g} mm apart")
        return f"{', '.join(words)} ({self.uid})"

    @property
    def owner(self) -> str:
        """Return a few words that name patient and study."""
        number = f" ({self.patient.patient_id})" if self.patient.patient_id else ""
        who = f"{self.patient.name or 'patient without name'}{number}"
        day = self.identity.acquired_at[:10]
        return f"{who}, study {' '.join(w for w in (self.identity.study_description, day) if w) or self.study_uid}"


@dataclass(frozen=True, eq=False)
class SeriesListing:
    """What a folder, ZIP, medium or file holds.

    Parameters
    ----------
    path
        As given.
    skipped_files
        Number of files that are no DICOM images (texts, programs, DICOMDIR).
    broken_files
        Name and reason of each DICOM file that cannot be read.
    hint
        A sentence for when nothing was found.
    remarks
        Sentences on how the files were found: a DICOMDIR that could not be followed.
    """

    path: str
    series: tuple[SeriesInfo, ...]
    skipped_files: int = 0
    broken_files: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def readable(self) -> tuple[SeriesInfo, ...]:
        """Return the series of which a volume can be made."""
        return tuple(s for s in self.series if s.can_be_read)

    @property
    def preferred(self) -> SeriesInfo | None:
        """Return the best series for planning, as `rank` orders them."""
        return min(self.readable, key=rank_of, default=None)

    @property
    def studies(self) -> tuple[str, ...]:
        """Return one line per patient and study that has a readable series."""
        owners = {(s.patient.patient_id, s.patient.name, s.study_uid): s.owner for s in self.readable}
        return tuple(owners.values())


def rank_of(info: SeriesInfo) -> Rank:
    """Return a key that sorts the best series for planning first."""
    return rank(
        kind=info.kind,
        orientation=info.orientation,
        kernel=info.identity.kernel,
        description=info.description,
        slice_distance_mm=info.slice_distance_mm,
        slice_count=info.slice_count,
    )
