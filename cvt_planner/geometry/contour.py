"""Lines of equal value on a picture (marching squares), joined into polylines so that dashes run along them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import FloatArray
from cvt_planner.base.compiled import kernel

# Corners below the level: 1 upper left, 2 upper right, 4 lower right, 8 lower left. Cell edges: 0 top, 1 right,
# 2 bottom, 3 left. Each case names the two edges that the line joins; cases 5 and 10 are settled by the cell's mean.
_A = np.array([0, 3, 0, 3, 1, 3, 0, 3, 2, 0, 0, 1, 1, 0, 0, 0], dtype=np.int64)
_B = np.array([0, 0, 1, 1, 2, 0, 2, 2, 3, 2, 1, 2, 3, 1, 3, 0], dtype=np.int64)


@kernel
def _edge_id(edge: int, row: int, column: int, width: int, half: int) -> int:
    """Return the number of a cell's edge: horizontal ones by their left end, vertical ones (`half` up) by their top."""
    if edge == 0:
        return row * width + column
    if edge == 1:
        return half + row * width + column + 1
    if edge == 2:
        return (row + 1) * width + column
    return half + row * width + column


@kernel
def _join(links: Any, p: int, q: int) -> None:
    links[p, 1 if links[p, 0] >= 0 else 0] = q
    links[q, 1 if links[q, 0] >= 0 else 0] = p


@kernel
def _case(values: Any, row: int, column: int, level: float) -> int:
    case = 0
    if values[row, column] < level:
        case += 1
    if values[row, column + 1] < level:
        case += 2
    if values[row + 1, column + 1] < level:
        case += 4
    if values[row + 1, column] < level:
        case += 8
    return case


@kernel
def _link_all(values: Any, level: float, first: Any, second: Any, links: Any) -> None:
    height, width = values.shape
    half = height * width
    for r in range(height - 1):
        for c in range(width - 1):
            case = _case(values, r, c, level)
            if case == 0 or case == 15:
                continue
            a, b = first[case], second[case]
            if case == 5 or case == 10:
                mean = 0.25 * (values[r, c] + values[r, c + 1] + values[r + 1, c] + values[r + 1, c + 1])
                apart = (mean < level) == (case == 10)  # the upper left and lower right corners stand alone
                a, b = (3, 0) if apart else (0, 1)
                d, e = (1, 2) if apart else (2, 3)
                _join(links, _edge_id(d, r, c, width, half), _edge_id(e, r, c, width, half))
            _join(links, _edge_id(a, r, c, width, half), _edge_id(b, r, c, width, half))


@kernel
def _point(values: Any, level: float, edge: int, out: Any) -> None:
    """Write (column, row) where the value crosses the level on an edge."""
    height, width = values.shape
    half = height * width
    upright = edge >= half
    at = edge - half if upright else edge
    r, c = at // width, at % width
    a = values[r, c]
    b = values[r + 1, c] if upright else values[r, c + 1]
    t = (level - a) / (b - a)
    out[0] = c + (0.0 if upright else t)
    out[1] = r + (t if upright else 0.0)


@kernel
def _walk(values: Any, level: float, links: Any, start: int, points: Any, count: int) -> int:
    """Append the line that starts at an edge, using up its links; return the new count."""
    at = start
    while True:
        _point(values, level, at, points[count])
        count += 1
        following = links[at, 0] if links[at, 0] >= 0 else links[at, 1]
        if following < 0:
            return count
        links[at, 0 if links[at, 0] == following else 1] = -1
        links[following, 0 if links[following, 0] == at else 1] = -1
        at = following


@kernel
def _lines(values: Any, level: float, links: Any, points: Any, starts: Any) -> tuple[int, int]:
    """Write all lines, open ones first (they must start at an end); return how many points and lines."""
    count, lines = 0, 0
    for wanted_open in range(2):
        for edge in range(links.shape[0]):
            degree = int(links[edge, 0] >= 0) + int(links[edge, 1] >= 0)
            if degree == (1 if wanted_open == 0 else 2):
                starts[lines] = count
                lines += 1
                count = _walk(values, level, links, edge, points, count)
    starts[lines] = count
    return count, lines


def contours(values: NDArray[Any], level: float) -> list[FloatArray]:
    """Return the lines where a picture crosses a level, each (n, 2) as (column, row), zero-based, of pixel centres.

    A closed line ends with its first point; a line that leaves the picture is open. Crossings are linear along the
    pixel grid, so a line is off by a fraction of a pixel where the picture is curved. Values equal to the level count
    as above it; the picture must hold no NaN.
    """
    height, width = values.shape
    if height < 2 or width < 2:
        return []
    low, high = float(values.min()), float(values.max())
    if not low < level <= high:
        return []
    data = np.ascontiguousarray(values, dtype=np.float64)
    links = np.full((2 * height * width, 2), -1, dtype=np.int64)
    _link_all(data, float(level), _A, _B, links)
    used = int((links >= 0).sum())
    points = np.empty((used + 2, 2))
    starts = np.empty(used + 2, dtype=np.int64)
    _, lines = _lines(data, float(level), links, points, starts)
    return [points[starts[n] : starts[n + 1]].copy() for n in range(lines)]
