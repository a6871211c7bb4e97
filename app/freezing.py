"""Running the ice: one lesion after the other, beside the window, each from the plan as it was when its turn came."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.desk import ICE_JOB, Desk
from app.reading import Reading
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.bioheat.solver import warm_up
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.model import Plan
from cvt_planner.plan.results import IceInputs, IceResult
from cvt_planner.planning.ct_tissues import ct_tissues
from cvt_planner.planning.ice import predict_ice
from cvt_planner.planning.ice_ahead import look_ahead
from cvt_planner.planning.ice_drawn import warm_up_drawing


@dataclass(frozen=True, eq=False)
class _Run:
    """What is being computed."""

    lesion_id: str
    inputs: IceInputs
    asked_for: bool  # by the user; not by a needle that was let go of


class Freezing(QObject):
    """A queue of lesions whose ice is to be computed; a stop empties it.

    At most one runs, and of one lesion only the newest: ice that the plan no longer asks for is given up at once.
    """

    ended = Signal(str)  # the lesion whose ice was put, failed or was given up

    def __init__(self, desk: Desk, reading: Reading) -> None:
        super().__init__(desk)
        self.desk = desk
        self.reading = reading
        self._waiting: dict[str, bool] = {}  # lesion, and whether the user asked for it
        self._run: _Run | None = None
        desk.bridge.volume_changed.connect(self.stop)
        desk.bridge.plan_changed.connect(self._plan_changed)

    @property
    def running(self) -> str:
        """Return the lesion whose ice is being computed; empty when there is none."""
        return self._run.lesion_id if self._run is not None else ""

    def run(self, lesion_id: str) -> None:
        """Compute the ice of a lesion, after those that wait already."""
        self._want(lesion_id, asked_for=True)

    def renew(self, lesion_id: str) -> None:
        """Compute the ice of a lesion whose needle was let go of."""
        self._want(lesion_id, asked_for=False)

    def drop(self, lesion_id: str) -> None:
        """Give up the ice of one lesion without a word, because its needles move; the others go on."""
        self._waiting.pop(lesion_id, None)
        if self.running == lesion_id:
            self._run = None
            self.desk.jobs.cancel(ICE_JOB)
            self.ended.emit(lesion_id)
            self._next()

    def stop(self) -> None:
        """Stop, and forget what waits. Ice that is finished stays."""
        self._waiting.clear()
        lesion_id, self._run = self.running, None
        self.desk.jobs.cancel(ICE_JOB)
        if lesion_id:
            self.ended.emit(lesion_id)

    def warm_up(self) -> None:
        """Compile the solver, and what draws its ice, before they are needed, without a word."""

        def work(_progress: Progress) -> None:
            warm_up()
            warm_up_drawing()

        self.desk.run("warm up", "Preparing", work, failed=lambda _error: None, shown=False)

    def _want(self, lesion_id: str, asked_for: bool) -> None:
        run = self._run
        if run is None or run.lesion_id != lesion_id or run.inputs != self.reading.wanted(lesion_id):
            self._waiting[lesion_id] = asked_for or self._waiting.get(lesion_id, False)
        if run is not None and run.lesion_id == lesion_id and lesion_id in self._waiting:
            self._run = None
            self.desk.jobs.cancel(ICE_JOB)
        if self._run is None:
            self._next()

    def _plan_changed(self) -> None:
        run = self._run
        if run is None or self.reading.wanted(run.lesion_id) == run.inputs:
            return
        self.drop(run.lesion_id)
        # What is in the hand is renewed when it is let go of.
        in_hand = self.desk.workspace.state.in_hand
        if run.asked_for and not in_hand and not self.reading.ice(run.lesion_id).current:
            self.run(run.lesion_id)

    def _next(self) -> None:
        plan, volume = self.desk.plan, self.desk.volume
        while self._waiting and plan is not None and volume is not None:
            lesion_id = next(iter(self._waiting))
            asked_for = self._waiting.pop(lesion_id)
            inputs = self.reading.wanted(lesion_id)
            name = next((x.name for x in plan.lesions if x.id == lesion_id), "")
            if inputs is None or not name:
                continue
            run = self._run = _Run(lesion_id, inputs, asked_for)
            title = f"Computing the ice of {name}{' in this CT, too' if inputs.ct_marks else ''}"
            work = partial(_compute, plan, volume, inputs, self.desk.view_state.isotherms_c)
            self.desk.run(ICE_JOB, title, work, partial(self._put, run), partial(self._failed, run))
            return
        self.desk.tell()

    def _put(self, run: _Run, result: IceResult) -> None:
        if run is self._run:
            self._run = None
            self.desk.workspace.put_ice(result)
            self.ended.emit(run.lesion_id)
            self._next()

    def _failed(self, run: _Run, error: Exception) -> None:
        if run is self._run:
            self._run = None
            self._waiting.clear()
            if isinstance(error, InputRefused):  # until the plan changes; it may be mended by then
                self.desk.say(self.reading.refusal(run.lesion_id, error), "look")
            else:
                self.desk.explain(error)
            self.ended.emit(run.lesion_id)


def _compute(
    plan: Plan, volume: Volume, inputs: IceInputs, levels_c: tuple[float, ...], progress: Progress
) -> IceResult:
    """Return the ice; what the window will ask of it first is computed too, so that its thread need not."""
    result = predict_ice(inputs, progress, ct_tissues(plan, volume))
    look_ahead(plan, result, levels_c)
    return result
