"""Sections of needles, ellipsoids and grown regions with any plane, against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.render.plane import ViewPlane
from app.render.sections import ellipsoid_section, shape_section, tube_section
from cvt_planner.anatomy.lesion_shape import Ellipsoid, Region
from cvt_planner.geometry.frames import Grid


def _plane(azimuth: float, tilt: float, offset: float = 0.0) -> ViewPlane:
    right = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
    level = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
    down = math.cos(tilt) * level + math.sin(tilt) * np.array([0.0, 0.0, -1.0])
    return ViewPlane(offset * np.cross(right, down), right, down, 0.2, 400, 400)


def _area_px(line: np.ndarray) -> float:
    x, y = line[:, 0], line[:, 1]
    return 0.5 * abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))


angle = st.floats(-3.0, 3.0)


@settings(max_examples=40, deadline=None)
@given(angle, angle, st.floats(-6.0, 6.0), angle, angle)
def test_a_tubes_section_has_the_area_of_the_points_inside(
    azimuth: float, tilt: float, offset: float, turn: float, lean: float
) -> None:
    plane = _plane(azimuth, tilt, offset)
    axis = np.array([math.cos(turn) * math.cos(lean), math.sin(turn) * math.cos(lean), math.sin(lean)])
    start, length, radius = -7.0 * axis + np.array([1.0, 0.5, -0.3]), 15.0, 2.5
    section = tube_section(start, start + length * axis, radius, plane)
    rows, columns = np.mgrid[:400, :400]
    lps = plane.centre_lps_mm + 0.2 * (
        (columns[..., None] - 199.5) * plane.right + (rows[..., None] - 199.5) * plane.down
    )
    along = (lps - start) @ axis
    away = np.linalg.norm(lps - start - along[..., None] * axis, axis=-1)
    inside = int(((along >= 0) & (along <= length) & (away <= radius)).sum())
    assert (_area_px(section) if section is not None else 0.0) == pytest.approx(inside, abs=40 + 0.03 * inside)


@settings(max_examples=30, deadline=None)
@given(angle, angle, st.floats(-12.0, 12.0))
def test_the_ellipsoids_outline_lies_on_its_surface(azimuth: float, tilt: float, offset: float) -> None:
    plane, shape = _plane(azimuth, tilt, offset), Ellipsoid((1.0, -2.0, 0.5), (9.0, 6.0, 12.0))
    lines = ellipsoid_section(shape, plane)
    for line in lines:
        lps = plane.centre_lps_mm + 0.2 * ((line[:, :1] - 200.0) * plane.right + (line[:, 1:] - 200.0) * plane.down)
        scaled = (lps - np.array(shape.centre_lps_mm)) / np.array(shape.semi_axes_mm)
        assert np.allclose(np.linalg.norm(scaled, axis=1), 1.0, atol=1e-6)
    towards = np.array(shape.semi_axes_mm) * plane.normal
    reach = float(np.linalg.norm(towards))
    away = abs(plane.distance_mm(np.array(shape.centre_lps_mm)))
    assert bool(lines) == (away < reach) or away == pytest.approx(reach)


def test_a_grown_region_is_outlined_like_the_ball_it_fills() -> None:
    n = 31
    affine = np.eye(4)[[2, 1, 0, 3]].astype(float)
    affine[:3, 3] = -15.0
    grid = Grid((n, n, n), affine)
    index = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1)
    mask = np.linalg.norm(grid.lps_of(index), axis=-1) <= 10.0
    region = Region.of_mask(mask, grid)
    plane = _plane(0.4, 0.7)
    (line,) = shape_section(region, plane)
    radius_mm = np.hypot(line[:, 0] - 200.0, line[:, 1] - 200.0) * plane.mm_per_px
    assert radius_mm.mean() == pytest.approx(10.0, abs=0.3)
    assert np.abs(radius_mm - 10.0).max() < 1.0
    assert shape_section(region, _plane(0.4, 0.7, offset=30.0)) == []
