"""The reading process: answers one request after the other until its owner goes away."""

from __future__ import annotations

import gc
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from cvt_planner.base.arrays import HuArray
from cvt_planner.base.errors import InputRefused, PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.canonical import Turn
from cvt_planner.imaging.deidentify import copies
from cvt_planner.imaging.fill import Filled, Means, fill_slices, put_slice, read_slice
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.headers import SliceHeader
from cvt_planner.imaging.isolation.limits import MemoryLimit
from cvt_planner.imaging.isolation.requests import (
    Answer,
    Copy,
    Defect,
    Find,
    Identify,
    Look,
    Read,
    Request,
    Segments,
    VolumeParts,
)
from cvt_planner.imaging.isolation.shared_array import SharedVoxels
from cvt_planner.imaging.isolation.status import StatusWriter
from cvt_planner.imaging.pacs.outgoing import identity_of
from cvt_planner.imaging.pixels import NATIVE
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.research import research_series
from cvt_planner.imaging.segmentation import read_segmentation
from cvt_planner.imaging.series import SeriesInfo, SeriesListing
from cvt_planner.imaging.sources import Opener, kind_of, shown
from cvt_planner.imaging.thumbnails import picture
from cvt_planner.imaging.volume import Volume

READY = "ready"  # sent once, before the first answer
_RESEARCH_BYTES = 40  # per voxel, at most, while a research volume is read
_LABEL_BYTES = 40  # per voxel of the CT, at most, while a segmentation is placed on it
_LOOK_S = 0.02


@dataclass(frozen=True)
class Job:
    """Slices that two processes decode together; the voxels' memory follows."""

    slices: tuple[SliceHeader, ...]
    turn: Turn
    password: str = field(repr=False)
    left_out: Mapping[str, str]


def serve(pipe: Connection, mate: Connection, block: Any, counter: Any) -> None:
    """Answer requests until the other end of the pipe closes; the mate helps to decode."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the owner, which then ends this
    worker = _Worker(pipe, mate, StatusWriter(block), counter)
    gc.freeze()  # what was imported stays: the collector need not go through it with every thousand headers
    with suppress(EOFError, OSError):
        pipe.send(READY)
        while True:
            worker.answer(pipe.recv())


def help_out(pipe: Connection, block: Any, counter: Any) -> None:
    """Decode slices for the process at the other end of the pipe, each the next that nobody took, until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    status, limit = StatusWriter(block), MemoryLimit()
    with suppress(EOFError, OSError):
        while True:
            job: Job = pipe.recv()
            voxels = SharedVoxels.receive(pipe)
            status.begin()
            limit.allow(0)
            refusal = _refusal_of(partial(_decode, job, voxels, status, counter), status)
            voxels.release()
            status.end()
            pipe.send(refusal)


def _decode(job: Job, voxels: SharedVoxels, status: StatusWriter, counter: Any) -> None:
    by_slice = job.turn.stored_view(voxels.array)
    with Opener(job.password, job.left_out, status.watch) as opener:
        while (n := _next(counter)) < len(job.slices):
            read_slice(opener, job.slices[n], by_slice[n], voxels.put)


def _next(counter: Any) -> int:
    with counter.get_lock():
        counter.value += 1
        return int(counter.value) - 1


def _refusal_of(work: Callable[[], None], status: StatusWriter) -> PlannerError | Defect | None:
    """Return what kept some work from being done; None where it was done."""
    try:
        work()
    except PlannerError as refusal:
        return refusal
    except MemoryError:
        return InputRefused(f"{status.name} asks for too much memory; it was left out. Export the series again.")
    except RecursionError:
        return InputRefused(f"{status.name} nests its parts too deeply; it was left out. Export the series again.")
    except (EOFError, BrokenPipeError):
        raise
    except Exception as fault:  # noqa: BLE001  (told to the owner, which stops the work with it)
        return Defect("".join(traceback.format_exception(fault)))
    return None


class _Worker:
    def __init__(self, pipe: Connection, mate: Connection, status: StatusWriter, counter: Any) -> None:
        self._pipe = pipe
        self._mate = mate
        self._status = status
        self._counter = counter
        self._limit = MemoryLimit()
        self._listing: SeriesListing | None = None
        self._request: Request = Request()
        self._shared: dict[int, SharedVoxels] = {}

    def answer(self, request: Request) -> None:
        """Work on one request and send its answer."""
        self._request = request
        self._status.begin()
        self._limit.allow(0)
        answers: list[Answer] = []
        refusal = _refusal_of(lambda: answers.append(self._answer_to(request)), self._status)
        try:
            self._pipe.send(refusal or answers[0])
            if refusal is None and isinstance(answers[0], VolumeParts):
                next(iter(self._shared.values())).send(self._pipe, 0)
        finally:
            for voxels in self._shared.values():
                voxels.release()
            self._shared.clear()
            self._status.end()

    def _answer_to(self, request: Request) -> Answer:
        progress = self._status.progress()
        if isinstance(request, Find):
            self._listing = find_series(request.path, progress, self._opener())
            return self._listing
        if isinstance(request, Read):
            return self._read(request, progress)
        if isinstance(request, Look) and request.header is not None:
            with self._opener() as opener:
                return picture(opener, request.header, request.longest_px, request.window_hu)
        if isinstance(request, Copy):
            return copies(request.path, request.folder, request.options, progress, self._opener)
        if isinstance(request, Identify):
            return identity_of(request.data)
        if isinstance(request, Segments) and request.target is not None and isinstance(request.path, str | Path):
            self._limit.allow(_LABEL_BYTES * int(np.prod(request.target.grid.shape_kji, dtype=np.int64)))
            with self._opener() as opener:
                return read_segmentation(request.path, request.target, progress, opener)
        raise TypeError(f"an unknown request: {type(request).__name__}")

    def _read(self, request: Read, progress: Progress) -> VolumeParts:
        source = request.source if request.nth < 0 or self._listing is None else self._listing.series[request.nth]
        self._make_room(source)
        means = Means(self._opener, self._empty, self._fill)
        volume = read_volume(source, request.series_uid, progress, means)
        self._keep_only(volume)
        return VolumeParts({f.name: getattr(volume, f.name) for f in fields(Volume) if f.init and f.name != "hu"})

    def _opener(self) -> Opener:
        return Opener(self._request.password, self._request.left_out, self._status.watch)

    def _make_room(self, source: Any) -> None:
        """Allow for the memory that ITK takes for a research volume."""
        info = source if isinstance(source, SeriesInfo) else None
        if isinstance(source, str | Path) and kind_of(Path(source)) == "research":
            info = research_series(Path(source), shown(source))
        if info is not None and info.is_research:
            self._limit.allow(_RESEARCH_BYTES * info.slice_count * info.rows * info.columns)

    def _empty(self, shape_kji: tuple[int, int, int]) -> HuArray:
        size = 2 * int(np.prod(shape_kji, dtype=np.int64))
        self._limit.allow(3 * size)
        voxels = SharedVoxels.create(shape_kji)
        self._shared[id(voxels.array)] = voxels
        return voxels.array

    def _keep_only(self, volume: Volume) -> None:
        """Keep the memory of the volume alone; voxels that were made elsewhere are put into shared memory."""
        kept = self._shared.pop(id(volume.hu), None)
        for other in self._shared.values():
            other.release()
        self._shared.clear()
        if kept is None:
            kept = SharedVoxels.create(volume.hu.shape)
            kept.array[...] = volume.hu
        self._shared[id(kept.array)] = kept

    def _fill(
        self, opener: Opener, slices: Sequence[SliceHeader], hu: HuArray, turn: Turn, progress: Progress, filled: Filled
    ) -> None:
        """Fill a volume: plain slices by threads, which the disk serves; compressed ones by two processes."""
        first = slices[0].pixels
        voxels = self._shared.get(id(hu))
        if voxels is None or first is None or first.transfer_syntax in NATIVE:
            fill_slices(opener, slices, hu, turn, progress, filled, put_slice if voxels is None else voxels.put)
            return
        self._counter.value = 0
        self._mate.send(Job(tuple(slices), turn, self._request.password, self._request.left_out))
        voxels.send(self._mate, 0)
        by_slice, total = turn.stored_view(hu), len(slices)
        try:
            while (n := _next(self._counter)) < total:
                progress.report(n / total, f"Slice {n + 1} of {total}")
                read_slice(opener, slices[n], by_slice[n], voxels.put)
        finally:
            self._counter.value = total
            refusal = self._mate_done()
        if isinstance(refusal, PlannerError):
            raise refusal
        if isinstance(refusal, Defect):
            raise RuntimeError(refusal.text)

    def _mate_done(self) -> PlannerError | Defect | None:
        while not self._mate.poll(_LOOK_S):
            self._status.beat()  # the owner watches the mate itself
        answer: PlannerError | Defect | None = self._mate.recv()
        return answer
