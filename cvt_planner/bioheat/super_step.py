"""Compiled: what the probes draw, one super step with its heat ledger, and what is looked at after it.

Fields as in `kernels`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.base.compiled import inlined_kernel, kernel, parallel_kernel, prange
from cvt_planner.bioheat.kernels import sweep_few, sweep_many
from cvt_planner.bioheat.law_kernels import LIQUIDUS_E, phi_at
from cvt_planner.bioheat.middle_kernels import across_rows, around_ice, middle_run
from cvt_planner.bioheat.tables import F32, F64, Feeds, Fields, Ints, TissueTables

WARMEST_C = 120.0
HALVINGS = 48


@kernel
def drawn_at(t: float, b: int, read: F64, sinks: Any, law: F64) -> float:
    """Return the heat, W, that a probe draws when its surface is at t degC; `read` is what its tissue would give."""
    u, f = phi_at(t, law)
    power: float = read[b, 0] - sinks[6][b] * u - sinks[7][b] * f - read[b, 1] * t
    return power


@kernel
def surface_at(power: float, b: int, read: F64, sinks: Any, law: F64) -> float:
    """Return the temperature, degC, at which a probe draws that heat, W; within the range of the laws."""
    cold, warm = -273.0, WARMEST_C
    for _ in range(HALVINGS):
        middle = 0.5 * (cold + warm)
        if drawn_at(middle, b, read, sinks, law) > power:
            cold = middle
        else:
            warm = middle
    return 0.5 * (cold + warm)


@kernel
def listen(psi: Any, sinks: Any, nodes_c: F64, theta: F64, read: F64) -> None:
    """Write theta, W/m, around each piece, and what each probe reads: W at phi = 0, and W/K through gaps."""
    first, cell, weight, strength, piece_probe = sinks[0], sinks[1], sinks[2], sinks[4], sinks[5]
    k_u, k_f = sinks[8], sinks[9]
    gap_probe, gap_node, gap_w_k = sinks[11:14]
    read[:] = 0.0
    unfrozen = psi[0]
    frozen = psi[psi.shape[0] - 1]
    two = psi.shape[0] == 2
    for p in range(strength.size):
        u, f = np.float32(0.0), np.float32(0.0)
        for n in range(first[p], first[p + 1]):
            u += weight[n] * unfrozen[cell[n]]
        if two:
            for n in range(first[p], first[p + 1]):
                f += weight[n] * frozen[cell[n]]
        theta[p] = k_u[p] * u + k_f[p] * f
        if piece_probe[p] >= 0:
            read[piece_probe[p], 0] += strength[p] * theta[p]
    for g in range(gap_probe.size):
        read[gap_probe[g], 0] += gap_w_k[g] * nodes_c[gap_node[g]]
        read[gap_probe[g], 1] += gap_w_k[g]


@kernel
def draw(psi: Any, source: F32, sinks: Any, law: F64, duty: F64, target: F64, limit: F64, nodes: F64,
         nodes_rate: F64, room: Any, drawn: F64) -> None:  # fmt: skip
    """Write what probes and needles do at this moment.

    `source` gets the rise that they give their cells, K/s; `drawn` (probes,) the heat each draws, W; `nodes_rate` the
    rise of the needles' nodes, K/s. `duty` is zero for a probe that is off.
    """
    strength, piece_probe = sinks[4], sinks[5]
    k_u, k_f, node = sinks[8:11]
    theta, read, held, own_phi, power = room
    listen(psi, sinks, nodes, theta, read)
    for b in range(drawn.size):
        held[b] = target[b]
        drawn[b] = 0.0
        if duty[b] > 0.0:
            drawn[b] = duty[b] * drawn_at(target[b], b, read, sinks, law)
            if drawn[b] > limit[b]:
                drawn[b] = limit[b]
                held[b] = surface_at(limit[b] / duty[b], b, read, sinks, law)
        own_phi[b, 0], own_phi[b, 1] = phi_at(held[b], law)
    nodes_rate[:] = 0.0
    for p in range(strength.size):
        b = piece_probe[p]
        if b >= 0:
            power[p] = -duty[b] * strength[p] * (theta[p] - k_u[p] * own_phi[b, 0] - k_f[p] * own_phi[b, 1])
        else:
            u, f = phi_at(nodes[node[p]], law)
            power[p] = -strength[p] * (theta[p] - k_u[p] * u - k_f[p] * f)
            nodes_rate[node[p]] -= power[p]
    spread(source, sinks[3], power)
    warm_needles(sinks, duty, held, nodes, nodes_rate)


@kernel
def spread(source: F32, given: Any, power: F64) -> None:
    """Write the rise, K/s, that pieces of such powers, W, give to their cells."""
    first, _, piece, give = given
    for n in range(source.size):
        total = np.float32(0.0)
        for m in range(first[n], first[n + 1]):
            total += give[m] * np.float32(power[piece[m]])
        source[n] = total


@kernel
def warm_needles(sinks: Any, duty: F64, held: F64, nodes: F64, rate: F64) -> None:
    """Add what the probes within give to the needles' nodes, and what goes along them; turn W into K/s."""
    gap_probe, gap_node, gap_w_k, node_j_k, link_w_k = sinks[11:16]
    for g in range(gap_probe.size):
        b, n = gap_probe[g], gap_node[g]
        rate[n] -= duty[b] * gap_w_k[g] * (nodes[n] - held[b])
    for n in range(nodes.size):
        if link_w_k[n] > 0.0:
            along = link_w_k[n] * (nodes[n + 1] - nodes[n])
            rate[n] += along
            rate[n + 1] -= along
    for n in range(nodes.size):
        rate[n] /= node_j_k[n]


@kernel
def surfaces(psi: Any, sinks: Any, law: F64, duty: F64, target: F64, limit: F64, nodes: F64, found: F64) -> None:
    """Write how warm each probe's surface is, degC: as it is held, as its limit lets it, or as the tissue when off."""
    theta, read = np.zeros(sinks[4].size), np.zeros((duty.size, 2))
    listen(psi, sinks, nodes, theta, read)
    for b in range(duty.size):
        if duty[b] == 0.0:
            found[b] = surface_at(0.0, b, read, sinks, law)
        elif duty[b] * drawn_at(target[b], b, read, sinks, law) > limit[b]:
            found[b] = surface_at(limit[b] / duty[b], b, read, sinks, law)
        else:
            found[b] = target[b]


@kernel
def held_power(psi: Any, held_faces: Any) -> float:
    """Return the heat, W, that held cells give to their neighbours."""
    pairs, conductance = held_faces
    total = np.float64(0.0)
    for n in range(pairs.shape[0]):
        for channel in range(psi.shape[0]):
            flat = psi[channel]
            total += conductance[n, channel] * np.float64(flat[pairs[n, 0]] - flat[pairs[n, 1]])
    return total


@kernel
def keep_coldest(coldest: F32, e: F32) -> None:
    """Keep the lower of two states of a run of cells."""
    for i in range(e.size):
        coldest[i] = min(coldest[i], e[i])


@inlined_kernel
def after_plane(k: int, box: Any, shape: Any, f: Fields, coldest: F32, blood: F32, metabolic: F32, feeds: Feeds,
                tissue: TissueTables) -> float:  # fmt: skip
    """Do what `after_step` does for one plane; `box` is what is around the ice."""
    _, high, wide = shape
    first, last, low, up = box
    reach: float = 0.0
    if first <= k < last and not tissue.colligative:
        reach = across_rows(f.across, f.e1, f.psi, k, low, up, shape, tissue)
    e, start = f.e1, k * high * wide
    icy, warm = max(f.cold[k, 0], 1), min(f.cold[k, 1], high - 1)
    if icy >= warm or tissue.colligative:
        keep_coldest(coldest[start + wide : start + (high - 1) * wide], e[start + wide : start + (high - 1) * wide])
    else:
        keep_coldest(coldest[start + wide : start + icy * wide], e[start + wide : start + icy * wide])
        for j in range(icy, warm, feeds.rows):
            p, q = start + j * wide, start + min(j + feeds.rows, warm) * wide
            middle = feeds.buffers[k][: q - p]
            middle_run(middle, e, f.across, p, q, tissue)
            keep_coldest(coldest[p:q], middle)
        keep_coldest(coldest[start + warm * wide : start + (high - 1) * wide],
                     e[start + warm * wide : start + (high - 1) * wide])  # fmt: skip
    if feeds.perfused and icy < warm:
        p, q = start + icy * wide, start + warm * wide
        liquidus = tissue.constants[LIQUIDUS_E]
        now, fed, made = e[p:q], blood[p:q], metabolic[p:q]
        for i in range(now.size):
            fed[i] = np.float32(0.0) if now[i] < liquidus else fed[i]
        for i in range(made.size):
            made[i] = np.float32(0.0) if now[i] < liquidus else made[i]
    return reach


@parallel_kernel
def after_step_many(shape: Any, f: Fields, coldest: F32, blood: F32, metabolic: F32, feeds: Feeds,
                    tissue: TissueTables, reach: F64) -> None:  # fmt: skip
    """Do what `after_step` does, on all cores."""
    box = around_ice(f.cold, shape)
    for k in prange(1, shape[0] - 1):
        reach[k] = after_plane(k, box, shape, f, coldest, blood, metabolic, feeds, tissue)


@kernel
def after_step(shape: Any, f: Fields, coldest: F32, blood: F32, metabolic: F32, feeds: Feeds, tissue: TissueTables,
               many: bool) -> float:  # fmt: skip
    """Find what is across the cells, keep the coldest middles so far, stop blood and metabolism where tissue froze.

    The state is `f.e1`, what conducts in it `f.psi`, `f.cold` the rows that may hold ice. Returns up to how far above
    the liquidus, K, a cell may hold freezing tissue in the next step.
    """
    reach = np.zeros(shape[0])
    if many:
        after_step_many(shape, f, coldest, blood, metabolic, feeds, tissue, reach)
    else:
        box = around_ice(f.cold, shape)
        for k in range(1, shape[0] - 1):
            reach[k] = after_plane(k, box, shape, f, coldest, blood, metabolic, feeds, tissue)
    return float(reach.max())


@kernel
def one_step(shape: Any, f: Fields, feeds: Feeds, tissue: TissueTables, stages: F32, stages64: F64, sinks: Any,
             law: F64, duty: F64, targets: F64, limits: F64, nodes: F64, many: bool, powers: F64, held_faces: Any,
             ledger: F64, coldest: F32, blood: F32, metabolic: F32) -> float:  # fmt: skip
    """Advance by one super step of `stages.shape[0]` stages; return what `after_step` does.

    The state at the start is `f.e0`; `f.e1` and `f.out` are room and hold any numbers. The result's state is in `f.e1`
    when the number of stages is odd, which it must be, what conducts in it in `f.fresh`. `ledger` (probes + 2,) is
    increased by the heat drawn by each probe, taken in through the walls, and brought by blood and metabolism, J.
    `nodes` (the needles' temperatures, degC) is advanced in place.
    """
    psi, cold, fresh, fresh_cold, e0, ea, eb = f.psi, f.cold, f.fresh, f.fresh_cold, f.e0, f.e1, f.out
    probes = duty.size
    books = probes + 2
    j1, j2, power0, power = np.zeros(books), np.zeros(books), np.zeros(books), np.zeros(books)
    drawn = np.zeros(probes)
    pieces = sinks[4].size
    room = (np.zeros(pieces), np.zeros((probes, 2)), np.zeros(probes), np.zeros((probes, 2)), np.zeros(pieces))
    start, n1, n2 = nodes.copy(), nodes.copy(), nodes.copy()
    rate, first_rate = np.zeros(nodes.size), np.zeros(nodes.size)
    for n in range(stages.shape[0]):
        draw(psi, feeds.source, sinks, law, duty, targets[n], limits[n], n1, rate, room, drawn)
        # The two spare fields take turns.
        target = ea if n % 2 == 0 else eb
        e1 = e0 if n == 0 else (eb if n % 2 == 0 else ea)
        now = Fields(psi, cold, fresh, fresh_cold, target, e1, e0, f.rate0, f.across)
        if many:
            sweep_many(shape, n == 0, now, stages[n], feeds, tissue, powers)
        else:
            sweep_few(shape, n == 0, now, stages[n], feeds, tissue, powers)
        for b in range(probes):
            power[b] = drawn[b]
        power[probes] = powers[:, 0].sum() + held_power(psi, held_faces)
        power[probes + 1] = powers[:, 1].sum()
        c = stages64[n]
        if n == 0:
            power0[:] = power
            first_rate[:] = rate
        for b in range(books):
            new = c[0] * j1[b] + c[1] * j2[b] + c[3] * power[b] + c[4] * power0[b]
            j2[b], j1[b] = j1[b], new
        for m in range(nodes.size):
            new = c[0] * n1[m] + c[1] * n2[m] + c[2] * start[m] + c[3] * rate[m] + c[4] * first_rate[m]
            n2[m], n1[m] = n1[m], new
        psi, fresh, cold, fresh_cold = fresh, psi, fresh_cold, cold
    for b in range(books):
        ledger[b] += j1[b]
    nodes[:] = n1
    after = Fields(psi, cold, fresh, fresh_cold, eb, ea, e0, f.rate0, f.across)
    return after_step(shape, after, coldest, blood, metabolic, feeds, tissue, many)


@kernel
def edge_changes(e: F32, planes: Ints) -> F64:
    """Return (6,) the largest |e| of planes across x, y and z, low and high; 0 where `planes` is negative."""
    found = np.zeros(6)
    for face in range(6):
        at = planes[face]
        if at >= 0:
            axis = face // 2
            plane = e[:, :, at] if axis == 0 else e[:, at, :] if axis == 1 else e[at, :, :]
            largest = np.float32(0.0)
            for j in range(plane.shape[0]):
                for i in range(plane.shape[1]):
                    largest = max(largest, abs(plane[j, i]))
            found[face] = largest
    return found
