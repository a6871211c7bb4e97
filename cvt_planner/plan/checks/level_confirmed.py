"""Is the level of each lesion marked and confirmed?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.anatomy.levels import LEVELS
from cvt_planner.anatomy.vertebra_reference import body_reference
from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_lesion
from cvt_planner.plan.model import LevelMark, Plan

FARTHEST_MM = 40.0  # assumed: a lesion farther from the middle of a vertebral body than this is not of that vertebra
_DISC_MM = 6.0  # assumed: half a disc, and as much again for where in the body the mark was set


def _find(context: CheckContext) -> Iterator[Finding]:
    marks = {mark.level: mark for mark in context.plan.levels}
    for lesion in context.plan.lesions:
        mark = marks.get(lesion.level)
        if mark is None:
            text = f"{lesion.level} is not marked: mark and confirm the level of {lesion.name}."
            yield about_lesion(lesion, "look", text)
            continue
        away = abs(lesion.centre_lps_mm[2] - mark.centre_lps_mm[2])
        if away > FARTHEST_MM:
            text = f"{lesion.name} is said to lie in {lesion.level}, but lies {away:.0f} mm above or below its mark."
            yield about_lesion(lesion, "stop", text, away)
        elif (wrong := _out_of_order(context.plan, mark)) is not None:
            text = f"The marks of {mark.level} and {wrong.level} lie in the wrong order from head to foot: count again."
            yield about_lesion(lesion, "stop", text, away)
        elif away > body_reference(lesion.level).height_mm / 2.0 + _DISC_MM:
            where = f"{away:.0f} mm above or below the mark of {lesion.level}, beyond its body"
            text = f"{lesion.name} lies {where}: count the levels again."
            yield about_lesion(lesion, "look", text, away)
        elif not mark.confirmed:
            yield about_lesion(lesion, "look", f"The level {lesion.level} of {lesion.name} is not confirmed.", away)
        else:
            yield about_lesion(lesion, "ok", f"{lesion.name} lies in {lesion.level}, which is confirmed.", away)


def _out_of_order(plan: Plan, mark: LevelMark) -> LevelMark | None:
    """Return a mark that lies above this one although its level is lower, or below although it is higher."""
    own, z = LEVELS.index(mark.level), mark.centre_lps_mm[2]
    return next(
        (o for o in plan.levels if o is not mark and (LEVELS.index(o.level) > own) != (o.centre_lps_mm[2] < z)), None
    )


CHECK = Check(
    key="level-confirmed",
    title="Level confirmed",
    unit="mm from the level's mark, along the body",
    limit=f"marked, confirmed, beside the lesion; in the wrong order, or over {FARTHEST_MM:g} mm away: stop",
    not_modelled="The operator counts the vertebrae: a transitional vertebra or a missing rib is not looked for.",
    source="assumed",
    find=_find,
)
