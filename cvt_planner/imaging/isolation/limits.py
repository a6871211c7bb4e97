"""How much memory a reading process may take. Beyond it Python and the decoders find no memory, and refuse the file."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

ALLOWANCE_BYTES = 2 << 30  # for anything but a volume; assumed, reading 600 slices takes a tenth of it
LARGEST_PART = 0.75  # of the computer's memory, whatever a file asks for; assumed
OVER_MEMORY = 86  # exit code of a process that the watchdog ended
_WATCH_S = 0.05
_ON_LINUX: bool = sys.platform == "linux"


class MemoryLimit:
    """The limit on this process: of its addresses on Linux, elsewhere on what it holds, by a watchdog."""

    def __init__(self, always_watch: bool = False) -> None:
        self._most = 0
        self._by_system = _ON_LINUX and not always_watch
        if not self._by_system:
            self._most = 1 << 62
            threading.Thread(target=self._watch, name="memory watchdog", daemon=True).start()

    def allow(self, extra_bytes: int) -> None:
        """Let the process take so much more than it takes now, and `ALLOWANCE_BYTES`."""
        extra = int(min(ALLOWANCE_BYTES + extra_bytes, LARGEST_PART * _computer_bytes()))
        if self._by_system:
            _limit_addresses(_address_bytes() + extra)
        else:
            self._most = _resident_bytes() + extra

    def _watch(self) -> None:
        while True:
            time.sleep(_WATCH_S)
            if _resident_bytes() > self._most:
                os._exit(OVER_MEMORY)


def _limit_addresses(most: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _address_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _resident_bytes() -> int:
    """Return what the process holds now (on macOS, what it held at most)."""
    if sys.platform == "win32":
        return _windows_bytes()
    if _ON_LINUX:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _computer_bytes() -> int:
    if sys.platform == "win32":
        return 1 << 62  # the watchdog alone decides
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _windows_bytes() -> int:
    import ctypes

    class Counters(ctypes.Structure):
        _fields_ = [
            ("cb", ctypes.c_uint32),
            ("PageFaultCount", ctypes.c_uint32),
            *[(f"field{n}", ctypes.c_size_t) for n in range(8)],
        ]

    counters = Counters()
    counters.cb = ctypes.sizeof(counters)
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009  (absent from other systems' type information)
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.K32GetProcessMemoryInfo.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32]
    kernel.K32GetProcessMemoryInfo(kernel.GetCurrentProcess(), ctypes.byref(counters), counters.cb)
    return int(counters.field1)  # WorkingSetSize
