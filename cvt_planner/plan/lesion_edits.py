"""Edits of a lesion's outline and scores; like all edits they return functions ``Plan -> Plan`` (see `plan.edits`)."""

from __future__ import annotations

from dataclasses import replace

from cvt_planner.anatomy.lesion_shape import LesionShape, Origin, Region
from cvt_planner.plan.edits import Edit, add_lesion, new_lesion, remove_lesion, replace_lesion
from cvt_planner.plan.model import Plan
from cvt_planner.plan.scores import LesionScores


def draw_lesion(lesion_id: str, shape: LesionShape, origin: Origin) -> Edit:
    """Return the edit that gives a lesion another outline, and says where that comes from."""
    return lambda plan: replace_lesion(replace(plan.lesion(lesion_id), shape=shape, origin=origin))(plan)


def correct_lesion(lesion_id: str, shape: LesionShape) -> Edit:
    """Return the edit that keeps a lesion's corrected outline; an automatic one is no longer purely automatic."""

    def edit(plan: Plan) -> Plan:
        lesion = plan.lesion(lesion_id)
        return replace_lesion(replace(lesion, shape=shape, origin=lesion.origin.corrected()))(plan)

    return edit


def set_lesion_origin(lesion_id: str, origin: Origin) -> Edit:
    """Return the edit that says where a lesion's outline comes from."""
    return lambda plan: replace_lesion(replace(plan.lesion(lesion_id), origin=origin))(plan)


def set_lesion_scores(lesion_id: str, scores: LesionScores) -> Edit:
    """Return the edit that keeps what the operator entered for a lesion's scores."""
    return lambda plan: replace_lesion(replace(plan.lesion(lesion_id), scores=scores))(plan)


def split_lesion(lesion_id: str, parts: tuple[Region, ...]) -> Edit:
    """Return the edit that leaves a lesion its first part and makes the others lesions of their own.

    Its needles stay with the first part.
    """

    def edit(plan: Plan) -> Plan:
        lesion = plan.lesion(lesion_id)
        plan = correct_lesion(lesion_id, parts[0])(plan)
        for part in parts[1:]:
            other = new_lesion(plan, lesion.level, lesion.kind, part, lesion.vas)
            plan = add_lesion(replace(other, origin=lesion.origin.corrected(), scores=lesion.scores))(plan)
        return plan

    return edit


def join_lesions(lesion_id: str, other_id: str, shape: Region) -> Edit:
    """Return the edit that puts two lesions into one: the first takes the outline and the other's needles."""

    def edit(plan: Plan) -> Plan:
        plan.lesion(other_id)
        moved = tuple(replace(a, lesion_id=lesion_id) if a.lesion_id == other_id else a for a in plan.assemblies)
        return remove_lesion(other_id)(correct_lesion(lesion_id, shape)(replace(plan, assemblies=moved)))

    return edit
