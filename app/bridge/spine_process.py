"""The other end of `anatomy.spine.server`: has the spine found there, or here while no process can be started."""

from __future__ import annotations

import logging
import multiprocessing
import threading
from dataclasses import fields, replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.anatomy.spine.pipeline import find_spine
from cvt_planner.anatomy.spine.server import READY, Fault, serve
from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.isolation.shared_array import SharedVoxels
from cvt_planner.imaging.volume import Volume

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.05


class SpineProcess:
    """Started when a CT is open, so that it is ready when it is asked; a search that is stopped ends it."""

    def __init__(self) -> None:
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._lock = threading.Lock()
        self._closed = False

    def start(self) -> None:
        """Start it, unless it runs; does not wait for it."""
        with self._lock:
            if self._closed or (self._process is not None and self._process.is_alive()):
                return
            context = multiprocessing.get_context("spawn")
            here, there = context.Pipe()
            process = context.Process(target=serve, args=(there,), name="spine", daemon=True)
            try:
                process.start()
            except OSError:
                _LOG.warning("No process for the spine could be started; it is looked for beside the window.")
                return
            there.close()
            self._process, self._pipe = process, here

    def find(self, volume: Volume, seeds: tuple[Vec3, ...], progress: Progress) -> Spine:
        """Return the spine of a CT; raises what `find_spine` raises. Called on a job's thread, one at a time."""
        self.start()
        pipe, process = self._pipe, self._process
        if pipe is None or process is None or process.pid is None:
            return find_spine(volume, seeds, progress)
        try:
            return _asked(pipe, process.pid, volume, seeds, progress)
        except (EOFError, OSError) as fault:
            self.end()
            if self._closed:
                progress.check()
            raise RuntimeError("the process that finds the spine ended by itself") from fault
        except BaseException:  # stopped: a pipe with answers still to come must not be asked again
            self.end()
            raise

    def end(self) -> None:
        """End the process, whatever it does; the next request starts another."""
        with self._lock:
            process, pipe = self._process, self._pipe
            self._process = self._pipe = None
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.kill()
            process.join(2.0)

    def close(self) -> None:
        """End it for good."""
        self._closed = True
        self.end()


def _asked(pipe: Connection, process_id: int, volume: Volume, seeds: tuple[Vec3, ...], progress: Progress) -> Spine:
    voxels = SharedVoxels.create(volume.hu.shape)
    voxels.put(voxels.array, volume.hu)
    values = {f.name: getattr(volume, f.name) for f in fields(volume) if f.name != "hu"}
    pipe.send((values, seeds))
    voxels.send(pipe, process_id)
    voxels.release()
    while True:
        answer = _next(pipe, progress)
        if answer == READY:
            continue
        if isinstance(answer, tuple):
            progress.report(*answer)
        elif isinstance(answer, PlannerError):
            raise answer
        elif isinstance(answer, Fault):
            raise RuntimeError(f"in the search for the spine:\n{answer.text}")
        elif isinstance(answer, Spine):
            return replace(answer, grid=replace(answer.grid))  # read-only as those made here


def _next(pipe: Connection, progress: Progress) -> Any:
    while not pipe.poll(_LOOK_S):
        progress.check()
    return pipe.recv()
