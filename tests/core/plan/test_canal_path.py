"""How far needles pass from the canal's wall: many points at once, each as it would be by itself."""

from __future__ import annotations

import numpy as np
import pytest

from cvt_planner.base.arrays import FloatArray, Points
from cvt_planner.plan.checks.canal_path import _gaps_mm


def by_itself_mm(point: FloatArray, outline: Points, centre: FloatArray) -> float:
    """Return the distance of one point from one outline in the transverse plane, mm, negative inside."""
    off, wall = point[:2] - centre[:2], outline[:, :2] - centre[:2]
    turn = np.arctan2(wall[:, 1], wall[:, 0])
    order = np.argsort(turn)
    radius = np.interp(np.arctan2(off[1], off[0]), turn[order], np.hypot(*wall[order].T), period=2.0 * np.pi)
    away = float(np.linalg.norm(wall - off, axis=1).min())
    return -away if float(np.hypot(*off)) < radius else away


def test_many_points_are_judged_as_each_by_itself() -> None:
    draw = np.random.default_rng(4)
    angle = np.linspace(-np.pi, np.pi, 48, endpoint=False)
    reach = 8.0 + draw.uniform(-2.0, 2.0, (300, 48))
    outlines = np.stack([reach * np.cos(angle), reach * np.sin(angle), np.zeros_like(reach)], axis=2)
    outlines += draw.uniform(-50.0, 50.0, (300, 1, 3))
    centres = outlines.mean(axis=1)
    points = centres + draw.uniform(-14.0, 14.0, (300, 3))
    found = _gaps_mm(points, outlines, centres)
    alone = [by_itself_mm(p, o, c) for p, o, c in zip(points, outlines, centres, strict=True)]
    assert found == pytest.approx(alone, abs=1e-9)
    assert (found < 0.0).sum() > 50 and (found > 0.0).sum() > 50


def test_a_point_on_the_seam_of_the_angles_and_one_in_the_middle() -> None:
    angle = np.linspace(-np.pi, np.pi, 48, endpoint=False) + 1e-4
    ring = np.stack([10.0 * np.cos(angle), 10.0 * np.sin(angle), np.zeros(48)], axis=1)
    points = np.array([[-9.0, 0.0, 0.0], [-9.0, -1e-9, 0.0], [-12.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    gaps = _gaps_mm(points, np.stack([ring] * 4), np.zeros((4, 3)))
    assert gaps[0] == pytest.approx(gaps[1], abs=1e-6)
    assert gaps == pytest.approx([-1.0, -1.0, 2.0, -10.0], abs=1e-3)
