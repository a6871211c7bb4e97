"""The inside of the marked spinal canal as voxels of a grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cvt_planner.anatomy.canal import canal_sections_lps
from cvt_planner.base.arrays import MaskArray, Points, Vec3
from cvt_planner.geometry.frames import Grid

_STEP_MM = 1.0  # from one section to the next


def rasterise_canal(marks: Sequence[tuple[Vec3, Sequence[Vec3]]], grid: Grid) -> MaskArray:
    """Return the voxels (k, j, i) whose centres lie inside the canal as `canal_sections_lps` continues it.

    The grid's axes run along LPS. Empty without a mark.
    """
    inside = np.zeros(grid.shape_kji, np.bool_)
    if not marks:
        return inside
    sections = canal_sections_lps(marks, step_mm=_STEP_MM)
    heights = sections[:, :, 2].mean(axis=1)
    deep, high, wide = grid.shape_kji
    z = grid.lps_of(np.stack([np.arange(float(deep)), np.zeros(deep), np.zeros(deep)], axis=1))[:, 2]
    y = grid.lps_of(np.stack([np.zeros(high), np.arange(float(high)), np.zeros(high)], axis=1))[:, 1]
    x = grid.lps_of(np.stack([np.zeros(wide), np.zeros(wide), np.arange(float(wide))], axis=1))[:, 0]
    reach = 0.5 * max(_STEP_MM, float(grid.spacing_kji_mm[0])) + 1e-6
    for k in range(deep):
        nearest = int(np.abs(heights - z[k]).argmin())
        if abs(heights[nearest] - z[k]) <= reach:
            inside[k] = _within(sections[nearest], x, y)
    return inside


def _within(outline: Points, x_mm: Points, y_mm: Points) -> MaskArray:
    """Return (y, x) whether places lie inside an outline that is seen whole from its centre."""
    centre = outline[:, :2].mean(axis=0)
    off = outline[:, :2] - centre
    right, back = x_mm[None, :] - centre[0], y_mm[:, None] - centre[1]
    wall = np.interp(
        np.arctan2(back, right), np.arctan2(off[:, 1], off[:, 0]), np.hypot(off[:, 0], off[:, 1]), period=2.0 * np.pi
    )
    return np.asarray(np.hypot(right, back) <= wall)
