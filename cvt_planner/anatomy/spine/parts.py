"""What each voxel of a vertebra is: body, one of the pedicles, or what lies behind them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.model import Part, Pedicle
from cvt_planner.base.arrays import LabelArray, Points
from cvt_planner.base.compiled import kernels_alone, parallel_kernel, prange
from cvt_planner.geometry.frames import Grid

_BEHIND_ISTHMUS_MM, _BEFORE_ISTHMUS_MM = 5.0, 14.0  # where pedicle goes over into pillar and body; assumed
_FLARE = 1.4  # a pedicle is so much wider and higher at its ends than at its isthmus, at most; assumed
_PART = {"left": Part.LEFT_PEDICLE, "right": Part.RIGHT_PEDICLE}


@parallel_kernel
def _fill_posterior(vertebrae: Any, posterior: int, parts: Any) -> None:
    for k in prange(parts.shape[0]):
        flat, owner = parts[k].ravel(), vertebrae[k].ravel()
        for n in range(flat.shape[0]):
            if owner[n] != 0 and flat[n] == 0:
                flat[n] = posterior


def label_arches(
    parts: LabelArray, box: Grid, frame: CurvedFrame, vertebrae: LabelArray, pedicles: tuple[tuple[Pedicle, ...], ...]
) -> None:
    """Write pedicles and posterior elements into `parts`, where vertebrae have no part yet.

    A pedicle is the bone about its axis from 5 mm behind the isthmus to the body: the voxels' border to the pillar is
    a convention, not an edge in the CT.
    """
    with kernels_alone():
        _fill_posterior(vertebrae, int(Part.POSTERIOR), parts)
    for number, both in enumerate(pedicles, start=1):
        for pedicle in both:
            where = _about(box, frame, pedicle)
            bony = (parts[where] >= Part.LEFT_PEDICLE) & (parts[where] <= Part.POSTERIOR)
            index = np.argwhere(bony & (vertebrae[where] == number)) + [w.start for w in where]
            near = _near_axis(frame, pedicle, box.lps_of(index.astype(np.float64)))
            parts[tuple(index[near].T)] = _PART[pedicle.side]


def _about(box: Grid, frame: CurvedFrame, pedicle: Pedicle) -> tuple[slice, ...]:
    """Return the part of a box that holds the tube about a pedicle's axis."""
    side, over = _across(frame, pedicle)
    forward = np.array(pedicle.forward)
    half = 0.5 * _FLARE * np.array([pedicle.width_mm, pedicle.height_mm])
    ends = [
        along * forward + a * half[0] * side + b * half[1] * over
        for along in (-_BEHIND_ISTHMUS_MM, _BEFORE_ISTHMUS_MM)
        for a in (-1.0, 1.0)
        for b in (-1.0, 1.0)
    ]
    index = box.index_of(np.array(pedicle.isthmus_lps_mm) + np.array(ends))
    low, high = np.maximum(np.floor(index.min(axis=0)), 0.0), np.maximum(np.ceil(index.max(axis=0)), 0.0)
    return tuple(slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))


def _across(frame: CurvedFrame, pedicle: Pedicle) -> tuple[Points, Points]:
    """Return the unit vectors to the side and up, across a pedicle's axis."""
    forward = np.array(pedicle.forward)
    side = np.cross(forward, frame.up[frame.nearest(np.array(pedicle.isthmus_lps_mm))])
    side /= np.linalg.norm(side)
    return side, np.cross(side, forward)


def _near_axis(frame: CurvedFrame, pedicle: Pedicle, points: Points) -> NDArray[np.bool_]:
    """Return which points lie in the tube about a pedicle's axis."""
    side, up = _across(frame, pedicle)
    off = points - np.array(pedicle.isthmus_lps_mm)
    along, aside, over = off @ np.array(pedicle.forward), off @ side, off @ up
    within = (2.0 * aside / pedicle.width_mm) ** 2 + (2.0 * over / pedicle.height_mm) ** 2 < _FLARE**2
    return np.asarray(within & (along > -_BEHIND_ISTHMUS_MM) & (along < _BEFORE_ISTHMUS_MM))
