"""Compiled: how much blood reaches the cells beside the front of the ice. Fields as in `kernels`.

A cell is frozen, and without blood for good, or it is not; the front itself lies somewhere between the middle of a
frozen cell and that of the unfrozen one beside it. Fed whole, the cell beside the front holds it up: in well perfused
tissue the ice ended one or two cells early. So along every axis across which a cell meets ice, its blood is that of
the tissue between the front and its own far side, at the temperature in the middle of that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.base.compiled import kernel, parallel_kernel, prange
from cvt_planner.bioheat.kernels import flow_rows
from cvt_planner.bioheat.law_kernels import LIQUIDUS_E
from cvt_planner.bioheat.tables import F32, Ints, TissueTables


@kernel
def theta_warm(psi: F32, at: int, k_u: Any, tissue: TissueTables) -> float:
    """Return what lies between the liquidus and an unfrozen cell, W/m, but for a factor that all share."""
    above = np.float64(psi[0, at] - tissue.constants[LIQUIDUS_E])
    return above * k_u[at] if tissue.mapped else above


@kernel
def theta_cold(psi: F32, at: int, k_u: Any, k_f: Any, tissue: TissueTables) -> float:
    """Return what lies between a frozen cell and the liquidus; factor as for `theta_warm`."""
    below = np.float64(tissue.constants[LIQUIDUS_E] - psi[0, at])
    return below * k_u[at] - np.float64(psi[1, at]) * k_f[at] if tissue.mapped else below


@kernel
def front_part(at: int, beside: int, warm: float, drop: float, e: F32, psi: F32, k_u: Any, k_f: Any,
               tissue: TissueTables) -> tuple[float, float]:  # fmt: skip
    """Return the share of a cell's length, 0.5 to 1.5, that is fed beyond the front on a side; 1 without ice there.

    And by how much blood brings more there than at the middle of the cell, `drop` below its own temperature, because
    the middle of what is fed lies nearer to the front or farther off.
    """
    if e[beside] >= tissue.constants[LIQUIDUS_E]:
        return 1.0, 1.0
    across = warm + theta_cold(psi, beside, k_u, k_f, tissue)
    if across <= 0.0:
        return 1.0, 1.0
    part = 0.5 + warm / across
    per_cell = across / k_u[at] if tissue.mapped else across  # unfrozen tissue warms by so much over a cell
    return part, min(max(1.0 + 0.5 * (part - 1.0) * per_cell / max(drop, 1.0), 0.5), 2.0)


@kernel
def feed_plane(k: int, shape: Any, e: F32, psi: F32, cold: Ints, blood: F32, metabolic: F32, fed: F32, made: F32,
               k_u: Any, k_f: Any, tissue: TissueTables, fed_rows: Ints) -> None:  # fmt: skip
    """Do what `feed_front` does for one plane."""
    _, high, wide = shape
    plane = high * wide
    start = k * plane
    makes = metabolic.size > 0
    liquidus = tissue.constants[LIQUIDUS_E]
    low, up = flow_rows(cold, k)
    low, up = max(low, 1), min(up, high - 1)
    for first, last in ((fed_rows[k, 0], fed_rows[k, 1]), (low, up)):
        if first < last:
            p, q = start + first * wide, start + last * wide
            fed[p:q] = blood[p:q]
            if makes:
                made[p:q] = metabolic[p:q]
    fed_rows[k, 0], fed_rows[k, 1] = low, up
    for j in range(low, up):
        p = start + j * wide
        for at in range(p + 1, p + wide - 1):
            if e[at] < liquidus or not (blood[at] > 0.0 or (makes and metabolic[at] != 0.0)):
                continue
            part, colder = 1.0, 1.0
            warm = theta_warm(psi, at, k_u, tissue)
            for step in (-1, 1, -wide, wide, -plane, plane):
                share, more = front_part(at, at + step, warm, -e[at], e, psi, k_u, k_f, tissue)
                part *= share
                colder *= more
            fed[at] = blood[at] * np.float32(part * colder)
            if makes:
                made[at] = metabolic[at] * np.float32(part)


@parallel_kernel
def feed_front_many(shape: Any, e: F32, psi: F32, cold: Ints, blood: F32, metabolic: F32, fed: F32, made: F32,
                    k_u: Any, k_f: Any, tissue: TissueTables, fed_rows: Ints) -> None:  # fmt: skip
    """Do what `feed_front` does, on all cores."""
    for k in prange(1, shape[0] - 1):
        feed_plane(k, shape, e, psi, cold, blood, metabolic, fed, made, k_u, k_f, tissue, fed_rows)


@kernel
def feed_front(shape: Any, e: F32, psi: F32, cold: Ints, blood: F32, metabolic: F32, fed: F32, made: F32,
               k_u: Any, k_f: Any, tissue: TissueTables, fed_rows: Ints, many: bool) -> None:  # fmt: skip
    """Write to `fed` and `made` what blood and metabolism bring, less or more beside the front of the ice.

    `fed_rows` (planes, 2) are the rows where they may differ from `blood` and `metabolic` already; written anew.
    """
    if many:
        feed_front_many(shape, e, psi, cold, blood, metabolic, fed, made, k_u, k_f, tissue, fed_rows)
    else:
        for k in range(1, shape[0] - 1):
            feed_plane(k, shape, e, psi, cold, blood, metabolic, fed, made, k_u, k_f, tissue, fed_rows)
