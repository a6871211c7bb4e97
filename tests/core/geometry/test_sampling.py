"""Values between voxels, at the edge of the volume and along lines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvt_planner.geometry.frames import Grid
from cvt_planner.geometry.sampling import falling_crossing, line_points, sample_grid, sample_rays

_OBLIQUE = np.array([[0.1, 0.0, 0.7, -5.0], [0.2, 0.8, 0.0, 3.0], [1.9, -0.1, 0.1, 40.0], [0, 0, 0, 1.0]])
GRID = Grid((6, 9, 8), _OBLIQUE)


@settings(deadline=None)  # the first call compiles
@given(st.tuples(*(st.floats(0.0, n - 1.0) for n in GRID.shape_kji)))
def test_a_linear_field_is_sampled_exactly_on_an_oblique_grid(index: tuple[float, float, float]) -> None:
    k, j, i = np.meshgrid(*(np.arange(n) for n in GRID.shape_kji), indexing="ij")
    field = 3.0 * k - 2.0 * j + 0.5 * i + 7.0
    point = GRID.lps_of(np.array(index))
    expected = 3.0 * index[0] - 2.0 * index[1] + 0.5 * index[2] + 7.0
    assert sample_grid(field, GRID, point, -99.0) == pytest.approx(expected, abs=1e-9)


def test_beyond_half_a_voxel_the_fill_value_stands() -> None:
    values = np.arange(6 * 9 * 8, dtype=np.int16).reshape(GRID.shape_kji)
    points = GRID.lps_of(np.array([[0.0, 0.0, -0.49], [0.0, 0.0, -0.51], [5.49, 8.0, 7.0], [5.51, 8.0, 7.0]]))
    assert sample_grid(values, GRID, points, -1024.0) == pytest.approx([0.0, -1024.0, 431.0, -1024.0], abs=1e-9)


def test_masks_and_shapes() -> None:
    mask = np.zeros(GRID.shape_kji, dtype=bool)
    mask[2, 3, 4] = True
    points = GRID.lps_of(np.array([[[2.0, 3.0, 4.0], [2.0, 3.0, 4.25]]]))
    assert np.allclose(sample_grid(mask, GRID, points, 0.0), [[1.0, 0.75]])


def test_a_line_has_both_its_ends_and_the_crossing_lies_between_samples() -> None:
    distance_mm, points = line_points(np.zeros(3), np.array([0.0, 0.0, 10.1]), 0.5)
    assert distance_mm[-1] == pytest.approx(10.1)
    assert points[-1].tolist() == pytest.approx([0.0, 0.0, 10.1])
    assert np.diff(distance_mm).max() <= 0.5
    assert falling_crossing(np.array([0.0, 1.0, 2.0]), np.array([100.0, 100.0, 0.0]), 25.0) == pytest.approx(1.75)
    assert falling_crossing(np.array([0.0, 1.0]), np.array([100.0, 90.0]), 25.0) is None


def test_rays_are_sampled_as_their_points_are() -> None:
    values = np.random.default_rng(2).normal(size=GRID.shape_kji)
    starts, along = GRID.lps_of(np.array([[2.0, 3.0, 4.0], [1.0, 2.0, 2.0]])), np.arange(0.0, 9.0, 0.5)
    rays = np.array([[1.0, 0.0, 0.0], [0.0, 0.6, -0.8]])
    points = starts[:, None, None] + along[:, None] * rays[:, None]
    assert np.allclose(
        sample_rays(values, GRID, starts, rays, along, -7.0), sample_grid(values, GRID, points, -7.0), atol=1e-9
    )
