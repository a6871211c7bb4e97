"""The CT straightened along the canal, with the canal's walls in it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.wall import RAYS, CanalWall
from cvt_planner.base.arrays import Float32Array, FloatArray
from cvt_planner.imaging.volume import Volume

BACK_MM, FRONT_MM, SIDE_MM = -60.0, 58.0, 46.0


@dataclass(frozen=True, eq=False)
class Straight:
    """(s, v, u) HU every 1 mm along the canal, to the front and to the left, and the distances of the canal's walls.

    Parameters
    ----------
    front_mm, left_mm, right_mm, back_mm
        (n,) from the canal's middle line to its wall, all positive.
    """

    hu: Float32Array = field(repr=False)
    v_mm: FloatArray = field(repr=False)
    u_mm: FloatArray = field(repr=False)
    front_mm: FloatArray = field(repr=False)
    left_mm: FloatArray = field(repr=False)
    right_mm: FloatArray = field(repr=False)
    back_mm: FloatArray = field(repr=False)


def straight_of(frame: CurvedFrame, wall: CanalWall, volume: Volume) -> Straight:
    """Return the CT straightened along the canal."""
    v = np.arange(BACK_MM, FRONT_MM + 0.1, 1.0)
    u = np.arange(-SIDE_MM, SIDE_MM + 0.1, 1.0)
    radii = wall.radii_mm
    quarter = RAYS // 4
    near = np.arange(-2, 3)
    return Straight(
        frame.straightened(volume, v, u),
        v,
        u,
        wall.front_mm(),
        radii[:, quarter + near].mean(axis=1),
        radii[:, 3 * quarter + near].mean(axis=1),
        wall.back_mm(),
    )
