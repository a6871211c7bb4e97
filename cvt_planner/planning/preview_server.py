"""Previews of the ice in a process of their own.

The solver takes many short steps and needs the interpreter between them. Beside a window that draws with every move of
the mouse, one preview took three times as long and held the window up; in a process of its own it does neither.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from multiprocessing.connection import Connection

from cvt_planner.base.compiled import use_one_core
from cvt_planner.base.errors import PlannerError
from cvt_planner.bioheat.solver import warm_up
from cvt_planner.planning.ice_preview import preview_ice

READY = 0  # sent once, before the first answer


def serve(pipe: Connection) -> None:
    """Answer requests (number, inputs, tissue) with (number, preview or `PlannerError`) until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the window, which then ends this
    use_one_core()  # the window needs the other
    warm_up()
    with suppress(EOFError, OSError):
        pipe.send((READY, None))
        while True:
            number, inputs, tissue = pipe.recv()
            try:
                pipe.send((number, preview_ice(inputs, tissue)))
            except PlannerError as refusal:
                pipe.send((number, refusal))
