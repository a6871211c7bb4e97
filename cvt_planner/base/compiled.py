"""The one door to numba: typed decorators, an on-disk cache (`base.kernel_cache`), and a rule for parallel kernels.

Parallel kernels: numba's fallback thread layer aborts the process when two threads run parallel kernels at once, so
every call of a kernel made with `parallel_kernel` stands inside ``with kernels_alone():``. The window's thread never
calls one (it could wait behind a solver run); it uses kernels made with `kernel`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

_F = TypeVar("_F", bound=Callable[..., Any])

os.environ["NUMBA_CACHE_LOCATOR_CLASSES"] = "cvt_planner.base.kernel_cache.KernelLocator"

# GNU OpenMP spins for milliseconds at the end of every parallel kernel; with other work on the machine (the window's
# own thread) that made a kernel run take ten times as long. These are read once, when numba loads it.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "5000")

import numba  # noqa: E402  (its settings are made above)

_ALONE = threading.RLock()


# Division without a check for zero, and sums in any order: loops with either become vector code.
_FAST: dict[str, Any] = {
    "nogil": True, "cache": True, "error_model": "numpy", "fastmath": {"contract", "arcp", "nsz", "reassoc"},
}  # fmt: skip


def kernel(function: _F) -> _F:
    """Return the function compiled for one core, releasing the interpreter lock while it runs."""
    return cast(_F, numba.njit(function, **_FAST))


def inlined_kernel(function: _F) -> _F:
    """Return the function compiled for one core and put into each kernel that calls it.

    For what is handed tables of many arrays: elsewhere each array would be counted up and down again, which takes
    longer than short work on them.
    """
    return cast(_F, numba.njit(function, forceinline=True, **_FAST))


def parallel_kernel(function: _F) -> _F:
    """Return the function compiled for all cores; call it inside `kernels_alone` only."""
    return cast(_F, numba.njit(function, parallel=True, **_FAST))


def kernels_alone() -> threading.RLock:
    """Return the lock that lets one thread at a time run parallel kernels; use it in a ``with`` statement."""
    return _ALONE


def use_one_core() -> None:
    """Let parallel kernels called from this thread run on one core, and leave the others to those beside it."""
    numba.set_num_threads(1)


prange = numba.prange
