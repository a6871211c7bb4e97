"""Background work: a request that owns all it needs, answered on the main thread, replaced by a newer one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer, Signal

from cvt_planner.base.errors import Cancelled, PlannerError
from cvt_planner.base.progress import Progress

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
THREAD_PREFIX = "cvt-job"

Work = Callable[[Progress], Any]
Done = Callable[[Any], None]
Failed = Callable[[Exception], None]
Told = Callable[[float, str], None]


@dataclass(eq=False)
class Job:
    """One piece of background work. `cancel` asks it to stop; its `failed` then hears `Cancelled`."""

    purpose: str
    work: Work = field(repr=False)
    done: Done = field(repr=False)
    failed: Failed | None = field(repr=False, default=None)
    told: Told | None = field(repr=False, default=None)
    superseded: bool = False
    finished: bool = False
    _progress: Progress = field(default_factory=Progress, repr=False)

    def cancel(self) -> None:
        """Ask the work to stop at its next report; nothing happens when it has finished."""
        self._progress.stop()

    @property
    def cancelled(self) -> bool:
        """Whether a stop was asked for."""
        return self._progress.stopping


class JobRunner(QObject):
    """Runs work on threads and applies the results on the thread the runner lives on.

    At most one job of a purpose runs at a time. A newer request of the same purpose stops the older one, whose result
    is dropped without a word; it starts as soon as the older one has let go, so quick requests never pile up.
    """

    started = Signal(object)  # Job
    ended = Signal(object)  # Job, however it ended
    defect = Signal(str, object)  # purpose, exception: of an unexpected class, or with nobody to hear it
    became_idle = Signal()
    _answered = Signal(object, object, object)  # job, result, exception; from any thread
    _reported = Signal(object, float, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._running: dict[str, tuple[Job, threading.Thread]] = {}
        self._waiting: dict[str, Job] = {}
        self._closed = False
        self._answered.connect(self._answer, Qt.ConnectionType.QueuedConnection)
        self._reported.connect(self._report, Qt.ConnectionType.QueuedConnection)

    def submit(
        self,
        purpose: str,
        work: Callable[[Progress], _T],
        done: Callable[[_T], None],
        failed: Failed | None = None,
        progress: Told | None = None,
    ) -> Job:
        """Return the job that runs `work(progress)` on a thread and gives its result to `done` on this one.

        Parameters
        ----------
        purpose
            Two words for what the work is for; a newer job of the same purpose replaces an older one.
        failed
            Hears a `PlannerError` (also `Cancelled`, after `Job.cancel`) or any other exception of the work. An
            exception that is no `PlannerError` is logged and told by `defect` as well.
        progress
            Called as ``progress(fraction, message)`` on this thread.
        """
        job = Job(purpose, work, done, failed, progress)
        if self._closed:
            raise PlannerError("The window is closing; no new work is started.")
        if purpose in self._waiting:
            self._waiting[purpose].superseded = True
        if purpose in self._running:
            older = self._running[purpose][0]
            older.superseded = True
            older.cancel()
            self._waiting[purpose] = job
        else:
            self._start(job)
        return job

    def cancel(self, purpose: str) -> None:
        """Stop what runs or waits for a purpose."""
        waiting = self._waiting.pop(purpose, None)
        if waiting is not None:
            waiting.cancel()
            self._tell_failure(waiting, Cancelled("Stopped. Nothing was changed."))
        if purpose in self._running:
            self._running[purpose][0].cancel()

    def running(self, purpose: str) -> bool:
        """Return whether work for a purpose is under way or waiting."""
        return purpose in self._running or purpose in self._waiting

    def idle(self) -> bool:
        """Return whether nothing runs, waits, or has a result that was not applied yet."""
        return not self._running and not self._waiting

    def wait_all(self, limit_ms: int = 30_000) -> bool:
        """Return whether all work ended within the limit, events being handled meanwhile. For tests and scripts."""
        if self.idle():
            return True
        loop = QEventLoop()
        timer = QTimer()
        timer.setSingleShot(True)
        timer.timeout.connect(loop.quit)
        self.became_idle.connect(loop.quit)
        timer.start(limit_ms)
        while not self.idle() and timer.isActive():
            loop.exec()
        timer.stop()
        self.became_idle.disconnect(loop.quit)
        return self.idle()

    def close(self) -> None:
        """Stop all work, wait for its threads, drop its results. The runner starts nothing afterwards."""
        self._closed = True
        self._waiting.clear()
        running = list(self._running.values())
        for job, _ in running:
            job.superseded = True
            job.cancel()
        for _, thread in running:
            thread.join()
        self._running.clear()

    def _start(self, job: Job) -> None:
        job._progress.listener = lambda fraction, message: self._reported.emit(job, fraction, message)
        thread = threading.Thread(target=self._run, args=(job,), name=f"{THREAD_PREFIX} {job.purpose}", daemon=True)
        self._running[job.purpose] = (job, thread)
        thread.start()
        self.started.emit(job)

    def _run(self, job: Job) -> None:
        """Do the work; on the job's own thread."""
        result, error = None, None
        try:
            job._progress.check()
            result = job.work(job._progress)
        except Exception as exc:  # noqa: BLE001  (whatever the work raises is told on the main thread)
            error = exc
        if not self._closed:
            self._answered.emit(job, result, error)

    def _report(self, job: Job, fraction: float, message: str) -> None:
        if job.told is not None and not (job.superseded or job.finished or self._closed):
            job.told(fraction, message)

    def _answer(self, job: Job, result: Any, error: Exception | None) -> None:
        if self._closed:
            return
        running = self._running.pop(job.purpose, None)
        if running is not None:
            running[1].join()
        job.finished = True
        following = self._waiting.pop(job.purpose, None)
        if following is not None:
            self._start(following)
        try:
            self._deliver(job, result, error)
        finally:
            self.ended.emit(job)
            if self.idle():
                self.became_idle.emit()

    def _deliver(self, job: Job, result: Any, error: Exception | None) -> None:
        if job.superseded:
            if error is not None and not isinstance(error, PlannerError):
                self._tell_defect(job, error)
        elif error is not None:
            self._tell_failure(job, error)
        elif job.cancelled:
            self._tell_failure(job, Cancelled("Stopped. Nothing was changed."))
        else:
            job.done(result)

    def _tell_failure(self, job: Job, error: Exception) -> None:
        unexpected = not isinstance(error, PlannerError)
        unheard = job.failed is None and not isinstance(error, Cancelled)
        if unexpected or unheard:
            self._tell_defect(job, error)
        if job.failed is not None:
            job.failed(error)

    def _tell_defect(self, job: Job, error: Exception) -> None:
        _LOG.error("The work %r failed.", job.purpose, exc_info=error)
        self.defect.emit(job.purpose, error)
