"""The safety checks: one test over all members for the contract, and each limit from both of its sides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.anatomy.levels import LevelScheme
from cvt_planner.imaging.volume import Gap, Patient
from cvt_planner.plan import checks as checks_package
from cvt_planner.plan.checks import CHECKS, VERDICTS, Check, CheckContext, CheckResult, run_checks, worst
from cvt_planner.plan.figures import (
    AssemblyFigures,
    CementFigures,
    IceFigures,
    IsothermFigures,
    Nearness,
    WayFigures,
)
from cvt_planner.plan.model import (
    Assembly,
    CanalMark,
    Lesion,
    LesionKind,
    LevelCount,
    LevelMark,
    Plan,
    Side,
    VolumeRef,
    VolumeRole,
)
from cvt_planner.plan.results import MARROW_BONE, SOFT_TISSUE
from cvt_planner.plan.sides import SidesState

CT = VolumeRef(VolumeRole.PLANNING, "1", "2", "3", "ab", "CT", "", (1, 2, 3), "")
LESION = Lesion("a", "Lesion 1", "L2", LesionKind.LYTIC, Ellipsoid((0.0, 0.0, 0.0), (8.0, 8.0, 8.0)))
LEFT = Assembly("l", "a", Side.LEFT, (6.0, 0.0, 0.0), (40.0, 90.0, 0.0), skin_entry_lps_mm=(40.0, 90.0, 0.0))
RIGHT = Assembly("r", "a", Side.RIGHT, (-6.0, 0.0, 0.0), (-40.0, 90.0, 0.0), skin_entry_lps_mm=(-40.0, 90.0, 0.0))
CANAL = CanalMark((0.0, 26.0, 0.0), ((8.0, 26.0, 0.0), (0.0, 34.0, 0.0), (-8.0, 26.0, 0.0), (0.0, 18.0, 0.0)))
PLAN = Plan("p", Patient(), (CT,), (LevelMark("L2", (0.0, 0.0, 0.0), True, CANAL),), (LESION,), (LEFT, RIGHT))
NEEDLE = AssemblyFigures(
    assembly_id="l",
    depth_from_skin_mm=96.0,
    depth_from_bone_mm=40.0,
    needle_needed_mm=73.0,
    needle_outside_mm=52.0,
    probe_spare_mm=27.0,
    bore_play_mm=0.33,
    metal_gap_mm=5.0,
    in_plane_deg=20.0,
    cranio_caudal_deg=0.0,
    tip_in_ct=True,
    lesion_in_ct=True,
    partner_id="r",
    partner_distance_mm=12.0,
    partner_widest_mm=18.0,
    partner_tip_distance_mm=12.0,
    partner_angle_deg=40.0,
)
ICE = IceFigures(
    lesion_id="a",
    isotherms=tuple(IsothermFigures(t, 20.0, 10.0, 97.0, 100.0, MARROW_BONE, SOFT_TISSUE) for t in (0.0, -20.0, -40.0)),
    canal_marked=True,
    canal_to_0c_mm=6.0,
    canal_to_minus_20c_mm=11.0,
    canal_minimum_c=18.0,
    canal_minimum_high_c=30.0,
)
CEMENT = CementFigures("a", 4.0, 2.0, 5.5, 7.5, 31.0, False, ((15.0, 4.6),), 0.3, ())
HERE = (0.0, -20.0, 0.0)
WAY = WayFigures("l", Nearness("left lung", 14.0, 0.0, HERE), Nearness("aorta", 9.0, 0.0, HERE), True)
GOOD = CheckContext(
    PLAN, 1.0, {"l": NEEDLE, "r": replace(NEEDLE, assembly_id="r", partner_id="l")},
    {"a": CEMENT}, {"a": ICE}, {"a": "current"}, {"a": True}, SidesState(True, "", "The picture agrees."), (),
    ways={"l": WAY, "r": replace(WAY, assembly_id="r", air=None)}, aorta_words="No aorta is seen.",
)  # fmt: skip


def context(**parts: Any) -> CheckContext:
    values = {name: getattr(GOOD, name) for name in CheckContext.__dataclass_fields__}
    return CheckContext(**{**values, **parts})


def with_needle(**figures: Any) -> CheckContext:
    alone = {"l": replace(NEEDLE, **{"partner_id": None, **figures})}
    return context(assemblies=alone, plan=replace(PLAN, assemblies=(LEFT,)))


def with_left(**parts: Any) -> CheckContext:
    alone = replace(NEEDLE, partner_id=None)
    return context(plan=replace(PLAN, assemblies=(replace(LEFT, **parts),)), assemblies={"l": alone})


def with_ice(percent: float = 97.0, high: float = 100.0, **figures: Any) -> CheckContext:
    rows = tuple(IsothermFigures(t, 20.0, 10.0, percent, high, MARROW_BONE, SOFT_TISSUE) for t in (0.0, -20.0, -40.0))
    return context(ice={"a": replace(ICE, isotherms=rows, **figures)})


def with_levels(*marks: tuple[str, float]) -> CheckContext:
    return context(plan=replace(PLAN, levels=tuple(LevelMark(name, (0.0, 0.0, z), True) for name, z in marks)))


def with_counted(confirmed: bool, doubt: str = "", content_hash: str = "ab") -> CheckContext:
    """L2 counted from L4 over the spine found in the CT."""
    anchor = LevelCount("S1", "the sagittal view", "me", "2026-01-15T09:30:00", content_hash)
    counted = replace(anchor, counted_from="L4", doubt=doubt)
    below = LevelMark("L4", (0.0, 0.0, -70.0), confirmed, None, anchor)
    return context(plan=replace(PLAN, levels=(LevelMark("L2", (0.0, 0.0, 0.0), False, CANAL, counted), below)))


def with_off_lesion(entry_x_mm: float) -> CheckContext:
    """A lesion far left without a mark of its own, beside the marked canal of the next level."""
    lesion = replace(LESION, shape=Ellipsoid((15.0, 0.0, 0.0), (5.0, 5.0, 5.0)))
    canal = CanalMark((4.0, 30.0, -35.0), ((12.0, 30.0, -35.0), (4.0, 38.0, -35.0), (-4.0, 30.0, -35.0)))
    needle = replace(LEFT, skin_entry_lps_mm=(entry_x_mm, 90.0, 0.0))
    levels = (LevelMark("L3", (4.0, 0.0, -35.0), True, canal),)
    return context(plan=replace(PLAN, levels=levels, lesions=(lesion,), assemblies=(needle,)))


def with_way(**parts: Any) -> CheckContext:
    return context(plan=replace(PLAN, assemblies=(LEFT,)), ways={"l": replace(WAY, **parts)})


def with_retraction(retraction_mm: float, **figures: Any) -> CheckContext:
    one = with_needle(**figures)
    return context(
        assemblies=one.assemblies,
        plan=replace(PLAN, assemblies=(replace(LEFT, needle_retraction_mm=retraction_mm),)),
    )


def sagittal(x_mm: float) -> dict[str, Any]:
    """The points of a needle that runs straight from back to front."""
    entry = (x_mm, 90.0, 0.0)
    return {"probe_tip_lps_mm": (x_mm, 0.0, 0.0), "skin_entry_lps_mm": entry, "entry_lps_mm": entry}


def the(key: str) -> Check:
    return next(check for check in CHECKS if check.key == key)


CONTEXTS = (
    GOOD,
    CheckContext(Plan("p", Patient(), (CT,))),
    CheckContext(PLAN),
    context(ice={}, ice_states={"a": "stale"}, slice_distance_mm=5.0),
    with_left(skin_entry_lps_mm=None),
    with_needle(partner_id=None, partner_distance_mm=None, partner_widest_mm=None, tip_in_ct=None),
    with_ice(canal_marked=False, canal_to_0c_mm=None, canal_minimum_c=None, canal_minimum_high_c=None),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.key)
def test_every_check_keeps_the_contract(check: Check) -> None:
    assert check.title
    assert check.limit
    assert check.not_modelled.endswith(".")
    assert check.source
    answers = 0
    for one in CONTEXTS:
        results = check.run(one)
        answers += len(results)
        for result in results:
            assert isinstance(result, CheckResult)
            assert (result.key, result.verdict in VERDICTS) == (check.key, True)
            assert result.sentence.endswith((".", "?"))
            assert not any(word in result.sentence for word in ("None", "nan", "inf ", "_"))
            assert result.subject
            assert result.figure is not None or result.unit is not None
    assert answers


def test_every_file_of_the_folder_is_a_member() -> None:
    files = {p.stem for p in Path(checks_package.__file__ or "").parent.glob("*.py")} - {"__init__", "contract"}
    assert len(files) == len(CHECKS) == len({check.key for check in CHECKS})


def test_a_good_plan_is_ok() -> None:
    results = run_checks(GOOD)
    assert {r.verdict for r in results} == {"ok"}, [r.sentence for r in results if r.verdict != "ok"]
    assert worst(results) == "ok"


ABOVE = Gap(0, 30, 31, (0.0, 0.0, 1.0), 20.0, 23.0)  # slices missing beyond needles and lesion
THROUGH = Gap(0, 9, 9, (0.0, 0.0, 1.0), -1.0, 1.0)
LOW_RIM = Gap(0, 2, 2, (0.0, 0.0, 1.0), -10.0, -7.5)  # the lesion's lowest half millimetre
DOUBT = SidesState(False, "No position.", "Left and right are not confirmed. No position.")

CASES = [
    ("sides-confirmed", context(sides=None), "not judged"),
    ("sides-confirmed", context(sides=DOUBT), "stop"),
    ("sides-confirmed", context(sides=replace(DOUBT, named=True, words="Confirmed by a user.")), "look"),
    ("missing-slices", context(gaps=None), "not judged"),
    ("missing-slices", context(gaps=(ABOVE,)), "look"),
    ("missing-slices", context(gaps=(THROUGH,)), "stop"),
    ("missing-slices", context(gaps=(LOW_RIM,)), "stop"),
    ("missing-slices", context(gaps=(ABOVE,), ice_boxes={"a": ((-20.0, -20.0, -19.0), (20.0, 20.0, 19.0))}), "look"),
    ("missing-slices", context(gaps=(ABOVE,), ice_boxes={"a": ((-20.0, -20.0, -21.0), (20.0, 20.0, 21.0))}), "stop"),
    ("canal-ice", context(slice_distance_mm=13.0), "look"),  # the ice ends 6 mm away, uncertain by 6.5 mm
    ("canal-ice", context(slice_distance_mm=11.0), "ok"),
    ("slice-distance", context(slice_distance_mm=1.5), "ok"),
    ("slice-distance", context(slice_distance_mm=1.6), "not judged"),
    ("slice-distance", context(slice_distance_mm=None), "not judged"),
    ("level-confirmed", context(plan=replace(PLAN, levels=())), "stop"),
    ("level-confirmed", context(plan=replace(PLAN, levels=(LevelMark("L2", (0.0, 0.0, 0.0)),))), "stop"),
    ("level-confirmed", with_counted(confirmed=True), "ok"),
    ("level-confirmed", context(counted_levels={"a": "L2"}), "ok"),
    ("level-confirmed", context(counted_levels={"a": "L3"}), "stop"),  # the spine was corrected since
    ("level-confirmed", with_counted(confirmed=False), "stop"),  # what it was counted from is not confirmed any more
    ("level-confirmed", with_counted(confirmed=True, doubt="A vertebra on the way is doubtful."), "stop"),
    ("level-confirmed", with_counted(confirmed=True, content_hash="of another CT"), "stop"),
    ("level-confirmed", context(plan=replace(PLAN, scheme=LevelScheme(12, 6))), "look"),
    ("level-confirmed", context(plan=replace(PLAN, lesions=(replace(LESION, level="T13"),))), "stop"),
    ("level-confirmed", context(plan=replace(PLAN, levels=(LevelMark("L2", (0.0, 0.0, 45.0), True),))), "stop"),
    ("level-confirmed", context(plan=replace(PLAN, levels=(LevelMark("L2", (0.0, 0.0, 30.0), True),))), "look"),
    ("level-confirmed", with_levels(("L2", 0.0), ("L3", -35.0)), "ok"),
    ("level-confirmed", with_levels(("L2", 0.0), ("L3", 35.0)), "stop"),
    ("level-confirmed", with_levels(("L1", -35.0), ("L2", 0.0)), "stop"),
    ("side", with_off_lesion(7.0), "look"),  # near the mid-line of the next canal, though far right of the lesion
    ("needle-length", with_needle(needle_outside_mm=20.0), "ok"),
    ("needle-length", with_retraction(23.0, needle_outside_mm=22.0), "look"),
    ("needle-length", with_retraction(23.0, needle_outside_mm=24.0), "ok"),
    ("inside-ct", context(lesions_in_ct={"a": False}), "stop"),
    ("inside-ct", context(lesions_in_ct={}), "not judged"),
    ("inside-ct", with_needle(tip_in_ct=False), "stop"),
    ("side", with_left(side=Side.RIGHT), "stop"),
    ("side", with_left(skin_entry_lps_mm=(3.0, 90.0, 0.0)), "look"),
    ("side", context(plan=replace(PLAN, assemblies=(LEFT, replace(LEFT, id="r")))), "look"),
    ("skin-entry", with_left(skin_entry_lps_mm=None), "look"),
    ("skin-entry", with_left(entry_lps_mm=(23.0, 45.0, 0.0)), "look"),
    ("canal-path", with_left(skin_entry_lps_mm=(-20.0, 90.0, 0.0), entry_lps_mm=(-20.0, 90.0, 0.0)), "stop"),
    ("canal-path", with_left(probe_tip_lps_mm=(0.0, 26.0, 0.0)), "stop"),  # the probe's tip in the canal
    ("canal-path", with_left(**sagittal(8.0 + 1.2065 - 0.2)), "stop"),  # the shaft's own half width counts
    ("canal-path", with_left(**sagittal(8.0 + 1.2065 + 0.8)), "look"),
    ("canal-path", with_left(**sagittal(8.0 + 1.2065 + 1.2)), "ok"),
    ("canal-path", replace(with_left(**sagittal(8.0 + 1.2065 + 1.2)), slice_distance_mm=5.0), "look"),
    ("canal-path", replace(with_left(**sagittal(8.0 + 1.2065 + 3.6)), slice_distance_mm=5.0), "ok"),
    (
        "canal-path",
        with_left(
            probe_tip_lps_mm=(0.0, 26.0, 40.0), skin_entry_lps_mm=(0.0, 90.0, 40.0), entry_lps_mm=(0.0, 90.0, 40.0)
        ),
        "not judged",
    ),
    ("canal-path", context(plan=replace(PLAN, levels=())), "not judged"),
    ("lung-path", with_way(air=Nearness("left lung", -3.0, 12.0, HERE)), "look"),
    ("lung-path", with_way(air=Nearness("air", 4.0, 0.0, HERE)), "look"),
    ("lung-path", with_way(air=None), "ok"),
    ("lung-path", replace(with_way(air=Nearness("left lung", 7.0, 0.0, HERE)), slice_distance_mm=5.0), "look"),
    ("lung-path", context(ways={}), "not judged"),
    ("aorta-path", with_way(aorta=Nearness("aorta", -1.0, 2.0, HERE)), "stop"),
    ("aorta-path", with_way(aorta=Nearness("aorta", 4.0, 0.0, HERE)), "look"),
    ("aorta-path", with_way(aorta_everywhere=False), "not judged"),
    ("aorta-path", with_way(aorta=None, aorta_everywhere=False), "not judged"),
    ("needle-length", with_needle(needle_outside_mm=-1.0), "stop"),
    ("needle-length", with_needle(needle_outside_mm=9.0), "look"),
    ("needle-length", with_needle(needle_outside_mm=None), "not judged"),
    ("probe-length", with_needle(probe_spare_mm=-0.5), "stop"),
    ("probe-in-needle", with_needle(bore_play_mm=-0.1), "stop"),
    ("probe-in-needle", with_needle(bore_play_mm=0.13), "look"),
    ("metal-clear", with_needle(metal_gap_mm=-2.0), "stop"),
    ("metal-clear", with_needle(metal_gap_mm=4.0), "look"),
    ("metal-clear", with_needle(metal_gap_mm=5.0), "ok"),
    ("probe-spacing", with_needle(partner_id=None), "not judged"),
    ("coverage", with_ice(94.0), "look"),
    ("coverage", with_ice(30.0, 55.0), "stop"),
    ("coverage", context(ice={}, ice_states={"a": "stale"}), "not judged"),
    ("coverage", context(ice={}, ice_states={}), "not judged"),
    ("canal-ice", with_ice(canal_minimum_c=9.9), "look"),
    ("canal-ice", with_ice(canal_minimum_c=-0.1, canal_to_0c_mm=-1.0), "stop"),
    ("canal-ice", with_ice(canal_minimum_c=None, canal_marked=False), "not judged"),
    ("canal-ice", context(ice={}, ice_states={"a": "absent"}), "not judged"),
    ("canal-ice", with_ice(canal_marked=False), "not judged"),  # warm where it is marked, unknown elsewhere
    ("canal-ice", with_ice(canal_marked=False, canal_minimum_c=-1.0, canal_to_0c_mm=-1.0), "stop"),
    ("cement-cap", context(cement={"a": replace(CEMENT, is_capped=True)}), "look"),
    ("cement-cap", context(cement={}), "not judged"),
]


@pytest.mark.parametrize(("key", "one", "verdict"), CASES)
def test_limits_from_their_far_side(key: str, one: CheckContext, verdict: str) -> None:
    assert worst(the(key).run(one)) == verdict


@pytest.mark.parametrize(("near", "wide", "verdict"), [(2.0, 18.0, "stop"), (9.0, 18.0, "look"), (12.0, 21.0, "look")])
def test_probe_spacing(near: float, wide: float, verdict: str) -> None:
    pair = {
        key: replace(NEEDLE, assembly_id=key, partner_id=other, partner_distance_mm=near, partner_widest_mm=wide)
        for key, other in (("l", "r"), ("r", "l"))
    }
    results = the("probe-spacing").run(context(assemblies=pair))
    assert [r.verdict for r in results] == [verdict]  # once per pair, not once per needle


def test_lesions_of_one_level_share_its_cement_cap() -> None:
    twin = replace(LESION, id="b", name="Lesion 2")
    both = {"a": CEMENT, "b": replace(CEMENT, lesion_id="b")}  # 4 mL each, the level takes 7.5 mL
    same = the("cement-cap").run(context(plan=replace(PLAN, lesions=(LESION, twin)), cement=both))
    assert [(r.verdict, r.figure) for r in same] == [("look", 8.0)] * 2
    apart = replace(PLAN, lesions=(LESION, replace(twin, level="L3")))
    assert {r.verdict for r in the("cement-cap").run(context(plan=apart, cement=both))} == {"ok"}


def test_needles_of_different_lesions_that_cross_are_stopped() -> None:
    twin = replace(LESION, id="b", name="Lesion 2", level="L3")
    across = replace(RIGHT, lesion_id="b", probe_tip_lps_mm=(40.0, 0.0, 0.0), entry_lps_mm=(6.0, 90.0, 0.0))
    plan = replace(PLAN, lesions=(LESION, twin), assemblies=(LEFT, across))
    alone = {key: replace(NEEDLE, assembly_id=key, partner_id=None) for key in ("l", "r")}
    results = the("probe-spacing").run(context(plan=plan, assemblies=alone))
    (stop,) = (r for r in results if r.verdict == "stop")
    assert "cross" in stop.sentence
    assert stop.is_about(LEFT) and stop.is_about(across)
    assert stop.place_lps_mm == pytest.approx((23.0, 45.0, 0.0), abs=1e-6)


def test_stale_and_absent_ice_are_told_apart() -> None:
    stale, absent = (
        the("coverage").run(context(ice={}, ice_states={"a": state}))[0].sentence for state in ("stale", "absent")
    )
    assert "out of date" in stale
    assert "not been computed" in absent


def test_needles_of_two_lesions_at_one_level_carry_the_lesion_too() -> None:
    assert GOOD.needle_name(LEFT) == "L2 left"
    twin = replace(LESION, id="b", name="Lesion 2")
    assert CheckContext(replace(PLAN, lesions=(LESION, twin))).needle_name(LEFT) == "L2 left (Lesion 1)"


def test_the_gravest_verdict_wins() -> None:
    ok = run_checks(GOOD)[0]
    kinds = [replace(ok, verdict=v) for v in ("ok", "not judged", "look", "stop")]
    assert [worst(tuple(kinds[: n + 1])) for n in range(4)] == ["ok", "not judged", "look", "stop"]
