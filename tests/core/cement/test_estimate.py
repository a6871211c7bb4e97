"""The first estimate of the cement: caps, ranges, order, refusals, and the bone read from a CT."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.anatomy.levels import LEVELS
from cvt_planner.anatomy.vertebra_reference import body_reference
from cvt_planner.base.errors import InputRefused
from cvt_planner.cement.estimate import dead_space_ml, estimate_fill, practice_most_ml
from cvt_planner.cement.pores import pores_in_halos
from cvt_planner.devices.bone_needle import bone_needle
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume

KINDS = ("lytic", "mixed", "blastic")


@given(st.floats(0.05, 60.0), st.sampled_from(KINDS), st.sampled_from(LEVELS), st.booleans())
def test_the_range_holds_the_estimate_and_nothing_passes_the_cap(
    volume_ml: float, kind: str, level: str, wall_open: bool
) -> None:
    fill = estimate_fill(volume_ml, kind, level, posterior_wall_open=wall_open)
    assert 0.0 <= fill.low_ml <= fill.estimate_ml <= fill.high_ml <= fill.cap_ml
    assert fill.cap_ml <= min(0.3 * fill.body_volume_ml, practice_most_ml(level)) + 1e-9
    assert any("First estimate" in sentence for sentence in fill.reasons)


@given(st.floats(0.05, 20.0), st.floats(1.0, 2.0), st.sampled_from(LEVELS))
def test_a_larger_or_more_lytic_lesion_never_takes_less(volume_ml: float, times: float, level: str) -> None:
    lytic = estimate_fill(volume_ml, "lytic", level).estimate_ml
    assert lytic >= estimate_fill(volume_ml, "mixed", level).estimate_ml - 1e-9
    assert lytic >= estimate_fill(volume_ml, "blastic", level).estimate_ml - 1e-9
    body = body_reference(level).volume_ml
    if volume_ml * times <= 0.1 * body:
        assert estimate_fill(volume_ml * times, "lytic", level).estimate_ml >= lytic - 1e-9


def test_known_figures() -> None:
    assert body_reference("L3").volume_ml == pytest.approx(26.1, abs=0.1)
    assert body_reference("T8").volume_ml == pytest.approx(10.9, abs=0.1)
    assert estimate_fill(4.0, "lytic", "L3").cap_ml == pytest.approx(7.83, abs=0.05)
    assert estimate_fill(4.0, "lytic", "L4").cap_ml == pytest.approx(8.0)
    assert estimate_fill(1.0, "lytic", "T12").cap_ml == pytest.approx(5.0)
    assert dead_space_ml(bone_needle("11g-125")) == pytest.approx(0.560, abs=0.002)
    shares = dict(estimate_fill(2.0, "lytic", "T12").lines_ml)
    assert shares[0.15] == pytest.approx(0.15 * body_reference("T12").volume_ml)
    assert set(shares) == {0.15, 0.24, 0.30}
    # A ball of 0.3 mL at L3: 0.2625 cavity + 0.4 * 0.88 * (ball of 4.153 + 7.5 mm, less the ball) = 2.49 mL.
    assert estimate_fill(0.3, "lytic", "L3").estimate_ml == pytest.approx(2.49, abs=0.02)


def test_an_open_posterior_wall_holds_back_half_a_millilitre() -> None:
    closed = estimate_fill(3.0, "lytic", "L2").estimate_ml
    assert estimate_fill(3.0, "lytic", "L2", posterior_wall_open=True).estimate_ml == pytest.approx(closed - 0.5)


def test_the_sacrum_says_what_stands_in_for_it() -> None:
    fill = estimate_fill(3.0, "lytic", "S1")
    assert any("S1 has no reference body" in sentence for sentence in fill.reasons)


def test_refusals() -> None:
    for volume_ml in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputRefused, match="positive"):
            estimate_fill(volume_ml, "lytic", "L2")
    with pytest.raises(InputRefused, match="lytic, mixed or blastic"):
        estimate_fill(1.0, "soft", "L2")
    with pytest.raises(InputRefused, match="not a vertebral level"):
        estimate_fill(1.0, "lytic", "L9")


def test_pores_are_read_from_the_ct() -> None:
    affine = np.diag([1.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]]
    affine[:3, 3] = -25.0
    hu = np.full((51, 51, 51), 486, dtype=np.int16)  # bone share a quarter
    volume = Volume(hu, Grid(hu.shape, affine), Patient(), SeriesIdentity(), "even", "even")
    shape = Ellipsoid((0.0, 0.0, 0.0), (8.0, 8.0, 8.0))
    (pores,) = pores_in_halos(volume, shape, (6.0,))
    halo_ml = 4.0 / 3.0 * np.pi * (14.0**3 - 8.0**3) / 1000.0
    assert pores.bone_ml == pytest.approx(halo_ml, rel=0.06)
    assert pores.pores_ml == pytest.approx(0.75 * pores.bone_ml, rel=0.01)
    dense = estimate_fill(0.3, "lytic", "L3", volume=volume, shape=Ellipsoid((0.0, 0.0, 0.0), (4.15, 4.15, 4.15)))
    assert dense.estimate_ml < estimate_fill(0.3, "lytic", "L3").estimate_ml
    assert not any("even cancellous" in sentence for sentence in dense.reasons)
    given = replace(volume, series=SeriesIdentity(contrast_agent="Iohexol 300"))
    small = Ellipsoid((0.0, 0.0, 0.0), (4.15, 4.15, 4.15))
    wide, narrow = (estimate_fill(0.3, "lytic", "L3", volume=ct, shape=small) for ct in (given, volume))
    assert wide.estimate_ml == narrow.estimate_ml and wide.low_ml <= narrow.low_ml and wide.high_ml > narrow.high_ml
    assert any("Contrast medium" in sentence for sentence in wide.reasons)
