"""Progress of long work, and the wish to stop it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from cvt_planner.base.errors import Cancelled


@dataclass
class Progress:
    """Carries how far a piece of work has come, and whether it should stop; safe to share between two threads.

    Parameters
    ----------
    listener
        Called as ``listener(fraction, message)`` with the fraction done, 0 to 1, on the working thread.
    """

    listener: Callable[[float, str], None] | None = None
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)

    def report(self, fraction: float, message: str = "") -> None:
        """Tell the listener; raise `Cancelled` when a stop was asked for. Call it several times a second."""
        self.check()
        if self.listener is not None:
            self.listener(min(max(fraction, 0.0), 1.0), message)

    def check(self) -> None:
        """Raise `Cancelled` when a stop was asked for."""
        if self._stop.is_set():
            raise Cancelled("Stopped. Nothing was changed.")

    def stop(self) -> None:
        """Ask the work to stop at its next report; callable from any thread."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.is_set()

    def part(self, start: float, end: float) -> Progress:
        """Return a progress for one section of the work, whose 0 to 1 is `start` to `end` of this one."""

        def forward(fraction: float, message: str) -> None:
            if self.listener is not None:
                self.listener(start + (end - start) * fraction, message)

        return Progress(forward, self._stop)
