"""What the window shows of the plan in figures: needles, ice, cement and checks, each computed once per plan."""

from __future__ import annotations

from dataclasses import dataclass

from app.desk import Desk
from cvt_planner.anatomy.lesion_shape import LesionShape
from cvt_planner.anatomy.organs.model import Organs
from cvt_planner.base.errors import PlannerError
from cvt_planner.plan.checks import CheckContext, CheckResult, IceState, run_checks
from cvt_planner.plan.checks.probe_spacing import CHECK as PROBE_SPACING
from cvt_planner.plan.figures import AssemblyFigures, CementFigures, IceFigures, IsothermFigures, WayFigures
from cvt_planner.plan.model import Assembly, CanalMark, Lesion
from cvt_planner.plan.naming import lesion_levels
from cvt_planner.plan.results import IceInputs, IceResult, is_current
from cvt_planner.plan.sides import sides_state
from cvt_planner.planning.ice import asked_again, ice_inputs, isotherm_figures
from cvt_planner.planning.ice import figures as ice_figures
from cvt_planner.planning.ice_reach import ice_boxes
from cvt_planner.planning.judge import aorta_told
from cvt_planner.planning.placement import lesion_in_ct
from cvt_planner.planning.summary import assembly_figures, cement_figures
from cvt_planner.planning.ways import way_figures

ICE_SPACING_MM = 1.0


@dataclass(frozen=True, eq=False)
class IceReading:
    """The ice of one lesion: what was computed, whether it still holds, and its figures."""

    result: IceResult | None
    current: bool
    figures: IceFigures | None  # of the plan the ice was computed for; None where that cannot be said any more
    rows: tuple[IsothermFigures, ...] = ()  # of the isotherms that are looked at; empty where `figures` is None
    previewed: bool = False  # a quick look at other needles is drawn in its place

    @property
    def stale(self) -> bool:
        """Return whether there is ice, but not for what the plan says now."""
        return self.result is not None and not self.current

    def lacks(self, of_ct: bool) -> bool:
        """Return whether there is current ice, but not in the tissues of the CT although they are wanted."""
        return self.current and of_ct and self.result is not None and not self.result.inputs.ct_marks

    @property
    def state(self) -> IceState:
        """Return how the ice stands, in one word."""
        return "absent" if self.result is None else "current" if self.current else "stale"


_IceKey = tuple[IceResult, LesionShape, tuple[CanalMark | None, ...]]


class Reading:
    """Asks the core for figures and keeps them as long as what they were computed from is the same."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._of: tuple[object, ...] = (None, None, None, None)
        self._assemblies: dict[str, AssemblyFigures] = {}
        self._cement: dict[str, CementFigures] = {}
        self._checks: tuple[CheckResult, ...] | None = None
        self._ice: dict[str, tuple[_IceKey, IceFigures]] = {}
        self._ways: dict[str, tuple[tuple[Assembly, Organs], WayFigures]] = {}

    def assembly(self, assembly: Assembly) -> AssemblyFigures:
        """Return the figures of one needle of the plan."""
        self._look()
        if assembly.id not in self._assemblies:
            self._assemblies[assembly.id] = assembly_figures(self.desk.workspace.plan, assembly, self.desk.volume)
        return self._assemblies[assembly.id]

    def way(self, assembly: Assembly) -> WayFigures | None:
        """Return what lies beside a needle; None while that is not known."""
        organs = self.desk.workspace.state.organs
        if organs is None:
            return None
        key = (assembly, organs)
        kept = self._ways.get(assembly.id)
        if kept is None or kept[0] != key:
            self._ways[assembly.id] = kept = (key, way_figures(assembly, organs))
        return kept[1]

    def cement(self, lesion: Lesion) -> CementFigures:
        """Return the cement estimate of one lesion of the plan."""
        self._look()
        if lesion.id not in self._cement:
            self._cement[lesion.id] = cement_figures(self.desk.workspace.plan, lesion, self.desk.volume)
        return self._cement[lesion.id]

    def wanted(self, lesion_id: str) -> IceInputs | None:
        """Return what the ice of a lesion would be computed from now; None without needles."""
        plan, volume = self.desk.plan, self.desk.volume
        if plan is None or volume is None:
            return None
        return ice_inputs(plan, lesion_id, volume.content_hash, ICE_SPACING_MM, self.desk.settings.ct_tissues)

    def ice(self, lesion_id: str) -> IceReading:
        """Return the ice of one lesion and its figures."""
        plan, volume = self.desk.plan, self.desk.volume
        result = next((r for r in self.desk.workspace.state.ice if r.inputs.lesion_id == lesion_id), None)
        preview = self.desk.view_state.ice_preview
        previewed = preview is not None and preview.lesion_id == lesion_id
        if plan is None or volume is None or result is None:
            return IceReading(None, False, None, previewed=previewed)
        wanted = asked_again(plan, result.inputs, volume.content_hash)
        current = is_current(result, plan, wanted)
        known = self._ice.get(lesion_id)
        if current:
            key = (result, plan.lesion(lesion_id).shape, tuple(mark.canal for mark in plan.levels))
            if known is None or known[0] != key:
                self._ice[lesion_id] = known = (key, ice_figures(plan, lesion_id, result))
        if known is None or known[0][0] is not result:
            return IceReading(result, current, None, previewed=previewed)
        rows = isotherm_figures(known[0][1], result, self.desk.view_state.isotherms_c)
        return IceReading(result, current, known[1], rows, previewed)

    def checks(self) -> tuple[CheckResult, ...]:
        """Return the answers of all safety checks to the plan as it is now."""
        self._look()
        plan, volume = self.desk.plan, self.desk.volume
        if plan is None or volume is None:
            return ()
        if self._checks is None:
            ice = {lesion.id: self.ice(lesion.id) for lesion in plan.lesions}
            state = self.desk.workspace.state
            self._checks = run_checks(
                CheckContext(
                    plan=plan,
                    slice_distance_mm=volume.slice_distance_mm,
                    assemblies={a.id: self.assembly(a) for a in plan.assemblies},
                    cement={lesion.id: self.cement(lesion) for lesion in plan.lesions},
                    ice={key: one.figures for key, one in ice.items() if one.current and one.figures is not None},
                    ice_states={key: one.state for key, one in ice.items()},
                    sides=sides_state(plan, volume),
                    gaps=volume.gaps,
                    ice_boxes=ice_boxes(
                        {key: one.result for key, one in ice.items() if one.current and one.result is not None}
                    )
                    if volume.gaps
                    else {},
                    lesions_in_ct={lesion.id: lesion_in_ct(volume, lesion.shape) for lesion in plan.lesions},
                    counted_levels=lesion_levels(plan, state.spine, state.numbering),
                    ways={a.id: way for a in plan.assemblies if (way := self.way(a)) is not None},
                    aorta_words=aorta_told(state.organs),
                )
            )
        return self._checks

    def refusal(self, lesion_id: str, error: PlannerError) -> str:
        """Return why the ice of a lesion is not computed; where its needles touch, the solver only knows numbers."""
        touching = [
            check.sentence
            for check in self.checks()
            if check.key == PROBE_SPACING.key and check.verdict == "stop" and check.lesion_id == lesion_id
        ]
        if not touching:
            return str(error)
        return f"{touching[0]} No ice is computed for probes that cross or touch: move one of them."

    def _look(self) -> None:
        """Forget what belongs to another plan or other ice."""
        state = self.desk.workspace.state
        now = (state.plan, state.ice, state.spine, state.organs)
        if any(a is not b for a, b in zip(now, self._of, strict=True)):
            self._of = now
            self._assemblies.clear()
            self._cement.clear()
            self._checks = None
