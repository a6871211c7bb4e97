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
def ghosts(theta: F32, k: int, j: int, box: I64, sign: F32, offset: F32) -> None:
    """Write the ghost cells that one fresh row of theta decides."""
    klo, khi, jlo, jhi, ilo, ihi = box[0], box[1], box[2], box[3], box[4], box[5]
    theta[k, j, ilo - 1] = offset[0] + sign[0] * theta[k, j, ilo]
    theta[k, j, ihi] = offset[1] + sign[1] * theta[k, j, ihi - 1]
    if j == jlo:
        for i in range(ilo, ihi):
            theta[k, j - 1, i] = offset[2] + sign[2] * theta[k, j, i]
    if j == jhi - 1:
        for i in range(ilo, ihi):
            theta[k, j + 1, i] = offset[3] + sign[3] * theta[k, j, i]
    if k == klo:
        for i in range(ilo, ihi):
            theta[k - 1, j, i] = offset[4] + sign[4] * theta[k, j, i]
    if k == khi - 1:
        for i in range(ilo, ihi):
            theta[k + 1, j, i] = offset[5] + sign[5] * theta[k, j, i]


@kernel
def wall_power(theta: F32, k: int, j: int, box: I64, areas: F64) -> float:
    """Return the heat that one row takes in through the faces of the active box, W; areas are face areas / spacing."""
    klo, khi, jlo, jhi, ilo, ihi = box[0], box[1], box[2], box[3], box[4], box[5]
    power: float = areas[0] * (
        np.float64(theta[k, j, ilo - 1] - theta[k, j, ilo]) + np.float64(theta[k, j, ihi] - theta[k, j, ihi - 1])
    )
    for edge, step in ((jlo, -1), (jhi - 1, 1)):
        if j == edge:
            total = np.float64(0.0)
            for i in range(ilo, ihi):
                total += theta[k, j + step, i] - theta[k, j, i]
            power += areas[1] * total
    for edge, step in ((klo, -1), (khi - 1, 1)):
        if k == edge:
            total = np.float64(0.0)
            for i in range(ilo, ihi):
                total += theta[k + step, j, i] - theta[k, j, i]
            power += areas[2] * total
    return power


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
def sweep_plane(k: int, first: bool, theta: F32, fresh: F32, out: F32, u1: F32, u2: F32, u0: F32, rate0: F32, c: F32,
                extra: Any, fixed: Any, powers: F64) -> None:  # fmt: skip
    """Advance one plane by one stage: rates from `theta`, new heat content to `out`, its theta to `fresh`."""
    source, row_has, alive, perfused = extra
    box, per_h2, areas, sign, offset, slopes, table, spread, tabulated = fixed
    ilo, ihi = box[4], box[5]
    rate = np.empty(ihi - ilo, dtype=np.float32)
    wall = np.float64(0.0)
    blood = np.float64(0.0)
    for j in range(box[2], box[3]):
        middle = theta[k, j, ilo - 1 : ihi + 1]
        laplace_row(rate, middle, theta[k, j - 1, ilo:ihi], theta[k, j + 1, ilo:ihi],
                    theta[k - 1, j, ilo:ihi], theta[k + 1, j, ilo:ihi], per_h2)  # fmt: skip
        wall += wall_power(theta, k, j, box, areas)
        if perfused:
            blood += perfuse_row(rate, theta[k, j, ilo:ihi], alive[k, j, ilo:ihi])
        if row_has[k, j]:
            for i in range(rate.size):
                rate[i] += source[k, j, ilo + i]
        target = out[k, j, ilo:ihi]
        if first:
            combine_first(target, rate0[k, j, ilo:ihi], u0[k, j, ilo:ihi], rate, c[3])
        else:
            combine_next(target, u1[k, j, ilo:ihi], u2[k, j, ilo:ihi], u0[k, j, ilo:ihi], rate, rate0[k, j, ilo:ihi], c)
        if tabulated:
            theta_row_table(fresh[k, j, ilo:ihi], target, slopes, table, spread)
        else:
            theta_row(fresh[k, j, ilo:ihi], target, slopes)
        ghosts(fresh, k, j, box, sign, offset)
    powers[k, 0] = wall
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
    box, _, _, sign, offset, slopes, table, spread, tabulated = fixed
    ilo, ihi = box[4], box[5]
    for k in range(box[0], box[1]):
        for j in range(box[2], box[3]):
            if tabulated:
                theta_row_table(theta[k, j, ilo:ihi], u[k, j, ilo:ihi], slopes, table, spread)
            else:
                theta_row(theta[k, j, ilo:ihi], u[k, j, ilo:ihi], slopes)
            ghosts(theta, k, j, box, sign, offset)
