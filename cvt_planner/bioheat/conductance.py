"""Compiled: conductances of faces in 16 bits, so that less memory moves; twelve bits of precision, 0.02 %.

The code of a conductance is the upper part of the float32 of its ratio to a unit, which is the commonest conductance:
that one, and with it a map of one material, is exact. Kept are 32 powers of two; the smallest stands for none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array
from cvt_planner.base.compiled import kernel

Codes = NDArray[np.uint16]

_DROPPED = 12  # bits of a float32 that are not kept
_LOWEST = 2.0**-18
_ASKED = 50_000  # the commonest conductance is found from so many
BASE = np.uint32(np.float32(_LOWEST).view(np.uint32))


def coded(conductance: Float32Array) -> tuple[Codes, np.float32]:
    """Return conductances, W/K, as codes, and their unit, W/K."""
    some = conductance[conductance > 0.0]
    some = some[:: 1 + some.size // _ASKED]
    unit = np.float32(np.partition(some, some.size // 2)[some.size // 2]) if some.size else np.float32(1.0)
    codes = np.empty(conductance.shape, np.uint16)
    encode(codes.reshape(-1), np.ascontiguousarray(conductance, np.float32).reshape(-1), np.float32(1.0) / unit)
    return codes, unit


@kernel
def encode(codes: Codes, conductance: Float32Array, per_unit: np.float32) -> None:
    """Write the codes of conductances, W/K."""
    lowest, highest = np.float32(_LOWEST), np.float32(_LOWEST * 2.0**32 * 0.999)
    half, dropped = np.uint32(1 << (_DROPPED - 1)), np.uint32(_DROPPED)
    for n in range(codes.size):
        ratio = max(min(conductance[n] * per_unit, highest), lowest)
        codes[n] = np.uint16((np.uint32(np.float32(ratio).view(np.uint32) - BASE) + half) >> dropped)


@kernel
def decoded(code: np.uint16) -> np.float32:
    """Return the conductance of a code in its unit."""
    found: np.float32 = np.uint32(np.uint32(np.uint32(code) * np.uint32(1 << _DROPPED)) + BASE).view(np.float32)
    return found


def all_decoded(codes: Codes, unit: np.float32) -> Float32Array:
    """Return the conductances, W/K, of an array of codes."""
    return ((codes.astype(np.uint32) << _DROPPED) + BASE).view(np.float32) * unit
