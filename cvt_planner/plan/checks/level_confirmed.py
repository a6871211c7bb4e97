"""Is the level of each lesion marked and confirmed?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_lesion

FARTHEST_MM = 40.0  # assumed: a lesion farther from the middle of a vertebral body than this is not of that vertebra


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
        elif not mark.confirmed:
            yield about_lesion(lesion, "look", f"The level {lesion.level} of {lesion.name} is not confirmed.", away)
        else:
            yield about_lesion(lesion, "ok", f"{lesion.name} lies in {lesion.level}, which is confirmed.", away)


CHECK = Check(
    key="level-confirmed",
    title="Level confirmed",
    unit="mm from the level's mark, along the body",
    limit=f"marked, confirmed, and within {FARTHEST_MM:g} mm of the lesion",
    not_modelled="The operator counts the vertebrae: a transitional vertebra or a missing rib is not looked for.",
    source="assumed",
    find=_find,
)
