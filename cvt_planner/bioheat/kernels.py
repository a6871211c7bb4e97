"""The compiled inner loops of the heat solver. SI units, float32 fields [k, j, i] padded by one cell per side, flat.

The state e is heat content above the start over the unfrozen heat capacity: kelvin, and while unfrozen the change of
temperature itself, so that faint heat far away is not lost to rounding. What conducts (see `law`) is one field psi in a
box of one material (unfrozen conductivity taken out), or two fields phi_u and phi_f where every voxel has its own.
The padding of these fields holds ghost values, offset + sign * edge: a wall that is held (sign -1), or insulated (+1).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.base.compiled import inlined_kernel, kernel, parallel_kernel, prange
from cvt_planner.bioheat.flow_kernels import (
    add_source,
    conduct,
    conduct_mapped,
    feed_flow,
    perfuse_row,
)
from cvt_planner.bioheat.ghost_kernels import end_ghosts, no_ends, side_ghosts, wall_power
from cvt_planner.bioheat.law_kernels import BRINK, phi_rows, psi_row
from cvt_planner.bioheat.middle_kernels import middle_run
from cvt_planner.bioheat.tables import F32, F64, Feeds, Fields, Ints, TissueTables

FAR_ROW = 1 << 30
RUN_CELLS = 4096  # how many are worked on at once: few enough to stay in a near cache, enough to hide what a run costs


@kernel
def taken_over(fresh: F32, out: F32, brink: np.float32) -> int:
    """Write a state as what conducts in unfrozen tissue; return how many cells may hold freezing tissue."""
    cold = np.int32(0)
    for i in range(out.size):
        fresh[i] = out[i]
        cold += np.int32(out[i] < brink)
    return int(cold)


@kernel
def combine_first(out: F32, rate0: F32, e0: F32, rate: F32, along: np.float32) -> None:
    """Write the first stage of a run of cells, and keep its rate."""
    for i in range(out.size):
        rate0[i] = rate[i]
        out[i] = e0[i] + along * rate[i]


@kernel
def combine_next(out: F32, e1: F32, e0: F32, rate: F32, rate0: F32, c: F32) -> None:
    """Write a later stage of a run of cells over the one two before it, from the last (`e1`), the start and both rates.

    Each field stands here once: loops over fields that may overlap are not made vector code.
    """
    c1, c2, c0, cr, cr0 = c[0], c[1], c[2], c[3], c[4]
    for i in range(out.size):
        out[i] = c1 * e1[i] + c2 * out[i] + c0 * e0[i] + cr * rate[i] + cr0 * rate0[i]


@inlined_kernel
def frozen_psi(fresh: F32, e: F32, p: int, q: int, tissue: TissueTables) -> None:
    """Write what conducts of a run of cells some of which may hold freezing tissue."""
    if tissue.mapped:
        phi_rows(fresh[0][p:q], fresh[1][p:q], e, tissue.width[p:q], tissue.fold[p:q], tissue.constants,
                 tissue.colligative)  # fmt: skip
    else:
        psi_row(fresh[0][p:q], e, tissue.constants, tissue.colligative)


@kernel
def cold_row(e: F32, brink: np.float32) -> bool:
    """Return whether any cell of a row may hold freezing tissue."""
    count = np.int32(0)
    for i in range(e.size):
        count += np.int32(e[i] < brink)
    return bool(count > 0)


@kernel
def cold_rows(e: F32, p: int, first: int, last: int, wide: int, brink: np.float32, was: Ints) -> tuple[int, int]:
    """Return from which row to which (exclusive) cells may hold freezing tissue; row `first` begins at `p`.

    `was` is the answer of a moment ago: what lies more than a row beyond is looked at as one.
    """
    low, high = max(min(was[0] - 1, last), first), min(max(was[1] + 1, first), last)
    if cold_row(e[p : p + (low - first) * wide], brink):
        low = first
    if cold_row(e[p + (high - first) * wide : p + (last - first) * wide], brink):
        high = last
    while low < high and not cold_row(e[p + (low - first) * wide : p + (low - first + 1) * wide], brink):
        low += 1
    while low < high and not cold_row(e[p + (high - 1 - first) * wide : p + (high - first) * wide], brink):
        high -= 1
    return low, high


@kernel
def flow_rows(cold: Ints, k: int) -> tuple[int, int]:
    """Return the rows of a plane whose frozen part conducts: the cold ones, and all beside a cold one."""
    low, high = cold[k, 0] - 1, cold[k, 1] + 1
    if cold[k, 0] >= cold[k, 1]:
        low, high = FAR_ROW, 0
    for beside in (k - 1, k + 1):
        if cold[beside, 0] < cold[beside, 1]:
            low, high = min(low, cold[beside, 0]), max(high, cold[beside, 1])
    return low, high


@inlined_kernel
def rates(rate: F32, k: int, jlo: int, shape: Any, f: Fields, e1: F32, feeds: Feeds, tissue: TissueTables) -> float:
    """Write the rates, K/s, of a run of cells from row `jlo` on; return what blood and metabolism bring, W."""
    _, high, wide = shape
    plane = high * wide
    start = k * plane
    jhi = jlo + rate.size // wide
    p, q = start + jlo * wide, start + jhi * wide
    brought: float = 0.0
    if tissue.mapped:
        rate[:] = np.float32(0.0)
        conduct_mapped(rate, f.psi[0], p, wide, plane, tissue.faces[0], tissue.units[0])
        low, up = flow_rows(f.cold, k)
        low, up = max(low, jlo), min(up, jhi)
        if low < up:
            frozen = rate[(low - jlo) * wide : (up - jlo) * wide]
            conduct_mapped(frozen, f.psi[1], start + low * wide, wide, plane, tissue.faces[1], tissue.units[1])
        brought = feed_flow(rate, e1, feeds.blood[p:q], feeds.metabolic[p:q], tissue.per_capacity[p:q])
    else:
        conduct(rate, f.psi[0], p, k, wide, plane, tissue.even, tissue.even_z)
        if feeds.perfused:
            brought = perfuse_row(rate, e1, feeds.blood[p:q], feeds.metabolic[p:q], feeds.capacity[p:q])
    a, b = feeds.source_begin[k], feeds.source_begin[k + 1]
    add_source(rate, p, feeds.source[a:b], feeds.source_cell[a:b])
    return brought


@inlined_kernel
def laws(count: int, k: int, jlo: int, jhi: int, shape: Any, f: Fields, tissue: TissueTables,
         room: F32) -> tuple[int, int]:  # fmt: skip
    """Turn the new state of a run of cells, `count` of them cold, into what conducts; return which rows are cold."""
    _, high, wide = shape
    start = k * high * wide
    low, up = jlo, jlo
    if tissue.frosty:
        up = jhi
    elif count > 0:
        low, up = cold_rows(f.out, start + jlo * wide, jlo, jhi, wide, tissue.constants[BRINK], f.cold[k])
    if tissue.mapped:  # no frozen part where it is no longer cold
        was_low, was_up = f.fresh_cold[k, 0], f.fresh_cold[k, 1]
        f.fresh[1][start + max(was_low, jlo) * wide : start + min(was_up, low) * wide] = np.float32(0.0)
        f.fresh[1][start + max(was_low, up) * wide : start + min(was_up, jhi) * wide] = np.float32(0.0)
    if low < up:
        p, q = start + low * wide, start + up * wide
        middle = f.out[p:q]
        if not tissue.colligative:
            middle = room[: q - p]
            middle_run(middle, f.out, f.across, p, q, tissue)
        frozen_psi(f.fresh, middle, p, q, tissue)
        if tissue.mapped:
            end_ghosts(f.fresh[1], p, q, wide, tissue.sign, tissue.offset[1])
    end_ghosts(f.fresh[0], start + jlo * wide, start + jhi * wide, wide, tissue.sign, tissue.offset[0])
    return low, up


@inlined_kernel
def sweep_plane(k: int, shape: Any, first: bool, f: Fields, c: F32, feeds: Feeds, tissue: TissueTables,
                powers: F64) -> None:  # fmt: skip
    """Advance one plane by one stage.

    Several rows with the ghosts between them are one run of cells: long loops without gaps. What comes out in the
    ghosts is overwritten. Rows without cells that may freeze need no law, and where every cell has its own material,
    no flow of the frozen part.
    """
    _, high, wide = shape
    start = k * high * wide
    brink = tissue.constants[BRINK]
    brought: float = 0.0
    cold_low, cold_up = FAR_ROW, 0
    for jlo in range(1, high - 1, feeds.rows):
        jhi = min(jlo + feeds.rows, high - 1)
        p, q = start + jlo * wide, start + jhi * wide
        rate = feeds.buffers[k][: q - p]
        # Where nothing is frozen, what conducts is the state itself, and at hand.
        e1 = f.e1[p:q] if max(f.cold[k, 0], jlo) < min(f.cold[k, 1], jhi) else f.psi[0][p:q]
        brought += rates(rate, k, jlo, shape, f, e1, feeds, tissue)
        out, fresh, e0, rate0 = f.out[p:q], f.fresh[0][p:q], f.e0[p:q], f.rate0[p:q]
        if first:
            combine_first(out, rate0, e0, rate, c[3])
        else:
            combine_next(out, e1, e0, rate, rate0, c)
        count = taken_over(fresh, out, brink)
        no_ends(f.out, p, q, wide)
        low, up = laws(count, k, jlo, jhi, shape, f, tissue, rate)
        if low < up:
            cold_low, cold_up = min(cold_low, low), max(cold_up, up)
    f.fresh_cold[k, 0], f.fresh_cold[k, 1] = cold_low, cold_up
    taken: float = 0.0
    for channel in range(f.fresh.shape[0]):
        side_ghosts(f.fresh[channel], k, shape, tissue.sign, tissue.offset[channel])
        taken += wall_power(channel, f.psi[channel], k, shape, tissue)
    powers[k, 0] = taken
    powers[k, 1] = brought


@parallel_kernel
def sweep_many(shape: Any, first: bool, f: Fields, c: F32, feeds: Feeds, tissue: TissueTables, powers: F64) -> None:
    """Advance all planes by one stage, on all cores."""
    for k in prange(1, shape[0] - 1):
        sweep_plane(k, shape, first, f, c, feeds, tissue, powers)


@kernel
def sweep_few(shape: Any, first: bool, f: Fields, c: F32, feeds: Feeds, tissue: TissueTables, powers: F64) -> None:
    """Advance all planes by one stage, on this core; quicker for a small box."""
    for k in range(1, shape[0] - 1):
        sweep_plane(k, shape, first, f, c, feeds, tissue, powers)


@kernel
def psi_everywhere(middle: F32, shape: Any, psi: F32, cold: Ints, tissue: TissueTables) -> None:
    """Write what conducts and its ghosts for the whole box, and call every row cold."""
    deep, high, wide = shape
    plane = high * wide
    cold[:, 0], cold[:, 1] = 1, high - 1
    for k in range(1, deep - 1):
        p, q = k * plane + wide, (k + 1) * plane - wide
        frozen_psi(psi, middle[p:q], p, q, tissue)
        for channel in range(psi.shape[0]):
            end_ghosts(psi[channel], p, q, wide, tissue.sign, tissue.offset[channel])
            side_ghosts(psi[channel], k, shape, tissue.sign, tissue.offset[channel])
