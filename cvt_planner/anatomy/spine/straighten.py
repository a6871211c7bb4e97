"""A frame along the canal from the path found: smooth, 1 mm apart, turned to the vertebrae's own front."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.base.arrays import FloatArray, Points
from cvt_planner.imaging.volume import Volume

STEP_MM = 1.0
_TANGENT_MM = 8.0  # about a third of a level: the frame follows the spine's bend, not each disc; assumed
_MOST_TURN_DEG = 12.5
_TURN_SMOOTH_MM = 20.0


def frame_along(points_lps_mm: Points, beyond_mm: float = 0.0, smooth_mm: float = _TANGENT_MM) -> CurvedFrame:
    """Return the frame of a path from feet to head, smoothed, resampled 1 mm apart.

    Parameters
    ----------
    beyond_mm
        How far it runs straight on beyond both ends: a tilted end vertebra reaches beyond its canal.
    """
    dense = _resampled(points_lps_mm, STEP_MM)
    smoothed = _smoothed(dense, smooth_mm / STEP_MM)
    origins = _resampled(smoothed, STEP_MM)
    up = _unit(_smoothed(np.gradient(origins, axis=0), _TANGENT_MM / STEP_MM))
    n = round(beyond_mm / STEP_MM)
    if n:
        steps = STEP_MM * np.arange(1, n + 1)[:, None]
        origins = np.concatenate([origins[:1] - steps[::-1] * up[:1], origins, origins[-1:] + steps * up[-1:]])
        up = np.concatenate([np.repeat(up[:1], n, axis=0), up, np.repeat(up[-1:], n, axis=0)])
    return _frame(origins, up, np.zeros(len(origins)))


def turned(frame: CurvedFrame, turn_rad: FloatArray) -> CurvedFrame:
    """Return the frame turned about the canal at each point, rad, left towards front."""
    return _frame(frame.origins_lps_mm, frame.up, turn_rad)


def symmetry_turn(frame: CurvedFrame, volume: Volume) -> FloatArray:
    """Return (n,) how far the vertebrae are turned about the canal, rad, from the mirror symmetry of the bone.

    At most 12.5 degrees to each side; smoothed along the canal.
    """
    v = np.arange(-36.0, 30.0, 2.0)
    u = np.arange(-36.0, 36.1, 2.0)
    every = slice(None, None, 3)
    part = CurvedFrame(
        frame.origins_lps_mm[every], frame.left[every], frame.front[every], frame.up[every], 3.0 * STEP_MM
    )
    turns = np.deg2rad(np.arange(-_MOST_TURN_DEG, _MOST_TURN_DEG + 0.1, 2.5))
    costs = []
    for turn in turns:
        hu = np.clip(turned(part, np.full(len(part.up), turn)).straightened(volume, v, u), -100.0, 400.0)
        costs.append(np.abs(hu - hu[:, :, ::-1]).mean(axis=(1, 2)))
    cost = ndimage.gaussian_filter1d(np.array(costs), _TURN_SMOOTH_MM / 3.0, axis=1, mode="nearest")
    cost += 0.02 * cost.mean() * (np.rad2deg(turns) / 5.0)[:, None] ** 2
    best = turns[cost.argmin(axis=0)]
    smooth = ndimage.gaussian_filter1d(best, _TURN_SMOOTH_MM / 3.0, mode="nearest")
    return np.asarray(np.interp(np.arange(len(frame.up)), 3.0 * np.arange(len(smooth)), smooth))


def _frame(origins: Points, up: Points, turn_rad: FloatArray) -> CurvedFrame:
    back = np.array([0.0, 1.0, 0.0])
    back = _unit(back - (up @ back)[:, None] * up)
    left = np.cross(back, up)
    cos, sin = np.cos(turn_rad)[:, None], np.sin(turn_rad)[:, None]
    return CurvedFrame(origins, cos * left - sin * back, -(cos * back + sin * left), up, STEP_MM)


def _unit(vectors: Points) -> Points:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _smoothed(points: Points, sigma: float) -> Points:
    """Return the points smoothed; mirrored through the ends, so that a straight line stays one up to its end."""
    n = min(int(4 * sigma) + 1, len(points) - 1)
    low = 2.0 * points[:1] - points[n:0:-1]
    high = 2.0 * points[-1:] - points[-2 : -n - 2 : -1]
    padded = np.concatenate([low, points, high])
    return np.asarray(ndimage.gaussian_filter1d(padded, sigma, axis=0, mode="nearest")[n : n + len(points)])


def _resampled(points: Points, step: float) -> Points:
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.arange(0.0, along[-1] + 1e-9, step)
    return np.stack([np.interp(at, along, points[:, axis]) for axis in range(3)], axis=1)
