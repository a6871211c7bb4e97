"""Volumes, extents and distances of known shapes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cvt_planner.bioheat.isotherms import (
    covered_fraction,
    distance_to_isotherm_mm,
    distances_to_isotherm_mm,
    extent_mm,
    sample_c,
    volume_ml,
)
from cvt_planner.geometry.frames import Grid

CENTRE = np.array([3.3, -2.1, 5.7])


def grid(turn_degrees: float = 0.0, spacing_kji: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Grid:
    """Return a grid whose rows are turned about z, with (k, j, i) = (z, y, x) when not turned."""
    c, s = math.cos(math.radians(turn_degrees)), math.sin(math.radians(turn_degrees))
    shape = tuple(int(46 / d) for d in spacing_kji)
    affine = np.eye(4)
    axes = np.array([[0.0, -s, c], [0.0, c, s], [1.0, 0.0, 0.0]]) * np.array(spacing_kji)
    affine[:3, :3] = axes
    affine[:3, 3] = CENTRE - axes @ ((np.array(shape) - 1) / 2.0) + (0.2, 0.3, -0.1)
    return Grid((shape[0], shape[1], shape[2]), affine)


def ball(g: Grid, semi_axes_mm: tuple[float, float, float]) -> np.ndarray:
    """Return a field whose -1 surface is an ellipsoid at CENTRE with axes along LPS."""
    index = np.stack(np.meshgrid(*[np.arange(float(n)) for n in g.shape_kji], indexing="ij"), axis=-1)
    r = np.linalg.norm((g.lps_of(index) - CENTRE) / np.array(semi_axes_mm), axis=-1)
    return np.asarray(-1.0 + 40.0 * (r - 1.0), dtype=np.float32)


@pytest.mark.parametrize("turn", [0.0, 30.0])
def test_an_ellipsoid(turn: float) -> None:
    g = grid(turn, (1.25, 1.0, 1.0))
    axes = (12.3, 9.1, 15.2)
    field = ball(g, axes)
    assert volume_ml(field, g, -1.0) == pytest.approx(4.0 / 3.0 * math.pi * math.prod(axes) / 1e3, rel=0.006)
    assert extent_mm(field, g, -1.0) == pytest.approx([2.0 * a for a in axes], abs=0.12)


def test_half_a_voxel_matters_to_the_volume() -> None:
    """A count of voxels would jump: the volume follows a slow growth smoothly."""
    g = grid()
    volumes = [volume_ml(ball(g, (r, r, r)), g, -1.0) for r in np.arange(10.0, 11.0, 0.1)]
    exact = [4.0 / 3.0 * math.pi * r**3 / 1e3 for r in np.arange(10.0, 11.0, 0.1)]
    assert volumes == pytest.approx(exact, rel=0.006)
    assert np.all(np.diff(volumes) > 0.0)


@pytest.mark.parametrize("turn", [0.0, 25.0])
def test_distances_to_a_ball_on_both_sides(turn: float) -> None:
    g = grid(turn)
    radius = 11.4
    field = ball(g, (radius,) * 3)
    rng = np.random.default_rng(5)
    ways = rng.normal(size=(300, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    reach = rng.uniform(6.0, 19.0, 300)
    points = CENTRE + reach[:, None] * ways
    found = distances_to_isotherm_mm(field, g, points, -1.0)
    assert found == pytest.approx(reach - radius, abs=0.06)
    assert distance_to_isotherm_mm(field, g, points, -1.0) == found.min()


def test_no_ice_is_infinitely_far_and_measures_nothing() -> None:
    g = grid()
    field = np.full(g.shape_kji, 37.0, np.float32)
    assert distance_to_isotherm_mm(field, g, CENTRE[None], -1.0) == math.inf
    assert extent_mm(field, g, -1.0) == (0.0, 0.0, 0.0)
    assert volume_ml(field, g, -1.0) == 0.0
    assert covered_fraction(field, g, CENTRE[None], -1.0) == 0.0
    assert math.isnan(covered_fraction(field, g, np.zeros((0, 3)), -1.0))


def test_coverage_counts_what_lies_beyond_the_box_as_warm() -> None:
    g = grid()
    field = np.full(g.shape_kji, -30.0, np.float32)
    points = CENTRE + np.array([(0.0, 0.0, 0.0), (5.0, 0.0, 0.0), (500.0, 0.0, 0.0), (0.0, -300.0, 0.0)])
    assert covered_fraction(field, g, points, -20.0) == 0.5
    assert np.isnan(sample_c(field, g, points)).tolist() == [False, False, True, True]


def test_samples_are_trilinear_in_the_patient() -> None:
    g = grid(40.0, (2.0, 1.0, 1.5))
    index = np.stack(np.meshgrid(*[np.arange(float(n)) for n in g.shape_kji], indexing="ij"), axis=-1)
    slope = np.array([0.4, -1.3, 2.2])
    field = g.lps_of(index) @ slope + 7.0
    points = CENTRE + np.random.default_rng(2).uniform(-8.0, 8.0, (50, 3))
    assert sample_c(field, g, points) == pytest.approx(points @ slope + 7.0, abs=1e-9)
