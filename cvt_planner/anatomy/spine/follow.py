"""The canal's lower end followed along its own bend: the sacral canal runs too flat for transverse slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cvt_planner.anatomy.spine.coarse import Coarse
from cvt_planner.anatomy.spine.kernels import score_places
from cvt_planner.base.arrays import FloatArray, Points

# All assumed.
_RAYS = 24
_STEP_MM = 3.0
_DROP_MM = 48.0  # of the path in transverse slices is followed anew
_LEAST_DROP_MM = 18.0
_HEADING_MM = 24.0
_PITCH = np.deg2rad(np.arange(-9.0, 9.1, 3.0))
_YAW = np.deg2rad([-4.0, 0.0, 4.0])
_KEPT = 40  # of the ways so far
_POOR, _POOR_STEPS = 0.12, 4
_MOST_STEPS = 45
_BEND_COST = 2.0
_BACKWARDS = (
    0.35  # sine of the slope of a sacral canal at the least; what runs otherwise is trusted less than the slices
)


def follow_down(points_lps_mm: Points, coarse: Coarse) -> Points:
    """Return the canal's path, (n, 3) LPS mm from feet to head, its lower end found anew in sections across it.

    The lowest 48 mm are dropped and followed from above, the best of many ways, until it no longer looks like a canal.
    A way that does not run backwards, as the sacral canal does, is no better than the path in slices, which is kept.
    """
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points_lps_mm, axis=0), axis=1))])
    drop_mm = min(_DROP_MM, along[-1] - _HEADING_MM)
    if drop_mm < _LEAST_DROP_MM:
        return points_lps_mm
    first = int(np.searchsorted(along, drop_mm))
    smooth = ndimage.gaussian_filter1d(points_lps_mm, 2.0, axis=0, mode="nearest")
    above = int(np.searchsorted(along, along[first] + _HEADING_MM))
    heading = smooth[first] - smooth[min(above, len(points_lps_mm) - 1)]
    way = _best_way(smooth[first], heading / np.linalg.norm(heading), coarse)
    if len(way) * _STEP_MM < 0.7 * drop_mm:
        return points_lps_mm
    run = way[-1] - way[0]
    if run[1] < _BACKWARDS * float(np.linalg.norm(run)):
        return points_lps_mm
    return np.concatenate([way[::-1], points_lps_mm[first:]])


def _best_way(start: Points, heading: Points, coarse: Coarse) -> Points:
    ways: Points = np.zeros((1, 0, 3))
    at, to = start[None], heading[None]
    total, poor = np.zeros(1), np.zeros(1)
    best: Points = ways[0]
    best_worth = 0.0
    for _ in range(_MOST_STEPS):
        turned, bend = _turned(to)
        at_next = np.repeat(at, len(bend), axis=0) + _STEP_MM * turned
        score = _scores(at_next, turned, coarse)
        bends = np.tile(bend, len(at))
        value = np.repeat(total, len(bend)) + score - _BEND_COST * bends**2
        poor_next = np.where(score < _POOR, np.repeat(poor, len(bend)) + 1.0, 0.0)
        going = np.flatnonzero(poor_next < _POOR_STEPS)
        if going.size == 0:
            break
        kept = _distinct(going[np.argsort(-value[going], kind="stable")], at_next)
        ways = np.concatenate([ways[kept // len(bend)], at_next[kept][:, None]], axis=1)
        at, to, total, poor = at_next[kept], turned[kept], value[kept], poor_next[kept]
        # Steps that look poor earn nothing: the way ends before them.
        worth = total - 0.15 * len(ways[0])
        n = int(worth.argmax())
        if worth[n] > best_worth and poor[n] == 0:
            best, best_worth = np.asarray(ways[n]), float(worth[n])
    return best


def _turned(to: Points) -> tuple[Points, FloatArray]:
    """Return every heading turned forward and aside by every angle, and the angles, rad."""
    aside = np.cross(np.broadcast_to([0.0, 1.0, 0.0], to.shape), -to)
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    front = np.cross(aside, to)
    pitch, yaw = (a.ravel() for a in np.meshgrid(_PITCH, _YAW, indexing="ij"))
    out = to[:, None] + np.tan(pitch)[None, :, None] * front[:, None] + np.tan(yaw)[None, :, None] * aside[:, None]
    out = out.reshape(-1, 3)
    return np.asarray(out / np.linalg.norm(out, axis=1, keepdims=True)), np.hypot(pitch, yaw)


def _scores(at: Points, to: Points, coarse: Coarse) -> FloatArray:
    left = np.cross(np.broadcast_to([0.0, 1.0, 0.0], to.shape), -to)
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    front = np.cross(left, to)
    front = np.where((front[:, 1] > 0.0)[:, None], -front, front)
    turn = 2.0 * np.pi * np.arange(_RAYS) / _RAYS
    rays = np.cos(turn)[None, :, None] * front[:, None] + np.sin(turn)[None, :, None] * left[:, None]
    turn_to_index = coarse.grid.index_from_lps[:3, :3].T
    out = np.empty(len(at))
    score_places(coarse.hu, coarse.grid.index_of(at), rays @ turn_to_index, left @ turn_to_index, out)
    return out


def _distinct(order: NDArray[np.intp], at: Points) -> NDArray[np.intp]:
    """Return the best of the ways, one for each cell of 1.5 mm."""
    cells = np.round(at[order] / 1.5).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    return order[np.sort(first)][:_KEPT]
