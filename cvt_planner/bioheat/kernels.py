"""The compiled inner loops of the heat solver. SI units, float32 fields, arrays [k, j, i] padded by one cell per side.

Fields: u, heat content above the start (J/m3), and theta, the Kirchhoff variable above the start (W/m); both are zero
where nothing has happened yet, so that faint heat far away is not lost to rounding. The padding of theta outside the
active box holds ghost values: offset + sign * edge, which makes a face held (sign -1) or insulated (sign +1, offset 0).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.compiled import kernel, parallel_kernel, prange

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

RUN_CELLS = 1024  # how many are worked on at once: few enough to stay in the nearest cache


@kernel
def laplace_row(out: F32, middle: F32, j0: F32, j1: F32, k0: F32, k1: F32, per_h2: F32) -> None:
    """Write the divergence of grad theta, W/m3, of one row; `middle` has one cell more on both ends."""
    ax, ay, az, diagonal = per_h2[0], per_h2[1], per_h2[2], per_h2[3]
    for i in range(out.size):
        out[i] = (
            ax * (middle[i] + middle[i + 2]) + ay * (j0[i] + j1[i]) + az * (k0[i] + k1[i]) - diagonal * middle[i + 1]
        )


@kernel
def theta_row(out: F32, u: F32, slopes: F32) -> None:
    """Write theta of one row of heat content, for a law of three slopes."""
    solidus, liquidus, frozen, freezing, unfrozen = slopes[0], slopes[1], slopes[2], slopes[3], slopes[4]
    base, zero = slopes[5], np.float32(0.0)
    for i in range(out.size):
        x = u[i]
        out[i] = (
            unfrozen * max(x, liquidus)
            + freezing * min(max(x - liquidus, solidus - liquidus), zero)
            + frozen * min(x - solidus, zero)
            - base
        )


@kernel
def theta_row_table(out: F32, u: F32, slopes: F32, table: F32, spread: F32) -> None:
    """Write theta of one row of heat content, from a table up to the liquidus and a straight line beyond."""
    liquidus, unfrozen = slopes[1], slopes[4]
    low, per_step = spread[0], spread[1]
    last = table.size - 2
    top = table[table.size - 1]
    for i in range(out.size):
        x = u[i]
        place = (x - low) * per_step
        n = min(max(np.int32(place), np.int32(0)), np.int32(last))
        left = table[n]
        inside = left + (place - np.float32(n)) * (table[n + 1] - left)
        out[i] = top + unfrozen * (x - liquidus) if x > liquidus else inside


@kernel
def end_ghosts(theta: F32, first: int, last: int, wide: int, sign: F32, offset: F32) -> None:
    """Write the ghosts at both ends of the rows from `first` to `last`, counted through the whole array."""
    low_sign, low_offset, high_sign, high_offset = sign[0], offset[0], sign[1], offset[1]
    for p in range(first, last, wide):
        q = p + wide - 1
        theta[p] = low_offset + low_sign * theta[p + 1]
        theta[q] = high_offset + high_sign * theta[q - 1]


@kernel
def no_ends(u: F32, first: int, last: int, wide: int) -> None:
    """Clear what came out beyond both ends of rows."""
    for p in range(first, last, wide):
        u[p] = np.float32(0.0)
        u[p + wide - 1] = np.float32(0.0)


@kernel
def mirror(ghost: F32, edge: F32, sign: np.float32, offset: np.float32) -> None:
    """Write a row or plane of ghosts from the cells beside it."""
    for i in range(ghost.size):
        ghost[i] = offset + sign * edge[i]


@kernel
def side_ghosts(theta: F32, k: int, sign: F32, offset: F32) -> None:
    """Write the ghosts of all sides that one fresh plane of theta decides, but for those at the ends of its rows."""
    deep, high, wide = theta.shape
    plane = high * wide
    t = theta.reshape(-1)
    p = k * plane
    mirror(t[p : p + wide], t[p + wide : p + 2 * wide], sign[2], offset[2])
    q = p + plane
    mirror(t[q - wide : q], t[q - 2 * wide : q - wide], sign[3], offset[3])
    if k == 1:
        mirror(t[p - plane : p], t[p:q], sign[4], offset[4])
    if k == deep - 2:
        mirror(t[q : q + plane], t[p:q], sign[5], offset[5])


@kernel
def difference(a: F32, b: F32) -> float:
    """Return the sum of a - b without the first and last element."""
    total = np.float64(0.0)
    for i in range(1, a.size - 1):
        total += np.float64(a[i] - b[i])
    return total


@kernel
def wall_power(theta: F32, k: int, areas: F64) -> float:
    """Return the heat, W, that a plane takes in through the active box's faces; areas are face areas / spacing."""
    deep, high, wide = theta.shape
    plane = high * wide
    t = theta.reshape(-1)
    p = k * plane
    q = p + plane
    ends = np.float64(0.0)
    for r in range(p + wide, q - wide, wide):
        ends += np.float64(t[r] - t[r + 1]) + np.float64(t[r + wide - 1] - t[r + wide - 2])
    sides = difference(t[p : p + wide], t[p + wide : p + 2 * wide])
    sides += difference(t[q - wide : q], t[q - 2 * wide : q - wide])
    faces = np.float64(0.0)
    for r in range(p + wide, q - wide, wide):
        if k == 1:
            faces += difference(t[r - plane : r - plane + wide], t[r : r + wide])
        if k == deep - 2:
            faces += difference(t[r + plane : r + plane + wide], t[r : r + wide])
    power: float = areas[0] * ends + areas[1] * sides + areas[2] * faces
    return power


@kernel
def add_source(rate: F32, source: F32) -> None:
    """Add what probes give to one row."""
    for i in range(rate.size):
        rate[i] += source[i]


@kernel
def perfuse_row(rate: F32, theta: F32, alive: F32) -> float:
    """Add the heat that blood brings, W/m3, to one row of rates; return their sum."""
    total = np.float32(0.0)
    for i in range(rate.size):
        heat = -alive[i] * theta[i]
        rate[i] += heat
        total += heat
    return np.float64(total)


@kernel
def combine_first(out: F32, rate0: F32, u0: F32, rate: F32, along: np.float32) -> None:
    """Write the first stage of one row, and keep its rate."""
    for i in range(out.size):
        rate0[i] = rate[i]
        out[i] = u0[i] + along * rate[i]


@kernel
def combine_next(out: F32, u1: F32, u2: F32, u0: F32, rate: F32, rate0: F32, c: F32) -> None:
    """Write a later stage of one row from the two before it (`u1`, `u2`), the start and both rates."""
    c1, c2, c0, cr, cr0 = c[0], c[1], c[2], c[3], c[4]
    for i in range(out.size):
        out[i] = c1 * u1[i] + c2 * u2[i] + c0 * u0[i] + cr * rate[i] + cr0 * rate0[i]


@kernel
def new_theta(fresh: F32, out: F32, first: int, last: int, fixed: Any) -> None:
    """Write theta of a run of cells, counted through the whole array."""
    slopes, table, spread, tabulated = fixed[5], fixed[6], fixed[7], fixed[8]
    if tabulated:
        theta_row_table(fresh[first:last], out[first:last], slopes, table, spread)
    else:
        theta_row(fresh[first:last], out[first:last], slopes)


@kernel
def sweep_plane(k: int, first: bool, theta: F32, fresh: F32, out: F32, u1: F32, u2: F32, u0: F32, rate0: F32, c: F32,
                extra: Any, fixed: Any, powers: F64) -> None:  # fmt: skip
    """Advance one plane by one stage: rates from `theta`, new heat content to `out`, its theta to `fresh`.

    The arrays are just large enough for the active box, so that several rows with the ghosts between them are one run
    of cells: long loops without gaps. What comes out in the ghosts is overwritten.
    """
    source, row_has, alive, perfused = extra
    box, per_h2, areas, sign, offset = fixed[0], fixed[1], fixed[2], fixed[3], fixed[4]
    wide, plane = theta.shape[2], theta.shape[1] * theta.shape[2]
    t, f, o, a, b, s = (
        theta.reshape(-1), fresh.reshape(-1), out.reshape(-1), u1.reshape(-1), u2.reshape(-1), u0.reshape(-1)
    )  # fmt: skip
    r0, live, heat = rate0.reshape(-1), alive.reshape(-1), source.reshape(-1)
    together = max(1, RUN_CELLS // wide)
    buffer = np.empty(together * wide, dtype=np.float32)
    blood = np.float64(0.0)
    for jlo in range(box[2], box[3], together):
        jhi = min(jlo + together, box[3])
        p, q = k * plane + jlo * wide, k * plane + jhi * wide
        rate = buffer[: q - p]
        laplace_row(rate, t[p - 1 : q + 1], t[p - wide : q - wide], t[p + wide : q + wide],
                    t[p - plane : q - plane], t[p + plane : q + plane], per_h2)  # fmt: skip
        if perfused:
            blood += perfuse_row(rate, t[p:q], live[p:q])
        for j in range(jlo, jhi):
            if row_has[k, j]:
                add_source(rate[(j - jlo) * wide : (j - jlo + 1) * wide], heat[k * plane + j * wide : q])
        if first:
            combine_first(o[p:q], r0[p:q], s[p:q], rate, c[3])
        else:
            combine_next(o[p:q], a[p:q], b[p:q], s[p:q], rate, r0[p:q], c)
        new_theta(f, o, p, q, fixed)
        no_ends(o, p, q, wide)
        end_ghosts(f, p, q, wide, sign, offset)
    side_ghosts(fresh, k, sign, offset)
    powers[k, 0] = wall_power(theta, k, areas)
    powers[k, 1] = blood


@parallel_kernel
def sweep_many(first: bool, theta: F32, fresh: F32, out: F32, u1: F32, u2: F32, u0: F32, rate0: F32, c: F32,
               extra: Any, fixed: Any, powers: F64) -> None:  # fmt: skip
    """Advance all planes by one stage, on all cores."""
    box = fixed[0]
    for k in prange(box[0], box[1]):
        sweep_plane(k, first, theta, fresh, out, u1, u2, u0, rate0, c, extra, fixed, powers)


@kernel
def sweep_few(first: bool, theta: F32, fresh: F32, out: F32, u1: F32, u2: F32, u0: F32, rate0: F32, c: F32,
              extra: Any, fixed: Any, powers: F64) -> None:  # fmt: skip
    """Advance all planes by one stage, on this core; quicker for a small box."""
    box = fixed[0]
    for k in range(box[0], box[1]):
        sweep_plane(k, first, theta, fresh, out, u1, u2, u0, rate0, c, extra, fixed, powers)


@kernel
def theta_everywhere(u: F32, theta: F32, fixed: Any) -> None:
    """Write theta and its ghost cells for the whole active box."""
    box, sign, offset = fixed[0], fixed[3], fixed[4]
    wide, plane = theta.shape[2], theta.shape[1] * theta.shape[2]
    for k in range(box[0], box[1]):
        first, last = k * plane + wide, (k + 1) * plane - wide
        new_theta(theta.reshape(-1), u.reshape(-1), first, last, fixed)
        end_ghosts(theta.reshape(-1), first, last, wide, sign, offset)
        side_ghosts(theta, k, sign, offset)
