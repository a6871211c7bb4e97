"""Cut a picture out of a volume whose rows are straight lines of their own, as in a view along a bent canal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Matrix4, Points
from cvt_planner.base.compiled import kernel
from cvt_planner.geometry.reslice import _linear, _span


@kernel
def row_span(first: Any, right: Any, shape: Any, width: int) -> tuple[int, int]:
    """Return the columns (start, end) of a row that lie in the volume."""
    start, end = 0, width
    for axis in range(3):
        s, e = _span(first[axis], right[axis], shape[axis], width)
        start, end = max(start, s), min(end, e)
    return start, max(end, start)


@kernel
def _fill_gray_rows(values: Any, firsts: Any, rights: Any, low: Any, scale: Any, flip: Any, out: Any) -> None:
    height, width = out.shape
    last_k, last_j, last_i = values.shape[0] - 1.0, values.shape[1] - 1.0, values.shape[2] - 1.0
    top = np.float32(255.0)
    for row in range(height):
        first, right = firsts[row], rights[row]
        start, end = row_span(first, right, values.shape, width)
        for column in range(start, end):
            k, j, i = first[0] + column * right[0], first[1] + column * right[1], first[2] + column * right[2]
            hu = _linear(values, k, j, i, last_k, last_j, last_i)
            gray = min(max((hu - low) * scale, np.float32(0.0)), top)
            out[row, column] = np.uint8((top - gray if flip else gray) + np.float32(0.5))


def rows_in_index(index_from_lps: Matrix4, firsts_lps: Points, rights_lps: Points) -> tuple[Points, Points]:
    """Return the rows' first pixels and steps, each (height, 3), in indices in array order."""
    turn = index_from_lps[:3, :3]
    firsts = np.ascontiguousarray(firsts_lps @ turn.T + index_from_lps[:3, 3])
    return firsts, np.ascontiguousarray(rights_lps @ turn.T)


def reslice_gray_rows(
    hu: NDArray[np.int16],
    index_from_lps: Matrix4,
    firsts_lps: Points,
    rights_lps: Points,
    width: int,
    centre_hu: float,
    width_hu: float,
    inverted: bool = False,
    outside_gray: int = 0,
) -> NDArray[np.uint8]:
    """Return (height, width) uint8 grey levels; each row runs along a line of its own.

    Parameters
    ----------
    firsts_lps, rights_lps
        (height, 3) LPS mm: the centre of each row's first pixel, and the step from one of its pixels to the next.

    Other arguments as `geometry.reslice.reslice_gray`.
    """
    span = max(float(width_hu), 1.0)
    out = np.full((len(firsts_lps), width), outside_gray, dtype=np.uint8)
    firsts, rights = rows_in_index(index_from_lps, firsts_lps, rights_lps)
    low, scale = np.float32(centre_hu - span / 2.0), np.float32(255.0 / span)
    _fill_gray_rows(hu, firsts, rights, low, scale, inverted, out)
    return out
