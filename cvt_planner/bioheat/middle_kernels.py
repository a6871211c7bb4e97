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

from cvt_planner.base.compiled import kernel
from cvt_planner.bioheat.law_kernels import FOLD, FROZEN_SLOPE, KAPPA, LIQUIDUS_E, RANGE_K, WIDTH
from cvt_planner.bioheat.tables import F32, Ints, TissueTables

LEAST_ACROSS = np.float32(1e-3)
SHARP_K = np.float32(1.0)  # a narrower freezing range is a sharp front, for which a cell is what freezes
BEYOND = 3  # rows and planes around the ice in which the next step may need what is across a cell


@kernel
def at_middle(e: np.float32, w: np.float32, liquidus: np.float32, width: np.float32, within: np.float32,
              frozen: np.float32) -> np.float32:  # fmt: skip
    """Return the heat content at a cell's middle; slopes of heat over psi `within` the range and `frozen`, 1 above."""
    one, two, half, least = np.float32(1.0), np.float32(2.0), np.float32(0.5), np.float32(1e-3)
    warm, cold = within - one, within - frozen
    warm, cold = warm if abs(warm) > least else least, cold if abs(cold) > least else least
    per = one / w
    q = e - liquidus
    squares = within * within
    square = min(max(within - two * warm * q * per, min(one, squares)), max(one, squares))
    u = (math.sqrt(square) - one) / warm  # how much of the cell is below the liquidus
    square = within * frozen + two * cold * (q + width) * per
    square = min(max(square, min(frozen * frozen, squares)), max(frozen * frozen, squares))
    v = (within - math.sqrt(square)) / cold  # and below the solidus
    u, v = min(u, one - u), min(v, one - v)
    found: np.float32 = e + half * w * (warm * u * u - cold * v * v)
    return found


@kernel
def middle_run(out: F32, e: F32, across: F32, p: int, q: int, tissue: TissueTables) -> None:
    """Write the heat content at the middles of the cells from p to q."""
    c = tissue.constants
    liquidus, span, half, one = c[LIQUIDUS_E], c[RANGE_K], np.float32(0.5), np.float32(1.0)
    mean, change = e[p:q], across[p:q]
    if tissue.mapped:
        width, fold, kappa, edge = tissue.width[p:q], tissue.fold[p:q], tissue.kappa[p:q], c[FROZEN_SLOPE]
        for i in range(mean.size):
            within = width[i] / (span * half * (one + kappa[i]))
            out[i] = at_middle(mean[i], change[i], liquidus, width[i], within, edge / (kappa[i] * fold[i]))
    else:
        one_width, one_kappa = c[WIDTH], c[KAPPA]
        within = one_width / (span * half * (one + one_kappa))
        frozen = c[FROZEN_SLOPE] / (one_kappa * c[FOLD])
        for i in range(mean.size):
            out[i] = at_middle(mean[i], change[i], liquidus, one_width, within, frozen)


@kernel
def across_rows(across: F32, e: F32, psi: F32, k: int, low: int, up: int, shape: Any, tissue: TissueTables) -> float:
    """Write how much psi changes across each cell of the rows from `low` to `up` of one plane.

    Returns up to how far above the liquidus, K, a cell may hold freezing tissue.
    """
    _, high, wide = shape
    plane = high * wide
    c = tissue.constants
    half, one, two = np.float32(0.5), np.float32(1.0), np.float32(2.0)
    ranges = c[RANGE_K] * half if c[RANGE_K] >= SHARP_K else np.float32(0.0)
    most, reach = ranges * (one + c[KAPPA]), np.float32(0.0)
    liquidus = c[LIQUIDUS_E]
    warm = psi[0]
    cold = psi[psi.shape[0] - 1]
    for j in range(low, up):
        p = k * plane + j * wide
        for at in range(p + 1, p + wide - 1):
            x = warm[at + 1] - warm[at - 1]
            y = warm[at + wide] - warm[at - wide]
            z = warm[at + plane] - warm[at - plane]
            if tissue.mapped:
                kappa = tissue.kappa[at]
                most = ranges * (one + kappa) if tissue.per_capacity[at] > 0.0 else LEAST_ACROSS
                x += kappa * (cold[at + 1] - cold[at - 1])
                y += kappa * (cold[at + wide] - cold[at - wide])
                z += kappa * (cold[at + plane] - cold[at - plane])
            w = max(min(half * math.sqrt(x * x + y * y + z * z), most), LEAST_ACROSS)
            across[at] = w
            above = half * w
            near = liquidus <= e[at] < liquidus + two * w  # with room for what cools within the next step
            reach = max(reach, above if near else np.float32(0.0))
    return np.float64(reach)


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
