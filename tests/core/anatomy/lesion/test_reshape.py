"""Reshaping and painting: what must hold for any lesion on any voxels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvt_planner.anatomy.lesion import reshape
from cvt_planner.anatomy.lesion.brush import Brush, Canvas
from cvt_planner.anatomy.lesion_shape import Ellipsoid, Region
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume


def grid_of(spacing: tuple[float, float, float], size_mm: float = 60.0) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, spacing[2]], [0, spacing[1], 0], [spacing[0], 0, 0]])
    affine[:3, 3] = -size_mm / 2.0
    k, j, i = (round(size_mm / s) for s in spacing)
    return Grid((k, j, i), affine)


SPACINGS = st.sampled_from([(1.0, 0.8, 0.8), (0.6, 0.5, 0.5), (2.0, 0.9, 0.9)])
FINE = st.sampled_from([(1.0, 0.8, 0.8), (0.6, 0.5, 0.5)])
RADII = st.floats(6.0, 12.0)
OFFSET = st.tuples(*[st.floats(-3.0, 3.0)] * 3)


def ball(radius: float, at: tuple[float, float, float], spacing: tuple[float, float, float]) -> Region:
    return reshape.region_on(Ellipsoid(at, (radius, radius, radius)), grid_of(spacing))


def ball_ml(radius: float) -> float:
    return 4.0 / 3.0 * math.pi * radius**3 / 1000.0


@settings(max_examples=12, deadline=None)
@given(RADII, OFFSET, SPACINGS, st.floats(0.2, 3.0))
def test_a_ball_grows_by_what_is_asked_and_shrinks_back(
    radius: float, at: tuple[float, float, float], spacing: tuple[float, float, float], by_mm: float
) -> None:
    region = ball(radius, at, spacing)
    assert region.volume_ml == pytest.approx(ball_ml(radius), rel=0.03)
    grown = reshape.moved_surface(region, by_mm)
    # The surface is where it should be within a sixth of a millimetre or a twelfth of the slice distance.
    off_mm = max(0.16, spacing[0] / 12.0)
    assert grown.volume_ml == pytest.approx(ball_ml(radius + by_mm), rel=3.0 * off_mm / (radius + by_mm))
    back = reshape.moved_surface(grown, -by_mm)
    assert back.volume_ml == pytest.approx(region.volume_ml, rel=3.0 * off_mm / radius)


@pytest.mark.xfail(reason="on 3 mm slices a small ball keeps 13 % of what it grew by", strict=True)
def test_a_small_ball_on_thick_slices_shrinks_back() -> None:
    region = ball(6.0, (0.0, 0.0, 0.0), (3.0, 0.7, 0.7))
    back = reshape.moved_surface(reshape.moved_surface(region, 3.0), -3.0)
    assert back.volume_ml == pytest.approx(region.volume_ml, rel=0.125)


@settings(max_examples=8, deadline=None)
@given(RADII, OFFSET, FINE, st.floats(-4.0, 4.0), st.integers(0, 2))  # the soft seam is as thick as a voxel
def test_what_is_cut_is_whole_again_when_joined(
    radius: float, at: tuple[float, float, float], spacing: tuple[float, float, float], off: float, axis: int
) -> None:
    region = ball(radius, at, spacing)
    normal = np.eye(3)[axis]
    one, other = reshape.cut(region, tuple(np.array(at) + off * normal), normal)
    # Where the cut meets the rim, voxels are soft twice: up to 1.2 % of a small ball on 3 mm slices.
    assert one.volume_ml + other.volume_ml == pytest.approx(region.volume_ml, rel=0.015)
    both = reshape.joined(one, other, grid_of(spacing))
    assert both.volume_ml == pytest.approx(region.volume_ml, rel=0.08)  # the seam is one soft voxel
    assert np.linalg.norm(np.array(both.centre_lps_mm) - at) < 0.6


def test_parts_that_do_not_hang_together_are_told_apart() -> None:
    spacing = (1.0, 0.8, 0.8)
    left, right = ball(6.0, (-9.0, 0.0, 0.0), spacing), ball(4.0, (9.0, 0.0, 0.0), spacing)
    made = reshape.parts(reshape.joined(left, right, grid_of(spacing)))
    assert [part.volume_ml for part in made] == pytest.approx([left.volume_ml, right.volume_ml], rel=0.01)
    assert len(reshape.parts(left)) == 1
    with pytest.raises(InputRefused, match="does not pass"):
        reshape.cut(left, (25.0, 0.0, 0.0), np.array([1.0, 0.0, 0.0]))


def test_smoothing_keeps_the_volume_and_filling_closes_a_hole() -> None:
    grid = grid_of((1.0, 1.0, 1.0))
    region = reshape.region_on(Ellipsoid((0.0, 0.0, 0.0), (10.0, 10.0, 10.0)), grid)
    ragged = np.array(region.ramp)
    rng = np.random.default_rng(3)
    ragged[(rng.random(ragged.shape) < 0.15) & (ragged > 0)] = 0
    rough = Region(ragged, region.grid)
    even = reshape.smoothed(rough, 1.5)
    assert even.volume_ml == pytest.approx(rough.volume_ml, rel=0.02)
    assert np.abs(np.diff(even.mask.astype(int), axis=2)).sum() < np.abs(np.diff(rough.mask.astype(int), axis=2)).sum()
    hollow = np.array(region.ramp)
    hollow[tuple(slice(n // 2 - 2, n // 2 + 3) for n in hollow.shape)] = 0
    assert reshape.filled(Region(hollow, region.grid)).volume_ml == pytest.approx(region.volume_ml, rel=1e-6)


def test_slices_between_drawn_ones_are_filled_in_by_shape() -> None:
    region = ball(10.0, (0.0, 0.0, 0.0), (1.0, 0.8, 0.8))
    drawn = np.flatnonzero(region.mask.any(axis=(1, 2)))
    sparse = np.array(region.ramp)
    kept = {int(drawn[0]), int(drawn[-1]), *(int(n) for n in drawn[::4])}
    for k in range(sparse.shape[0]):
        if k not in kept:
            sparse[k] = 0
    filled = reshape.interpolated(Region(sparse, region.grid))
    assert filled.volume_ml == pytest.approx(region.volume_ml, rel=0.06)
    with pytest.raises(InputRefused, match="No slice is left out"):
        reshape.interpolated(region)


def scan(hu: float = 40.0, spacing: tuple[float, float, float] = (1.5, 0.8, 0.8)) -> Volume:
    grid = grid_of(spacing)
    values = np.full(grid.shape_kji, hu, dtype=np.int16)
    values[:, :, : grid.shape_kji[2] // 2] = 400  # bone on the right side, x < 0
    return Volume(values, grid, Patient(), SeriesIdentity(), "x", "x")


@settings(max_examples=8, deadline=None)
@given(st.floats(3.0, 9.0), OFFSET)
def test_a_ball_painted_has_its_volume_and_is_erased_whole(radius: float, at: tuple[float, float, float]) -> None:
    volume = scan()
    canvas = Canvas.of(volume, None)
    canvas.stroke(Brush(radius), np.array(at), np.array(at))
    assert canvas.region().volume_ml == pytest.approx(ball_ml(radius), rel=0.05)
    canvas.stroke(Brush(radius + 3.0, erase=True), np.array(at), np.array(at))
    assert canvas.empty
    with pytest.raises(InputRefused, match="Nothing is left"):
        canvas.region()


def test_a_disc_stays_in_its_slice_and_a_band_keeps_to_its_hu() -> None:
    volume = scan()
    canvas = Canvas.of(volume, None)
    canvas.stroke(Brush(6.0, normal=(0.0, 0.0, 1.0)), np.zeros(3), np.array([4.0, 0.0, 0.0]))
    disc = canvas.region()
    assert disc.mask.any(axis=(1, 2)).sum() == 1
    assert disc.volume_ml == pytest.approx((math.pi * 36.0 + 12.0 * 4.0) * 1.5 / 1000.0, rel=0.05)
    canvas = Canvas.of(volume, None)
    canvas.stroke(Brush(6.0, band_hu=(-50.0, 120.0)), np.zeros(3), np.zeros(3))
    soft = canvas.region()
    places = soft.grid.lps_of(np.argwhere(soft.mask).astype(float))
    assert places[:, 0].min() > -1.0 and soft.volume_ml == pytest.approx(ball_ml(6.0) / 2.0, rel=0.1)


def test_a_stroke_beyond_the_ct_paints_what_lies_within() -> None:
    volume = scan()
    canvas = Canvas.of(volume, None)
    canvas.stroke(Brush(5.0), np.array([29.0, 0.0, 0.0]), np.array([60.0, 0.0, 0.0]))
    assert not canvas.empty
    canvas.stroke(Brush(5.0), np.array([200.0, 0.0, 0.0]), np.array([210.0, 0.0, 0.0]))  # nothing there, nothing said
