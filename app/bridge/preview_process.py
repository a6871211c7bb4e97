"""The other end of `planning.preview_server`: asks for previews, or makes them here while it is not there."""

from __future__ import annotations

import logging
import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from cvt_planner.base.arrays import read_only
from cvt_planner.base.errors import PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.plan.results import IceInputs
from cvt_planner.planning.ice_preview import IcePreview, preview_ice
from cvt_planner.planning.preview_server import READY, serve

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.05


class PreviewProcess:
    """Started when there is a needle that could be moved; `preview` is called on a job's thread, one at a time."""

    def __init__(self) -> None:
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._asked = READY
        self._ready = False
        self._closed = False

    def start(self) -> None:
        """Start it, unless it was started; does not wait for it."""
        if self.started:
            return
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        try:
            self._process = context.Process(target=serve, args=(there,), name="ice preview", daemon=True)
            self._process.start()
        except OSError:
            _LOG.warning("No process for previews could be started; they are computed beside the window.")
            self._closed = True
            return
        there.close()
        self._pipe = here

    @property
    def started(self) -> bool:
        """Whether it was started, or cannot be."""
        return self._process is not None or self._closed

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        if not self._ready and self._pipe is not None:
            try:
                self._ready = self._pipe.poll() and self._pipe.recv()[0] == READY
            except (EOFError, OSError):
                self._give_up()
        return self._ready

    def preview(self, inputs: IceInputs, tissue: str, progress: Progress) -> IcePreview:
        """Return a preview; raises what `preview_ice` raises."""
        if self.ready:
            try:
                answer = self._ask(inputs, tissue, progress)
            except (EOFError, OSError):
                self._give_up()
            else:
                if isinstance(answer, PlannerError):
                    raise answer
                return answer
        return preview_ice(inputs, tissue, progress)

    def close(self) -> None:
        """End it."""
        self._closed = True
        self._ready = False
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.terminate()
            self._process.join(2.0)
            self._process = None

    def _ask(self, inputs: IceInputs, tissue: str, progress: Progress) -> IcePreview | PlannerError:
        pipe = self._pipe
        if pipe is None:
            raise EOFError
        self._asked += 1
        pipe.send((self._asked, inputs, tissue))
        while True:
            progress.check()
            if not pipe.poll(_LOOK_S):
                continue
            number, answer = pipe.recv()
            if number == self._asked:  # else it belongs to a request that was stopped
                assert isinstance(answer, IcePreview | PlannerError)
                if isinstance(answer, IcePreview):
                    read_only(answer.drawn.values)  # as those made here: kernels are compiled for such arrays
                return answer

    def _give_up(self) -> None:
        if not self._closed:
            _LOG.warning("The process for previews has ended; they are computed beside the window.")
        self._ready = False
        self._pipe = None
