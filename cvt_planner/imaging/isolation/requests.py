"""What is asked of the reading process, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cvt_planner.base.errors import PlannerError
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


@dataclass(frozen=True)
class Find(Request):
    """Which series does a path hold?"""

    path: Place = ""


@dataclass(frozen=True)
class Read(Request):
    """The volume of a series."""

    source: Place | SeriesInfo = ""
    series_uid: str | None = None


@dataclass(frozen=True)
class Look(Request):
    """One image in grey; a window, centre and width in HU, or None for the image's own range."""

    header: SliceHeader | None = None
    longest_px: int = 0
    window_hu: tuple[float, float] | None = None


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


Answer: TypeAlias = SeriesListing | VolumeParts | Picture | Segmentation | PlannerError | Defect
