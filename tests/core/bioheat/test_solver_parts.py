"""Parts of the solver on their own: conductances in 16 bits, sums along axes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cvt_planner.bioheat.banded import along_axes
from cvt_planner.bioheat.conductance import all_decoded, coded


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(1e-4, 1.0), min_size=1, max_size=20), st.floats(1e-4, 0.1))
def test_conductances_keep_twelve_bits_and_the_commonest_all(others: list[float], common: float) -> None:
    values = np.array([*others, *[common] * (len(others) + 1)], np.float32)
    found = all_decoded(*coded(values))
    assert np.abs(found / values - 1.0).max() < 2.5e-4
    assert (found[len(others) :] == values[-1]).all()


def test_no_conductance_is_next_to_none() -> None:
    values = np.array([0.0, 0.002, 0.002, 0.002], np.float32)
    assert 0.0 <= all_decoded(*coded(values))[0] < 1e-7


def test_sums_along_axes_are_those_of_products() -> None:
    rng = np.random.default_rng(3)
    field = rng.random((5, 6, 7)).astype(np.float32)
    weights = []
    for old, new in ((5, 9), (6, 6), (7, 3)):
        w = rng.random((new, old)).astype(np.float32)
        w[:, 0] = 0.0
        w[0] = 0.0  # a row without any weight
        weights.append(w)
    expected = np.einsum("ck,bj,ai,kji->cba", *weights, field)
    assert np.allclose(along_axes(field, *weights), expected, atol=1e-5)
