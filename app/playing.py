"""Playing the ice: the moment that is drawn runs through the protocol and the warming after it."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Signal

from app.desk import Desk
from cvt_planner.plan.results import IceResult
from cvt_planner.plan.timeline import frozen_at_s, stretches

SPEED = 100.0  # s of the protocol in one second: 25 min and 5 min of warming pass in 18 s; assumed
BEAT_MS = 60
NOT_KEPT = "This ice was read from a file, which keeps only the end of the last freeze. Run the ice again to play it."
NOT_RUN = "Run the ice first: then it can be played."


class Playing(QObject):
    """Moves the shared moment of the ice, by itself or by the slider."""

    changed = Signal()  # playing or not

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self._began = (0.0, 0.0)  # when, and from which moment
        self._beat = QTimer(self)
        self._beat.setInterval(BEAT_MS)
        self._beat.timeout.connect(self._step)
        desk.view_state.selection_changed.connect(self._selection_changed)
        desk.view_state.ice_changed.connect(self._ice_changed)
        desk.bridge.ice_changed.connect(self._selection_changed)
        desk.bridge.volume_changed.connect(self.pause)

    @property
    def playing(self) -> bool:
        """Return whether it runs."""
        return self._beat.isActive()

    @property
    def result(self) -> IceResult | None:
        """Return the chosen lesion's ice; None before it was run."""
        lesion = self.desk.lesion
        wanted = lesion.id if lesion is not None else None
        return next((r for r in self.desk.workspace.state.ice if r.inputs.lesion_id == wanted), None)

    @property
    def end_s(self) -> float:
        """Return the last moment of the chosen lesion's ice, s; 0 where there is nothing to play."""
        result = self.result
        if result is None or any(one.frames is None for one in result.fields):
            return 0.0
        parts = stretches(result.inputs.protocol)
        return parts[-1].end_s if parts else 0.0

    @property
    def record_s(self) -> float:
        """Return the moment of the figures of record, the end of the last freeze, s."""
        result = self.result
        return frozen_at_s(result.inputs.protocol) if result is not None else 0.0

    @property
    def time_s(self) -> float:
        """Return the moment that is drawn, s."""
        time_s = self.desk.view_state.ice_time_s
        return self.record_s if time_s is None else time_s

    def toggle(self) -> None:
        """Play, from the start when it stands at the end of the last freeze or later; or pause."""
        if self.playing:
            self.pause()
            return
        if self.end_s <= 0.0:
            self.desk.say(NOT_RUN if self.result is None else NOT_KEPT, "look")
            return
        if self.desk.view_state.ice_preview is not None:
            self.desk.say("The needle has just moved: the ice can be played when it is computed.", "look")
            return
        start = self.time_s
        at_rest = self.desk.view_state.ice_time_s is None or start >= self.end_s
        self._began = (time.perf_counter(), 0.0 if at_rest else start)
        self._beat.start()
        self._step()
        self.changed.emit()

    def pause(self) -> None:
        """Stop where it is."""
        if self.playing:
            self._beat.stop()
            self.changed.emit()

    def go_to(self, time_s: float) -> None:
        """Draw another moment; the end of the last freeze is the moment of record again."""
        self.pause()
        self._show(min(max(time_s, 0.0), self.end_s))

    def _show(self, time_s: float) -> None:
        self.desk.view_state.set_ice_time(None if abs(time_s - self.record_s) < 0.5 else float(time_s))

    def _step(self) -> None:
        began, start = self._began
        now = start + SPEED * (time.perf_counter() - began)
        if now >= self.end_s:
            self._show(self.end_s)
            self.pause()
        else:
            self._show(round(now))

    def _ice_changed(self) -> None:
        if self.desk.view_state.ice_preview is not None:
            self.pause()

    def _selection_changed(self) -> None:
        if self.desk.view_state.ice_time_s is not None and self.time_s > self.end_s:
            self.pause()
            self.desk.view_state.set_ice_time(None)
