"""What is asked first of the ice: computed where it is computed or read, so that the thread of a window need not."""

from __future__ import annotations

from cvt_planner.plan.model import Plan
from cvt_planner.plan.results import IceResult
from cvt_planner.planning.ice import figures, isotherm_figures
from cvt_planner.planning.ice_course import course
from cvt_planner.planning.ice_drawn import drawn_at_the_end


def look_ahead(plan: Plan, result: IceResult, levels_c: tuple[float, ...]) -> None:
    """Compute figures, course and what is drawn of the ice of a lesion of the plan; each is remembered with the ice."""
    lesion = plan.lesion(result.inputs.lesion_id)
    figures(plan, lesion.id, result)
    isotherm_figures(lesion.shape, result, levels_c)
    for one in result.fields:
        drawn_at_the_end(one)
        if one.frames is not None:
            course(one, levels_c)
