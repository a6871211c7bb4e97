"""The canal's path through a column without bodies, beside a ring of bone and muscle that scores as high."""

from __future__ import annotations

import numpy as np
import pytest

from cvt_planner.anatomy.spine.coarse import Coarse
from cvt_planner.anatomy.spine.search import find_canal
from cvt_planner.anatomy.spine.symmetry import symmetry_about
from cvt_planner.base.arrays import FloatArray
from cvt_planner.geometry.frames import Grid

MIDDLE_J, MIDDLE_I = 40.0, 40.0  # of the canal, in cells of 1.5 mm
ASIDE_J, ASIDE_I = 54.0, 56.0  # of the other ring


def test_a_ring_aside_is_not_taken_for_the_canal() -> None:
    coarse = _column(ring_aside=True)
    path = find_canal(coarse)
    assert path is not None and path.is_likely
    index = coarse.grid.index_of(path.points_lps_mm)
    assert np.abs(index[:, 2] - MIDDLE_I).max() * 1.5 < 4.0
    assert np.abs(index[:, 1] - MIDDLE_J).max() * 1.5 < 6.0


def test_a_point_in_the_other_ring_is_followed() -> None:
    """The operator knows better."""
    coarse = _column(ring_aside=True)
    point = coarse.grid.lps_of(np.array([20.0, ASIDE_J, ASIDE_I]))
    path = find_canal(coarse, ((float(point[0]), float(point[1]), float(point[2])),))
    assert path is not None
    assert np.abs(coarse.grid.index_of(path.points_lps_mm)[:, 2] - ASIDE_I).max() * 1.5 < 4.0


@pytest.mark.parametrize("off", [0.0, 1.0])
def test_left_and_right_are_alike_about_the_canal_alone(off: float) -> None:
    coarse = _column(ring_aside=False)
    assert symmetry_about(coarse, _straight(MIDDLE_J, MIDDLE_I + off)) > 0.8
    assert symmetry_about(coarse, _straight(ASIDE_J, ASIDE_I)) < 0.2


def _straight(j: float, i: float) -> FloatArray:
    k = np.arange(40.0)
    return np.stack([k, np.full(40, j), np.full(40, i)], axis=1)


def _column(ring_aside: bool) -> Coarse:
    """Return 80 mm of a column: laminae, pedicles that come and go, processes, no bodies; 2 x 1.5 x 1.5 mm cells."""
    k, j, i = np.indices((40, 90, 80))
    v, u = (MIDDLE_J - j) * 1.5, (i - MIDDLE_I) * 1.5
    hu = np.random.default_rng(7).normal(45.0, 5.0, k.shape)
    ring = np.abs(np.hypot(v, u) - 11.0) < 2.0
    sides = np.mod(k, 14) < 8
    hu[ring & (v < 5.0) & (sides | (v < 0.0))] = 420.0
    hu[(np.abs(u) < 3.0) & (v < -10.0) & (v > -32.0) & sides] = 420.0
    hu[(np.abs(v + 4.0) < 3.0) & (np.abs(u) > 11.0) & (np.abs(u) < 30.0) & (np.mod(k, 14) < 4)] = 420.0
    if ring_aside:
        away = np.hypot((ASIDE_J - j) * 1.5, (i - ASIDE_I) * 1.5)
        hu[(np.abs(away - 10.0) < 2.0) & (j < ASIDE_J + 2)] = 420.0
        hu[(away > 10.0) & (away < 24.0) & (i > ASIDE_I + 3) & (np.abs(j - ASIDE_J) < 12)] = 420.0
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0.0, 0.0, 1.5], [0.0, 1.5, 0.0], [2.0, 0.0, 0.0]])
    return Coarse(hu.astype(np.int16), Grid(hu.shape, affine))
