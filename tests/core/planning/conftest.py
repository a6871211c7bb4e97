"""A small made-up CT: an oval trunk on a couch, one vertebra with pedicles, a canal and a lytic lesion."""

from __future__ import annotations

import numpy as np
import pytest

from cvt_planner.anatomy.canal import measure_canal
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume
from cvt_planner.plan import edits
from cvt_planner.plan.model import CanalMark, LesionKind, Plan
from cvt_planner.planning.placement import place_assembly
from cvt_planner.workspace import new_plan

SPACING_MM = 1.5
SHAPE_KJI = (50, 150, 200)
BACK_Y_MM = 90.0  # of the skin, behind the vertebra's middle
CANAL_MM = (0.0, 26.0, 0.0)
LESION_MM, LESION_RADIUS_MM = (8.0, 0.0, 0.0), 8.0


@pytest.fixture(scope="session")
def trunk() -> Volume:
    k, j, i = np.meshgrid(*(np.arange(n) - (n - 1) / 2.0 for n in SHAPE_KJI), indexing="ij")
    x, y, z = (axis * SPACING_MM for axis in (i, j, k))
    hu = np.full(SHAPE_KJI, -1000.0)
    hu[(x / 140.0) ** 2 + (y / BACK_Y_MM) ** 2 <= 1.0] = 40.0
    hu[(x / 21.0) ** 2 + (y / 17.0) ** 2 <= 1.0] = 250.0
    arch = ((np.abs(x) - 13.0) / 6.0) ** 2 + (z / 9.0) ** 2 <= 1.0
    hu[arch & (y > 0.0) & (y < 38.0)] = 300.0
    hu[(np.abs(x) < 15.0) & (y > 34.0) & (y < 42.0)] = 400.0
    hu[(x / 8.5) ** 2 + ((y - CANAL_MM[1]) / 8.0) ** 2 <= 1.0] = 20.0
    lesion = (x - LESION_MM[0]) ** 2 + y**2 + z**2 <= LESION_RADIUS_MM**2
    hu[lesion] = 30.0
    noisy = hu + np.random.default_rng(3).normal(0.0, 10.0, SHAPE_KJI)
    affine = np.eye(4)
    affine[:3, :3] = SPACING_MM * np.eye(3)[:, ::-1]
    affine[:3, 3] = [-(n - 1) / 2.0 * SPACING_MM for n in SHAPE_KJI[::-1]]
    series = SeriesIdentity("1.2.3", "1.2", series_description="made up")
    return Volume(noisy.astype(np.int16), Grid(SHAPE_KJI, affine), Patient("Trunk"), series, "trunk-1", "")


@pytest.fixture(scope="session")
def plan(trunk: Volume) -> Plan:
    plan = new_plan(trunk)
    section = measure_canal(trunk, CANAL_MM)
    lesion = edits.new_lesion(plan, "L2", LesionKind.LYTIC, Ellipsoid(LESION_MM, (LESION_RADIUS_MM,) * 3))
    for edit in (
        edits.mark_level("L2", (0.0, 0.0, 0.0)),
        edits.confirm_level("L2"),
        edits.mark_canal("L2", CanalMark(section.centre_lps_mm, section.wall_lps_mm)),
        edits.add_lesion(lesion),
    ):
        plan = edit(plan)
    for x in (1.0, -1.0):
        needle = place_assembly(trunk, plan, lesion.id, (8.0 * x, -12.0, 0.0), (22.0 * x, 88.0, 0.0))
        plan = edits.add_assembly(needle)(plan)
    return plan
