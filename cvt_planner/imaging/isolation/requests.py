"""What is asked of the reading process, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cvt_planner.base.errors import PlannerError
from cvt_planner.imaging.find import Place
from cvt_planner.imaging.series import SeriesInfo, SeriesListing


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
class Middle(Request):
    """The middle slice of a series of a listing."""

    info: SeriesInfo | None = None


@dataclass(frozen=True)
class VolumeParts:
    """A volume without its voxels, which follow through shared memory."""

    parts: dict[str, Any]


@dataclass(frozen=True)
class Slice:
    """One slice's HU, (rows, columns) int16, as bytes."""

    shape: tuple[int, int]
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Defect:
    """A fault of the program itself."""

    text: str


Answer: TypeAlias = SeriesListing | VolumeParts | Slice | PlannerError | Defect
