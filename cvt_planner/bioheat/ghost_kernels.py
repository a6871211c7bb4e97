"""Compiled: ghost values around the cells, and the heat that comes in through held walls. Fields as in `kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.base.compiled import kernel
from cvt_planner.bioheat.conductance import decoded
from cvt_planner.bioheat.tables import F32


@kernel
def end_ghosts(psi: F32, first: int, last: int, wide: int, sign: F32, offset: F32) -> None:
    """Write the ghosts at both ends of the rows from `first` to `last`, counted through the whole array."""
    low_sign, low_offset, high_sign, high_offset = sign[0], offset[0], sign[1], offset[1]
    for p in range(first, last, wide):
        q = p + wide - 1
        psi[p] = low_offset + low_sign * psi[p + 1]
        psi[q] = high_offset + high_sign * psi[q - 1]


@kernel
def no_ends(e: F32, first: int, last: int, wide: int) -> None:
    """Clear what came out beyond both ends of rows."""
    for p in range(first, last, wide):
        e[p] = np.float32(0.0)
        e[p + wide - 1] = np.float32(0.0)


@kernel
def mirror(ghost: F32, edge: F32, sign: np.float32, offset: np.float32) -> None:
    """Write a row or plane of ghosts from the cells beside it."""
    for i in range(ghost.size):
        ghost[i] = offset + sign * edge[i]


@kernel
def side_ghosts(t: F32, k: int, shape: Any, sign: F32, offset: F32) -> None:
    """Write the ghosts of all sides that one fresh plane decides, but for those at the ends of its rows."""
    deep, high, wide = shape
    plane = high * wide
    p = k * plane
    mirror(t[p : p + wide], t[p + wide : p + 2 * wide], sign[2], offset[2])
    q = p + plane
    mirror(t[q - wide : q], t[q - 2 * wide : q - wide], sign[3], offset[3])
    if k == 1:
        mirror(t[p - plane : p], t[p:q], sign[4], offset[4])
    if k == deep - 2:
        mirror(t[q : q + plane], t[p:q], sign[5], offset[5])


@kernel
def wall_power(channel: int, t: F32, k: int, shape: Any, tissue: Any) -> float:
    """Return the heat, W, that one plane takes in through held walls."""
    even, even_z, own, held, mapped = tissue.even, tissue.even_z, tissue.faces[channel], tissue.held, tissue.mapped
    unit = tissue.units[channel]
    deep, high, wide = shape
    plane = high * wide
    start = k * plane
    sizes, deep_m = even[4], even_z[2]
    total = np.float64(0.0)
    if held[0] or held[1]:
        for j in range(1, high - 1):
            p, q = j * wide + 1, j * wide + wide - 2
            low = unit * decoded(own[0, start + p]) if mapped else even[0, p] * sizes[p] * deep_m[k]
            up = unit * decoded(own[0, start + q + 1]) if mapped else even[1, q] * sizes[q] * deep_m[k]
            total += low * np.float64(t[start + p - 1] - t[start + p]) if held[0] else 0.0
            total += up * np.float64(t[start + q + 1] - t[start + q]) if held[1] else 0.0
    if held[2] or held[3]:
        for i in range(1, wide - 1):
            p, q = wide + i, (high - 2) * wide + i
            low = unit * decoded(own[1, start + p]) if mapped else even[2, p] * sizes[p] * deep_m[k]
            up = unit * decoded(own[1, start + q + wide]) if mapped else even[3, q] * sizes[q] * deep_m[k]
            total += low * np.float64(t[start + p - wide] - t[start + p]) if held[2] else 0.0
            total += up * np.float64(t[start + q + wide] - t[start + q]) if held[3] else 0.0
    for end, at, ghost in ((4, 1, -plane), (5, deep - 2, plane)):
        if held[end] and k == at:
            through = even_z[end - 4, k] * deep_m[k]
            for j in range(1, high - 1):
                for p in range(j * wide + 1, j * wide + wide - 1):
                    other = start + p + (plane if end == 5 else 0)
                    face = unit * decoded(own[2, other]) if mapped else sizes[p] * through
                    total += face * np.float64(t[start + p + ghost] - t[start + p])
    return total
