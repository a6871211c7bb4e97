"""Drawing view after view in turns of the event loop of their own; while something is dragged the panels too.

Three slices, the 3-D picture and the panels together take longer than a hand at work should wait. Each asks for its
turn; the one under the hand gets every second one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

REST_MS = 4  # between two turns, for the mouse and for what comes from other threads; assumed
FRAME_MS = 16.0  # what takes less altogether is done in one turn: nobody sees a difference

Run = Callable[[], object]


class Turns(QObject):
    """A waiting line in which everybody stands once, however often asked for."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._first: dict[str, Run] = {}
        self._others: dict[str, Run] = {}
        self._other_next = False
        self._took_ms: dict[str, float] = {}  # the last time
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._next)

    def ask(self, name: str, run: Run, first: bool = False) -> None:
        """Run something in a turn of its own; `first` for what is under the hand."""
        line, other = (self._first, self._others) if first else (self._others, self._first)
        other.pop(name, None)
        line.setdefault(name, run)
        if first and not self._others:
            self._timer.start(0)
        elif not self._timer.isActive():
            self._timer.start(REST_MS)

    def drop(self, name: str) -> bool:
        """Forget who waits under a name, because it closes or was served already; return whether anybody did."""
        first, other = self._first.pop(name, None), self._others.pop(name, None)
        return first is not None or other is not None

    def _next(self) -> None:
        """Serve who waits: one, and more while all together take no longer than a frame, as they did the last time."""
        begin, served = time.perf_counter(), 0
        try:
            while line := self._others if self._others and (self._other_next or not self._first) else self._first:
                name = next(iter(line))
                so_far_ms = 1e3 * (time.perf_counter() - begin)
                if served and so_far_ms + self._took_ms.get(name, FRAME_MS) > FRAME_MS:
                    break
                self._other_next = line is self._first
                line.pop(name)()
                served += 1
                self._took_ms[name] = 1e3 * (time.perf_counter() - begin) - so_far_ms
        finally:
            if self._first or self._others:
                self._timer.start(REST_MS)
