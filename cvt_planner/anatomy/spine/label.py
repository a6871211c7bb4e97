"""From the frame's coordinates to voxels: which is canal, body of which vertebra, disc."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.anatomy.spine.model import Part
from cvt_planner.base.compiled import kernels_alone, parallel_kernel, prange

_CANAL, _BODY, _DISC = int(Part.CANAL), int(Part.BODY), int(Part.DISC)


@parallel_kernel
def _label(
    coordinates: Any, canal: Any, canal_from: float, canal_to: float, body: Any, axis: Any, front: Any, planes: Any,
    upper: Any, lower: Any, plate_v: float, plate_u: float, first: int, span: Any, parts: Any, level: Any,
) -> None:  # fmt: skip
    nk, nj, ni = parts.shape
    n_sections, rays = canal.shape
    n_discs = planes.shape[0]
    turn = rays / (2.0 * np.pi)
    for k in prange(nk):
        for j in range(nj):
            for i in range(ni):
                s = coordinates[0, k, j, i]
                if np.isnan(s):
                    continue
                v, u = coordinates[1, k, j, i], coordinates[2, k, j, i]
                n = int(min(max(s + 0.5, 0.0), n_sections - 1.0))
                # How many discs lie below: the level this place belongs to.
                below = 0
                for d in range(n_discs):
                    if s > planes[d, 0] + planes[d, 2] * (v - planes[d, 1]) + planes[d, 3] * u:
                        below = d + 1
                level[k, j, i] = below
                if canal_from <= s <= canal_to and abs(v) < 20.0 and abs(u) < 20.0:
                    at = (np.arctan2(u, v) * turn + rays) % rays
                    a0 = int(at)
                    f = at - a0
                    if np.hypot(v, u) <= (1.0 - f) * canal[n, a0 % rays] + f * canal[n, (a0 + 1) % rays]:
                        parts[k, j, i] = _CANAL
                        continue
                w = v - axis[n]
                if v < front[n] - 1.0 or s < span[0] or s > span[1]:
                    continue
                at = (np.arctan2(u, w) * turn + rays) % rays
                a0 = int(at)
                f = at - a0
                if np.hypot(w, u) > (1.0 - f) * body[n, a0 % rays] + f * body[n, (a0 + 1) % rays]:
                    continue
                part = _BODY
                for d in range(max(below - 1, 0), min(below + 1, n_discs)):
                    off = s - planes[d, 0] - planes[d, 2] * (v - planes[d, 1]) - planes[d, 3] * u
                    m = int(min(max(planes[d, 0], 0.0), n_sections - 1.0))
                    a = int(min(max(v - front[m] - plate_v + 0.5, 0.0), upper.shape[1] - 1.0))
                    b = int(min(max(u - plate_u + 0.5, 0.0), upper.shape[2] - 1.0))
                    if lower[d, a, b] < off < upper[d, a, b]:
                        part = _DISC
                if below < first and not (part == _DISC and below == first - 1):
                    continue
                parts[k, j, i] = part


def label_voxels(
    coordinates: Any, canal: Any, canal_span: tuple[float, float], body: Any, axis: Any, front: Any, planes: Any,
    upper: Any, lower: Any, plate_corner: tuple[float, float], first: int, span: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """Return (k, j, i) parts and the number of discs below each voxel (255 outside the frame)."""
    shape = coordinates.shape[1:]
    parts = np.zeros(shape, dtype=np.uint8)
    level = np.full(shape, 255, dtype=np.uint8)
    with kernels_alone():
        _label(
            coordinates, canal, *canal_span, body, axis, front, planes, upper, lower, *plate_corner, first, span, parts,
            level,
        )  # fmt: skip
    return parts, level
