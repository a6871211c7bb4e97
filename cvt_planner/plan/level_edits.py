"""Edits of the vertebrae's names: confirming one names all, and renumbering moves everything with it.

A lesion's level, and with it its needles', follows the vertebra it lies in. See `plan.edits` for what an edit is.
"""

from __future__ import annotations

from dataclasses import replace

from cvt_planner.anatomy.counting import counting_doubt, names_from_anchor, vertebra_near
from cvt_planner.anatomy.levels import NAMES, LevelScheme, is_level
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.plan.edits import Edit
from cvt_planner.plan.level_state import anchors, mark_of
from cvt_planner.plan.model import Lesion, LevelCount, LevelMark, Plan

FOUND_SPINE = "the spine found in this CT"


def confirm_anchor(level: str, centre_lps_mm: Vec3, count: LevelCount, spine: Spine | None = None) -> Edit:
    """Return the edit that confirms the vertebra at a point, LPS mm, as a level.

    With the spine of this CT, all other vertebrae and the lesions in them are named from it; vertebrae confirmed
    before keep that where both agree, and lose it where they do not. A marked canal stays with its vertebra.
    """

    def edit(plan: Plan) -> Plan:
        plan.scheme.shifted(level, 0)
        vertebra = vertebra_near(spine, centre_lps_mm) if spine is not None else None
        if spine is None or vertebra is None:
            old = mark_of(plan, level)
            here = LevelMark(level, centre_lps_mm, True, old.canal if old else None, count)
            return _with_marks(plan, (*(m for m in plan.levels if m.level != level), here), plan.lesions)
        return _named_from(plan, spine, vertebra.number, level, count)

    return edit


def _named_from(plan: Plan, spine: Spine, number: int, level: str, count: LevelCount) -> Plan:
    names = names_from_anchor(spine, number, level, plan.scheme)
    held: dict[int, list[LevelMark]] = {}
    beyond: list[LevelMark] = []
    for mark in plan.levels:
        found = vertebra_near(spine, mark.centre_lps_mm)
        if found is not None:
            held.setdefault(found.number, []).append(mark)
        elif mark.level not in names.values():
            beyond.append(mark)
    marks = list(beyond)
    for vertebra in spine.found:
        name = names.get(vertebra.number)
        if name is None:
            continue
        before = held.get(vertebra.number, [])
        canal = next((mark.canal for mark in before if mark.canal is not None), None)
        agreed = next((mark for mark in before if mark.confirmed and mark.level == name), None)
        if vertebra.number == number:
            own: LevelCount | None = count
        elif agreed is not None:
            own = agreed.count
        else:
            doubt = counting_doubt(spine, number, vertebra.number)
            own = LevelCount(level, FOUND_SPINE, count.by, count.at, count.content_hash, doubt=doubt)
        confirmed = vertebra.number == number or agreed is not None
        marks.append(LevelMark(name, vertebra.centre_lps_mm, confirmed, canal, own))
    return _with_marks(plan, tuple(marks), tuple(_relevelled(lesion, spine, names) for lesion in plan.lesions))


def _relevelled(lesion: Lesion, spine: Spine, names: dict[int, str]) -> Lesion:
    found = vertebra_near(spine, lesion.centre_lps_mm)
    name = names.get(found.number, "") if found is not None else ""
    return replace(lesion, level=name) if is_level(name) and name != lesion.level else lesion


def renumber(steps: int, by: str = "", at: str = "") -> Edit:
    """Return the edit that renames every vertebra, and every lesion with it, so many vertebrae nearer the feet.

    What was confirmed stays so; its count says by how many vertebrae, by whom and when it was renumbered. Refused
    where one of them would leave the scheme.
    """

    def edit(plan: Plan) -> Plan:
        def moved(level: str) -> str:
            return plan.scheme.shifted(level, steps)

        marks = tuple(
            replace(mark, level=moved(mark.level), count=_moved_count(mark, plan.scheme, steps, by, at))
            for mark in plan.levels
        )
        lesions = tuple(_at_level(lesion, moved(lesion.level)) for lesion in plan.lesions)
        return plan if not steps else _with_marks(plan, marks, lesions)

    return edit


def _moved_count(mark: LevelMark, scheme: LevelScheme, steps: int, by: str, at: str) -> LevelCount | None:
    count = mark.count
    if count is None:
        return None
    if not mark.confirmed:  # it was counted from an anchor, which moves as well
        return replace(
            count, counted_from=scheme.shifted(count.counted_from, steps), by=by or count.by, at=at or count.at
        )
    return replace(count, renumbered=count.renumbered + steps, by=by or count.by, at=at or count.at)


def set_scheme(scheme: LevelScheme) -> Edit:
    """Return the edit that says how many vertebrae the person has; names are counted anew from what is confirmed.

    A vertebra that was only counted and falls off the end loses its mark. Refused where a lesion or a marked canal
    falls off, or where two confirmed vertebrae do not fit the new count.
    """

    def edit(plan: Plan) -> Plan:
        fixed = [mark.level for mark in anchors(plan)]
        start = fixed[0] if fixed else ""
        if any(plan.scheme.steps(start, name) != scheme.steps(start, name) for name in fixed):
            raise InputRefused(
                f"{start} and {fixed[-1]} are both confirmed, and with {scheme.words} vertebrae another number of them "
                "lies between. Take one confirmation back first."
            )

        def moved(level: str) -> str:
            return scheme.shifted(start, plan.scheme.steps(start, level)) if start else scheme.shifted(level, 0)

        marks = []
        for mark in plan.levels:
            try:
                level, count = moved(mark.level), mark.count
                if count is not None and not mark.confirmed:
                    count = replace(count, counted_from=moved(count.counted_from))
                marks.append(replace(mark, level=level, count=count))
            except InputRefused:
                if mark.confirmed or mark.canal is not None or mark.count is None:
                    raise
        lesions = tuple(_at_level(lesion, moved(lesion.level)) for lesion in plan.lesions)
        return replace(_with_marks(plan, tuple(marks), lesions), scheme=scheme) if scheme != plan.scheme else plan

    return edit


def _at_level(lesion: Lesion, level: str) -> Lesion:
    if not is_level(level):
        raise InputRefused(
            f"{lesion.name} would lie in {level}, which cannot be treated. Delete it first, or count again."
        )
    return lesion if level == lesion.level else replace(lesion, level=level)


def _with_marks(plan: Plan, marks: tuple[LevelMark, ...], lesions: tuple[Lesion, ...]) -> Plan:
    ordered = tuple(sorted(marks, key=lambda mark: NAMES.index(mark.level)))
    if ordered == plan.levels and lesions == plan.lesions:
        return plan
    return replace(plan, levels=ordered, lesions=lesions)
