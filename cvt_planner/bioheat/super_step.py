"""Compiled: what the probes draw, one super step with its heat ledger, and what is looked at after it.

Fields as in `kernels`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.base.compiled import kernel, parallel_kernel, prange
from cvt_planner.bioheat.kernels import F32, F64, I64, Bools, sweep_few, sweep_many


@kernel
def draw(theta: F32, source: F32, sinks: Any, active: Bools, target: F64, limit: F64, cell_m3: float,
         drawn: F64, surface: F64) -> None:  # fmt: skip
    """Write what the probes do at this moment.

    `source` gets the heat they give to each cell, W/m3; `drawn` (probes,) the heat each draws, W; `surface` (probes,)
    the theta of each probe's surface: `target`, unless its power limit keeps it warmer, or the tissue's if it is off.
    """
    first, cell, weight, strength, probe = sinks
    pieces = strength.size
    read = np.empty(pieces)
    total = np.zeros(drawn.size)
    conductance = np.zeros(drawn.size)
    flat = theta.reshape(-1)
    heat = source.reshape(-1)
    for p in range(pieces):
        mean = np.float64(0.0)
        for n in range(first[p], first[p + 1]):
            mean += weight[n] * flat[cell[n]]
            heat[cell[n]] = 0.0
        read[p] = mean
        total[probe[p]] += strength[p] * mean
        conductance[probe[p]] += strength[p]
    for b in range(drawn.size):
        drawn[b] = 0.0
        surface[b] = total[b] / conductance[b]
        if active[b]:
            drawn[b] = min(total[b] - conductance[b] * target[b], limit[b])
            surface[b] = (total[b] - drawn[b]) / conductance[b]
    for p in range(pieces):
        b = probe[p]
        if active[b]:
            per_volume = -strength[p] * (read[p] - surface[b]) / cell_m3
            for n in range(first[p], first[p + 1]):
                heat[cell[n]] += np.float32(per_volume * weight[n])


@kernel
def one_step(fields: Any, extra: Any, fixed: Any, stages: F32, stages64: F64, sinks: Any, active: Bools, targets: F64,
             limit: F64, cell_m3: float, many: bool, powers: F64, ledger: F64, surface: F64) -> None:  # fmt: skip
    """Advance by one super step of `stages.shape[0]` stages.

    `fields` are (theta, spare theta, u at the start, two spare u, spare rate); the result's u is in the second of the u
    fields when the number of stages is odd, which it must be, and its theta in the spare one. `ledger` (probes + 2,)
    is increased by the heat drawn by each probe, taken in through the walls, and brought by blood, J.
    """
    theta, fresh, u0, ua, ub, rate0 = fields
    source = extra[0]
    probes = surface.size
    box = fixed[0]
    e1 = np.zeros(probes + 2)
    e2 = np.zeros(probes + 2)
    power0 = np.zeros(probes + 2)
    power = np.zeros(probes + 2)
    drawn = np.zeros(probes)
    for n in range(stages.shape[0]):
        draw(theta, source, sinks, active, targets[n], limit, cell_m3, drawn, surface)
        # The two spare fields take turns; the start is both of the states before the first stage.
        target = ua if n % 2 == 0 else ub
        u1 = u0 if n == 0 else (ub if n % 2 == 0 else ua)
        u2 = u0 if n < 2 else target
        if many:
            sweep_many(n == 0, theta, fresh, target, u1, u2, u0, rate0, stages[n], extra, fixed, powers)
        else:
            sweep_few(n == 0, theta, fresh, target, u1, u2, u0, rate0, stages[n], extra, fixed, powers)
        for b in range(probes):
            power[b] = drawn[b]
        power[probes] = powers[box[0] : box[1], 0].sum()
        power[probes + 1] = powers[box[0] : box[1], 1].sum() * cell_m3
        c = stages64[n]
        if n == 0:
            power0[:] = power
        for b in range(probes + 2):
            new = c[0] * e1[b] + c[1] * e2[b] + c[3] * power[b] + c[4] * power0[b]
            e2[b], e1[b] = e1[b], new
        theta, fresh = fresh, theta
    for b in range(probes + 2):
        ledger[b] += e1[b]


@kernel
def watch_row(worst: F32, row: F32, j: int, k: int, box: I64) -> None:
    """Raise `worst` (6,) to the largest |u| of one row, for each face that the row lies one layer inside of."""
    worst[0] = max(worst[0], abs(row[1]))
    worst[1] = max(worst[1], abs(row[row.size - 2]))
    at = (j == box[2] + 1, j == box[3] - 2, k == box[0] + 1, k == box[1] - 2)
    if at[0] or at[1] or at[2] or at[3]:
        largest = np.float32(0.0)
        for i in range(row.size):
            largest = max(largest, abs(row[i]))
        for face in range(4):
            if at[face]:
                worst[2 + face] = max(worst[2 + face], largest)


@parallel_kernel
def after_step(u: F32, coldest: F32, alive: F32, box: I64, liquidus: float, perfused: bool, faces: F32) -> None:
    """Keep the coldest state so far, stop perfusion where tissue froze, and write the largest |u| near each face.

    `faces` is (planes, 6): low i, high i, low j, high j, low k, high k.
    """
    ilo, ihi = box[4], box[5]
    for k in prange(box[0], box[1]):
        worst = np.zeros(6, dtype=np.float32)
        for j in range(box[2], box[3]):
            row = u[k, j, ilo:ihi]
            low = coldest[k, j, ilo:ihi]
            for i in range(row.size):
                low[i] = min(low[i], row[i])
            if perfused:
                live = alive[k, j, ilo:ihi]
                for i in range(row.size):
                    live[i] = np.float32(0.0) if row[i] < liquidus else live[i]
            watch_row(worst, row, j, k, box)
        faces[k] = worst
