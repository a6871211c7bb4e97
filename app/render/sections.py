"""True sections of planned things with a view's plane, as lines in the view's logical pixels."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from app.render.curved_plane import CurvedPlane
from app.render.plane import ViewPlane, cross
from cvt_planner.anatomy.lesion.distance import SURFACE
from cvt_planner.anatomy.lesion_shape import Ellipsoid, LesionShape, Region
from cvt_planner.base.arrays import FloatArray, Points
from cvt_planner.geometry.contour import contours
from cvt_planner.geometry.frames import Grid
from cvt_planner.geometry.reslice import reslice_hu
from cvt_planner.geometry.sampling import sample_grid

_CIRCLE = 72  # points on an ellipse
_TUBE_STATIONS = 21  # stations along the section of a tube
_PARALLEL = 1e-6


def ellipsoid_section(shape: Ellipsoid, plane: ViewPlane) -> list[FloatArray]:
    """Return the ellipse in which a plane cuts an ellipsoid, (n, 2) pixels; nothing where it misses.

    In units of the half axes the ellipsoid is a unit sphere and the plane stays a plane, so the section is the circle
    around the plane's point nearest to the middle.
    """
    axes = np.array(shape.semi_axes_mm)
    start = (plane.centre_lps_mm - np.array(shape.centre_lps_mm)) / axes
    u = plane.right / axes
    u_length = np.linalg.norm(u)
    u = u / u_length
    v = plane.down / axes
    v = v - (v @ u) * u
    v = v / np.linalg.norm(v)
    nearest = start - (start @ u) * u - (start @ v) * v
    square = 1.0 - float(nearest @ nearest)
    if square <= 0.0:
        return []
    angle = np.linspace(0.0, 2.0 * math.pi, _CIRCLE + 1)
    ring = nearest + math.sqrt(square) * (np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v)
    return [plane.px_of(ring * axes + np.array(shape.centre_lps_mm))]


def field_contours(
    values: NDArray[np.float32] | NDArray[np.uint8],
    grid: Grid,
    plane: ViewPlane,
    levels: tuple[float, ...],
    fill: float,
) -> list[list[FloatArray]]:
    """Return for each level the lines where a field on a grid crosses it on the plane, (n, 2) pixels.

    The field is cut at 3/4 of its own spacing, so a line is as fine as the field and costs the same at every zoom.
    """
    if isinstance(plane, CurvedPlane):
        step = 0.75 * float(grid.spacing_kji_mm.min())
        return _bent_contours(lambda places: sample_grid(values, grid, places, fill), step, plane, levels)
    low, high = grid.bounds_lps_mm()
    corners = np.array([(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    margin = float(grid.spacing_kji_mm.max())
    away = (corners - plane.centre_lps_mm) @ plane.normal
    if away.min() > margin or away.max() < -margin:
        return [[] for _ in levels]
    across = (corners - plane.centre_lps_mm) @ plane.right
    along = (corners - plane.centre_lps_mm) @ plane.down
    step = 0.75 * float(grid.spacing_kji_mm.min())
    width = math.ceil((float(np.ptp(across)) + 2 * margin) / step) + 1
    height = math.ceil((float(np.ptp(along)) + 2 * margin) / step) + 1
    left, top = float(across.min()) - margin, float(along.min()) - margin
    origin = plane.centre_lps_mm + left * plane.right + top * plane.down
    cut = reslice_hu(values, grid.index_from_lps, origin, step * plane.right, step * plane.down, width, height, fill)
    offset = np.array([left, top]) / plane.mm_per_px + np.array([plane.width_px / 2.0, plane.height_px / 2.0])
    return [[line * (step / plane.mm_per_px) + offset for line in contours(cut, level)] for level in levels]


def _bent_contours(
    value_at: Callable[[Points], FloatArray], grid_step_mm: float, plane: CurvedPlane, levels: tuple[float, ...]
) -> list[list[FloatArray]]:
    """Return the same on a picture made straight: the field is asked at places all over it, `grid_step_mm` apart."""
    step_px = max(grid_step_mm / plane.mm_per_px, 1.0)
    width, height = (max(math.ceil(px / step_px), 2) for px in (plane.width_px, plane.height_px))
    firsts, rights = plane.rows(width, height)
    cut = value_at(firsts[:, None] + np.arange(width)[:, None] * rights[:, None])
    scale = np.array([plane.width_px / width, plane.height_px / height])
    return [[(line + 0.5) * scale for line in contours(cut, level)] for level in levels]


def shape_section(shape: LesionShape, plane: ViewPlane) -> list[FloatArray]:
    """Return the outline of a lesion on the plane, (n, 2) pixels a line; nothing where the plane misses it."""
    if isinstance(plane, CurvedPlane) and isinstance(shape, Ellipsoid):
        centre, axes = np.array(shape.centre_lps_mm), np.array(shape.semi_axes_mm)
        return _bent_contours(lambda at: -np.linalg.norm((at - centre) / axes, axis=-1), 1.0, plane, (-1.0,))[0]
    if isinstance(shape, Region):
        return field_contours(shape.ramp, shape.grid, plane, (SURFACE,), 0.0)[0]
    return ellipsoid_section(shape, plane)


def tube_section(start: Points, end: Points, radius_mm: float, plane: ViewPlane) -> FloatArray | None:
    """Return the polygon in which a plane cuts a straight round tube with flat ends, (n, 2) pixels; None: it misses.

    With the axis split into its part in the plane (c along e) and across it (s), a point x e + y f of the plane lies
    in the tube when y^2 + (x s - m c)^2 <= r^2 and 0 <= x c + m s <= length, where m is how far the plane lies behind
    the tube's start.
    """
    axis = np.asarray(end) - np.asarray(start)
    length = float(np.linalg.norm(axis))
    axis = axis / length
    across = float(axis @ plane.normal)
    flat = axis - across * plane.normal
    along = float(np.linalg.norm(flat))
    e = flat / along if along > _PARALLEL else plane.right
    f = cross(plane.normal, e)
    m = -plane.distance_mm(start)
    span = _tube_span(m, along, across, radius_mm, length)
    if span is None:
        return None
    x = span[0] + (span[1] - span[0]) * 0.5 * (1.0 - np.cos(np.linspace(0.0, math.pi, _TUBE_STATIONS)))
    y = np.sqrt(np.maximum(radius_mm**2 - (x * across - m * along) ** 2, 0.0))
    foot = np.asarray(start) + m * plane.normal
    upper = foot + x[:, None] * e + y[:, None] * f
    lower = foot + x[::-1, None] * e - y[::-1, None] * f
    return plane.px_of(np.concatenate([upper, lower]))


def _tube_span(m: float, along: float, across: float, radius: float, length: float) -> tuple[float, float] | None:
    """Return where along e the plane lies in the tube, mm; None where it misses."""
    low, high = -math.inf, math.inf
    if abs(across) > _PARALLEL:
        a, b = (m * along - radius) / across, (m * along + radius) / across
        low, high = min(a, b), max(a, b)
    elif abs(m) * along > radius:
        return None
    if along > _PARALLEL:
        low, high = max(low, -m * across / along), min(high, (length - m * across) / along)
    elif not 0.0 <= m * across <= length:
        return None
    return (low, high) if high > low else None


def tube_outline(start: Points, end: Points, radius_mm: float, plane: ViewPlane) -> FloatArray:
    """Return the four corners of a tube taken straight onto the plane, (4, 2) pixels."""
    a, b = plane.px_of(np.asarray(start)), plane.px_of(np.asarray(end))
    along = b - a
    length = float(np.linalg.norm(along))
    side = np.array([-along[1], along[0]]) / length if length > 1e-9 else np.array([1.0, 0.0])
    half = side * max(radius_mm / plane.mm_per_px, 0.5)
    return np.array([a + half, b + half, b - half, a - half])
