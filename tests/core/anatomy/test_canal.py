"""The bony canal on a synthetic ring, its wall as points, and on a real CT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from cvt_planner.anatomy.canal import canal_points_lps, measure_canal
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume

HALF_WIDTH_MM, HALF_DEPTH_MM = 11.0, 8.0


def _ring(gaps: Any = None, spacing_mm: float = 0.6) -> Volume:
    n = 120
    axis = (np.arange(n) - (n - 1) / 2.0) * spacing_mm
    y, x = np.meshgrid(axis, axis, indexing="ij")
    rho = np.hypot(x / HALF_WIDTH_MM, y / HALF_DEPTH_MM)
    turn = np.degrees(np.arctan2(y, x)) % 360.0
    bone = (rho >= 1.0) & (rho <= 1.6)
    for low, high in gaps or ():
        bone &= ~((turn >= low) & (turn <= high))
    section = ndimage.gaussian_filter(np.where(bone, 700.0, 35.0), 0.6 / spacing_mm)
    hu = np.repeat(section[None], 12, axis=0) + np.random.default_rng(1).normal(0.0, 20.0, (12, n, n))
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, spacing_mm], [0, spacing_mm, 0], [1.0, 0, 0]])
    affine[:3, 3] = [axis[0], axis[0], 0.0]
    return Volume(hu.astype(np.int16), Grid(hu.shape, affine), Patient(), SeriesIdentity(), "ring", "ring")


@pytest.mark.parametrize("click", [(0.0, 0.0), (3.0, -2.0), (-4.0, 2.5)])
def test_a_ring_is_measured_wherever_the_click_falls(click: tuple[float, float]) -> None:
    section = measure_canal(_ring(), (*click, 6.0))
    assert section.transverse_mm == pytest.approx(2 * HALF_WIDTH_MM, abs=0.6)
    assert section.anteroposterior_mm == pytest.approx(2 * HALF_DEPTH_MM, abs=0.6)
    assert np.hypot(*section.centre_lps_mm[:2]) < 0.5
    wall = np.array(section.wall_lps_mm)
    assert wall.shape == (24, 3)
    assert np.abs(np.hypot(wall[:, 0] / HALF_WIDTH_MM, wall[:, 1] / HALF_DEPTH_MM) - 1.0).max() < 0.06


def test_rays_through_foramina_take_the_middle_of_their_neighbours() -> None:
    section = measure_canal(_ring([(0.0, 25.0), (335.0, 360.0), (160.0, 200.0)]), (1.0, 0.0, 6.0))
    wall = np.array(section.wall_lps_mm)
    rho = np.hypot(wall[:, 0] / HALF_WIDTH_MM, wall[:, 1] / HALF_DEPTH_MM)
    assert rho.min() > 0.7
    assert rho.max() < 1.1


def test_what_is_no_canal_is_refused() -> None:
    with pytest.raises(InputRefused, match="rays"):
        measure_canal(_ring([(20.0, 250.0)]), (0.0, 0.0, 6.0))
    with pytest.raises(InputRefused, match="in bone"):
        measure_canal(_ring(), (HALF_WIDTH_MM + 3.0, 0.0, 6.0))
    with pytest.raises(InputRefused, match="outside the CT"):
        measure_canal(_ring(), (900.0, 0.0, 6.0))


def test_wall_points_are_interpolated_between_marks_and_end_beyond_them() -> None:
    turn = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)

    def mark(radius: float, x: float, z: float) -> Any:
        wall = [(x + radius * np.cos(t), radius * np.sin(t), z) for t in turn]
        return (x, 0.0, z), wall

    points = canal_points_lps([mark(10.0, 4.0, 30.0), mark(8.0, 0.0, 0.0)], half_height_mm=15.0)
    assert points[:, 2].min() == pytest.approx(-15.0)
    assert points[:, 2].max() == pytest.approx(45.0)
    middle = points[np.abs(points[:, 2] - 15.0) < 1e-6]
    assert np.hypot(middle[:, 0] - 2.0, middle[:, 1]) == pytest.approx(9.0, abs=0.1)
    heights = np.unique(np.round(points[:, 2], 6))
    assert np.diff(heights).max() <= 1.0 + 1e-6
    apart = canal_points_lps([mark(8.0, 0.0, 0.0), mark(8.0, 0.0, 100.0)], half_height_mm=15.0)
    assert not np.any((apart[:, 2] > 15.1) & (apart[:, 2] < 84.9))
    with pytest.raises(InputRefused, match="not marked"):
        canal_points_lps([])


@pytest.mark.real_ct
def test_the_canal_of_a_real_thoracic_spine(real_ct: Callable[[str], Path]) -> None:
    volume = read_volume(real_ct("lidc_idri_0314_lower_thoracic"))
    # Clicked by hand, a few millimetres apart, in a section through pedicles.
    found = [measure_canal(volume, (-10.0 + dx, 243.0 + dy, -614.8)) for dx, dy in ((0, 0), (2, 1), (-2, -2))]
    for section in found:
        assert 12.0 < section.anteroposterior_mm < 19.0
        assert 13.0 < section.transverse_mm < 24.0
        assert np.linalg.norm(np.array(section.centre_lps_mm) - np.array(found[0].centre_lps_mm)) < 1.0
