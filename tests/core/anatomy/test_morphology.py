"""Depths of masks against scipy's."""

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.morphology import depth_of


def test_depths_are_the_exact_distances() -> None:
    mask = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((20, 31, 26)), 1.5) > -0.05
    spacing = np.array([1.3, 0.7, 0.9])
    exact = ndimage.distance_transform_edt(mask, sampling=spacing)
    assert np.abs(depth_of(mask, spacing) - exact).max() < 1e-4
    assert depth_of(np.ones((3, 4, 5), dtype=bool), spacing).min() >= 1000.0
