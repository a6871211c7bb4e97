"""The voxels of a volume from the pictures of its slices, as their arrangement says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cvt_planner.base.arrays import HuArray, vec3
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.arrangement import Arrangement
from cvt_planner.imaging.canonical import Turn
from cvt_planner.imaging.fill import each_slice
from cvt_planner.imaging.pixels import AIR_HU
from cvt_planner.imaging.volume import Gap

GetSlice = Callable[[int], HuArray]


def fill(by_slice: HuArray, arrangement: Arrangement, get: GetSlice, progress: Progress) -> None:
    """Write the volume's slices into `by_slice`, a (slice, row, column) array, axes as stored.

    Parameters
    ----------
    get
        Returns one file's (rows, columns) HU by its number in the stack; called from several threads.
    """

    def make(n: int) -> None:
        pick = arrangement.picks[n]
        if pick.missing:
            by_slice[n] = AIR_HU
        elif pick.weight == 0.0:
            by_slice[n] = _moved(get(pick.below), arrangement, pick.below)
        else:
            one, other = (_moved(get(m), arrangement, m).astype(np.float32) for m in (pick.below, pick.above))
            by_slice[n] = np.rint(one + np.float32(pick.weight) * (other - one)).astype(np.int16)

    each_slice(len(arrangement.picks), make, progress)


def _moved(hu: HuArray, arrangement: Arrangement, n: int) -> HuArray:
    """Return a picture at its place in the box, by linear interpolation; air where the box goes beyond it."""
    if not arrangement.is_sheared:
        return hu
    _, rows, columns = arrangement.grid.shape_kji
    whole = np.floor(arrangement.shifts_px[n]).astype(int)
    part = arrangement.shifts_px[n] - whole
    moved = np.zeros((rows, columns), dtype=np.float32)
    for down, right in ((0, 0), (1, 0), (0, 1), (1, 1)):
        weight = (part[0] if down else 1.0 - part[0]) * (part[1] if right else 1.0 - part[1])
        if weight > 0.0:
            moved += np.float32(weight) * _placed(hu, (rows, columns), (int(whole[0]) + down, int(whole[1]) + right))
    return np.rint(moved).astype(np.int16)


def _placed(hu: HuArray, shape: tuple[int, int], at: tuple[int, int]) -> HuArray:
    box = np.full(shape, AIR_HU, dtype=np.int16)
    box[at[0] : at[0] + hu.shape[0], at[1] : at[1] + hu.shape[1]] = hu
    return box


def gaps_of(arrangement: Arrangement, turn: Turn, grid: Grid) -> tuple[Gap, ...]:
    """Return the missing slices as planes of the canonical volume, in rising order."""
    axis = turn.order.index(0)
    count = arrangement.grid.shape_kji[0]
    step = grid.lps_from_index[:3, axis]
    normal = step / np.linalg.norm(step)
    found = []
    for stored_first, stored_last in arrangement.gaps:
        flipped = turn.flipped[axis]
        first = count - 1 - stored_last if flipped else stored_first
        last = count - 1 - stored_first if flipped else stored_last
        ends = np.zeros((2, 3))
        ends[:, axis] = (first - 1, last + 1)
        low, high = (float(v) for v in grid.lps_of(ends) @ normal)
        found.append(Gap(axis, first, last, vec3(normal), low, high))
    return tuple(sorted(found, key=lambda gap: gap.first))
