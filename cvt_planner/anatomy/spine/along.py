"""The frame in which a spine is looked at straight: along the canal, the patient's left always to the left."""

from __future__ import annotations

import numpy as np

from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.straighten import frame_along
from cvt_planner.base.arrays import Points
from cvt_planner.base.errors import InputRefused

_NEWTON_STEPS, _STEPS_MM, _LONGEST_STEP_MM, _CLOSE_MM = 12, 1e-4, 20.0, 1e-7
SHORTEST_MM = 20.0  # of a canal along which a picture can be made straight; assumed


def straight_frame(canal_lps_mm: Points) -> CurvedFrame:
    """Return the frame along a canal's middle line, (n, 3) LPS mm from feet to head.

    `left` is the patient's left at right angles to the line, not turned with the vertebrae: a rotated vertebra is seen
    rotated.

    Raises
    ------
    InputRefused
        If the line is too short to follow.
    """
    line = np.asarray(canal_lps_mm, dtype=np.float64).reshape(-1, 3)
    if np.linalg.norm(np.diff(line, axis=0), axis=1).sum() < SHORTEST_MM:
        raise InputRefused("Too little of the spinal canal is known to show the spine straight along it.")
    return frame_along(line)


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
