"""The frame in which a spine is looked at straight: along the canal, the patient's left always to the left."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.base.arrays import Points, read_only
from cvt_planner.base.errors import InputRefused

SMOOTH_MM = 8.0  # of the line, so that rows fan out evenly; as the tangent of the search for vertebrae
_NEWTON_STEPS, _STEPS_MM, _LONGEST_STEP_MM, _CLOSE_MM = 12, 1e-4, 20.0, 1e-7
SHORTEST_MM = 20.0  # of a canal along which a picture can be made straight; assumed


def frame_along(canal_lps_mm: Points, step_mm: float = 1.0) -> CurvedFrame:
    """Return the frame along a canal's middle line, (n, 3) LPS mm from feet to head.

    The line is smoothed (`SMOOTH_MM`). `left` is the patient's left at right angles to the line, not turned with the
    vertebrae: a rotated vertebra is seen rotated.

    Raises
    ------
    InputRefused
        If the line is too short to follow.
    """
    line = np.asarray(canal_lps_mm, dtype=np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))]) if len(line) else None
    if along is None or along[-1] < SHORTEST_MM:
        raise InputRefused("Too little of the spinal canal is known to show the spine straight along it.")
    even = _at_even_steps(line, step_mm)
    origins = _at_even_steps(_smoothed(even, SMOOTH_MM / step_mm), step_mm)
    up = np.gradient(origins, axis=0)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    left = np.array([1.0, 0.0, 0.0]) - up[:, :1] * up
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    front = np.cross(left, up)
    return CurvedFrame(read_only(origins), read_only(left), read_only(front), read_only(up), step_mm)


def _at_even_steps(line: Points, step_mm: float) -> Points:
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    at = np.arange(0.0, along[-1] + 1e-6, step_mm)
    return np.stack([np.interp(at, along, line[:, axis]) for axis in range(3)], axis=1)


def _smoothed(line: Points, sigma: float) -> Points:
    """Return the line smoothed; beyond its ends it is taken to run on as a mirror image through the end point."""
    reach = min(round(3 * sigma), len(line) - 1)
    before = 2.0 * line[0] - line[reach:0:-1]
    after = 2.0 * line[-1] - line[-2 : -reach - 2 : -1]
    longer = np.concatenate([before, line, after])
    return np.asarray(gaussian_filter1d(longer, sigma, axis=0, mode="nearest")[reach : reach + len(line)])


def places_along(frame: CurvedFrame, points_lps_mm: Points) -> Points:
    """Return (..., 3) s, v and u, mm, of (..., 3) LPS points: the inverse of `CurvedFrame.lps_of`, to 1e-6 mm.

    Far from the canal, where the rows of a bent frame cross, a point has several places; one of them is returned.
    """
    points = np.asarray(points_lps_mm, dtype=np.float64).reshape(-1, 3)
    away = np.linalg.norm(points[:, None] - frame.origins_lps_mm[None], axis=2)
    place = np.zeros_like(points)
    place[:, 0] = frame.step_mm * np.argmin(away, axis=1)
    for _ in range(_NEWTON_STEPS):
        base = frame.lps_of(*place.T)
        sides = [frame.lps_of(*(place + step).T) - base for step in _STEPS_MM * np.eye(3)]
        change = np.linalg.solve(np.stack(sides, axis=-1) / _STEPS_MM, (points - base)[..., None])[..., 0]
        place += np.clip(change, -_LONGEST_STEP_MM, _LONGEST_STEP_MM)
        if np.abs(change).max(initial=0.0) < _CLOSE_MM:
            break
    return place.reshape(np.shape(points_lps_mm))
