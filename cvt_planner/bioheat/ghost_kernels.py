"""Compiled: ghost values around the cells, and the heat that comes in through held walls. Fields as in `kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.base.compiled import inlined_kernel, kernel
from cvt_planner.bioheat.conductance import Codes, decoded
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
def row_power(coupling: F32, sizes: F32, ghost: F32, edge: F32) -> float:
    """Return what comes in through a row of faces of one material, but for the factors that they share."""
    total = np.float64(0.0)
    for i in range(edge.size):
        total += np.float64(coupling[i] * sizes[i] * (ghost[i] - edge[i]))
    return total


@kernel
def plane_power(sizes: F32, ghost: F32, edge: F32) -> float:
    """Return the same where all faces of the row share their coupling."""
    total = np.float64(0.0)
    for i in range(edge.size):
        total += np.float64(sizes[i] * (ghost[i] - edge[i]))
    return total


@kernel
def mapped_power(faces: Codes, ghost: F32, edge: F32) -> float:
    """Return what comes in through a row of faces of their own conductance, but for its unit."""
    total = np.float64(0.0)
    for i in range(edge.size):
        total += np.float64(decoded(faces[i]) * (ghost[i] - edge[i]))
    return total


@inlined_kernel
def wall_power(channel: int, t: F32, k: int, shape: Any, tissue: Any) -> float:
    """Return the heat, W, that one plane takes in through held walls."""
    even, even_z, own, mapped = tissue.even, tissue.even_z, tissue.faces[channel], tissue.mapped
    deep, high, wide = shape
    plane = high * wide
    start, sizes = k * plane, even[4]
    total = np.float64(0.0)
    for wall in range(6):
        axis, up = wall // 2, wall % 2
        if not tissue.held[wall] or (axis == 2 and k != (deep - 2 if up == 1 else 1)):
            continue
        step = (1, wide, plane)[axis]
        beyond = step if up == 1 else -step
        above = start + (step if up == 1 else 0)  # a face belongs to the cell above it
        if axis == 0:
            end = wide - 2 if up == 1 else 1
            for at in range(wide + end, (high - 1) * wide, wide):
                face = decoded(own[0, above + at]) if mapped else even[wall, at] * sizes[at]
                total += np.float64(face * (t[start + at + beyond] - t[start + at]))
            continue
        first = high - 2 if axis == 1 and up == 1 else 1
        for j in range(first, first + 1 if axis == 1 else high - 1):
            a, b = j * wide + 1, (j + 1) * wide - 1
            ghost, edge = t[start + a + beyond : start + b + beyond], t[start + a : start + b]
            if mapped:
                total += mapped_power(own[axis, above + a : above + b], ghost, edge)
            elif axis == 2:
                total += even_z[up, k] * plane_power(sizes[a:b], ghost, edge)
            else:
                total += row_power(even[wall, a:b], sizes[a:b], ghost, edge)
    return total * np.float64(tissue.units[channel] if mapped else even_z[2, k])
