"""What is asked of the reading process, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from cvt_planner.base.errors import PlannerError
from cvt_planner.imaging.deidentify import DeidOptions, DeidReport
from cvt_planner.imaging.find import Place
from cvt_planner.imaging.headers import SliceHeader
from cvt_planner.imaging.segmentation import Segmentation, Target
from cvt_planner.imaging.series import SeriesInfo, SeriesListing
from cvt_planner.imaging.thumbnails import Picture


@dataclass(frozen=True)
class Request:
    """What every request says; a password is never shown."""

    password: str = field(default="", repr=False)
    left_out: Mapping[str, str] = field(default_factory=dict)
    asked_again: ClassVar[bool] = True  # without the file at which the reading process died


@dataclass(frozen=True)
class Find(Request):
    """Which series does a path hold?"""

    path: Place = ""


@dataclass(frozen=True)
class Read(Request):
    """The volume of a series; `nth` of the listing found last, which is then not sent back."""

    source: Place | SeriesInfo = ""
    series_uid: str | None = None
    nth: int = -1

    def of(self, last: SeriesListing | None) -> Read:
        """Return the request as it is sent to the process whose last listing this is."""
        for n, info in enumerate(last.series if last is not None else ()):
            if info is self.source:
                return replace(self, source="", nth=n)
        return self


@dataclass(frozen=True)
class Look(Request):
    """One image in grey; a window, centre and width in HU, or None for the image's own range."""

    header: SliceHeader | None = None
    longest_px: int = 0
    window_hu: tuple[float, float] | None = None


@dataclass(frozen=True)
class Copy(Request):
    """De-identified copies of a path's CT series, written into a folder; without leaving out a file that stops it."""

    path: str | Path = ""
    folder: Path = field(default_factory=Path)
    options: DeidOptions = field(default_factory=DeidOptions)
    asked_again: ClassVar[bool] = False


@dataclass(frozen=True)
class Identify(Request):
    """SOP and Series Instance UID of a file's bytes, which came from elsewhere."""

    data: bytes = field(default=b"", repr=False)
    asked_again: ClassVar[bool] = False


@dataclass(frozen=True)
class Segments(Request):
    """The structures of a segmentation file on a CT's voxels."""

    path: Place = ""
    target: Target | None = None


@dataclass(frozen=True)
class VolumeParts:
    """A volume without its voxels, which follow through shared memory."""

    parts: dict[str, Any]


@dataclass(frozen=True)
class Defect:
    """A fault of the program itself."""

    text: str


Answer: TypeAlias = (
    SeriesListing | VolumeParts | Picture | Segmentation | DeidReport | tuple[str, str] | PlannerError | Defect
)
