"""A first look at a series: one slice, long before the volume is read."""

from __future__ import annotations

from cvt_planner.base.arrays import HuArray
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pixels import hu_slice
from cvt_planner.imaging.series import SeriesInfo
from cvt_planner.imaging.sources import Opener


def middle_slice(info: SeriesInfo, progress: Progress | None = None, opener: Opener | None = None) -> HuArray:
    """Return the slice in the middle of a series, (rows, columns) int16 HU as stored, without turning it.

    Raises
    ------
    InputRefused
        If the series has no readable slices, or the middle one cannot be decoded.
    """
    if progress is not None:
        progress.check()
    if not info.slices:
        raise InputRefused(f"The series {info.label} of {info.source} has no slice to show.")
    with opener or Opener() as opened:
        return hu_slice(opened, info.slices[len(info.slices) // 2])
