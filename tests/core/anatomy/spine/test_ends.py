"""How far the canal is taken to run where the CT ends, and where the sacrum begins."""

from __future__ import annotations

import numpy as np
import pytest

from cvt_planner.anatomy.spine.discs import Disc
from cvt_planner.anatomy.spine.ends import end_at_sacrum
from cvt_planner.anatomy.spine.pipeline import BEYOND_MM, canal_span_mm
from cvt_planner.anatomy.spine.search import CanalPath
from cvt_planner.anatomy.spine.straight import BACK_MM, FRONT_MM, SIDE_MM, Straight
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
    ("tilt_deg", "wing_share", "sacral"),
    [
        (30.0, 0.3, True),
        (22.0, 0.2, False),
        (22.0, 0.6, True),
        (12.0, 0.6, True),
        (4.0, 0.6, False),
        (22.0, 0.0, False),
    ],
)
def test_a_sacrum_is_told_by_a_steep_canal_or_by_broad_wings(tilt_deg: float, wing_share: float, sacral: bool) -> None:
    n, discs = 90, (Disc(30.0, 20.0, 0.0, 0.0, 1.5), Disc(60.0, 20.0, 0.0, 0.0, 1.5))
    up = np.array([0.0, -np.sin(np.radians(tilt_deg)), np.cos(np.radians(tilt_deg))])
    frame = frame_along(np.arange(0.0, float(n))[:, None] * up)
    v, u = np.arange(BACK_MM, FRONT_MM + 0.1), np.arange(-SIDE_MM, SIDE_MM + 0.1)
    hu = np.zeros((n, len(v), len(u)), dtype=np.float32)
    ahead = v - 10.0
    wing = (ahead >= 2.0) & (ahead <= 2.0 + 14.0 * wing_share)
    hu[:31][:, wing] = 200.0
    walls = [np.full(n, distance_mm) for distance_mm in (10.0, 12.0, 12.0, 8.0)]
    found = end_at_sacrum(frame, Straight(hu, v, u, *walls), np.full(n, 42.0), discs, (0.0, 89.0))
    assert found == (0 if sacral else None)
