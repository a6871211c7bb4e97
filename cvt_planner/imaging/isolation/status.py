"""What a reading process is at, in memory that its owner sees even when it hangs or has died."""

from __future__ import annotations

import ctypes
import threading
from multiprocessing.context import SpawnContext
from typing import Any

from cvt_planner.base.progress import Progress
from cvt_planner.imaging.sources import FILE_LIMIT_S

NAME_BYTES = 8192
MESSAGE_BYTES = 200


class StatusBlock(ctypes.Structure):
    """The memory itself."""

    _fields_ = [
        ("beat", ctypes.c_uint64),
        ("limit_s", ctypes.c_double),
        ("fraction", ctypes.c_double),
        ("stop", ctypes.c_int32),
        ("busy", ctypes.c_int32),
        ("name", ctypes.c_char * NAME_BYTES),
        ("message", ctypes.c_char * MESSAGE_BYTES),
    ]


def new_status(context: SpawnContext) -> Any:
    """Return a new block that can be given to a process when it is started."""
    return context.RawValue(StatusBlock)


def name_bytes(name: str) -> bytes:
    """Return a file's name as it is kept in a block."""
    return name.encode("utf-8", "replace")[: NAME_BYTES - 1]


class StatusWriter:
    """The reading process's side: every call is a sign of life."""

    def __init__(self, block: Any) -> None:
        self._block = block

    def begin(self) -> None:
        """Say that a request is being worked on."""
        self._block.name = b""
        self._block.limit_s = FILE_LIMIT_S
        self._block.busy = 1
        self.beat()

    def end(self) -> None:
        """Say that it is answered."""
        self._block.busy = 0
        self.beat()

    def beat(self) -> None:
        """Give a sign of life."""
        self._block.beat += 1

    def watch(self, name: str, limit_s: float) -> None:
        """Say which file is touched now, and how long it may be silent; for `Opener`."""
        self._block.name = name_bytes(name)
        self._block.limit_s = limit_s
        self._block.beat += 1

    @property
    def name(self) -> str:
        """Return the file touched last."""
        return bytes(self._block.name).decode("utf-8", "replace")

    def progress(self) -> Progress:
        """Return a progress that is told to the owner, and stopped by it."""
        return Progress(self._tell, _StopFlag(self._block))

    def _tell(self, fraction: float, message: str) -> None:
        self._block.fraction = fraction
        self._block.message = message.encode("utf-8", "replace")[: MESSAGE_BYTES - 1]


class _StopFlag(threading.Event):
    def __init__(self, block: Any) -> None:
        super().__init__()
        self._block = block

    def is_set(self) -> bool:
        """Return whether the owner asked for a stop; asking is a sign of life."""
        self._block.beat += 1
        return bool(self._block.stop)
