"""Surfaces of masks: closed, the right way round, in the right place and of the right size."""

from __future__ import annotations

import numpy as np
import pytest

from cvt_planner.geometry.frames import Grid
from cvt_planner.geometry.surface import surface_of


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 0.6, 0.6)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_surface_of_a_ball_encloses_the_ball(spacing: tuple[float, float, float], mirrored: bool) -> None:
    radius, centre = 14.0, np.array([5.0, -7.0, 30.0])
    sides = np.array([1.0, 1.0, -1.0 if mirrored else 1.0])
    counts = np.ceil(2 * (radius + 3.0) / np.array(spacing)).astype(int)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, spacing[2]], [0, spacing[1], 0], [spacing[0], 0, 0]]) * sides[None, :]
    affine[:3, 3] = centre - affine[:3, :3] @ (counts - 1) / 2.0
    grid = Grid((counts[0], counts[1], counts[2]), affine)
    places = grid.lps_of(np.stack(np.meshgrid(*[np.arange(n) for n in counts], indexing="ij"), axis=-1))
    surface = surface_of(np.linalg.norm(places - centre, axis=-1) <= radius, grid)
    assert surface is not None
    points = surface.points_lps_mm.astype(np.float64) - centre
    away = np.linalg.norm(points, axis=1)
    assert away.mean() == pytest.approx(radius, abs=0.35) and away.std() < 0.35
    assert (np.sum(surface.normals * points, axis=1) / away).mean() > 0.97  # outwards
    a, b, c = (points[surface.triangles[:, n]] for n in range(3))
    volume = float(np.sum(np.cross(a, b) * c)) / 6.0  # positive where triangles turn the right way
    assert volume == pytest.approx(4.0 / 3.0 * np.pi * radius**3, rel=0.05)
    edges = np.sort(np.concatenate([surface.triangles[:, [m, n]] for m, n in ((0, 1), (1, 2), (2, 0))]), axis=1)
    _, counts_of_edges = np.unique(edges, axis=0, return_counts=True)
    assert (counts_of_edges == 2).all()  # closed


def test_nothing_has_no_surface() -> None:
    affine = np.eye(4)
    assert surface_of(np.zeros((4, 4, 4), dtype=bool), Grid((4, 4, 4), affine)) is None
