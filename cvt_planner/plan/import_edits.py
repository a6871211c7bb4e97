"""Edits that take over what a segmentation made elsewhere names. See `plan.edits` for what an edit is."""

from __future__ import annotations

from collections.abc import Mapping

from cvt_planner.anatomy.counting import vertebra_near
from cvt_planner.anatomy.levels import NAMES
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.plan.edits import Edit
from cvt_planner.plan.level_edits import with_marks
from cvt_planner.plan.model import LevelMark, Plan


def mark_imported(spine: Spine, names: Mapping[int, str]) -> Edit:
    """Return the edit that marks every vertebra of a spine with the name a segmentation gives it, unconfirmed.

    `names` maps the vertebra's number to its level. What the operator confirmed keeps its name, and so does a level
    that is confirmed elsewhere; a marked canal stays with its vertebra.
    """

    def edit(plan: Plan) -> Plan:
        kept = [mark for mark in plan.levels if mark.confirmed]
        held = {found.number for mark in kept if (found := vertebra_near(spine, mark.centre_lps_mm)) is not None}
        taken = {mark.level for mark in kept}
        canals = {
            found.number: mark.canal
            for mark in plan.levels
            if mark.canal is not None and (found := vertebra_near(spine, mark.centre_lps_mm)) is not None
        }
        marks = [
            LevelMark(names[v.number], v.centre_lps_mm, canal=canals.get(v.number))
            for v in spine.found
            if v.number not in held and names.get(v.number, "") in NAMES and names[v.number] not in taken
        ]
        named = {mark.level for mark in marks}
        beyond = [m for m in plan.levels if not m.confirmed and m.canal is not None and m.level not in named | taken]
        return with_marks(plan, (*kept, *marks, *beyond), plan.lesions)

    return edit
