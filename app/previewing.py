"""The quick look at the ice while a needle is in the hand, and the full ice when it is let go of."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject

from app.desk import Desk
from app.freezing import Freezing
from app.reading import Reading
from cvt_planner.base.errors import Cancelled, PlannerError
from cvt_planner.plan.model import Plan
from cvt_planner.plan.results import IceInputs
from cvt_planner.planning.ice_preview import IcePreview, preview_ice
from cvt_planner.workspace import State

PREVIEW_JOB = "ice preview"


class Previewing(QObject):
    """Follows a needle: one preview runs at a time, always for the newest place, and nothing else waits.

    A preview is shown even when the needle has moved on meanwhile, so that the ice follows a hand that never rests. It
    goes away when its place in the plan is left in another way than by the hand, and when the full ice is there.
    """

    def __init__(self, desk: Desk, reading: Reading, freezing: Freezing) -> None:
        super().__init__(desk)
        self.desk = desk
        self.reading = reading
        self.freezing = freezing
        self.shown = 0  # previews shown since the start, for measurements
        self._lesion_id = ""  # whose needle is in the hand, or whose full ice is awaited after it
        self._wanted: IceInputs | None = None
        self._solving = False
        self._in_hand = False
        desk.bridge.changed.connect(self._changed)
        desk.view_state.overlays_changed.connect(self._tissue_changed)
        freezing.ended.connect(self._full_ended)

    def give_up(self) -> None:
        """Show no preview any more; one that is being computed is thrown away."""
        self._lesion_id, self._wanted, self._in_hand = "", None, False
        self.desk.view_state.set_ice_preview(None)

    def _changed(self, old: State, new: State) -> None:
        if old.volume is not new.volume:
            self.give_up()
        elif old.plan is not new.plan and old.plan is not None and new.plan is not None:
            moved = _whose_probes_moved(old.plan, new.plan) if _in_hand(new) else ""
            if moved:
                self._follow(moved)
            elif self._lesion_id and self.reading.wanted(self._lesion_id) != self._wanted:
                self.give_up()
        elif self._in_hand and not _in_hand(new):
            self._let_go()

    def _follow(self, lesion_id: str) -> None:
        self.freezing.drop(lesion_id)
        if lesion_id != self._lesion_id:
            self.give_up()
        self.desk.view_state.set_ice_time(None)  # a preview is of the end of the last freeze
        self._lesion_id, self._wanted, self._in_hand = lesion_id, self.reading.wanted(lesion_id), True
        self._solve()

    def _let_go(self) -> None:
        self._in_hand = False
        if not self._lesion_id:
            return
        if self.reading.ice(self._lesion_id).current:
            self.give_up()  # it lies where it lay before
        else:
            self.freezing.renew(self._lesion_id)

    def _solve(self) -> None:
        if self._wanted is None or self._solving:
            return
        self._solving = True
        inputs = self._wanted
        work = partial(preview_ice, inputs, self.desk.view_state.ice_tissue)
        failed = partial(self._failed, inputs)
        self.desk.run(PREVIEW_JOB, "Previewing the ice", work, self._put, failed, shown=False)

    def _put(self, preview: IcePreview) -> None:
        self._solving = False
        if preview.lesion_id == self._lesion_id and preview.drawn.tissue == self.desk.view_state.ice_tissue:
            self.shown += 1
            self.desk.view_state.set_ice_preview(preview)
        if self._wanted is not None and not self._is_of(preview):
            self._solve()

    def _failed(self, inputs: IceInputs, error: Exception) -> None:
        self._solving = False
        if isinstance(error, Cancelled):
            return
        self.desk.view_state.set_ice_preview(None)
        if inputs != self._wanted:
            self._solve()
        elif isinstance(error, PlannerError):
            self.desk.say(str(error), "look")
        else:
            self.desk.explain(error)

    def _is_of(self, preview: IcePreview) -> bool:
        return preview.inputs == self._wanted and preview.drawn.tissue == self.desk.view_state.ice_tissue

    def _tissue_changed(self) -> None:
        if self._lesion_id and self._wanted is not None:
            preview = self.desk.view_state.ice_preview
            if preview is None or not self._is_of(preview):
                self._solve()

    def _full_ended(self, lesion_id: str) -> None:
        """The full ice is there, or will not come: neither leaves a preview."""
        if lesion_id == self._lesion_id and not self._in_hand:
            self.give_up()


def _in_hand(state: State) -> bool:
    return state.history is not None and bool(state.history.present.gesture)


def _whose_probes_moved(old: Plan, new: Plan) -> str:
    """Return the lesion one of whose needles lies elsewhere now; empty where none does."""
    if old.assemblies is new.assemblies:
        return ""
    before = {a.id: (a.probe_tip_lps_mm, a.entry_lps_mm) for a in old.assemblies}
    for assembly in new.assemblies:
        place = (assembly.probe_tip_lps_mm, assembly.entry_lps_mm)
        if assembly.id in before and before[assembly.id] != place:
            return assembly.lesion_id
    return ""
