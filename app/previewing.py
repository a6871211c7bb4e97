"""The quick look at the ice while a needle is in the hand, and the full ice when it is let go of."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.bridge.preview_process import PreviewProcess
from app.desk import Desk
from app.freezing import Freezing
from app.reading import Reading
from cvt_planner.base.errors import Cancelled, PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.plan.model import Plan
from cvt_planner.plan.results import IceInputs, stand_in
from cvt_planner.planning.ice_preview import IcePreview
from cvt_planner.workspace import State

PREVIEW_JOB = "ice preview"
START_AFTER_MS = 1200  # from the first needle to the process that makes previews; assumed
SHORTEST_S = 0.025  # from one preview to the next: more often nobody sees; assumed
_Asked = tuple[IceInputs, str]  # and the tissue


class Previewing(QObject):
    """Follows a needle: one preview is made at a time, always of the newest place, and nothing else waits.

    A preview is shown even when the needle has moved on meanwhile, so that the ice follows a hand that never rests. It
    goes away when its place in the plan is left in another way than by the hand, and when the full ice is there.
    """

    _answered = Signal(object, object)  # what was asked, preview or refusal; from a job's thread

    def __init__(self, desk: Desk, reading: Reading, freezing: Freezing) -> None:
        super().__init__(desk)
        self.desk = desk
        self.reading = reading
        self.freezing = freezing
        self._process = PreviewProcess()
        self._lesion_id = ""  # whose needle is in the hand, or whose full ice is awaited after it
        self._wanted: IceInputs | None = None
        self._newest: _Asked | None = None  # read on the job's thread
        self._solving = False
        self._in_hand = False
        self._answered.connect(self._show, Qt.ConnectionType.QueuedConnection)
        self._starting = QTimer(self)
        self._starting.setSingleShot(True)
        self._starting.setInterval(START_AFTER_MS)
        self._starting.timeout.connect(self._process.start)
        desk.bridge.changed.connect(self._changed)
        desk.view_state.overlays_changed.connect(self._tissue_changed)
        freezing.ended.connect(self._full_ended)

    def give_up(self) -> None:
        """Show no preview any more; one that is being computed is thrown away."""
        self._lesion_id, self._wanted, self._in_hand = "", None, False
        self._newest = None
        self.desk.view_state.set_ice_preview(None)

    def close(self) -> None:
        """End the process that makes previews."""
        self._starting.stop()
        self._process.close()

    def _changed(self, old: State, new: State) -> None:
        if new.plan is not None and new.plan.assemblies and not self._process.started and not self._starting.isActive():
            self._starting.start()
        if old.volume is not new.volume or old.plan is None or new.plan is None:
            self.give_up()
            return
        moved = _whose_probes_moved(old.plan, new.plan) if new.in_hand else ""
        if moved:
            self._follow(moved)
        elif self._lesion_id and old.plan is not new.plan and self.reading.wanted(self._lesion_id) != self._wanted:
            self.give_up()
        elif self._in_hand and not new.in_hand:  # let go of, or put back where it lay: also the very place it is at
            self._let_go()

    def _follow(self, lesion_id: str) -> None:
        self._process.start()
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
        if self._wanted is None:
            return
        self._newest = (self._wanted, self._tissue)
        if not self._solving:
            self._solving = True
            title = "Previewing the ice"
            self.desk.run(PREVIEW_JOB, title, self._work, self._rested, self._failed, shown=False)

    def _work(self, progress: Progress) -> _Asked | None:
        """Return what was answered last: answer the newest request until there is none; on a job's thread.

        So the next preview begins before the window has drawn the one before.
        """
        last: _Asked | None = None
        while (asked := self._newest) is not None and asked is not last:
            began = time.monotonic()
            answer: IcePreview | PlannerError
            try:
                answer = self._process.preview(*asked, progress)
            except Cancelled:
                raise
            except PlannerError as refusal:
                answer = refusal
            last = asked
            self._answered.emit(asked, answer)
            time.sleep(max(SHORTEST_S - (time.monotonic() - began), 0.0))
        return last

    def _show(self, asked: _Asked, answer: IcePreview | PlannerError) -> None:
        inputs, tissue = asked
        if inputs.lesion_id != self._lesion_id or tissue != self._tissue:
            return
        if isinstance(answer, IcePreview):
            self.desk.view_state.set_ice_preview(answer)
            return
        self.desk.view_state.set_ice_preview(None)
        if inputs == self._wanted:
            self.desk.say(self.reading.refusal(inputs.lesion_id, answer), "look")

    def _rested(self, last: _Asked | None) -> None:
        self._solving = False
        if self._newest is not None and self._newest is not last:
            self._solve()

    def _failed(self, error: Exception) -> None:
        self._solving = False
        if not isinstance(error, Cancelled):
            self.give_up()
            self.desk.explain(error)

    @property
    def _tissue(self) -> str:
        """Return what previews are made in: the CT's own tissues take too long."""
        return stand_in(self.desk.view_state.ice_tissue)

    def _is_of(self, preview: IcePreview) -> bool:
        return preview.inputs == self._wanted and preview.drawn.tissue == self._tissue

    def _tissue_changed(self) -> None:
        if self._lesion_id and self._wanted is not None:
            preview = self.desk.view_state.ice_preview
            if preview is None or not self._is_of(preview):
                self._solve()

    def _full_ended(self, lesion_id: str) -> None:
        """The full ice is there, or will not come: neither leaves a preview."""
        if lesion_id == self._lesion_id and not self._in_hand:
            self.give_up()


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
