"""How fronts and ice are measured in a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from cvt_planner.base.arrays import FloatArray, Points
from cvt_planner.bioheat.isotherms import isotherm_points, sample_c, volume_ml
from cvt_planner.bioheat.solver import HeatResult
from tests.validation.scenes import LINE_OFF_MM, PLANE_MM

LINE_STEP_MM = 0.005


def isotherm(result: HeatResult, iso_c: float, shot: int = -1) -> Points:
    """Return points of an isotherm as the product finds them, LPS mm."""
    field, level = result.smooth(result.snapshots[shot].temperature_c, iso_c)
    return isotherm_points(field, result.grid, level)


def half_frozen(result: HeatResult, shot: int = -1) -> Points:
    """Return points where half the latent heat is gone, for a narrow freezing range."""
    m = result.scene.material
    warm = (result.snapshots[shot].temperature_c.astype(float) - m.t_solidus_c) / (m.t_liquidus_c - m.t_solidus_c)
    return isotherm_points(np.clip(warm, 0.0, 1.0), result.grid, 0.5)


def depth_mm(points: Points) -> FloatArray:
    """Return distances from the wall of `scenes.plane`."""
    return np.asarray(points[:, 0] + 0.5 * PLANE_MM)


def radius_mm(points: Points) -> FloatArray:
    """Return distances from the line of `scenes.line`."""
    return np.asarray(np.linalg.norm(points[:, :2] - LINE_OFF_MM, axis=1))


@dataclass(frozen=True)
class IceSize:
    """An isotherm's size along three axes, its thickness on a line (also as the product draws it), and its volume."""

    extent_mm: FloatArray
    thickness_mm: float
    drawn_thickness_mm: float
    volume_ml: float


def ice_size(result: HeatResult, iso_c: float, axes: FloatArray, centre_mm: Sequence[float], shot: int = -1) -> IceSize:
    """Return the size along the columns of `axes`; the thickness is that on the second axis through `centre_mm`."""
    field, level = result.smooth(result.snapshots[shot].temperature_c, iso_c)
    points = isotherm_points(field, result.grid, level)
    extent = np.ptp(points @ axes, axis=0) if len(points) else np.zeros(3)
    read, drawn = (chord_mm(result, iso_c, axes[:, 1], centre_mm, shot, order) for order in (3, 1))
    return IceSize(extent, read, drawn, volume_ml(field, result.grid, level))


def chord_mm(
    result: HeatResult, iso_c: float, direction: FloatArray, centre_mm: Sequence[float], shot: int = -1, order: int = 3
) -> float:
    """Return how much of a line through `centre_mm` is colder than an isotherm, mm.

    The line does not go through the voxels' middles, and between them the field is bent: read by cubic splines
    (`order` 3) the figure is the solver's own; read trilinearly (1), as the product draws, it is up to 0.2 mm off.
    """
    field, level = result.smooth(result.snapshots[shot].temperature_c, iso_c)
    reach = 0.5 * float(min(result.scene.box.size_mm)) - 1.0 - float(np.abs(centre_mm).max())
    along = np.arange(-reach, reach, LINE_STEP_MM)
    index = result.grid.index_of(np.asarray(centre_mm) + along[:, None] * direction)
    values = map_coordinates(np.asarray(field, np.float64), index.T, order=order, mode="nearest")
    return LINE_STEP_MM * float(np.count_nonzero(values < level))


def area_mm2(result: HeatResult, iso_c: float, z_mm: float = 0.0, shot: int = -1) -> float:
    """Return the cold area of the plane z = `z_mm`, mm2, sampled every 0.1 mm."""
    field, level = result.smooth(result.snapshots[shot].temperature_c, iso_c)
    low = result.scene.box.low_lps_mm
    sx, sy = (np.arange(0.5, 10.0 * result.scene.box.size_mm[n]) / 10.0 + low[n] for n in (0, 1))
    x, y = np.meshgrid(sx, sy)
    points = np.stack([x.ravel(), y.ravel(), np.full(x.size, z_mm)], axis=1)
    return 0.01 * float(np.count_nonzero(sample_c(field, result.grid, points) < level))
