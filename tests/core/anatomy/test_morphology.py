"""Depths and growth of masks against scipy's."""

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.morphology import ball_offsets, depth_of, dilated_within


def test_depths_are_the_exact_distances() -> None:
    mask = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((20, 31, 26)), 1.5) > -0.05
    spacing = np.array([1.3, 0.7, 0.9])
    exact = ndimage.distance_transform_edt(mask, sampling=spacing)
    assert np.abs(depth_of(mask, spacing) - exact).max() < 1e-4
    assert depth_of(np.ones((3, 4, 5), dtype=bool), spacing).min() >= 1000.0


def test_a_ball_about_every_voxel_fills_what_it_may() -> None:
    rng = np.random.default_rng(1)
    spacing = np.array([1.5, 0.8, 0.6])
    part, within = rng.random((9, 17, 23)) > 0.99, rng.random((9, 17, 23)) > 0.3
    near = ndimage.distance_transform_edt(~part, sampling=spacing) <= 2.5
    assert np.array_equal(dilated_within(part, ball_offsets(2.5, spacing), within), part | (near & within))
