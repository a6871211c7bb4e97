"""Compiled: the flows of heat between cells. Rows and runs of flat fields, as in `kernels`."""

from __future__ import annotations

import numpy as np

from cvt_planner.base.compiled import kernel
from cvt_planner.bioheat.conductance import Codes, decoded
from cvt_planner.bioheat.tables import F32, Ints


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
def mapped_run(rate: F32, phi: F32, j0: F32, j1: F32, k0: F32, k1: F32, x: Codes, y0: Codes, y1: Codes, z0: Codes,
               z1: Codes, unit: np.float32) -> None:  # fmt: skip
    """Add the flow into a run of cells through faces of their own conductance; `phi` and `x` reach one cell farther."""
    for i in range(rate.size):
        own = phi[i + 1]
        rate[i] += unit * (
            decoded(x[i + 1]) * (phi[i] - own) + decoded(x[i + 2]) * (phi[i + 2] - own)
            + decoded(y0[i]) * (j0[i] - own) + decoded(y1[i]) * (j1[i] - own)
            + decoded(z0[i]) * (k0[i] - own) + decoded(z1[i]) * (k1[i] - own)
        )  # fmt: skip


@kernel
def conduct(rate: F32, t: F32, p: int, k: int, wide: int, plane: int, even: F32, even_z: F32) -> None:
    """Write the rates of a run of cells, counted from `p` through the whole array, in one material."""
    q = p + rate.size
    a, b = p - k * plane, q - k * plane
    along_row(rate, t[p - 1 : q + 1], even[0][a:b], even[1][a:b])
    across_row(rate, t[p:q], t[p - wide : q - wide], t[p + wide : q + wide], t[p - plane : q - plane],
               t[p + plane : q + plane], even[2][a:b], even[3][a:b], even_z[0, k], even_z[1, k])  # fmt: skip


@kernel
def conduct_mapped(rate: F32, t: F32, p: int, wide: int, plane: int, faces: Codes, unit: np.float32) -> None:
    """Add the flows, W, into a run of cells, counted from `p` through the whole array, each of its own material."""
    q = p + rate.size
    x, y, z = faces[0], faces[1], faces[2]
    mapped_run(rate, t[p - 1 : q + 1], t[p - wide : q - wide], t[p + wide : q + wide], t[p - plane : q - plane],
               t[p + plane : q + plane], x[p - 1 : q + 1], y[p:q], y[p + wide : q + wide], z[p:q],
               z[p + plane : q + plane], unit)  # fmt: skip


@kernel
def add_source(rate: F32, p: int, source: F32, cell: Ints) -> None:
    """Add what probes give to some cells to a run of cells, counted from `p` through the whole array."""
    for n in range(source.size):
        at = cell[n] - p
        if 0 <= at < rate.size:
            rate[at] += source[n]


@kernel
def perfuse_row(rate: F32, e: F32, blood: F32, metabolic: F32, capacity: F32) -> float:
    """Add what blood and metabolism (empty: none) bring, K/s, to one row of rates; return it, W."""
    total = np.float32(0.0)
    if metabolic.size == 0:
        for i in range(rate.size):
            heat = -blood[i] * e[i]
            rate[i] += heat
            total += heat * capacity[i]
        return np.float64(total)
    for i in range(rate.size):
        heat = metabolic[i] - blood[i] * e[i]
        rate[i] += heat
        total += heat * capacity[i]
    return np.float64(total)


@kernel
def feed_flow(rate: F32, e: F32, blood: F32, metabolic: F32, per_capacity: F32) -> float:
    """Add what blood (W/K) and metabolism (W; empty: none) bring to flows, W, and turn them into K/s; return it, W."""
    total = np.float32(0.0)
    if metabolic.size == 0:
        for i in range(rate.size):
            heat = -blood[i] * e[i]
            rate[i] = (rate[i] + heat) * per_capacity[i]
            total += heat
        return np.float64(total)
    for i in range(rate.size):
        heat = metabolic[i] - blood[i] * e[i]
        rate[i] = (rate[i] + heat) * per_capacity[i]
        total += heat
    return np.float64(total)
