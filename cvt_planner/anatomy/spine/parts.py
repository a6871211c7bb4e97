"""What each voxel of a vertebra is: body, one of the pedicles, or what lies behind them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.model import Part, Pedicle
from cvt_planner.base.arrays import LabelArray, Points
from cvt_planner.geometry.frames import Grid

_BEHIND_ISTHMUS_MM, _BEFORE_ISTHMUS_MM = 5.0, 14.0  # where pedicle goes over into pillar and body; assumed
_FLARE = 1.4  # a pedicle is so much wider and higher at its ends than at its isthmus, at most; assumed
_PART = {"left": Part.LEFT_PEDICLE, "right": Part.RIGHT_PEDICLE}


def label_arches(
    parts: LabelArray, box: Grid, frame: CurvedFrame, vertebrae: LabelArray, pedicles: tuple[tuple[Pedicle, ...], ...]
) -> None:
    """Write pedicles and posterior elements into `parts`, where vertebrae have no part yet.

    A pedicle is the bone about its axis from 5 mm behind the isthmus to the body: the voxels' border to the pillar is
    a convention, not an edge in the CT.
    """
    places: list[tuple[slice, ...] | None] = list(ndimage.find_objects(vertebrae))
    for number, where in enumerate(places, start=1):
        if where is None:
            continue
        index = np.argwhere((vertebrae[where] == number) & (parts[where] == 0)) + [w.start for w in where]
        points = box.lps_of(index.astype(np.float64))
        found = np.full(len(index), Part.POSTERIOR, dtype=np.uint8)
        for pedicle in pedicles[number - 1] if number <= len(pedicles) else ():
            found[_near_axis(frame, pedicle, points)] = _PART[pedicle.side]
        parts[tuple(index.T)] = found


def _near_axis(frame: CurvedFrame, pedicle: Pedicle, points: Points) -> NDArray[np.bool_]:
    """Return which points lie in the tube about a pedicle's axis."""
    isthmus, forward = np.array(pedicle.isthmus_lps_mm), np.array(pedicle.forward)
    side = np.cross(forward, frame.up[frame.nearest(isthmus)])
    side /= np.linalg.norm(side)
    off = points - isthmus
    along, aside, over = off @ forward, off @ side, off @ np.cross(side, forward)
    within = (2.0 * aside / pedicle.width_mm) ** 2 + (2.0 * over / pedicle.height_mm) ** 2 < _FLARE**2
    return np.asarray(within & (along > -_BEHIND_ISTHMUS_MM) & (along < _BEFORE_ISTHMUS_MM))
