"""From the frame's coordinates to voxels: which is canal, body of which vertebra, disc."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.anatomy.spine.model import Part
from cvt_planner.base.compiled import kernel, kernels_alone, parallel_kernel, prange

_CANAL, _BODY, _DISC = int(Part.CANAL), int(Part.BODY), int(Part.DISC)


@kernel
def _within(radii: Any, v: float, u: float) -> bool:
    """Return whether a place lies within a closed outline of radii; ray 0 runs to the front, then to the left."""
    rays = radii.shape[0]
    at = (np.arctan2(u, v) * rays / (2.0 * np.pi) + rays) % rays
    a0 = int(at)
    f = at - a0
    return bool(v * v + u * u <= ((1.0 - f) * radii[a0 % rays] + f * radii[(a0 + 1) % rays]) ** 2)


@kernel
def _off(plane: Any, s: float, v: float, u: float) -> float:
    """Return how far above a disc's plane a place lies, mm."""
    return float(s - plane[0] - plane[2] * (v - plane[1]) - plane[3] * u)


@kernel
def _level(planes: Any, s: float, v: float, u: float) -> int:
    """Return how many discs lie below a place: the level it belongs to."""
    below = 0
    for d in range(planes.shape[0]):
        if _off(planes[d], s, v, u) > 0.0:
            below = d + 1
    return below


@kernel
def _in_disc(
    planes: Any, upper: Any, lower: Any, front: Any, plate_v: float, plate_u: float, d: int, s: float, v: float,
    u: float,
) -> bool:  # fmt: skip
    """Return whether a place lies between the two faces of a disc."""
    if d < 0 or d >= planes.shape[0]:
        return False
    off = _off(planes[d], s, v, u)
    m = int(min(max(planes[d, 0], 0.0), front.shape[0] - 1.0))
    a = int(min(max(v - front[m] - plate_v + 0.5, 0.0), upper.shape[1] - 1.0))
    b = int(min(max(u - plate_u + 0.5, 0.0), upper.shape[2] - 1.0))
    return bool(lower[d, a, b] < off < upper[d, a, b])


@parallel_kernel
def _label(
    coordinates: Any, canal: Any, canal_span: Any, body: Any, axis: Any, front: Any, planes: Any, upper: Any,
    lower: Any, plate_v: float, plate_u: float, first: int, span: Any, parts: Any, level: Any,
) -> None:  # fmt: skip
    nk, nj, ni = parts.shape
    for k in prange(nk):
        for j in range(nj):
            for i in range(ni):
                s, v, u = coordinates[0, k, j, i], coordinates[1, k, j, i], coordinates[2, k, j, i]
                if np.isnan(s):
                    continue
                n = int(min(max(s + 0.5, 0.0), canal.shape[0] - 1.0))
                below = _level(planes, s, v, u)
                level[k, j, i] = below
                if canal_span[0] <= s <= canal_span[1] and _within(canal[n], v, u):
                    parts[k, j, i] = _CANAL
                    continue
                if v < front[n] - 1.0 or s < span[0] or s > span[1] or not _within(body[n], v - axis[n], u):
                    continue
                under = _in_disc(planes, upper, lower, front, plate_v, plate_u, below - 1, s, v, u)
                over = _in_disc(planes, upper, lower, front, plate_v, plate_u, below, s, v, u)
                if (under and below >= first) or (over and below >= first - 1):
                    parts[k, j, i] = _DISC
                elif not under and not over and below >= first:
                    parts[k, j, i] = _BODY


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
            coordinates, canal, np.array(canal_span), body, axis, front, planes, upper, lower, *plate_corner, first,
            span, parts, level,
        )  # fmt: skip
    return parts, level
