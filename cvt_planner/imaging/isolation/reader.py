"""The owner of the reading processes: starts, asks and watches them, and starts them anew when one dies or hangs."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from typing import Any

from cvt_planner.base.errors import Cancelled, InputRefused, PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.isolation.limits import OVER_MEMORY
from cvt_planner.imaging.isolation.requests import Defect, Read, Request, VolumeParts
from cvt_planner.imaging.isolation.shared_array import SharedVoxels
from cvt_planner.imaging.isolation.status import new_status
from cvt_planner.imaging.isolation.worker import READY, help_out, serve
from cvt_planner.imaging.series import SeriesListing

START_LIMIT_S = 60.0
STOP_LIMIT_S = 2.0  # a stop that is not heard for so long is made by force
MOST_LEFT_OUT = 20  # files of one request that may stop the reader
_LOOK_S = 0.05
NO_ISOLATION = "CVT_PLANNER_NO_ISOLATION"


class NoReader(PlannerError):
    """The reading process cannot be started."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The process that reads images apart from the program could not be started ({why}). Images are read "
            f"within the program only if you ask for it: set {NO_ISOLATION}=1."
        )


class _Stopped(Exception):
    """A reading process ended or hangs; what it was at, and how it stopped."""

    def __init__(self, name: str, how: str) -> None:
        super().__init__(how)
        self.name = name
        self.how = how


@dataclass
class _Watched:
    """One reading process and its last sign of life."""

    process: BaseProcess
    block: Any
    beat: int = -1
    beat_at: float = 0.0

    def check(self) -> None:
        """Raise `_Stopped` where it has ended, or is busy and gives no sign of life."""
        now = time.monotonic()
        code = self.process.exitcode
        if code is not None:
            how = "it asked for too much memory" if code == OVER_MEMORY else "it crashed the reading process"
            raise _Stopped(self.name if self.block.busy else "", how)
        if self.block.beat != self.beat or not self.block.busy:
            self.beat, self.beat_at = self.block.beat, now
        elif now - self.beat_at > self.block.limit_s:
            raise _Stopped(self.name, f"nothing came of it for {self.block.limit_s:.0f} s")

    @property
    def name(self) -> str:
        """Return the file it touched last."""
        return bytes(self.block.name).decode("utf-8", "replace")


class _Pair:
    """The reading process and the one that helps it to decode."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, there = context.Pipe()
        here, mate_there = context.Pipe()
        self._counter = counter = context.Value("l", 0)  # kept: its lock goes with it
        blocks = new_status(context), new_status(context)
        reader = context.Process(
            target=serve, args=(there, here, blocks[0], counter), name="reading images", daemon=True
        )
        mate = context.Process(
            target=help_out, args=(mate_there, blocks[1], counter), name="decoding images", daemon=True
        )
        self.watched = [_Watched(reader, blocks[0]), _Watched(mate, blocks[1])]
        try:
            reader.start()
            mate.start()
        except OSError as fault:
            self.end()
            raise NoReader(fault.strerror or str(fault)) from fault
        for end in (there, here, mate_there):
            end.close()
        self.ready = False
        self.listing: SeriesListing | None = None  # the last one it found

    @property
    def block(self) -> Any:
        """Return the status of the reading process."""
        return self.watched[0].block

    def wait_until_ready(self, progress: Progress) -> None:
        """Return when the reading process answers."""
        deadline = time.monotonic() + START_LIMIT_S
        while not self.ready:
            progress.check()
            try:
                if self.pipe.poll(_LOOK_S):
                    self.ready = self.pipe.recv() == READY
            except (EOFError, OSError) as fault:
                raise NoReader("it ended at once") from fault
            if time.monotonic() > deadline:
                raise NoReader("it did not answer")

    def check(self) -> None:
        """Raise `_Stopped` where one of the two has stopped."""
        for watched in self.watched:
            watched.check()

    def end(self) -> None:
        """End both, whatever they do."""
        self.pipe.close()
        for watched in self.watched:
            if watched.process.pid is not None:
                watched.process.kill()
        for watched in self.watched:
            if watched.process.pid is not None:
                watched.process.join(2.0)


class Reader:
    """Asks the reading process, one request at a time; safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pair: _Pair | None = None

    def warm_up(self) -> None:
        """Start the processes, unless they run or work is under way; does not wait for them."""
        if self._lock.acquire(blocking=False):
            try:
                self._started()
            except NoReader:
                self._pair = None  # told when something is to be read
            finally:
                self._lock.release()

    def close(self) -> None:
        """End the processes."""
        pair, self._pair = self._pair, None
        if pair is not None:
            pair.end()

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Return the processes that run now."""
        pair = self._pair
        return tuple(w.process.pid for w in pair.watched if w.process.pid) if pair else ()

    def ask(self, request: Request, progress: Progress) -> Any:
        """Return the answer to a request; of a volume, its parts and its voxels.

        A file at which the reading process dies or hangs is left out, and the request asked again without it.

        Raises
        ------
        PlannerError
            What the reading itself raises; `NoReader` where no process can be started.
        """
        while not self._lock.acquire(timeout=_LOOK_S):
            progress.check()
        try:
            return self._ask(request, progress)
        finally:
            self._lock.release()

    def _ask(self, request: Request, progress: Progress) -> Any:
        progress.check()
        left_out: dict[str, str] = {}
        while True:
            pair = self._started()
            try:
                pair.wait_until_ready(progress)
                return _answer(pair, replace(request, left_out=dict(left_out)), progress)
            except _Stopped as stopped:
                self.close()
                if not stopped.name or stopped.name in left_out:
                    raise InputRefused(
                        "The process that reads images stopped without naming a file. Check the medium and try again."
                    ) from stopped
                if not request.asked_again:
                    raise InputRefused(
                        f"{stopped.name} made the reader stop ({stopped.how}). Nothing was written. "
                        "The file is damaged or not meant well: copy or export it again."
                    ) from stopped
                left_out[stopped.name] = (
                    f"{stopped.name} made the reader stop ({stopped.how}); it was left out. "
                    "The file is damaged or not meant well: copy or export it again."
                )
                if len(left_out) > MOST_LEFT_OUT:
                    raise InputRefused(
                        f"Over {MOST_LEFT_OUT} files made the reader stop, the last of them {stopped.name}. "
                        "The medium is damaged or not meant well: it was not read further."
                    ) from stopped
            except _Unheard as unheard:
                self.close()
                raise Cancelled("Stopped. Nothing was changed.") from unheard
            except PlannerError as refusal:
                if isinstance(refusal, NoReader):
                    self.close()
                raise
            except BaseException:  # a pipe with an answer still to come must not be asked again
                self.close()
                raise

    def _started(self) -> _Pair:
        if self._pair is not None and any(w.process.exitcode is not None for w in self._pair.watched):
            self.close()
        if self._pair is None:
            self._pair = _Pair()
        return self._pair


class _Unheard(Exception):
    """A stop was asked for and not heard in time."""


def _answer(pair: _Pair, request: Request, progress: Progress) -> Any:
    """Return the answer of a pair, watching it; a stop is passed on to it."""
    block, pipe = pair.block, pair.pipe
    block.stop, block.fraction, block.message = 0, 0.0, b""
    for watched in pair.watched:
        watched.beat_at = time.monotonic()
    answer = _guarded(pair, lambda: _sent_and_answered(pair, request, progress))
    if isinstance(answer, PlannerError):
        raise answer
    if isinstance(answer, Defect):
        raise RuntimeError(f"in the reading process:\n{answer.text}")
    if isinstance(answer, VolumeParts):
        voxels: SharedVoxels = _guarded(pair, lambda: SharedVoxels.receive(pipe))
        return answer.parts, voxels
    if isinstance(answer, SeriesListing):
        pair.listing = answer
    return answer


def _guarded(pair: _Pair, talk: Callable[[], Any]) -> Any:
    """Return what a talk over the pipe gives; raise `_Stopped` where the other end went away."""
    try:
        return talk()
    except (EOFError, OSError) as fault:
        pair.watched[0].process.join(2.0)  # let its exit code come
        pair.check()
        raise _Stopped(pair.watched[0].name, "it crashed the reading process") from fault


def _sent_and_answered(pair: _Pair, request: Request, progress: Progress) -> Any:
    pair.pipe.send(request.of(pair.listing) if isinstance(request, Read) else request)
    stop_at: float | None = None
    while not pair.pipe.poll(_LOOK_S):
        if stop_at is None and progress.stopping:
            pair.block.stop, stop_at = 1, time.monotonic()
        if stop_at is None:
            with suppress(Cancelled):  # asked for just now: the answer that is under way must still be taken
                progress.report(pair.block.fraction, bytes(pair.block.message).decode("utf-8", "replace"))
        elif time.monotonic() - stop_at > STOP_LIMIT_S:
            raise _Unheard
        pair.check()
    return pair.pipe.recv()


__all__ = ["NO_ISOLATION", "NoReader", "Reader"]
