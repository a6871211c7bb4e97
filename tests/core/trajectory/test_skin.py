"""Skin and bone entries in a synthetic trunk on a couch, at the ends of the field, and in real CTs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume
from cvt_planner.trajectory.skin import find_bone_entry, find_skin_entry

BACK_MM, WIDTH_MM = 70.0, 110.0  # half axes of the trunk
SPACING = (2.0, 1.2, 1.2)
TIP = (5.0, 20.0, 15.0)


def _trunk(couch_gap_mm: float = 4.0, field_mm: float = 300.0, padding: bool = False) -> Volume:
    """Return an elliptic trunk with two lungs, a vertebra and, below, a couch of two shells with a blanket on it."""
    n = round(field_mm / SPACING[1])
    axis = (np.arange(n) - (n - 1) / 2.0) * SPACING[1]
    y, x = np.meshgrid(axis, axis, indexing="ij")
    hu = np.full((n, n), -1000.0)
    hu[np.hypot(x / WIDTH_MM, y / BACK_MM) <= 1.0] = 0.0
    hu[np.hypot((np.abs(x) - 55.0) / 35.0, y / 40.0) <= 1.0] = -850.0
    hu[np.hypot(x, y - 25.0) <= 22.0] = 150.0
    hu[np.abs(np.hypot(x, y - 25.0) - 21.0) <= 1.0] = 700.0
    for start, thickness in ((BACK_MM + couch_gap_mm, 2.4), (BACK_MM + couch_gap_mm + 25.0, 2.4)):
        hu[(y >= start) & (y <= start + thickness)] = 100.0
    hu = ndimage.gaussian_filter(hu, 0.6 / SPACING[1])
    hu += np.random.default_rng(3).normal(0.0, 15.0, hu.shape)
    if padding:
        hu[np.hypot(x, y) > field_mm / 2.0] = -3024.0
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, SPACING[2]], [0, SPACING[1], 0], [SPACING[0], 0, 0]])
    affine[:3, 3] = [axis[0], axis[0], 0.0]
    stack = np.repeat(hu[None], 16, axis=0).astype(np.int16)
    return Volume(stack, Grid(stack.shape, affine), Patient(), SeriesIdentity(), "trunk", "trunk")


@pytest.mark.parametrize("gap_mm", [2.4, 4.0, 12.0])
def test_the_skin_is_the_back_and_not_the_couch(gap_mm: float) -> None:
    entry = find_skin_entry(_trunk(gap_mm), TIP, (0.0, 1.0, 0.0))
    assert entry is not None
    assert entry[1] == pytest.approx(BACK_MM * np.sqrt(1.0 - (5.0 / WIDTH_MM) ** 2), abs=0.6)


@pytest.mark.parametrize("turn_deg", [0.0, 30.0, 70.0, 180.0, 270.0])
def test_the_skin_is_found_through_lung_and_in_every_direction(turn_deg: float) -> None:
    turn = np.radians(turn_deg)
    entry = find_skin_entry(_trunk(), TIP, (np.cos(turn), np.sin(turn), 0.0))
    assert entry is not None
    rho = float(np.hypot(entry[0] / WIDTH_MM, entry[1] / BACK_MM))
    assert rho == pytest.approx(1.0, abs=0.012)


def test_no_skin_where_the_ct_ends_first() -> None:
    volume = _trunk()
    assert find_skin_entry(volume, TIP, (0.0, 0.3, 1.0)) is None  # leaves by the last slice
    assert find_skin_entry(volume, (900.0, 0.0, 0.0), (0.0, 1.0, 0.0)) is None
    cut = _trunk(field_mm=170.0, padding=True)  # the flanks lie outside the reconstructed circle
    assert find_skin_entry(cut, TIP, (1.0, 0.0, 0.0)) is None
    assert find_skin_entry(cut, TIP, (0.0, 1.0, 0.0)) is not None
    assert find_skin_entry(_trunk(field_mm=170.0), TIP, (1.0, 0.0, 0.0)) is None


def test_bone_begins_at_the_cortex() -> None:
    volume = _trunk()
    entry = find_bone_entry(volume, (0.0, 25.0, 15.0), (0.0, 69.0, 15.0))
    assert entry is not None
    assert entry[1] == pytest.approx(47.0, abs=0.8)
    assert find_bone_entry(volume, (0.0, 55.0, 15.0), (0.0, 69.0, 15.0)) is None


def test_a_drag_can_afford_both_entries() -> None:
    volume = _trunk()
    find_skin_entry(volume, TIP, (0.0, 1.0, 0.0))
    find_bone_entry(volume, TIP, (5.0, 69.0, 15.0))
    times = []
    for _ in range(5):
        start = time.perf_counter()
        skin = find_skin_entry(volume, TIP, (0.1, 1.0, 0.0))
        assert skin is not None
        find_bone_entry(volume, TIP, skin)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.008


@pytest.mark.real_ct
def test_skin_and_bone_on_a_real_back(real_ct: Callable[[str], Path]) -> None:
    volume = read_volume(real_ct("lidc_idri_0314_lower_thoracic"))
    tip = (-8.0, 215.0, -614.8)  # in a vertebral body, a little left of its middle
    outward = (0.25, 1.0, 0.0)
    skin = find_skin_entry(volume, tip, outward)
    assert skin is not None
    assert 60.0 < float(np.linalg.norm(np.array(skin) - tip)) < 110.0
    bone = find_bone_entry(volume, tip, skin)
    assert bone is not None
    assert tip[1] < bone[1] < skin[1] - 15.0
