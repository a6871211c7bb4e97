"""Running the ice: one lesion after the other, beside the window, each from the plan as it was when its turn came."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject

from app.desk import ICE_JOB, Desk
from app.reading import Reading
from cvt_planner.bioheat.solver import warm_up
from cvt_planner.plan.results import IceResult
from cvt_planner.planning.ice import predict_ice


class Freezing(QObject):
    """A queue of lesions whose ice is to be computed; a stop empties it."""

    def __init__(self, desk: Desk, reading: Reading) -> None:
        super().__init__(desk)
        self.desk = desk
        self.reading = reading
        self._waiting: list[str] = []
        self._running = ""
        desk.bridge.volume_changed.connect(self.stop)

    @property
    def running(self) -> str:
        """Return the lesion whose ice is being computed; empty when there is none."""
        return self._running

    def run(self, lesion_id: str) -> None:
        """Compute the ice of a lesion, after those that wait already."""
        if lesion_id != self._running and lesion_id not in self._waiting:
            self._waiting.append(lesion_id)
        if not self._running:
            self._next()

    def stop(self) -> None:
        """Stop, and forget what waits. Ice that is finished stays."""
        self._waiting.clear()
        self._running = ""
        self.desk.jobs.cancel(ICE_JOB)

    def warm_up(self) -> None:
        """Compile the solver before it is needed, without a word."""
        self.desk.run("warm up", "Preparing", lambda _progress: warm_up(), failed=lambda _error: None, shown=False)

    def _next(self) -> None:
        plan = self.desk.plan
        while self._waiting and plan is not None:
            lesion_id = self._waiting.pop(0)
            inputs = self.reading.wanted(lesion_id)
            name = next((x.name for x in plan.lesions if x.id == lesion_id), "")
            if inputs is None or not name:
                continue
            self._running = lesion_id
            title = f"Computing the ice of {name} in both tissues"
            self.desk.run(ICE_JOB, title, partial(predict_ice, inputs), self._put, self._failed)
            return
        self.desk.tell()

    def _put(self, result: IceResult) -> None:
        self._running = ""
        self.desk.workspace.put_ice(result)
        self._next()

    def _failed(self, error: Exception) -> None:
        self._running = ""
        self._waiting.clear()
        self.desk.explain(error)
