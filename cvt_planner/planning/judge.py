"""Judging a whole plan: the figures of every needle and lesion, and the answers of every safety check on them."""

from __future__ import annotations

from dataclasses import dataclass

from cvt_planner.anatomy.organs.aorta import NO_CONTRAST
from cvt_planner.anatomy.organs.model import Organs
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.checks import CheckContext, CheckResult, IceState, run_checks
from cvt_planner.plan.model import Plan
from cvt_planner.plan.results import IceResult
from cvt_planner.plan.sides import sides_state
from cvt_planner.planning import ice as ice_planning
from cvt_planner.planning.ice_reach import ice_boxes
from cvt_planner.planning.placement import lesion_in_ct
from cvt_planner.planning.summary import assembly_figures, cement_figures
from cvt_planner.planning.ways import ways


@dataclass(frozen=True, eq=False)
class Judgement:
    """The figures of a plan and what the safety checks say to them."""

    context: CheckContext
    results: tuple[CheckResult, ...]


def judge_plan(
    plan: Plan, volume: Volume | None, ice: tuple[IceResult, ...] = (), organs: Organs | None = None
) -> Judgement:
    """Return all figures and all checks of a plan, from its CT (None while it is not open) and its computed ice.

    Ice that no longer belongs to the plan as it is now counts as absent and is said to be out of date. What lies beside
    the needles is judged where `organs` of the CT are given (`anatomy.organs.find`).
    """
    context = check_context(plan, volume, ice, organs)
    return Judgement(context, run_checks(context))


def check_context(
    plan: Plan, volume: Volume | None, ice: tuple[IceResult, ...] = (), organs: Organs | None = None
) -> CheckContext:
    """Return the figures that the checks look at."""
    content_hash = plan.planning_volume.content_hash if volume is None else volume.content_hash
    current = {
        lesion.id: result
        for lesion in plan.lesions
        if (result := ice_planning.current_ice(plan, lesion.id, content_hash, ice)) is not None
    }
    computed = {result.inputs.lesion_id for result in ice}
    states: dict[str, IceState] = {
        lesion.id: "current" if lesion.id in current else "stale" if lesion.id in computed else "absent"
        for lesion in plan.lesions
    }
    return CheckContext(
        plan=plan,
        slice_distance_mm=None if volume is None else volume.slice_distance_mm,
        assemblies={a.id: assembly_figures(plan, a, volume) for a in plan.assemblies},
        cement={lesion.id: cement_figures(plan, lesion, volume) for lesion in plan.lesions},
        ice={lesion_id: ice_planning.figures(plan, lesion_id, result) for lesion_id, result in current.items()},
        ice_states=states,
        sides=None if volume is None else sides_state(plan, volume),
        gaps=None if volume is None else volume.gaps,
        ice_boxes=ice_boxes(current) if volume is not None and volume.gaps else {},
        lesions_in_ct={}
        if volume is None
        else {lesion.id: lesion_in_ct(volume, lesion.shape) for lesion in plan.lesions},
        ways=ways(plan, organs),
        aorta_words=aorta_told(organs),
    )


def aorta_told(organs: Organs | None) -> str:
    """Return how far the aorta is known where contrast medium may show it; empty where none was given.

    It is told for needles at heights where no aorta was followed. Without contrast medium every plan would read
    "not judged"; that the aorta is not seen is said beside the checks.
    """
    return "" if organs is None or organs.aorta_words == NO_CONTRAST else organs.aorta_words
