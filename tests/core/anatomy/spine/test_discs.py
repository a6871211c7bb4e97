"""Discs along straight columns whose truth is known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cvt_planner.anatomy.spine.discs import _depths, _refined, disc_profiles, find_discs
from cvt_planner.anatomy.spine.straight import BACK_MM, FRONT_MM, SIDE_MM, Straight
from cvt_planner.base.arrays import FloatArray


@pytest.mark.parametrize(("period_mm", "depth_mm", "disc_mm"), [(16, 16.0, 5), (24, 24.0, 5), (33, 37.0, 10)])
def test_discs_lie_as_far_apart_as_necks_and_loins_have_them(period_mm: int, depth_mm: float, disc_mm: int) -> None:
    """Every second one must not be left out in a neck, nor one be put into the middle of a lumbar body."""
    found, true = _found(period_mm, depth_mm, disc_mm, 6, 1)
    assert len(found) == len(true)
    assert np.abs(found - true).max() < 2.5


@pytest.mark.parametrize("slice_mm", [3, 4, 5])
def test_on_thick_slices_endplates_beside_a_disc_that_is_seen_are_no_discs(slice_mm: int) -> None:
    """Of a high disc between bright plates in poor marrow, where pedicles do not help."""
    found, true = _found(33, 37.0, 12, 3, slice_mm, marrow_hu=30.0, plate_hu=450.0, pedicle_hu=0.0)
    assert len(found) == len(true)
    assert np.abs(found - true).max() < 2.0


@pytest.mark.parametrize("off_mm", [-8.0, -3.0, 0.0, 3.0, 8.0])
def test_a_disc_first_thought_of_farther_off_than_the_search_reaches_is_found(off_mm: float) -> None:
    straight, true = _column(33, 37.0, 10, 4, 4)
    found = _refined(straight, [float(s) + off_mm for s in true], disc_profiles(straight, 4.0))
    assert np.abs([disc.s_mm for disc in found] - true).max() <= 2.0


@pytest.mark.parametrize("eaten", [(2, 3), (3, 4), (2, 5)])
def test_beside_bodies_that_are_eaten_one_endplate_tells_the_disc(eaten: tuple[int, int]) -> None:
    """Where pedicles do not help; level n lies between disc n - 1 and disc n."""
    straight, true = _column(26, 26.0, 6, 7, 1, pedicle_hu=0.0)
    inside = (straight.v_mm > 6.0)[None, :, None]
    for level in eaten:
        s = np.arange(len(straight.hu))
        erased = (s > true[level - 1] + 2.0) & (s < true[level] - 2.0)
        straight.hu[:] = np.where(erased[:, None, None] & inside, np.minimum(straight.hu, 45.0), straight.hu)
    found = find_discs(straight, disc_profiles(straight, 1.0), 0.0, len(straight.hu) - 1.0)
    assert len(found) == len(true)
    assert np.abs(np.array([disc.s_mm for disc in found]) - true).max() <= 3.0


def _found(
    period_mm: int, depth_mm: float, disc_mm: int, levels: int, slice_mm: int,
    marrow_hu: float = 150.0, plate_hu: float = 350.0, pedicle_hu: float = 400.0,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Return where discs are found in a straight column, and where they are, mm; HU above soft tissue."""
    straight, true = _column(period_mm, depth_mm, disc_mm, levels, slice_mm, marrow_hu, plate_hu, pedicle_hu)
    found = find_discs(straight, disc_profiles(straight, slice_mm), 0.0, len(straight.hu) - 1.0)
    return np.array([disc.s_mm for disc in found]), true


def _column(
    period_mm: int, depth_mm: float, disc_mm: int, levels: int, slice_mm: int,
    marrow_hu: float = 150.0, plate_hu: float = 350.0, pedicle_hu: float = 400.0,
) -> tuple[Straight, FloatArray]:  # fmt: skip
    """Return a straight column and where its discs are, mm; HU above soft tissue."""
    n = levels * period_mm
    s, v, u = np.meshgrid(np.arange(n), np.arange(-20.0, 61.0), np.arange(-40.0, 41.0), indexing="ij")
    phase = np.mod(s - period_mm // 2, period_mm)  # mm above a disc's middle
    from_disc = np.minimum(phase, period_mm - phase)
    hu = np.random.default_rng(3).normal(40.0, 25.0, s.shape).astype(np.float32)
    body = (v > 8.0) & (v < 8.0 + depth_mm) & (np.abs(u) < 0.65 * depth_mm)
    hu[body & (from_disc > 0.5 * disc_mm)] += marrow_hu
    hu[body & (np.abs(from_disc - 0.5 * disc_mm - 1.0) <= 1.0)] += plate_hu - marrow_hu
    pedicle = (np.abs(v) < 8.0) & (np.abs(u) > 10.0) & (np.abs(u) < 17.0)
    hu[pedicle & (phase > 0.5 * period_mm) & (phase < period_mm - 0.5 * disc_mm)] += pedicle_hu
    hu = ndimage.uniform_filter1d(hu, slice_mm, axis=0, mode="nearest")
    wall = np.full(n, 10.0)
    straight = Straight(hu, v[0, :, 0], u[0, 0], np.full(n, 8.0), wall, wall, wall)
    return straight, np.arange(float(period_mm // 2), n, period_mm)


@pytest.mark.parametrize(("marrow_hu", "beyond_hu"), [(60.0, -100.0), (60.0, 50.0), (230.0, -100.0)])
def test_a_body_ends_at_its_own_wall_and_not_where_the_neck_s_muscles_end(marrow_hu: float, beyond_hu: float) -> None:
    n, v, u = 60, np.arange(BACK_MM, FRONT_MM + 0.1), np.arange(-SIDE_MM, SIDE_MM + 0.1)
    ahead = v - 10.0
    row = np.where(ahead < 15.0, marrow_hu, np.where(ahead < 30.0, 55.0, beyond_hu))
    row[(ahead >= 13.5) & (ahead < 15.0)] = 220.0
    hu = np.broadcast_to(row[None, :, None], (n, len(v), len(u))).astype(np.float32)
    walls = [np.full(n, distance_mm) for distance_mm in (10.0, 12.0, 12.0, 8.0)]
    assert np.abs(_depths(Straight(hu, v, u, *walls)) - 15.0).max() <= 1.5
