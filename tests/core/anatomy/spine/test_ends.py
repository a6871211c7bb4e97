"""How far the canal is taken to run where the CT ends, and where the sacrum begins."""

from __future__ import annotations

import numpy as np
import pytest

from cvt_planner.anatomy.spine.discs import Disc
from cvt_planner.anatomy.spine.ends import end_at_sacrum
from cvt_planner.anatomy.spine.pipeline import BEYOND_MM, canal_span_mm
from cvt_planner.anatomy.spine.search import CanalPath
from cvt_planner.anatomy.spine.straight import Straight
from cvt_planner.anatomy.spine.straighten import frame_along
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume

AFFINE = np.array([[0.0, 0.0, 1.0, -40.0], [0.0, 1.0, 0.0, -80.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])


@pytest.mark.parametrize(
    ("tilt_deg", "left_mm", "runs_on"),
    [(0.0, 3.0, True), (0.0, 9.0, False), (30.0, 11.0, True), (30.0, 16.0, False), (55.0, 11.0, False)],
)
def test_a_canal_lost_near_the_end_of_the_ct_runs_on_to_it_unless_it_is_the_sacrum_s(
    tilt_deg: float, left_mm: float, runs_on: bool
) -> None:
    grid = Grid((120, 160, 80), AFFINE)
    volume = Volume(np.zeros(grid.shape_kji, dtype=np.int16), grid, Patient(), SeriesIdentity(), "", "")
    up = np.array([0.0, -np.sin(np.radians(tilt_deg)), np.cos(np.radians(tilt_deg))])
    line = np.array([0.0, 40.0, left_mm]) + np.arange(0.0, 60.0)[:, None] * up
    low, high = canal_span_mm(frame_along(line, BEYOND_MM), CanalPath(line, np.ones(1)), volume)
    assert high == pytest.approx(BEYOND_MM + 59.0, abs=0.1)
    if runs_on:
        assert BEYOND_MM - low >= left_mm / up[2] + 5.0
    else:
        assert low == BEYOND_MM


@pytest.mark.parametrize(
    ("tilt_deg", "winged", "width_mm", "level"),
    [(15.0, True, 42.0, 0), (15.0, False, 42.0, None), (40.0, False, 42.0, 1), (15.0, True, 28.0, None),
     (3.0, True, 42.0, None)],
)  # fmt: skip
def test_a_sacrum_leans_steeply_or_carries_wings(
    tilt_deg: float, winged: bool, width_mm: float, level: int | None
) -> None:
    """Wings stand beside the lower of two levels; the canal of a lying patient with a flat sacrum leans little."""
    up = np.array([0.0, -np.sin(np.radians(tilt_deg)), np.cos(np.radians(tilt_deg))])
    frame = frame_along(np.arange(0.0, 60.0)[:, None] * up)
    n = len(frame.up)
    v, u = np.arange(-20.0, 50.0), np.arange(-45.0, 46.0)
    hu = np.full((n, len(v), len(u)), 50.0, dtype=np.float32)
    if winged:
        hu[:30, :, np.abs(u) > 22.0] = 250.0
    wall = np.full(n, 9.0)
    discs = (Disc(30.0, 20.0, 0.0, 0.0, 1.0), Disc(59.0, 20.0, 0.0, 0.0, 1.0))
    straight = Straight(hu, v, u, wall, wall, wall, wall)
    assert end_at_sacrum(frame, straight, np.full(n, width_mm), discs, (0.0, 59.0)) == level
