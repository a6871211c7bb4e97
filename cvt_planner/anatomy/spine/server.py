"""The search for the spine in a process of its own.

It holds the interpreter for tenths of a second at a time, and would hold the window up as long; and a process can be
told to give way to everything else.
"""

from __future__ import annotations

import os
import signal
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

from cvt_planner.anatomy.spine.pipeline import find_spine
from cvt_planner.anatomy.spine.warm_up import search_warming_up
from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.isolation.shared_array import SharedVoxels
from cvt_planner.imaging.volume import Volume

READY = "ready"  # sent once
_NICE = 10


@dataclass(frozen=True)
class Fault:
    """What went wrong that is no refusal."""

    text: str


def serve(pipe: Connection) -> None:
    """Answer requests until the other end closes.

    A request is (the volume's values without its voxels, seeds), then the voxels by `SharedVoxels.send`. Sent back are
    any number of (fraction, message), then a `Spine`, a `PlannerError` or a `Fault`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the window, which then ends this
    if hasattr(os, "nice"):
        os.nice(_NICE)
    search_warming_up()  # while the request is still to come
    with suppress(EOFError, OSError):
        pipe.send(READY)
        while True:
            values, seeds = pipe.recv()
            voxels = SharedVoxels.receive(pipe)
            hu = voxels.array
            voxels.release()
            # Made anew, so that its arrays are read-only as they were: kernels are compiled for such.
            volume = Volume(hu=hu, **{**values, "grid": replace(values["grid"])})
            pipe.send(_answer(volume, seeds, Progress(lambda fraction, words: pipe.send((fraction, words)))))
            del hu, volume


def _answer(volume: Volume, seeds: tuple[Vec3, ...], progress: Progress) -> object:
    try:
        return find_spine(volume, seeds, progress)
    except PlannerError as refusal:
        return refusal
    except OSError:
        raise  # the pipe is broken: nobody hears the answer
    except Exception:  # noqa: BLE001  (told at the other end)
        return Fault(traceback.format_exc())
