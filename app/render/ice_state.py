"""Which ice is drawn, and whether it still belongs to the plan."""

from __future__ import annotations

from cvt_planner.plan.results import IceField, IceResult, is_current
from cvt_planner.planning.ice import ice_inputs
from cvt_planner.workspace import State


def shown_field(result: IceResult, tissue: str) -> IceField:
    """Return the temperatures in the chosen tissue; the first ones where the result has none for it."""
    for field in result.fields:
        if field.tissue == tissue:
            return field
    return result.fields[0]


def still_holds(state: State, result: IceResult) -> bool:
    """Return whether the ice was computed from what the plan says now."""
    plan = state.plan
    if plan is None or all(lesion.id != result.inputs.lesion_id for lesion in plan.lesions):
        return False
    content_hash = state.volume.content_hash if state.volume is not None else plan.planning_volume.content_hash
    return is_current(result, plan, ice_inputs(plan, result.inputs.lesion_id, content_hash, result.inputs.spacing_mm))
