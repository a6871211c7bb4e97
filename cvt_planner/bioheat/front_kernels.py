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
def front_part(warm: float, cold: float, k_u: float, drop: float) -> tuple[float, float]:
    """Return the share of a cell's length, 0.5 to 1.5, that is fed beyond the front on a side with ice.

    And by how much blood brings more there than at the middle of the cell, `drop` below its own temperature, because
    the middle of what is fed lies nearer to the front or farther off. `warm` and `cold` are what lies between the
    liquidus and the cell, and between the frozen one beside it and the liquidus, W/m; with one material `k_u` is 1 and
    both are in kelvin.
    """
    across = warm + cold
    if across <= 0.0:
        return 1.0, 1.0
    part = 0.5 + warm / across
    per_cell = across / k_u  # unfrozen tissue warms by so much over a cell
    return part, min(max(1.0 + 0.5 * (part - 1.0) * per_cell / max(drop, 1.0), 0.5), 2.0)


@kernel
def fed_part(at: int, wide: int, plane: int, e: F32, psi: F32, k_u: Any, k_f: Any, liquidus: np.float32,
             mapped: bool) -> tuple[float, float]:  # fmt: skip
    """Return the products of what `front_part` returns over the sides of a cell that meet ice.

    Takes what it needs out of the tables: handing those on for every cell costs a microsecond.
    """
    own_k = np.float64(k_u[at]) if mapped else 1.0
    warm = np.float64(psi[0, at] - liquidus) * own_k
    part, colder = 1.0, 1.0
    for step in (-1, 1, -wide, wide, -plane, plane):
        ice = at + step
        if e[ice] < liquidus:
            cold = np.float64(liquidus - psi[0, ice])
            if mapped:
                cold = cold * k_u[ice] - np.float64(psi[1, ice]) * k_f[ice]
            share, more = front_part(warm, cold, own_k, -e[at])
            part *= share
            colder *= more
    return part, colder


@kernel
def beside_ice(beside: Any, e: F32, p: int, wide: int, plane: int, liquidus: np.float32) -> None:
    """Write which cells of a run from `p` on are unfrozen, with a frozen one beside them: few, and soon told."""
    q = p + beside.size
    own, west, east = e[p:q], e[p - 1 : q - 1], e[p + 1 : q + 1]
    south, north = e[p - wide : q - wide], e[p + wide : q + wide]
    low, high = e[p - plane : q - plane], e[p + plane : q + plane]
    for i in range(beside.size):
        least = min(min(west[i], east[i]), min(min(south[i], north[i]), min(low[i], high[i])))
        beside[i] = (own[i] >= liquidus) & (least < liquidus)


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
    beside = np.empty(wide - 2, np.bool_)
    for j in range(low, up):
        first = start + j * wide + 1
        beside_ice(beside, e, first, wide, plane, liquidus)
        for i in range(beside.size):
            at = first + i
            if beside[i] and (blood[at] > 0.0 or (makes and metabolic[at] != 0.0)):
                part, colder = fed_part(at, wide, plane, e, psi, k_u, k_f, liquidus, tissue.mapped)
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
