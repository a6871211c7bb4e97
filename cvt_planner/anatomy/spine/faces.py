"""Voxels of a box one by one: which of their rows are looked at, and the six neighbours of each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.compiled import kernel

Rows = NDArray[np.int32]
"""(nk, nj, 2) of every row of a box the first voxel that is looked at, and the first that no longer is."""

Shape = tuple[int, int, int]


def whole_rows(shape_kji: Shape) -> Rows:
    """Return the rows of a box that is looked at as a whole."""
    rows = np.zeros((*shape_kji[:2], 2), dtype=np.int32)
    rows[..., 1] = shape_kji[2]
    return rows


@kernel
def place_of(n: int, shape: Shape) -> Shape:
    """Return slice, row and column of the n-th voxel of a box."""
    rest = n % (shape[1] * shape[2])
    return n // (shape[1] * shape[2]), rest // shape[2], rest % shape[2]


@kernel
def jump_across(side: int, place: Shape, shape: Shape) -> int:
    """Return how many voxels on the neighbour beyond one of the six sides lies; 0 where the box ends there.

    Sides 0 and 1 lie in the slices before and after, 2 and 3 in the rows, 4 and 5 in the columns.
    """
    if side < 2:
        at, size, jump = place[0], shape[0], shape[1] * shape[2]
    elif side < 4:
        at, size, jump = place[1], shape[1], shape[2]
    else:
        at, size, jump = place[2], shape[2], 1
    if side % 2 == 0:
        return -jump if at > 0 else 0
    return jump if at < size - 1 else 0
