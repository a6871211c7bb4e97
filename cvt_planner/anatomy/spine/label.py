"""From coordinates along the canal to voxels: which is canal, body of which vertebra, disc."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.anatomy.spine.faces import Rows
from cvt_planner.anatomy.spine.lattice import Lattice, blend_row, in_row
from cvt_planner.anatomy.spine.model import Part
from cvt_planner.base.arrays import FloatArray, LabelArray
from cvt_planner.base.compiled import kernel, kernels_alone, parallel_kernel, prange

_NEXT_MM = 6.0  # from a place to the lattice's point before it, and by how much outlines there may be wider
_CANAL, _BODY, _DISC = int(Part.CANAL), int(Part.BODY), int(Part.DISC)


@kernel
def _near(v: float, u: float, reach: float) -> bool:
    return bool(v * v + u * u <= reach * reach)


@kernel
def _section(s: float, last: float) -> int:
    """Return the section nearest to s; the first where s is not known, beyond what the frame reaches."""
    return 0 if np.isnan(s) else int(min(max(s + 0.5, 0.0), last))


@kernel
def _within(radii: Any, nearest: Any, farthest: Any, n: int, v: float, u: float) -> bool:
    """Return whether a place lies within the closed outline of section `n`; ray 0 runs to the front, then to the left.

    `nearest` and `farthest` are the outlines' smallest and largest radii.

    Rows of tables are not handed over as arrays of their own in here: counting who holds them costs more than the rest.
    """
    if _near(v, u, nearest[n]):
        return True
    if not _near(v, u, farthest[n]):
        return False
    rays = radii.shape[1]
    at = np.arctan2(u, v) * rays / (2.0 * np.pi)
    if at < 0.0:
        at += rays
    a0 = min(int(at), rays - 1)
    a1 = a0 + 1 if a0 + 1 < rays else 0
    f = at - a0
    return bool(v * v + u * u <= ((1.0 - f) * radii[n, a0] + f * radii[n, a1]) ** 2)


@kernel
def _off(planes: Any, d: int, s: float, v: float, u: float) -> float:
    """Return how far above a disc's plane a place lies, mm."""
    return float(s - planes[d, 0] - planes[d, 2] * (v - planes[d, 1]) - planes[d, 3] * u)


@kernel
def _level(planes: Any, s: float, v: float, u: float) -> int:
    """Return how many discs lie below a place: the level it belongs to."""
    for d in range(planes.shape[0], 0, -1):
        if _off(planes, d - 1, s, v, u) > 0.0:
            return d
    return 0


@kernel
def _in_disc(
    planes: Any, upper: Any, lower: Any, front: Any, plate_v: float, plate_u: float, d: int, s: float, v: float,
    u: float,
) -> bool:  # fmt: skip
    """Return whether a place lies between the two faces of a disc."""
    if d < 0 or d >= planes.shape[0]:
        return False
    off = _off(planes, d, s, v, u)
    m = int(min(max(planes[d, 0], 0.0), front.shape[0] - 1.0))
    a = int(min(max(v - front[m] - plate_v + 0.5, 0.0), upper.shape[1] - 1.0))
    b = int(min(max(u - plate_u + 0.5, 0.0), upper.shape[2] - 1.0))
    return bool(lower[d, a, b] < off < upper[d, a, b])


@kernel
def _part(
    s: float, v: float, u: float, n: int, canal: Any, canal_span: Any, body: Any, nearest: Any, farthest: Any,
    axis: Any, front: Any, planes: Any, upper: Any, lower: Any, plate_v: float, plate_u: float, levels: Any, span: Any,
) -> tuple[int, int]:  # fmt: skip
    """Return what a place is, and how many discs lie below it, -1 where that is not asked."""
    if canal_span[0] <= s <= canal_span[1] and _within(canal, nearest[0], farthest[0], n, v, u):
        return _CANAL, -1
    if v < front[n] - 1.0 or s < span[0] or s > span[1]:
        return 0, -1
    if not _within(body, nearest[1], farthest[1], n, v - axis[n], u):
        return 0, -1
    below = _level(planes, s, v, u)
    under = _in_disc(planes, upper, lower, front, plate_v, plate_u, below - 1, s, v, u)
    over = _in_disc(planes, upper, lower, front, plate_v, plate_u, below, s, v, u)
    if (under and below >= levels[0]) or (over and below >= levels[0] - 1):
        return _DISC, below
    return (_BODY if not under and not over and levels[0] <= below <= levels[1] else 0), below


@parallel_kernel
def _label(
    svu: Any, step: Any, rows: Any, ends: Any, canal: Any, canal_span: Any, body: Any, axis: Any, front: Any,
    planes: Any, upper: Any, lower: Any, plate_v: float, plate_u: float, levels: Any, span: Any, parts: Any,
    bodies: Any,
) -> None:  # fmt: skip
    nk, nj, ni = parts.shape
    last = canal.shape[0] - 1.0
    nearest, farthest = (np.empty(len(canal)), np.empty(len(body))), (np.empty(len(canal)), np.empty(len(body)))
    for n in range(len(canal)):
        nearest[0][n], nearest[1][n] = max(canal[n].min(), 0.0), max(body[n].min(), 0.0)
        farthest[0][n], farthest[1][n] = canal[n].max(), body[n].max()
    for k in prange(nk):
        row = np.empty((svu.shape[2], 3), np.float32)
        for j in range(nj):
            a, b, known = k // step[0], j // step[1], 0
            for c in range(rows[k, j, 0] // step[2], (rows[k, j, 1] + step[2] - 1) // step[2]):
                s, v, u = svu[a, b, c, 0], svu[a, b, c, 1], svu[a, b, c, 2]
                n = _section(s, last)
                if not (_near(v, u, farthest[0][n] + _NEXT_MM) or _near(v - axis[n], u, farthest[1][n] + _NEXT_MM)):
                    continue
                blend_row(svu, step, k, j, max(c, known), c + 2, row)
                known = c + 2
                for i in range(c * step[2], min((c + 1) * step[2], ni)):
                    s, v, u = in_row(row, step[2], i)
                    within = ends[0, 0] <= s <= ends[0, 1] and ends[1, 0] <= v <= ends[1, 1]
                    if not (within and ends[2, 0] <= u <= ends[2, 1]):
                        continue
                    n = _section(s, last)
                    if not (_near(v, u, farthest[0][n]) or _near(v - axis[n], u, farthest[1][n])):
                        continue
                    part, below = _part(
                        s, v, u, n, canal, canal_span, body, nearest, farthest, axis, front, planes, upper, lower,
                        plate_v, plate_u, levels, span,
                    )  # fmt: skip
                    parts[k, j, i] = part
                    if part == _BODY:
                        bodies[k, j, i] = levels[1] + 1 - below


def label_voxels(
    lattice: Lattice, shape_kji: tuple[int, int, int], rows: Rows, ends_mm: FloatArray, canal: FloatArray,
    canal_span: tuple[float, float], body: FloatArray, axis: FloatArray, front: FloatArray, planes: FloatArray,
    upper: FloatArray, lower: FloatArray, plate_corner: tuple[float, float], levels: tuple[int, int],
    span: tuple[float, float],
) -> tuple[LabelArray, LabelArray]:  # fmt: skip
    """Return (k, j, i) parts, and the number of the vertebra whose body a voxel belongs to: 1 for the upper level."""
    parts = np.zeros(shape_kji, dtype=np.uint8)
    bodies = np.zeros(shape_kji, dtype=np.uint8)
    with kernels_alone():
        _label(
            lattice.svu_mm, lattice.step_kji, rows, ends_mm, canal, np.array(canal_span), body, axis, front, planes,
            upper, lower, *plate_corner, np.array(levels), np.array(span), parts, bodies,
        )  # fmt: skip
    return parts, bodies
