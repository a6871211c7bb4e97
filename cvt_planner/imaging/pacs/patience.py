"""Asking again after a connection broke: how often, and after what pause, as the node says."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pacs.faults import ConnectionBroken, Unreachable
from cvt_planner.imaging.pacs.nodes import Node

_T = TypeVar("_T")
_TICK_S = 0.05


class Patience:
    """Counts how often in a row nothing came of asking, and waits longer each time.

    Parameters
    ----------
    reached
        Whether the node answered before; one that never did is not asked again where it cannot be reached at all.
    """

    def __init__(self, node: Node, progress: Progress, reached: bool = False) -> None:
        self._node = node
        self._progress = progress
        self._reached = reached
        self._fruitless = 0

    def ends(self, fruitful: bool, fault: ConnectionBroken | None = None) -> bool:
        """Return whether to give up, after an attempt that brought something or not, and what broke it."""
        self._reached |= fruitful or not isinstance(fault, Unreachable)
        self._fruitless = 0 if fruitful else self._fruitless + 1
        return not self._reached or self._node.retries == 0 or self._fruitless > self._node.retries

    def wait(self, fraction: float, words: str) -> None:
        """Return after the pause, saying how far it is. Raises `Cancelled` where the progress was stopped."""
        until = time.monotonic() + self._node.pause_s * max(self._fruitless, 1)
        while time.monotonic() < until:
            self._progress.check()
            time.sleep(_TICK_S)
        self._progress.check()
        if self._progress.listener is not None:
            self._progress.listener(fraction, f"{words}; asking again")


def asked(node: Node, ask: Callable[[], _T], progress: Progress, reached: bool = False) -> _T:
    """Return the answer to a question, asked again where the connection broke. Raises what it raises in the end."""
    patience = Patience(node, progress, reached)
    while True:
        try:
            return ask()
        except ConnectionBroken as fault:
            if patience.ends(fruitful=False, fault=fault):
                raise
        patience.wait(0.0, "The connection broke")
