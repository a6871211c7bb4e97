"""Confirming, renumbering and re-counting: everything that carries a level moves with the vertebra it lies in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.anatomy.levels import NAMES, USUAL, LevelScheme
from cvt_planner.anatomy.numbering import Hypothesis, Numbering
from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.volume import Patient
from cvt_planner.plan import edits
from cvt_planner.plan.level_edits import confirm_anchor, renumber, set_scheme
from cvt_planner.plan.level_state import how_counted, is_established, level_words, mark_of, standing
from cvt_planner.plan.model import CanalMark, Lesion, LesionKind, LevelCount, LevelMark, Plan, VolumeRef, VolumeRole
from cvt_planner.plan.naming import is_counted_over, lesion_levels, level_of, named_vertebrae
from cvt_planner.planning.level_guard import level_doubts, require_levels
from tests.spines import STEP_MM, straight_spine

CT = VolumeRef(VolumeRole.PLANNING, "1", "2", "3", "ab", "CT", "", (1, 2, 3), "")
COUNT = LevelCount("S1", "the sagittal view", "doctor", "2026-01-15T09:30:00", "ab")
SPINE = straight_spine(6)  # T12 to L5, when the lowest is L5
CANAL = CanalMark((0.0, 26.0, -STEP_MM), ((8.0, 26.0, -STEP_MM), (0.0, 34.0, -STEP_MM), (-8.0, 26.0, -STEP_MM)))


def at(number: int) -> tuple[float, float, float]:
    return (0.0, 0.0, -STEP_MM * (number - 1))


def lesion(number: int, level: str, name: str = "a") -> Lesion:
    shape = Ellipsoid((5.0, 3.0, at(number)[2] + 4.0), (6.0, 6.0, 6.0))
    return Lesion(name, f"Lesion {name}", level, LesionKind.LYTIC, shape)


EMPTY = Plan("p", Patient(), (CT,))
COUNTED = confirm_anchor("L5", at(6), COUNT, SPINE)(replace(EMPTY, lesions=(lesion(3, "L1"),)))


def levels(plan: Plan) -> list[str]:
    return [mark.level for mark in plan.levels]


def test_one_confirmed_vertebra_names_all_and_the_lesions_in_them() -> None:
    assert levels(COUNTED) == ["T12", "L1", "L2", "L3", "L4", "L5"]
    assert [mark.confirmed for mark in COUNTED.levels] == [False] * 5 + [True]
    assert COUNTED.lesions[0].level == "L2"
    assert standing(COUNTED, "L2") == "counted"
    assert (
        how_counted(COUNTED, "L5")
        == "L5 is confirmed: counted from S1 on the sagittal view, by doctor on 2026-01-15 09:30."
    )
    assert "counted from L5, which was confirmed by doctor" in how_counted(COUNTED, "L2")
    assert level_doubts(COUNTED) == ()
    require_levels(COUNTED, "The CT-room sheet")


def test_while_nothing_is_confirmed_what_leaves_the_program_is_withheld() -> None:
    plan = replace(EMPTY, lesions=(lesion(3, "L2"),), levels=(LevelMark("L2", at(3)),))
    assert level_words(plan, "L2") == "L2?"
    with pytest.raises(InputRefused, match=r"The CT-room sheet is withheld.*L2 of Lesion a is not confirmed"):
        require_levels(plan, "The CT-room sheet")
    by_hand = edits.confirm_level("L2")(plan)
    require_levels(by_hand, "The CT-room sheet")
    assert level_words(by_hand, "L2") == "L2"
    assert level_doubts(edits.confirm_level("L2", False)(by_hand))


def test_taking_the_anchor_back_leaves_nothing_established() -> None:
    plan = edits.confirm_level("L5", False)(COUNTED)
    assert not any(is_established(plan, level) for level in levels(plan))
    assert level_doubts(plan)


def test_a_canal_stays_with_its_vertebra_and_an_agreeing_confirmation_with_its_name() -> None:
    by_hand = replace(EMPTY, levels=(LevelMark("T11", at(1), True, None, COUNT), LevelMark("L2", at(2), False, CANAL)))
    plan = confirm_anchor("L5", at(6), COUNT, SPINE)(by_hand)
    kept = mark_of(plan, "L1")
    assert kept is not None
    assert kept.canal == CANAL
    assert standing(plan, "T12") == "counted"  # was confirmed as T11: one of the two is wrong
    again = confirm_anchor("T12", at(1), COUNT, SPINE)(plan)
    assert standing(again, "T12") == standing(again, "L5") == "confirmed"


def test_a_missed_vertebra_on_the_way_keeps_what_lies_beyond_it_in_doubt() -> None:
    spine = straight_spine(8, missing=(4,))
    plan = confirm_anchor("L5", at(8), COUNT, spine)(replace(EMPTY, lesions=(lesion(2, "T12"),)))
    assert standing(plan, "L3") == "counted"
    assert level_words(plan, plan.lesions[0].level).endswith("?")
    assert "may have been missed" in level_doubts(plan)[0]


def test_a_spine_that_was_corrected_since_is_held_against_the_levels() -> None:
    assert is_counted_over(COUNTED, SPINE)
    assert lesion_levels(COUNTED, SPINE) == {"a": "L2"}
    corrected = straight_spine(6, missing=(4,))  # two vertebrae were made one
    assert not is_counted_over(COUNTED, corrected)
    assert lesion_levels(COUNTED, corrected) == {"a": "L3"}
    again = confirm_anchor("L5", at(6), COUNT, corrected)(COUNTED)
    assert is_counted_over(again, corrected)
    assert lesion_levels(EMPTY, SPINE) == {}


def test_names_are_proposed_until_one_is_confirmed() -> None:
    names = dict(enumerate(("T11", "T12", "L1", "L2", "L3", "L4"), start=1))
    proposal = Numbering((Hypothesis(names, USUAL, 0.6),))
    assert [one.words for one in named_vertebrae(EMPTY, SPINE, proposal)] == [f"{name}?" for name in names.values()]
    assert [one.words for one in named_vertebrae(EMPTY, SPINE)] == ["?"] * 6
    assert level_of(EMPTY, SPINE, proposal, at(2)) == "T12"
    by_hand = replace(EMPTY, levels=(LevelMark("L5", at(6)),))  # named by nobody who vouches for it
    assert named_vertebrae(by_hand, SPINE, proposal)[0].words == "T12?"
    assert [one.words for one in named_vertebrae(COUNTED, SPINE, proposal)] == levels(COUNTED)


def test_without_a_spine_only_that_vertebra_is_named() -> None:
    plan = confirm_anchor("C2", (0.0, 0.0, 0.0), COUNT)(EMPTY)
    assert levels(plan) == ["C2"]
    assert standing(plan, "C2") == "confirmed"


@settings(deadline=None)
@given(st.integers(-4, 2), st.sampled_from(["T12", "L1", "L4"]))
def test_renumbering_there_and_back_changes_nothing(steps: int, level: str) -> None:
    plan = confirm_anchor(level, at(3), COUNT, SPINE)(replace(EMPTY, lesions=(lesion(2, "L1"), lesion(4, "L2", "b"))))
    try:
        moved = renumber(steps)(plan)
    except InputRefused:
        lowest = USUAL.steps(plan.levels[-1].level, "S1")
        assert steps > lowest
        return
    assert renumber(-steps)(moved) == plan
    for before, after in zip(plan.levels, moved.levels, strict=True):
        assert USUAL.steps(before.level, after.level) == steps
        assert standing(moved, after.level) == standing(plan, before.level)
    for one, other in zip(plan.lesions, moved.lesions, strict=True):
        assert USUAL.steps(one.level, other.level) == steps


def test_renumbering_says_so_and_refuses_to_fall_off() -> None:
    moved = renumber(-1, "other", "2026-01-16T08:00:00")(COUNTED)
    words = how_counted(moved, "L4")
    assert "renumbered since by one vertebra towards the head" in words
    assert "by other on 2026-01-16 08:00" in words
    with pytest.raises(InputRefused, match="below S1"):
        renumber(2)(COUNTED)
    neck = replace(EMPTY, lesions=(lesion(1, "C4"),))
    with pytest.raises(InputRefused, match="C2, which cannot be treated"):
        renumber(-2)(neck)


def test_another_scheme_is_counted_from_what_is_confirmed() -> None:
    six = set_scheme(LevelScheme(12, 6))(COUNTED)  # L5 is confirmed: what lies above keeps its name
    assert levels(six) == levels(COUNTED)
    from_above = confirm_anchor("T12", at(1), COUNT, straight_spine(7))(replace(EMPTY, lesions=(lesion(7, "S1"),)))
    assert levels(from_above)[-1] == "S1"
    six = set_scheme(LevelScheme(12, 6))(from_above)
    assert levels(six)[-1] == six.lesions[0].level == "L6"
    assert set_scheme(USUAL)(six) == from_above
    with pytest.raises(InputRefused, match="below S1"):  # the lesion would lie below S1
        set_scheme(LevelScheme(12, 4))(from_above)
    both = confirm_anchor("L5", at(6), COUNT, SPINE)(confirm_anchor("T12", at(1), COUNT, SPINE)(EMPTY))
    with pytest.raises(InputRefused, match="both confirmed"):
        set_scheme(LevelScheme(13, 5))(both)


@settings(deadline=None)
@given(st.sampled_from(NAMES[2:-1]), st.integers(1, 6))
def test_names_stay_in_order_from_head_to_foot(level: str, number: int) -> None:
    plan = replace(EMPTY, scheme=LevelScheme(13, 6))
    named = confirm_anchor(level, at(number), COUNT, SPINE)(plan)
    heights = [mark.centre_lps_mm[2] for mark in named.levels]
    assert heights == sorted(heights, reverse=True)
