"""Angles of a path (and which way they count), distances of two probes, and whether needle and probe fit."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cvt_planner.base.errors import InputRefused
from cvt_planner.devices.bone_needle import bone_needle
from cvt_planner.devices.cryoprobe import cryoprobe
from cvt_planner.trajectory.axis import cranio_caudal_angle_deg, in_plane_angle_deg
from cvt_planner.trajectory.fit import assembly_fit
from cvt_planner.trajectory.separation import probe_separation

POINT = st.tuples(*(st.floats(-80.0, 80.0),) * 3)


def test_signs_of_the_angles() -> None:
    # Left of the mid-line, on the back, to a target in front, nearer the middle and nearer the head.
    entry, tip = (40.0, 80.0, 0.0), (10.0, 80.0 - 30.0 * math.sqrt(3.0), 10.0)
    assert in_plane_angle_deg(entry, tip, "left") == pytest.approx(30.0)
    assert cranio_caudal_angle_deg(entry, tip) == pytest.approx(math.degrees(math.atan2(10.0, 60.0)))
    assert in_plane_angle_deg((10.0, 80.0, 0.0), (20.0, 20.0, -10.0), "left") < 0.0
    assert cranio_caudal_angle_deg((10.0, 80.0, 0.0), (20.0, 20.0, -10.0)) < 0.0


@given(POINT, POINT)
def test_a_mirrored_path_has_the_same_angles_on_the_other_side(
    entry: tuple[float, float, float], tip: tuple[float, float, float]
) -> None:
    assume(math.dist(entry, tip) > 1e-3)
    left = in_plane_angle_deg(entry, tip, "left")
    mirrored = in_plane_angle_deg((-entry[0], *entry[1:]), (-tip[0], *tip[1:]), "right")
    assert left == pytest.approx(mirrored)
    assert left == pytest.approx(-in_plane_angle_deg(entry, tip, "right"))
    assert -90.0 <= left <= 90.0
    assert cranio_caudal_angle_deg(entry, tip) == pytest.approx(-cranio_caudal_angle_deg(tip, entry))


def test_a_path_without_direction_or_side_is_refused() -> None:
    with pytest.raises(InputRefused, match="no direction"):
        cranio_caudal_angle_deg((1.0, 2.0, 3.0), (1.0, 2.0, 3.0))
    with pytest.raises(InputRefused, match="left or on the right"):
        in_plane_angle_deg((1.0, 2.0, 3.0), (1.0, 0.0, 3.0), "middle")


def test_two_probes_side_by_side_and_converging() -> None:
    parallel = probe_separation(
        (0.0, 0.0, 0.0), ((0.0, 3.0, 0.0), (0.0, 18.0, 0.0)), (12.0, 0.0, 0.0), ((12.0, 3.0, 0.0), (12.0, 18.0, 0.0))
    )
    assert parallel.zone_gap_mm == pytest.approx(12.0)
    assert parallel.widest_gap_mm == pytest.approx(12.0)
    assert parallel.tip_gap_mm == pytest.approx(12.0)
    assert parallel.angle_deg == pytest.approx(0.0)
    apart = probe_separation(
        (-5.0, 0.0, 0.0), ((-5.0, 0.0, 0.0), (-15.0, 10.0, 0.0)), (5.0, 0.0, 0.0), ((5.0, 0.0, 0.0), (15.0, 10.0, 0.0))
    )
    assert apart.zone_gap_mm == pytest.approx(10.0)
    assert apart.widest_gap_mm == pytest.approx(30.0)
    assert apart.angle_deg == pytest.approx(90.0)


@given(POINT, POINT, POINT, POINT)
def test_separation_is_symmetric(
    a: tuple[float, float, float],
    b: tuple[float, float, float],
    c: tuple[float, float, float],
    d: tuple[float, float, float],
) -> None:
    assume(math.dist(a, b) > 1.0 and math.dist(c, d) > 1.0)
    one, other = probe_separation(a, (a, b), c, (c, d)), probe_separation(c, (c, d), a, (a, b))
    assert one.zone_gap_mm == pytest.approx(other.zone_gap_mm, abs=1e-6)
    assert one.zone_gap_mm <= min(one.widest_gap_mm, one.tip_gap_mm) + 1e-6
    assert one.angle_deg == pytest.approx(other.angle_deg, abs=1e-6)


def test_lengths_and_bore() -> None:
    needle, probe = bone_needle("13g-125"), cryoprobe("17g-15")
    fit = assembly_fit(needle, probe, depth_from_skin_mm=95.0, retraction_mm=23.0)
    assert fit.needle_needed_mm == pytest.approx(72.0)
    assert fit.needle_outside_mm == pytest.approx(53.0)
    assert fit.probe_spare_mm == pytest.approx(27.0)
    assert fit.bore_slack_mm == pytest.approx(needle.inner_diameter_mm - probe.outer_diameter_mm)
    assert assembly_fit(needle, probe, 160.0, 23.0).needle_outside_mm == pytest.approx(-12.0)
    assert assembly_fit(bone_needle("13g-150"), probe, 95.0, 30.0).probe_spare_mm == pytest.approx(-5.0)
    assert assembly_fit(needle, probe, None, 23.0).needle_outside_mm is None
