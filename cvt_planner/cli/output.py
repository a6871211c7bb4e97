"""What the command line says: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from cvt_planner.base.progress import Progress

NOTICE = "For planning, research and training; not a cleared medical device."
_EVERY_S = 0.1


def say(text: str = "") -> None:
    """Write one line of a result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def log(text: str) -> None:
    """Write one line that is no result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def say_json(values: dict[str, Any]) -> None:
    """Write the one JSON object of a command; plain ASCII, so that no console can spoil it."""
    say(json.dumps(values, allow_nan=False, default=_plain))


def _plain(value: Any) -> Any:
    """Return a numpy number or array as Python's."""
    return value.tolist()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows under their heads, columns aligned."""
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)


class ProgressLine:
    """Shows progress on stderr: one line that rewrites itself on a terminal; else, when asked, a line per 10 %."""

    def __init__(self, verbose: bool) -> None:
        self.terminal = sys.stderr.isatty()
        self.verbose = verbose
        self._shown_at = 0.0
        self._tenth = -1
        self._length = 0

    def progress(self) -> Progress:
        """Return a progress that this line listens to."""
        return Progress(self._listen if self.terminal or self.verbose else None)

    def clear(self) -> None:
        """Take the line away from the terminal, so that a result or message stands alone."""
        if self._length:
            sys.stderr.write("\r" + " " * self._length + "\r")
            sys.stderr.flush()
            self._length = 0

    def _listen(self, fraction: float, message: str) -> None:
        if not self.terminal:
            if int(fraction * 10) != self._tenth:
                self._tenth = int(fraction * 10)
                log(f"{self._tenth * 10:3d} %  {message}".rstrip())
            return
        now = time.monotonic()
        if now - self._shown_at < _EVERY_S:
            return
        self._shown_at = now
        line = f"{100.0 * fraction:3.0f} %  {message}"[:78]
        sys.stderr.write("\r" + line.ljust(self._length))
        sys.stderr.flush()
        self._length = len(line)
