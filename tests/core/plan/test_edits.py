"""Edits: each does what it says, leaves the old plan alone, and returns it where nothing changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.base.errors import InputRefused
from cvt_planner.devices.bone_needle import BONE_NEEDLES
from cvt_planner.devices.cryoprobe import CRYOPROBES
from cvt_planner.imaging.volume import Patient
from cvt_planner.plan import edits
from cvt_planner.plan.model import (
    Assembly,
    CanalMark,
    FreezePhase,
    LesionKind,
    PatientPosition,
    Plan,
    Side,
    VolumeRef,
    VolumeRole,
    default_retraction_mm,
)

BALL = Ellipsoid((0.0, 0.0, 0.0), (8.0, 8.0, 8.0))
CT = VolumeRef(VolumeRole.PLANNING, "1", "2", "3", "ab", "CT", "", (1, 2, 3), "/somewhere")


@pytest.fixture
def plan() -> Plan:
    plan = Plan("p", Patient(), (CT,))
    for level in ("L2", "T12"):
        plan = edits.add_lesion(edits.new_lesion(plan, level, LesionKind.LYTIC, BALL))(plan)
    first = plan.lesions[0].id
    needle = Assembly("n", first, Side.LEFT, (0.0, 0.0, 0.0), (30.0, 80.0, 0.0), needle_retraction_mm=23.0)
    return edits.add_assembly(needle)(plan)


def test_names_of_lesions_stay_apart(plan: Plan) -> None:
    assert [lesion.name for lesion in plan.lesions] == ["Lesion 1", "Lesion 2"]
    first, second = plan.lesions
    assert edits.rename_lesion(second.id, "Lesion 1")(plan).lesions[1].name == "Lesion 1 (2)"
    assert edits.rename_lesion(second.id, "  Hip  crest ")(plan).lesions[1].name == "Hip crest"
    assert edits.rename_lesion(first.id, "")(plan).lesions[0].name == "Lesion 1"
    assert edits.free_lesion_name(edits.remove_lesion(first.id)(plan)) == "Lesion 1"


def test_removing_a_lesion_takes_its_needles(plan: Plan) -> None:
    without = edits.remove_lesion(plan.lesions[0].id)(plan)
    assert len(without.lesions) == 1
    assert without.assemblies == ()
    assert len(plan.assemblies) == 1


def test_lesion_parts(plan: Plan) -> None:
    key = plan.lesions[0].id
    changed = edits.set_lesion_level(key, "L3")(plan)
    changed = edits.set_lesion_kind(key, LesionKind.BLASTIC)(changed)
    changed = edits.set_lesion_vas(key, 7)(changed)
    changed = edits.set_lesion_shape(key, Ellipsoid((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)))(changed)
    lesion = changed.lesion(key)
    assert (lesion.level, lesion.kind, lesion.vas) == ("L3", LesionKind.BLASTIC, 7)
    assert lesion.centre_lps_mm == (1.0, 2.0, 3.0)
    assert changed.lesions[1] is plan.lesions[1]
    assert changed.assemblies is plan.assemblies


def test_what_changes_nothing_is_the_same_plan(plan: Plan) -> None:
    key = plan.lesions[0].id
    plan = edits.mark_level("L2", (0.0, 0.0, 0.0))(plan)
    for edit in (
        edits.rename_lesion(key, "Lesion 1"),
        edits.set_lesion_level(key, "L2"),
        edits.set_needle("n", plan.assemblies[0].needle),
        edits.set_protocol(plan.protocol),
        edits.set_position(PatientPosition.PRONE),
        edits.set_notes(""),
        edits.set_source("/somewhere"),
        edits.mark_level("L2", (0.0, 0.0, 0.0)),
        edits.confirm_level("L2", False),
    ):
        assert edit(plan) is plan


def test_one_mark_per_level_from_head_to_foot(plan: Plan) -> None:
    plan = edits.mark_level("L2", (0.0, 0.0, 0.0))(plan)
    plan = edits.mark_level("T12", (0.0, 0.0, 60.0))(plan)
    plan = edits.confirm_level("L2")(plan)
    canal = CanalMark((0.0, 20.0, 0.0), ((8.0, 20.0, 0.0), (0.0, 28.0, 0.0), (-8.0, 20.0, 0.0)))
    plan = edits.mark_canal("L2", canal)(plan)
    assert [mark.level for mark in plan.levels] == ["T12", "L2"]
    moved = edits.mark_level("L2", (0.0, 0.0, 5.0))(plan)
    assert len(moved.levels) == 2
    assert moved.levels[1].canal == canal
    assert not moved.levels[1].confirmed
    assert edits.remove_level("L2")(moved).levels == plan.levels[:1]
    with pytest.raises(InputRefused, match="not marked"):
        edits.confirm_level("L5")(plan)


def test_retraction_follows_the_probe_unless_set_by_hand(plan: Plan) -> None:
    short, *_, long = CRYOPROBES
    followed = edits.set_probe("n", long)(plan).assembly("n")
    assert followed.needle_retraction_mm == default_retraction_mm(long)
    by_hand = edits.replace_assembly(replace(plan.assembly("n"), needle_retraction_mm=40.0))(plan)
    assert edits.set_probe("n", short)(by_hand).assembly("n").needle_retraction_mm == 40.0
    assert edits.set_needle("n", BONE_NEEDLES[-1])(plan).assembly("n").needle is BONE_NEEDLES[-1]


def test_a_needle_whose_entry_is_its_target_is_refused(plan: Plan) -> None:
    needle = plan.assembly("n")
    with pytest.raises(InputRefused, match="no direction"):
        edits.replace_assembly(replace(needle, entry_lps_mm=needle.probe_tip_lps_mm))(plan)


def test_put_assembly_adds_then_replaces(plan: Plan) -> None:
    new = replace(plan.assembly("n"), id="m")
    once = edits.put_assembly(new)(plan)
    twice = edits.put_assembly(replace(new, side=Side.RIGHT))(once)
    assert [a.id for a in twice.assemblies] == ["n", "m"]
    assert twice.assemblies[1].side is Side.RIGHT


def test_refusals_are_sentences(plan: Plan) -> None:
    with pytest.raises(InputRefused, match="already"):
        edits.add_lesion(plan.lesions[0])(plan)
    with pytest.raises(InputRefused, match="already"):
        edits.add_assembly(plan.assemblies[0])(plan)
    with pytest.raises(InputRefused, match="no longer"):
        edits.add_assembly(replace(plan.assemblies[0], id="x", lesion_id="gone"))(plan)
    with pytest.raises(InputRefused, match="at least one freeze"):
        edits.set_protocol([FreezePhase("thaw", 60.0)])(plan)


def test_other_cts_of_the_patient(plan: Plan) -> None:
    later = replace(CT, role=VolumeRole.FOLLOW_UP, series_uid="9")
    moved = edits.set_source("/new", VolumeRole.FOLLOW_UP)(replace(plan, volumes=(*plan.volumes, later)))
    assert [v.source for v in moved.volumes] == ["/somewhere", "/new"]
