"""How far the walls of a bony tube run straight past its isthmus, each wall by itself."""

from __future__ import annotations

import numpy as np

from cvt_planner.base.arrays import FloatArray, MaskArray

_OFF_MM = 0.4  # from the line of a wall; a flare beyond is another part of the bone; assumed
_LEAST_STEPS = 3  # between the two places that a line is laid through: nearer ones tell no direction
_STEEPEST = 0.3  # 17 degrees against the axis; assumed


def straight_walls(outline_mm: FloatArray, along_mm: FloatArray, middle: int, reach: int) -> MaskArray:
    """Return (n, rays) which edges of a tube's sections lie where their wall runs straight past the isthmus.

    Parameters
    ----------
    outline_mm
        (n, rays, 2) edges of sections, from the axis to the side and up, NaN where there is none.
    along_mm
        (n,) where along the axis they are cut, at even steps.
    middle, reach
        The section at the isthmus, and how many before and behind it are looked at.

    Notes
    -----
    Of all lines along one ray's edges, that which most edges without a break from the isthmus on lie on. A pedicle's
    walls do not end together: lamina, body and rib join it each on its own side and at its own height, and the wall
    over against them still tells the direction. An edge counts only with both its neighbours about the tube.
    """
    low, high = max(middle - reach, 0), min(middle + reach + 1, len(along_mm))
    along = along_mm[low:high]
    radius = np.hypot(outline_mm[low:high, :, 0], outline_mm[low:high, :, 1])
    at = middle - low
    pairs = [
        (a, b) for a in range(len(along)) for b in range(a + _LEAST_STEPS, len(along)) if a <= at + 1 and b >= at - 1
    ]
    straight = np.zeros(outline_mm.shape[:2], dtype=bool)
    if not pairs:
        return straight
    first, second = np.array(pairs).T
    slope = (radius[second] - radius[first]) / (along[second] - along[first])[:, None]
    line = radius[first][:, None] + slope[:, None] * (along - along[first][:, None])[..., None]
    on = (np.abs(radius - line) < _OFF_MM) & (np.abs(slope) < _STEEPEST)[:, None]
    behind = np.logical_and.accumulate(on[:, at::-1], axis=1)
    before = np.logical_and.accumulate(on[:, at:], axis=1)
    runs = np.concatenate([behind[:, :0:-1], before], axis=1)
    best = np.take_along_axis(runs, runs.sum(axis=1).argmax(axis=0)[None, None], axis=0)[0]
    straight[low:high] = best & np.roll(best, 1, axis=1) & np.roll(best, -1, axis=1)
    return straight
