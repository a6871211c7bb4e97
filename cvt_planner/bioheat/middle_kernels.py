"""Compiled: from the mean heat content of a cell to that at its middle. Fields as in `kernels`.

The state of a cell is a mean over it. At the ends of the freezing range, where the heat law bends, tissue at the middle
does not hold that mean: while the front passes through a cell, a part of it has frozen and a part has not. Taken for
the middle's, the mean made the front advance by fits and starts, by up to a fifth of a cell.

So psi is taken as changing evenly across the cell, by w in all, and the mean of the heat law over that is solved for
psi at the middle. Heat over psi has the slopes 1 above the liquidus, s within the range, and f below the solidus, which
lies D lower; with x what psi at the middle has above the liquidus and m(y) = -(w / 2 - y)^2 / (2 w), the mean of
min(y, 0),

    mean - liquidus = x + (s - 1) m(x) - (s - f) m(x + D),

each m within half of w from its bend: a quadratic. w is the change at the start of the step and at most D, so that a
cell is at one bend at a time (at both, steps took twice as long, and plane fronts moved by about 0.01 mm). Sharp fronts
(`SHARP_K`) stay as they are; so does the colligative law, which bends all along.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cvt_planner.base.compiled import inlined_kernel, kernel
from cvt_planner.bioheat.law_kernels import FOLD, FROZEN_SLOPE, KAPPA, LIQUIDUS_E, RANGE_K, WIDTH
from cvt_planner.bioheat.tables import F32, Ints, TissueTables

LEAST_ACROSS = np.float32(1e-3)
SHARP_K = np.float32(1.0)  # a narrower freezing range is a sharp front, for which a cell is what freezes
BEYOND = 3  # rows and planes around the ice in which the next step may need what is across a cell


@kernel
def at_middle(e: np.float32, w: np.float32, liquidus: np.float32, width: np.float32, within: np.float32,
              beyond: np.float32) -> np.float32:  # fmt: skip
    """Return the heat content at a cell's middle; heat over psi has the slopes 1, `within` the range, and `beyond`."""
    zero, one, half, least = np.float32(0.0), np.float32(1.0), np.float32(0.5), np.float32(1e-3)
    more, less = within - one, beyond - within
    more, less = more if abs(more) > least else least, less if abs(less) > least else -least
    q = e - liquidus
    upper = q > -half * width  # which of the bends is the nearer one
    above = one if upper else within
    square = within if upper else within * beyond
    steeper = more if upper else less
    q = q if upper else q + width
    rise = w * steeper
    per_rise = one / rise  # one division for both uses
    square -= (steeper + steeper) * steeper * q * per_rise
    below = (math.sqrt(max(square, zero)) - above) * (w * per_rise)  # how much of the cell is below the bend
    part = max(min(below, one - below), zero)
    found: np.float32 = e + half * rise * part * part
    return found


@inlined_kernel
def middle_run(out: F32, e: F32, across: F32, p: int, q: int, tissue: TissueTables) -> None:
    """Write the heat content at the middles of the cells from p to q."""
    c = tissue.constants
    liquidus = c[LIQUIDUS_E]
    mean, change = e[p:q], across[p:q]
    if tissue.mapped:
        width, within, beyond = tissue.width[p:q], tissue.within[p:q], tissue.beyond[p:q]
        for i in range(mean.size):
            out[i] = at_middle(mean[i], change[i], liquidus, width[i], within[i], beyond[i])
    else:
        one_width, one_kappa = c[WIDTH], c[KAPPA]
        one_within = one_width / (c[RANGE_K] * np.float32(0.5) * (np.float32(1.0) + one_kappa))
        one_beyond = c[FROZEN_SLOPE] / (one_kappa * c[FOLD])
        for i in range(mean.size):
            out[i] = at_middle(mean[i], change[i], liquidus, one_width, one_within, one_beyond)


@kernel
def changes(out: F32, psi: F32, p: int, wide: int, plane: int) -> None:
    """Write by how much a field changes across two cells, squared, of a run of cells from `p` on."""
    q = p + out.size
    west, east = psi[p - 1 : q - 1], psi[p + 1 : q + 1]
    south, north = psi[p - wide : q - wide], psi[p + wide : q + wide]
    low, high = psi[p - plane : q - plane], psi[p + plane : q + plane]
    for i in range(out.size):
        x, y, z = east[i] - west[i], north[i] - south[i], high[i] - low[i]
        out[i] = x * x + y * y + z * z


@kernel
def changes_mapped(out: F32, warm: F32, cold: F32, kappa: F32, p: int, wide: int, plane: int) -> None:
    """Do what `changes` does where every cell has its own material; `kappa` is that of the run."""
    q = p + out.size
    out[:] = np.float32(0.0)
    for step in (1, wide, plane):
        low, high, cold_low, cold_high = (
            warm[p - step : q - step], warm[p + step : q + step], cold[p - step : q - step], cold[p + step : q + step]
        )  # fmt: skip
        for i in range(out.size):
            x = high[i] - low[i] + kappa[i] * (cold_high[i] - cold_low[i])
            out[i] += x * x


@inlined_kernel
def across_rows(across: F32, e: F32, psi: F32, k: int, low: int, up: int, shape: Any, tissue: TissueTables) -> float:
    """Write how much psi changes across each cell of the rows from `low` to `up` of one plane.

    Returns up to how far above the liquidus, K, a cell may hold freezing tissue.
    """
    _, high, wide = shape
    plane = high * wide
    p, q = k * plane + low * wide, k * plane + up * wide
    c = tissue.constants
    half, one, two = np.float32(0.5), np.float32(1.0), np.float32(2.0)
    ranges = c[RANGE_K] * half if c[RANGE_K] >= SHARP_K else np.float32(0.0)
    liquidus, reach = c[LIQUIDUS_E], np.float32(0.0)
    w, mean = across[p:q], e[p:q]
    if tissue.mapped:
        kappa, free = tissue.kappa[p:q], tissue.per_capacity[p:q]
        changes_mapped(w, psi[0], psi[1], kappa, p, wide, plane)
        for i in range(w.size):
            most = ranges * (one + kappa[i]) if free[i] > np.float32(0.0) else LEAST_ACROSS
            w[i] = max(min(half * math.sqrt(w[i]), most), LEAST_ACROSS)
    else:
        most = ranges * (one + c[KAPPA])
        changes(w, psi[0], p, wide, plane)
        for i in range(w.size):
            w[i] = max(min(half * math.sqrt(w[i]), most), LEAST_ACROSS)
    for i in range(w.size):
        # Cells that freeze next, with room for what cools within the next step.
        if liquidus <= mean[i] < liquidus + two * w[i] and w[i] > reach:
            reach = w[i]
    return np.float64(half * reach)


@kernel
def around_ice(cold: Ints, shape: Any) -> tuple[int, int, int, int]:
    """Return the planes, and the rows of each, from which to which (exclusive) the ice may come in the next step."""
    deep, high, _ = shape
    first, last, low, up = deep, 0, high, 0
    for k in range(1, deep - 1):
        if cold[k, 0] < cold[k, 1]:
            first, last = min(first, k), k + 1
            low, up = min(low, cold[k, 0]), max(up, cold[k, 1])
    if first >= last:
        return 0, 0, 0, 0
    return max(first - BEYOND, 1), min(last + BEYOND, deep - 1), max(low - BEYOND, 1), min(up + BEYOND, high - 1)


@kernel
def middles(out: F32, e: F32, across: F32, tissue: TissueTables) -> None:
    """Write the heat content at the middles of all cells of a box, padding included."""
    if tissue.colligative:
        out[:] = e
    else:
        middle_run(out, e, across, 0, e.size, tissue)


@kernel
def find_across(shape: Any, e: F32, psi: F32, cold: Ints, across: F32, tissue: TissueTables) -> float:
    """Write how much psi changes across the cells around the ice; return as `across_rows` does."""
    first, last, low, up = around_ice(cold, shape)
    reach: float = 0.0
    if not tissue.colligative:
        for k in range(first, last):
            reach = max(reach, across_rows(across, e, psi, k, low, up, shape, tissue))
    return reach
