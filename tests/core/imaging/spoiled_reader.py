"""A reading process with a fault: it crashes, hangs or takes memory when it comes to a certain file."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cvt_planner.base.errors import PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.imaging import fill, headers, sources
from cvt_planner.imaging.isolation import deidentify, door, reader, worker
from cvt_planner.imaging.isolation.requests import Find, Read
from cvt_planner.imaging.series import SeriesListing

_REAL_OPEN = sources.Opener.open


def ask(how: str, folder: Path) -> SeriesListing | PlannerError:
    """Return the listing of a folder, or what refused it, by a reader that has the fault `how`."""
    reader.serve = serve_with[how]  # type: ignore[attr-defined]
    asked = reader.Reader()
    try:
        if how == "crash-when-copied":
            door._READER = asked
            return deidentify(folder, folder.parent / "out")  # type: ignore[return-value]  (always refused)
        answer = asked.ask(Find(path=folder), Progress())
        if how == "crash-when-read":
            asked.ask(Read(source=answer.series[0]), Progress())
    except PlannerError as refusal:
        return refusal
    finally:
        asked.close()
    assert isinstance(answer, SeriesListing)
    return answer


def _crash(opener: sources.Opener, ref: sources.FileRef) -> Any:
    stream = _REAL_OPEN(opener, ref)
    if ref.short_name == "crash.dcm":
        os.kill(os.getpid(), signal.SIGSEGV)
    return stream


def _hang(opener: sources.Opener, ref: sources.FileRef) -> Any:
    stream = _REAL_OPEN(opener, ref)
    if ref.short_name == "hang.dcm":
        opener.enter(ref, 1.0)
        while True:
            time.sleep(1.0)
    return stream


def serve_crash(pipe: Connection, mate: Connection, block: Any, counter: Any) -> None:
    """Serve, and crash at crash.dcm."""
    sources.Opener.open = _crash  # type: ignore[method-assign]
    worker.serve(pipe, mate, block, counter)


def serve_hang(pipe: Connection, mate: Connection, block: Any, counter: Any) -> None:
    """Serve, and hang at hang.dcm."""
    sources.Opener.open = _hang  # type: ignore[method-assign]
    worker.serve(pipe, mate, block, counter)


def serve_bloat(pipe: Connection, mate: Connection, block: Any, counter: Any) -> None:
    """Serve, and ask for 3 GiB, which the computer may well have, when the header of bloat.dcm is read."""
    real = headers.quick

    def quick(stream: Any, head: bytes) -> Any:
        if block.name.endswith(b"bloat.dcm"):
            bytearray(3 << 30)
        return real(stream, head)

    headers.quick = quick
    worker.serve(pipe, mate, block, counter)


def serve_crash_when_read(pipe: Connection, mate: Connection, block: Any, counter: Any) -> None:
    """Serve, and crash when the pixels of the fourth file are read."""
    real = fill.read_slice

    def read_slice(opener: sources.Opener, header: Any, *places: Any) -> Any:
        if header.ref.short_name.endswith("-003.dcm"):
            opener.enter(header.ref)
            os.kill(os.getpid(), signal.SIGSEGV)
        return real(opener, header, *places)

    fill.read_slice = read_slice
    worker.serve(pipe, mate, block, counter)


serve_with = {
    "crash": serve_crash,
    "hang": serve_hang,
    "bloat": serve_bloat,
    "crash-when-read": serve_crash_when_read,
    "crash-when-copied": serve_crash,
}
