"""Shapes within slices: the same as scipy gives slice by slice."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cvt_planner.base.arrays import MaskArray
from cvt_planner.imaging import flat

SQUARE = np.ones((1, 3, 3), dtype=np.bool_)


def blobs(seed: int, size: tuple[int, int], grain: float) -> MaskArray:
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=(3, *size)), (0, grain, grain))
    return np.asarray(noise > rng.normal() * noise.std())


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.tuples(st.integers(2, 50), st.integers(2, 50)), st.floats(0.3, 5.0),
    st.integers(0, 4), st.floats(1.0, 13.0),
)  # fmt: skip
def test_shapes_are_those_of_scipy(
    seed: int, size: tuple[int, int], grain: float, reach: int, radius_px: float
) -> None:
    mask = blobs(seed, size, grain)
    assert np.array_equal(flat.filled(mask), np.stack([ndimage.binary_fill_holes(one) for one in mask]))
    assert np.array_equal(flat.opened_by_cross(mask), np.stack([ndimage.binary_opening(one) for one in mask]))
    if reach:
        assert np.array_equal(flat.grown(mask, reach), ndimage.binary_dilation(mask, SQUARE, iterations=reach))
        assert np.array_equal(flat.opened(mask, reach), ndimage.binary_opening(mask, SQUARE, iterations=reach))
    else:
        assert np.array_equal(flat.grown(mask, 0), mask) and np.array_equal(flat.opened(mask, 0), mask)
    far = [ndimage.distance_transform_edt(one) >= radius_px if not one.all() else one for one in mask]
    assert np.array_equal(flat.deep(mask, radius_px), np.stack(far))
