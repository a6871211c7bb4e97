"""Plan files of past versions open for ever, and say what they said.

``python tests/golden/test_plan_files.py`` writes the file of the present version anew; do that only when a version is
made, never to make this test pass.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from cvt_planner.anatomy.lesion_shape import Ellipsoid, Region
from cvt_planner.anatomy.levels import LevelScheme
from cvt_planner.devices.bone_needle import BoneNeedleModel
from cvt_planner.devices.cryoprobe import CryoprobeModel
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient
from cvt_planner.plan.model import (
    Assembly,
    CanalMark,
    FreezePhase,
    Lesion,
    LesionKind,
    LevelCount,
    LevelMark,
    PatientPosition,
    Plan,
    Side,
    VolumeRef,
    VolumeRole,
)
from cvt_planner.plan.results import MARROW_BONE, SOFT_TISSUE, IceField, IceInputs, IceResult, ProbePlace
from cvt_planner.storage.plan_file import StoredPlan, load_plan, save_plan
from cvt_planner.storage.png import png_bytes

V1, V2 = (Path(__file__).with_name(f"v{n}.cvtplan") for n in (1, 2))
NEEDLE = BoneNeedleModel("13g-125", "13 G, 125 mm", "13 G", 2.413, 1.803, 125.0, "as sold")
PROBE = CryoprobeModel("17g-15", "17 G, 15 mm active", "17 G", 1.47, 3.0, 15.0, 175.0, -140.0, 30.0, None, "as sold")


def plan_v1() -> Plan:
    """Return the plan that the golden file of version 1 holds."""
    mask = np.zeros((4, 5, 6), dtype=bool)
    mask[1:3, 1:4, 2:5] = True
    affine = np.eye(4)
    affine[:3, :3] = [[0.02, 0.0, 0.7], [0.0, 0.7, 0.0], [1.25, 0.0, -0.01]]
    affine[:3, 3] = (-10.5, 3.25, -612.125)
    region = Region(mask, Grid(mask.shape, affine, "1.2.3"), (-9.0, 4.5, -610.0), -60.0, 118.5, 20.0, 0.0113)
    planning = VolumeRef(
        VolumeRole.PLANNING, "1.2.3.4", "1.2.3", "1.2.3.9", "c0ffee" * 10 + "beef", "Wirbelsäule 1 mm",
        "2026-01-15T09:30:00", (140, 320, 400), "",
    )  # fmt: skip
    shifted = (1.0, 0.0, 0.0, 2.5, 0.0, 1.0, 0.0, -1.25, 0.0, 0.0, 1.0, 30.0, 0.0, 0.0, 0.0, 1.0)
    later = VolumeRef(
        VolumeRole.FOLLOW_UP, "1.2.3.5", "1.2.4", "1.2.4.9", "ab" * 32, "", "", (90, 512, 512), "", shifted
    )
    canal = CanalMark((0.5, 26.0, -611.0), ((8.5, 26.0, -611.0), (0.5, 34.0, -611.0), (-7.5, 26.0, -611.0)))
    left = Assembly(
        "n-left", "l-1", Side.LEFT, (4.0, -9.5, -611.0), (31.0, 84.0, -600.0), (30.2, 81.2, -600.3),
        (17.0, 36.0, -605.0), NEEDLE, PROBE, 23.0,
    )  # fmt: skip
    right = Assembly(
        "n-right", "l-1", Side.RIGHT, (-6.0, -9.5, -611.0), (-33.0, 84.0, -600.0), None, None, NEEDLE, PROBE, 30
    )
    return Plan(
        id="golden",
        patient=Patient("Phantom, Größe", "CVT-1", "1972-03-01", "F", "53 y"),
        volumes=(planning, later),
        levels=(LevelMark("T12", (1.0, 0.0, -540.0)), LevelMark("L2", (0.0, 0.5, -611.0), True, canal)),
        lesions=(
            Lesion("l-1", "Lesion 1", "L2", LesionKind.LYTIC, region, 8),
            Lesion("l-2", "Ωmega", "T12", LesionKind.BLASTIC, Ellipsoid((1.0, 2.0, -540.5), (7.5, 8.0, 6.25)), None),
        ),
        assemblies=(left, right),
        protocol=(FreezePhase("freeze", 600.0), FreezePhase("thaw", 480.0), FreezePhase("freeze", 540.5)),
        patient_position=PatientPosition.LEFT_DECUBITUS,
        notes="Two lines\nof notes, 10 °C.",
    )


def plan_v2() -> Plan:
    """Return the plan that the golden file of version 2 holds: levels say how they were counted."""
    plan = plan_v1()
    anchor = LevelCount("S1", "sagittal view of Wirbelsäule 1 mm", "doctor", "2026-01-15T10:02:00+01:00", "c0ffee", -1)
    counted = replace(anchor, counted_from="L2", renumbered=0, doubt="A vertebra on the way is doubtful.")
    above, below = plan.levels
    levels = (replace(above, count=counted), replace(below, count=anchor), LevelMark("L6", (0.0, 3.0, -750.0)))
    return replace(plan, levels=levels, scheme=LevelScheme(11, 6))


def ice_v1() -> IceResult:
    """Return the ice that every version's golden file holds."""
    plan = plan_v1()
    places = tuple(ProbePlace(a.probe_tip_lps_mm, (0.0, 1.0, 0.0), PROBE) for a in plan.assemblies)
    inputs = IceInputs("l-1", plan.volumes[0].content_hash, places, plan.protocol, 2.0, "1")
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    cold = np.linspace(-140.0, 37.0, 60, dtype=np.float32).reshape(3, 4, 5)
    fields = tuple(
        IceField(
            tissue, cold + shift, Grid((3, 4, 5), affine), ((0.0, 20.5), (-20.0, 10.25), (-40.0, 5.125)), 0.0004, 0.5
        )
        for tissue, shift in ((SOFT_TISSUE, np.float32(0.0)), (MARROW_BONE, np.float32(0.5)))
    )
    return IceResult(inputs, fields)


def test_version_1() -> None:
    stored = load_plan(V1)
    assert stored.plan == plan_v1()
    assert [notice for notice in stored.notices if "format 1" in notice]
    assert_thumbnail_and_ice(stored)


def test_version_2() -> None:
    stored = load_plan(V2)
    assert stored.plan == plan_v2()
    assert stored.notices == ()
    assert_thumbnail_and_ice(stored)


def assert_thumbnail_and_ice(stored: StoredPlan) -> None:
    assert stored.thumbnail_png is not None
    assert stored.thumbnail_png.startswith(b"\x89PNG")
    (ice,) = stored.ice
    wanted = ice_v1()
    assert ice.inputs == wanted.inputs
    for old, new in zip(wanted.fields, ice.fields, strict=True):
        assert old.volumes_ml == new.volumes_ml
        assert np.abs(old.temperature_c - new.temperature_c).max() <= 0.00501


if __name__ == "__main__":
    save_plan(plan_v2(), (ice_v1(),), V2, png_bytes(np.arange(48, dtype=np.uint8).reshape(6, 8)))
