"""Memory for voxels that is handed from one process to another without a copy, and that no file system shows."""

from __future__ import annotations

import mmap
import os
import secrets
import sys
from multiprocessing.connection import Connection

import numpy as np

from cvt_planner.base.arrays import HuArray

_ON_LINUX: bool = sys.platform == "linux"


class SharedVoxels:
    """Int16 voxels in anonymous memory; it lives as long as a process holds an array on it.

    On Windows the memory has a name that cannot be guessed, and lives as long as this object or an array does.
    """

    def __init__(self, shape: tuple[int, ...], handle: int, tag: str, memory: mmap.mmap) -> None:
        self.shape = shape
        self._handle = handle
        self._tag = tag
        self.array: HuArray = np.frombuffer(memory, dtype=np.int16, count=int(np.prod(shape))).reshape(shape)

    @staticmethod
    def create(shape: tuple[int, ...]) -> SharedVoxels:
        """Return new memory for voxels of a shape. Raises `MemoryError` where there is not enough."""
        size = max(2 * int(np.prod(shape, dtype=np.int64)), 2)
        tag = "cvt-" + secrets.token_hex(16)
        try:
            if sys.platform == "win32":
                return SharedVoxels(shape, -1, tag, mmap.mmap(-1, size, tagname=tag))
            handle = _anonymous(tag)
            os.ftruncate(handle, size)
            return SharedVoxels(shape, handle, "", mmap.mmap(handle, size))
        except (OSError, OverflowError) as fault:
            raise MemoryError(str(fault)) from fault

    def put(self, place: HuArray, values: HuArray) -> None:
        """Copy values to a place in the array: where that is in one piece, by the system, which need not map it."""
        if self._handle >= 0 and place.flags.c_contiguous and values.flags.c_contiguous:
            offset = place.ctypes.data - self.array.ctypes.data
            if os.pwrite(self._handle, values.data.cast("B"), offset) == place.nbytes:
                return
        place[...] = values

    def send(self, pipe: Connection, process_id: int) -> None:
        """Hand the memory to the process at the other end of a pipe, which calls `receive`."""
        pipe.send((self.shape, self._tag))
        if sys.platform != "win32":
            from multiprocessing.reduction import send_handle

            send_handle(pipe, self._handle, process_id)

    @staticmethod
    def receive(pipe: Connection) -> SharedVoxels:
        """Return the memory that the other end sends."""
        shape, tag = pipe.recv()
        size = max(2 * int(np.prod(shape, dtype=np.int64)), 2)
        if sys.platform == "win32":
            return SharedVoxels(shape, -1, tag, mmap.mmap(-1, size, tagname=tag))
        from multiprocessing.reduction import recv_handle

        handle = recv_handle(pipe)
        return SharedVoxels(shape, handle, "", mmap.mmap(handle, size))

    def release(self) -> None:
        """Let go of the memory here, except for arrays that are still in use."""
        del self.array
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _anonymous(tag: str) -> int:
    """Return a file descriptor of memory that has no name."""
    if _ON_LINUX:
        return os.memfd_create("voxels", os.MFD_CLOEXEC)
    if sys.platform == "win32":
        raise OSError("there are no descriptors of memory here")
    import _posixshmem  # type: ignore[import-not-found]

    name = "/" + tag[:24]
    handle: int = _posixshmem.shm_open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode=0o600)
    _posixshmem.shm_unlink(name)
    return handle
