"""Is the level of each lesion confirmed, or counted from one that is? The guard against treating the wrong level."""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.anatomy.levels import NAMES
from cvt_planner.anatomy.vertebra_reference import body_reference
from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_lesion
from cvt_planner.plan.level_state import anchors, how_counted, mark_of, standing
from cvt_planner.plan.model import LevelMark, Plan

FARTHEST_MM = 40.0  # assumed: a lesion farther from the middle of a vertebral body than this is not of that vertebra
_DISC_MM = 6.0  # assumed: half a disc, and as much again for where in the body the mark was set


def _find(context: CheckContext) -> Iterator[Finding]:
    plan = context.plan
    unsure = "" if anchors(plan) else " No vertebra is confirmed in this plan."
    for lesion in plan.lesions:
        level, mark = lesion.level, mark_of(plan, lesion.level)
        if level not in plan.scheme.names:
            text = f"{lesion.name} is said to lie in {level}; with {plan.scheme.words} vertebrae there is none."
            yield about_lesion(lesion, "stop", text)
            continue
        counted = context.counted_levels.get(lesion.id, level)
        if counted != level:
            text = f"{lesion.name} is said to lie in {level}; counted over the spine as it is now it lies in {counted}."
            yield about_lesion(lesion, "stop", f"{text} Confirm a vertebra again, so that all are counted anew.")
            continue
        if mark is None:
            text = f"{level} is not marked: mark and confirm the level of {lesion.name}.{unsure}"
            yield about_lesion(lesion, "stop", text)
            continue
        away = abs(lesion.centre_lps_mm[2] - mark.centre_lps_mm[2])
        stands = standing(plan, level)
        if away > FARTHEST_MM:
            text = f"{lesion.name} is said to lie in {level}, but lies {away:.0f} mm above or below its mark."
            yield about_lesion(lesion, "stop", text, away)
        elif (wrong := _out_of_order(plan, mark)) is not None:
            text = f"The marks of {mark.level} and {wrong.level} lie in the wrong order from head to foot: count again."
            yield about_lesion(lesion, "stop", text, away)
        elif stands in ("marked", "doubtful"):
            reason = (
                mark.count.doubt
                if mark.count and stands == "doubtful"
                else f"Confirm it, or one to count from.{unsure}"
            )
            text = f"The level {level} of {lesion.name} is not confirmed. {reason}"
            yield about_lesion(lesion, "stop", text, away)
        elif away > body_reference(level).height_mm / 2.0 + _DISC_MM:
            where = f"{away:.0f} mm above or below the mark of {level}, beyond its body"
            text = f"{lesion.name} lies {where}: count the levels again."
            yield about_lesion(lesion, "look", text, away)
        elif not plan.scheme.is_usual:
            text = (
                f"{lesion.name} lies in {level}. {how_counted(plan, level)} Counted with {plan.scheme.words} vertebrae."
            )
            yield about_lesion(lesion, "look", text, away)
        else:
            yield about_lesion(lesion, "ok", f"{lesion.name} lies in {level}. {how_counted(plan, level)}", away)


def _out_of_order(plan: Plan, mark: LevelMark) -> LevelMark | None:
    """Return a mark that lies above this one although its level is lower, or below although it is higher."""
    own, z = NAMES.index(mark.level), mark.centre_lps_mm[2]
    return next(
        (o for o in plan.levels if o is not mark and (NAMES.index(o.level) > own) != (o.centre_lps_mm[2] < z)), None
    )


CHECK = Check(
    key="level-confirmed",
    title="Level confirmed",
    unit="mm from the level's mark, along the body",
    limit=(
        "confirmed, or counted from a confirmed vertebra, and beside the lesion; not so, in the wrong order, or over "
        f"{FARTHEST_MM:g} mm away: stop"
    ),
    not_modelled="The operator counts the vertebrae: whether the landmark counted from is what it was taken for.",
    source="assumed",
    find=_find,
)
