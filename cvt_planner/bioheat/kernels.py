"""The compiled inner loops of the heat solver. SI units, float32 fields, arrays [k, j, i] padded by one cell per side.

The state e is heat content above the start over the unfrozen heat capacity: kelvin, and while unfrozen the change of
temperature itself, so that faint heat far away is not lost to rounding. What conducts (see `law`) is one field psi in a
box of one material (unfrozen conductivity taken out), or two fields phi_u and phi_f where every voxel has its own.
The padding of these fields holds ghost values, offset + sign * edge: a wall that is held (sign -1), or insulated (+1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.compiled import kernel, parallel_kernel, prange
from cvt_planner.bioheat.law_kernels import phi_rows, psi_row

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

RUN_CELLS = 1024  # how many are worked on at once: few enough to stay in the nearest cache


@kernel
def along_row(rate: F32, psi: F32, below: F32, above: F32) -> None:
    """Write the flow along one row; `psi` has one cell more on both ends."""
    for i in range(rate.size):
        rate[i] = below[i] * (psi[i] - psi[i + 1]) + above[i] * (psi[i + 2] - psi[i + 1])


@kernel
def across_row(rate: F32, psi: F32, j0: F32, j1: F32, k0: F32, k1: F32, below: F32, above: F32,
               z_below: np.float32, z_above: np.float32) -> None:  # fmt: skip
    """Add the flow from the rows beside, above and below one row."""
    for i in range(rate.size):
        rate[i] += (
            below[i] * (j0[i] - psi[i]) + above[i] * (j1[i] - psi[i])
            + z_below * (k0[i] - psi[i]) + z_above * (k1[i] - psi[i])
        )  # fmt: skip


@kernel
def mapped_along_row(rate: F32, phi: F32, face: F32) -> None:
    """Add the flow along one row through faces of their own conductance; both inputs reach one cell farther."""
    for i in range(rate.size):
        rate[i] += face[i + 1] * (phi[i] - phi[i + 1]) + face[i + 2] * (phi[i + 2] - phi[i + 1])


@kernel
def mapped_across_row(rate: F32, phi: F32, low: F32, high: F32, low_face: F32, high_face: F32) -> None:
    """Add the flow from the two neighbours along another axis."""
    for i in range(rate.size):
        rate[i] += low_face[i] * (low[i] - phi[i]) + high_face[i] * (high[i] - phi[i])


@kernel
def scale_row(rate: F32, factor: F32) -> None:
    """Turn flows, W, into rates, K/s."""
    for i in range(rate.size):
        rate[i] *= factor[i]


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
def side_ghosts(psi: F32, k: int, sign: F32, offset: F32) -> None:
    """Write the ghosts of all sides that one fresh plane decides, but for those at the ends of its rows."""
    deep, high, wide = psi.shape
    plane = high * wide
    t = psi.reshape(-1)
    p = k * plane
    mirror(t[p : p + wide], t[p + wide : p + 2 * wide], sign[2], offset[2])
    q = p + plane
    mirror(t[q - wide : q], t[q - 2 * wide : q - wide], sign[3], offset[3])
    if k == 1:
        mirror(t[p - plane : p], t[p:q], sign[4], offset[4])
    if k == deep - 2:
        mirror(t[q : q + plane], t[p:q], sign[5], offset[5])


@kernel
def wall_power(channel: int, psi: F32, k: int, fixed: Any) -> float:
    """Return the heat, W, that one plane takes in through held walls."""
    even, even_z, own, held, mapped = fixed[0], fixed[1], fixed[2], fixed[6], fixed[7]
    deep, high, wide = psi.shape
    below, above, left, right, sizes = even[0], even[1], even[2], even[3], even[4]
    z_below, z_above, deep_m = even_z[0], even_z[1], even_z[2]
    faces = own[channel]
    total = np.float64(0.0)
    last, top = wide - 2, high - 2
    if held[0] or held[1]:
        for j in range(1, high - 1):
            p = j * wide
            low = faces[0, k, j, 1] if mapped else below[p + 1] * sizes[p + 1] * deep_m[k]
            up = faces[0, k, j, last + 1] if mapped else above[p + last] * sizes[p + last] * deep_m[k]
            total += low * np.float64(psi[k, j, 0] - psi[k, j, 1]) if held[0] else 0.0
            total += up * np.float64(psi[k, j, last + 1] - psi[k, j, last]) if held[1] else 0.0
    if held[2] or held[3]:
        for i in range(1, wide - 1):
            p, q = wide + i, top * wide + i
            low = faces[1, k, 1, i] if mapped else left[p] * sizes[p] * deep_m[k]
            up = faces[1, k, top + 1, i] if mapped else right[q] * sizes[q] * deep_m[k]
            total += low * np.float64(psi[k, 0, i] - psi[k, 1, i]) if held[2] else 0.0
            total += up * np.float64(psi[k, top + 1, i] - psi[k, top, i]) if held[3] else 0.0
    if held[4] and k == 1:
        total += _flat_power(psi[0], psi[1], faces[2, 1], sizes, z_below[1] * deep_m[1], mapped)
    if held[5] and k == deep - 2:
        total += _flat_power(psi[k + 1], psi[k], faces[2, k + 1], sizes, z_above[k] * deep_m[k], mapped)
    return total


@kernel
def _flat_power(ghost: F32, edge: F32, face: F32, sizes: F32, even: np.float32, mapped: bool) -> float:
    high, wide = edge.shape
    total = np.float64(0.0)
    for j in range(1, high - 1):
        for i in range(1, wide - 1):
            factor = face[j, i] if mapped else sizes[j * wide + i] * even
            total += factor * np.float64(ghost[j, i] - edge[j, i])
    return total


@kernel
def add_source(rate: F32, source: F32) -> None:
    """Add what probes give to one row."""
    for i in range(rate.size):
        rate[i] += source[i]


@kernel
def perfuse_row(rate: F32, e: F32, blood: F32, metabolic: F32, capacity: F32) -> float:
    """Add what blood and metabolism bring, K/s, to one row of rates; return it, W."""
    total = np.float32(0.0)
    for i in range(rate.size):
        heat = metabolic[i] - blood[i] * e[i]
        rate[i] += heat
        total += heat * capacity[i]
    return np.float64(total)


@kernel
def combine_first(out: F32, rate0: F32, e0: F32, rate: F32, along: np.float32) -> None:
    """Write the first stage of one row, and keep its rate."""
    for i in range(out.size):
        rate0[i] = rate[i]
        out[i] = e0[i] + along * rate[i]


@kernel
def combine_next(out: F32, e1: F32, e2: F32, e0: F32, rate: F32, rate0: F32, c: F32) -> None:
    """Write a later stage of one row from the two before it (`e1`, `e2`), the start and both rates."""
    c1, c2, c0, cr, cr0 = c[0], c[1], c[2], c[3], c[4]
    for i in range(out.size):
        out[i] = c1 * e1[i] + c2 * e2[i] + c0 * e0[i] + cr * rate[i] + cr0 * rate0[i]


@kernel
def conduct(rate: F32, psi: Any, p: int, q: int, k: int, even: F32, even_z: F32) -> None:
    """Write the rates of a run of cells, counted through the whole array, in one material."""
    below, above, left, right = even[0], even[1], even[2], even[3]
    wide, plane = psi.shape[3], psi.shape[2] * psi.shape[3]
    t = psi[0].reshape(-1)
    a, b = p - k * plane, q - k * plane
    along_row(rate, t[p - 1 : q + 1], below[a:b], above[a:b])
    across_row(rate, t[p:q], t[p - wide : q - wide], t[p + wide : q + wide], t[p - plane : q - plane],
               t[p + plane : q + plane], left[a:b], right[a:b], even_z[0, k], even_z[1, k])  # fmt: skip


@kernel
def conduct_mapped(rate: F32, phi: Any, p: int, q: int, own: Any, per_capacity: F32) -> None:
    """Write the rates of a run of cells, counted through the whole array, each of its own material."""
    wide, plane = phi.shape[3], phi.shape[2] * phi.shape[3]
    rate[:] = np.float32(0.0)
    for channel in range(2):
        t = phi[channel].reshape(-1)
        x, y, z = own[channel, 0].reshape(-1), own[channel, 1].reshape(-1), own[channel, 2].reshape(-1)
        mapped_along_row(rate, t[p - 1 : q + 1], x[p - 1 : q + 1])
        mapped_across_row(rate, t[p:q], t[p - wide : q - wide], t[p + wide : q + wide], y[p:q], y[p + wide : q + wide])
        mapped_across_row(
            rate, t[p:q], t[p - plane : q - plane], t[p + plane : q + plane], z[p:q], z[p + plane : q + plane]
        )
    scale_row(rate, per_capacity.reshape(-1)[p:q])


@kernel
def new_psi(fresh: Any, out: F32, first: int, last: int, fixed: Any) -> None:
    """Write what conducts of a run of cells, counted through the whole array."""
    mapped, colligative, constants, width, fold = fixed[7], fixed[8], fixed[9], fixed[10], fixed[11]
    if mapped:
        phi_rows(fresh[0].reshape(-1)[first:last], fresh[1].reshape(-1)[first:last], out[first:last],
                 width.reshape(-1)[first:last], fold.reshape(-1)[first:last], constants, colligative)  # fmt: skip
    else:
        psi_row(fresh[0].reshape(-1)[first:last], out[first:last], constants, colligative)


@kernel
def sweep_plane(k: int, first: bool, psi: Any, fresh: Any, out: F32, e1: F32, e2: F32, e0: F32, rate0: F32, c: F32,
                extra: Any, fixed: Any, powers: F64) -> None:  # fmt: skip
    """Advance one plane by one stage: rates from `psi`, new state to `out`, what conducts in it to `fresh`.

    Several rows with the ghosts between them are one run of cells: long loops without gaps. What comes out in the
    ghosts is overwritten.
    """
    source, row_has, blood, metabolic, capacity, perfused = extra
    even, even_z, own, per_capacity, sign, offset, mapped = (
        fixed[0], fixed[1], fixed[2], fixed[3], fixed[4], fixed[5], fixed[7]
    )  # fmt: skip
    channels, _, high, wide = psi.shape
    plane = high * wide
    o, a, b, s, r0 = out.reshape(-1), e1.reshape(-1), e2.reshape(-1), e0.reshape(-1), rate0.reshape(-1)
    fed, made, held_heat, heat = blood.reshape(-1), metabolic.reshape(-1), capacity.reshape(-1), source.reshape(-1)
    together = max(1, RUN_CELLS // wide)
    buffer = np.empty(together * wide, dtype=np.float32)
    brought = np.float64(0.0)
    for jlo in range(1, high - 1, together):
        jhi = min(jlo + together, high - 1)
        p, q = k * plane + jlo * wide, k * plane + jhi * wide
        rate = buffer[: q - p]
        if mapped:
            conduct_mapped(rate, psi, p, q, own, per_capacity)
        else:
            conduct(rate, psi, p, q, k, even, even_z)
        if perfused:
            brought += perfuse_row(rate, a[p:q], fed[p:q], made[p:q], held_heat[p:q])
        for j in range(jlo, jhi):
            if row_has[k, j]:
                add_source(rate[(j - jlo) * wide : (j - jlo + 1) * wide], heat[k * plane + j * wide : q])
        if first:
            combine_first(o[p:q], r0[p:q], s[p:q], rate, c[3])
        else:
            combine_next(o[p:q], a[p:q], b[p:q], s[p:q], rate, r0[p:q], c)
        no_ends(o, p, q, wide)
        new_psi(fresh, o, p, q, fixed)
        for channel in range(channels):
            end_ghosts(fresh[channel].reshape(-1), p, q, wide, sign, offset[channel])
    taken = np.float64(0.0)
    for channel in range(channels):
        side_ghosts(fresh[channel], k, sign, offset[channel])
        taken += wall_power(channel, psi[channel], k, fixed)
    powers[k, 0] = taken
    powers[k, 1] = brought


@parallel_kernel
def sweep_many(first: bool, psi: Any, fresh: Any, out: F32, e1: F32, e2: F32, e0: F32, rate0: F32, c: F32,
               extra: Any, fixed: Any, powers: F64) -> None:  # fmt: skip
    """Advance all planes by one stage, on all cores."""
    for k in prange(1, out.shape[0] - 1):
        sweep_plane(k, first, psi, fresh, out, e1, e2, e0, rate0, c, extra, fixed, powers)


@kernel
def sweep_few(first: bool, psi: Any, fresh: Any, out: F32, e1: F32, e2: F32, e0: F32, rate0: F32, c: F32,
              extra: Any, fixed: Any, powers: F64) -> None:  # fmt: skip
    """Advance all planes by one stage, on this core; quicker for a small box."""
    for k in range(1, out.shape[0] - 1):
        sweep_plane(k, first, psi, fresh, out, e1, e2, e0, rate0, c, extra, fixed, powers)


@kernel
def psi_everywhere(e: F32, psi: Any, fixed: Any) -> None:
    """Write what conducts and its ghosts for the whole box."""
    channels, deep, high, wide = psi.shape
    sign, offset = fixed[4], fixed[5]
    plane = high * wide
    for k in range(1, deep - 1):
        first, last = k * plane + wide, (k + 1) * plane - wide
        new_psi(psi, e.reshape(-1), first, last, fixed)
        for channel in range(channels):
            end_ghosts(psi[channel].reshape(-1), first, last, wide, sign, offset[channel])
            side_ghosts(psi[channel], k, sign, offset[channel])
