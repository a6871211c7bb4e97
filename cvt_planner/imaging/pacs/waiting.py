"""Waiting for a host that may never answer, without making whoever wants to stop wait for it too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import TypeVar, cast

from cvt_planner.base.progress import Progress

_T = TypeVar("_T")
_LOOK_S = 0.05
_END = object()


def stoppable(work: Callable[[], _T], progress: Progress, late: Callable[[_T], object] = lambda _: None) -> _T:
    """Return what work gives that blocks; a stop is heard at once, and the work left to its own time limit.

    Parameters
    ----------
    late
        Gets what the work gives after a stop, to let go of it; on the work's thread.

    Raises
    ------
    Cancelled
        If `progress` was stopped; else what the work raises.
    """
    progress.check()
    answer: Future[_T] = Future()

    def run() -> None:
        try:
            result = work()
        except BaseException as fault:  # noqa: BLE001  (raised again where it is waited for)
            if answer.set_running_or_notify_cancel():
                answer.set_exception(fault)
            return
        if answer.set_running_or_notify_cancel():
            answer.set_result(result)
        else:
            late(result)

    threading.Thread(target=run, name="cvt-pacs-wait", daemon=True).start()
    while not answer.done():
        wait([answer], _LOOK_S)
        if progress.stopping and answer.cancel():
            progress.check()
    return answer.result()


def stoppable_parts(open_parts: Callable[[], Iterator[_T]], progress: Progress) -> Iterator[_T]:
    """Return one after the other what work gives that blocks before each part; a stop is heard at once.

    The work that a stop comes upon is left to its own time limit, and then closed.

    Raises
    ------
    Cancelled
        If `progress` was stopped; else what the work raises.
    """
    parts = stoppable(open_parts, progress, _close)
    while (part := stoppable(lambda: next(parts, _END), progress, lambda _late: _close(parts))) is not _END:
        yield cast(_T, part)


def _close(parts: object) -> None:
    """Let go of what is read: a generator closes the connection that it reads from."""
    close = getattr(parts, "close", None)
    if close is not None:
        close()
