"""Distances and angles of lines and segments."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvt_planner.geometry.lines import (
    angle_between_deg,
    nearest_on_segment,
    segment_gap,
)

POINT = st.tuples(*(st.floats(-50.0, 50.0),) * 3)


@given(POINT, POINT, POINT, POINT)
def test_the_gap_of_two_segments_is_symmetric_and_never_beaten_by_sampling(
    a: tuple[float, ...], b: tuple[float, ...], c: tuple[float, ...], d: tuple[float, ...]
) -> None:
    gap = segment_gap(a, b, c, d)  # type: ignore[arg-type]
    assert gap.distance_mm == pytest.approx(segment_gap(d, c, b, a).distance_mm, abs=1e-6)  # type: ignore[arg-type]
    share = np.linspace(0.0, 1.0, 21)[:, None]
    first = np.array(a) + share * (np.array(b) - np.array(a))
    second = np.array(c) + share * (np.array(d) - np.array(c))
    sampled = np.linalg.norm(first[:, None] - second[None], axis=-1).min()
    assert gap.distance_mm <= sampled + 1e-6
    assert sampled - gap.distance_mm <= (math.dist(a, b) + math.dist(c, d)) / 40.0 + 1e-6


def test_known_gaps() -> None:
    crossing = segment_gap((0, 0, 0), (10, 0, 0), (5, -5, 3), (5, 5, 3))
    assert crossing.distance_mm == pytest.approx(3.0)
    assert crossing.first_lps_mm == pytest.approx((5.0, 0.0, 0.0))
    assert segment_gap((0, 0, 0), (10, 0, 0), (0, 12, 0), (10, 12, 0)).distance_mm == pytest.approx(12.0)
    assert segment_gap((0, 0, 0), (1, 0, 0), (4, 4, 0), (9, 4, 0)).distance_mm == pytest.approx(5.0)
    assert segment_gap((1, 2, 3), (1, 2, 3), (1, 2, 7), (1, 2, 7)).distance_mm == pytest.approx(4.0)


def test_the_nearest_point_of_a_segment() -> None:
    nearest, share = nearest_on_segment((3.0, 4.0, 0.0), (0.0, 0.0, 0.0), (10.0, 0.0, 0.0))
    assert nearest == pytest.approx((3.0, 0.0, 0.0))
    assert share == pytest.approx(0.3)


def test_angles_of_undirected_lines() -> None:
    assert angle_between_deg((1, 0, 0), (-1, 0, 0)) == pytest.approx(0.0)
    assert angle_between_deg((1, 0, 0), (1, 1, 0)) == pytest.approx(45.0)
    assert angle_between_deg((1, 0, 0), (1, 1e-9, 0)) == pytest.approx(math.degrees(1e-9), rel=1e-6)
