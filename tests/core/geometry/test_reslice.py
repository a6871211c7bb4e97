"""Slices through a volume: right place, right value, right grey, at any angle; and the lines on them."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvt_planner.geometry.contour import contours
from cvt_planner.geometry.frames import Grid
from cvt_planner.geometry.reslice import reslice_gray, reslice_hu, reslice_labels


def _grid(shape: tuple[int, int, int] = (20, 30, 40)) -> Grid:
    """Slices 2 mm, rows 0.8 mm, columns 0.7 mm apart, turned 0.3 rad about x; columns run along x."""
    affine = np.eye(4)
    c, s = math.cos(0.3), math.sin(0.3)
    affine[:3, 0] = 2.0 * np.array([0.0, -s, c])
    affine[:3, 1] = 0.8 * np.array([0.0, c, s])
    affine[:3, 2] = 0.7 * np.array([1.0, 0.0, 0.0])
    affine[:3, 3] = (-10.0, 5.0, -40.0)
    return Grid(shape, affine)


def _linear_volume(grid: Grid) -> np.ndarray:
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_kji], indexing="ij"), axis=-1)
    lps = grid.lps_of(index)
    return (3.0 * lps[..., 0] - 2.0 * lps[..., 1] + 5.0 * lps[..., 2] + 40.0).astype(np.float32)


unit = st.floats(-1.0, 1.0)


@settings(max_examples=40, deadline=None)
@given(st.tuples(unit, unit, unit), st.tuples(unit, unit, unit))
def test_a_linear_field_is_exact_on_any_plane(right: tuple[float, ...], down: tuple[float, ...]) -> None:
    grid = _grid()
    r, d = 0.5 * np.array(right), 0.5 * np.array(down)
    origin = grid.centre_lps_mm - 8 * r - 6 * d
    picture = reslice_hu(_linear_volume(grid), grid.index_from_lps, origin, r, d, 17, 13, fill=-9999.0)
    rows, columns = np.mgrid[:13, :17]
    lps = origin + rows[..., None] * d + columns[..., None] * r
    expected = lps @ np.array([3.0, -2.0, 5.0]) + 40.0
    index = grid.index_of(lps)
    inside = np.all((index > 0) & (index < np.array(grid.shape_kji) - 1), axis=-1)
    outside = np.any((index < -0.51) | (index > np.array(grid.shape_kji) - 0.49), axis=-1)
    assert np.allclose(picture[inside], expected[inside], atol=0.02)
    assert np.all(picture[outside] == -9999.0)


def test_voxel_centres_come_back_unchanged() -> None:
    grid = _grid()
    hu = np.random.default_rng(1).integers(-1000, 3000, grid.shape_kji).astype(np.int16)
    step = grid.lps_from_index
    cut = reslice_hu(hu, grid.index_from_lps, grid.lps_of(np.array([7.0, 0, 0])), step[:3, 2], step[:3, 1], 40, 30)
    assert np.allclose(cut, hu[7], atol=1e-3)
    labels = (hu > 500).astype(np.uint8)
    same = reslice_labels(
        labels, grid.index_from_lps, grid.lps_of(np.array([7.0, 0, 0])), step[:3, 2], step[:3, 1], 40, 30
    )
    assert np.array_equal(same, labels[7])


def test_half_a_voxel_beyond_the_outer_centres_belongs_to_the_volume_and_no_more() -> None:
    grid = Grid((2, 2, 2), np.eye(4)[[2, 1, 0, 3]])
    hu = np.full((2, 2, 2), 100, dtype=np.int16)
    x = np.array([1.0, 0.0, 0.0])
    line = reslice_hu(hu, grid.index_from_lps, np.array([-0.75, 0.0, 0.0]), 0.25 * x, 0 * x, 12, 1)[0]
    assert list(line) == [-1024.0] + [100.0] * 9 + [-1024.0] * 2


@pytest.mark.parametrize("inverted", [False, True])
def test_the_window_maps_its_centre_to_middle_grey_and_its_ends_to_black_and_white(inverted: bool) -> None:
    grid = Grid((2, 2, 5), np.eye(4)[[2, 1, 0, 3]])
    hu = np.broadcast_to(np.array([-400, -100, 150, 400, 3000], dtype=np.int16), (2, 2, 5)).copy()
    x, y = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    gray = reslice_gray(hu, grid.index_from_lps, np.zeros(3), x, y, 5, 2, 150.0, 500.0, inverted)[0]
    expected = np.array([0, 0, 128, 255, 255])
    assert np.abs(gray.astype(int) - (255 - expected if inverted else expected)).max() <= 1


def test_a_single_slice_can_be_cut() -> None:
    grid = Grid((1, 4, 4), np.eye(4)[[2, 1, 0, 3]])
    hu = np.full((1, 4, 4), 7, dtype=np.int16)
    x, y = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    assert np.all(reslice_hu(hu, grid.index_from_lps, np.zeros(3), x, y, 4, 4) == 7)


def test_an_oblique_screen_picture_is_fast() -> None:
    """900 x 520 pixels; the aim is 10 ms on an idle core, the limit leaves room for a busy machine."""
    grid = _grid((120, 256, 256))
    hu = np.random.default_rng(2).integers(-1000, 2000, grid.shape_kji).astype(np.int16)
    r, d = np.array([0.19, 0.02, 0.01]), np.array([0.0, 0.3, 0.12])
    origin = grid.centre_lps_mm - 450 * r - 260 * d
    times = []
    for _ in range(6):
        begin = time.perf_counter()
        reslice_gray(hu, grid.index_from_lps, origin, r, d, 900, 520, 300.0, 1500.0)
        times.append(time.perf_counter() - begin)
    assert min(times[1:]) < 0.04


def test_the_contour_of_a_disc_is_one_closed_circle() -> None:
    rows, columns = np.mgrid[:60, :80]
    distance = np.hypot(rows - 28.3, columns - 41.7)
    (line,) = contours(distance, 17.25)
    assert np.array_equal(line[0], line[-1])
    assert np.allclose(np.hypot(line[:, 1] - 28.3, line[:, 0] - 41.7), 17.25, atol=0.02)
    assert np.linalg.norm(np.diff(line, axis=0), axis=1).max() < 1.5  # neighbours follow each other


def test_contours_that_leave_the_picture_are_open_and_saddles_do_not_break_lines() -> None:
    rows, columns = np.mgrid[:20, :30]
    (line,) = contours(rows - 7.5 + 0.0 * columns, 0.0)
    assert {line[0, 0], line[-1, 0]} == {0.0, 29.0} and np.allclose(line[:, 1], 7.5)
    checker = np.where((rows // 2 + columns // 2) % 2 == 0, -1.0, 1.3)
    lines = contours(checker, 0.0)
    segments = sum(len(one) - 1 for one in lines)
    assert segments > 100
    assert all(np.linalg.norm(np.diff(one, axis=0), axis=1).max() < 1.5 for one in lines)


def test_contours_of_noise_use_every_crossing_once() -> None:
    noise = np.random.default_rng(3).normal(size=(40, 50))
    below = noise < 0.2
    crossings = int((below[:, 1:] != below[:, :-1]).sum() + (below[1:] != below[:-1]).sum())
    lines = contours(noise, 0.2)
    points = sum(len(one) - (1 if np.array_equal(one[0], one[-1]) else 0) for one in lines)
    assert points == crossings


def test_no_crossing_no_line() -> None:
    assert contours(np.ones((5, 5)), 0.0) == []
    assert contours(np.ones((1, 5)), 1.0) == []
