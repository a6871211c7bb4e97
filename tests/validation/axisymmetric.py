"""A second code for one probe: explicit finite volumes in r and z, written for the comparison alone.

It shares nothing with the product's solver: heat content on rings, float64, plain explicit steps, the probe as a real
cylinder whose surface is held, its shaft as a cylinder that does not conduct. Laws are tables, so that any k(T) and
c(T) can be tried. SI units, degC.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit  # type: ignore[import-untyped]
from numpy.typing import NDArray

Array = NDArray[np.float64]
Law = Callable[[Array], Array]

TABLE_STEP_C = 0.02
COLDEST_C = -200.0


@dataclass(frozen=True)
class Laws:
    """Conductivity (W/mK) below the solidus and heat capacity per volume (J/m3K) below it; the rest is constant."""

    k_frozen: Law
    heat_frozen: Law
    k_unfrozen: float
    heat_unfrozen: float
    latent_j_m3: float
    k_freezing: float
    sensible_freezing: float
    t_solidus_c: float = -8.0
    t_liquidus_c: float = -1.0

    def table(self, warmest_c: float) -> tuple[Array, Array, Array]:
        """Return temperature, heat content and Kirchhoff variable at fine nodes, by integration."""
        below = np.arange(COLDEST_C, self.t_solidus_c - 0.5 * TABLE_STEP_C, TABLE_STEP_C)
        t = np.concatenate([below, [self.t_solidus_c, self.t_liquidus_c, warmest_c]])
        middle = 0.5 * (t[1:] + t[:-1])
        width = self.t_liquidus_c - self.t_solidus_c
        k, c = self.k_frozen(middle), self.heat_frozen(middle)
        k[-2:] = self.k_freezing, self.k_unfrozen
        c[-2:] = self.sensible_freezing + self.latent_j_m3 / width, self.heat_unfrozen
        heat = np.concatenate([[0.0], np.cumsum(c * np.diff(t))])
        theta = np.concatenate([[0.0], np.cumsum(k * np.diff(t))])
        return t, heat, theta


@dataclass(frozen=True)
class RingProbe:
    """A probe on the axis, its active zone from z = 0 upwards, and how it is cooled."""

    active_m: float
    temperature_c: float
    radius_m: float = 0.735e-3
    ramp_s: float = 30.0


@dataclass(frozen=True)
class Rings:
    """What the second code found: temperatures (r, z), ring and slice centres in m, and the heat flow at the end, W."""

    temperature_c: Array
    r_m: Array
    z_m: Array
    power_w: float

    def size_mm(self, iso_c: float) -> tuple[float, float, float]:
        """Return width, length, and ice beyond the tip, mm, of an isotherm."""
        t = self.temperature_c
        r_out = max((_last(column, self.r_m, iso_c) for column in t.T), default=0.0)
        high = max((_last(row, self.z_m, iso_c) for row in t), default=0.0)
        low = max((_last(row[::-1], -self.z_m[::-1], iso_c) for row in t), default=0.0)
        return 2e3 * r_out, 1e3 * (high + low), 1e3 * low


def _last(values: Array, at: Array, iso_c: float) -> float:
    """Return the outermost place where values rise through `iso_c`; minus infinity where none does."""
    cold = np.nonzero(values[:-1] < iso_c)[0]
    cold = cold[values[cold + 1] >= iso_c]
    if not cold.size:
        return -math.inf
    n = int(cold[-1])
    return float(at[n] + (at[n + 1] - at[n]) * (iso_c - values[n]) / (values[n + 1] - values[n]))


@njit
def _look_up(x, low, per_step, table):  # type: ignore[no-untyped-def]
    place = (x - low) * per_step
    n = min(max(int(place), 0), table.size - 2)
    return table[n] + (place - n) * (table[n + 1] - table[n])


@njit
def _march(heat, theta, tissue, across, along, volume, dt, probe_theta, low, per_step, table, blood):  # type: ignore[no-untyped-def]
    """Step explicitly. `across` and `along` are areas over distances (m) of the faces before each ring and slice.

    `tissue` is 1 where heat content changes; other cells have the probe's theta of each step (their faces may be shut).
    Return the heat drawn in the last step, W.
    """
    nr, nz = heat.shape
    alive = np.ones((nr, nz))
    perfusion, k_unfrozen, theta_liquidus, theta_start = blood
    for step in range(probe_theta.size):
        for i in range(nr):
            for j in range(nz):
                t = _look_up(heat[i, j], low, per_step, table)
                theta[i + 1, j + 1] = t if tissue[i, j] else probe_theta[step]
                if t < theta_liquidus:
                    alive[i, j] = 0.0
        drawn = 0.0
        for i in range(nr):
            for j in range(nz):
                t = theta[i + 1, j + 1]
                flow = across[i, j] * (theta[i, j + 1] - t) + across[i + 1, j] * (theta[i + 2, j + 1] - t)
                flow += along[i, j] * (theta[i + 1, j] - t) + along[i, j + 1] * (theta[i + 1, j + 2] - t)
                gain = perfusion * alive[i, j] * (theta_start - t) / k_unfrozen
                heat[i, j] += tissue[i, j] * dt * (flow / volume[i] + gain)
                drawn += (1.0 - tissue[i, j]) * flow
    return drawn


def _faces(kind: NDArray[np.int64], r_faces: Array, h: float) -> tuple[Array, Array]:
    """Return area over distance, m, of the faces before and after each ring and slice; kind 0 tissue, 1 held, 2 shaft.

    The outer walls are shut, and so is the shaft. A held cell stands for the metal surface, half a spacing away.
    """
    nr, nz = kind.shape
    across, along = np.zeros((nr + 1, nz)), np.zeros((nr, nz + 1))
    ends = math.pi * np.diff(r_faces**2)[:, None] / h
    for faces, a, b, area in (
        (across[1:-1], kind[:-1], kind[1:], 2.0 * math.pi * r_faces[1:-1, None]),
        (along[:, 1:-1], kind[:, :-1], kind[:, 1:], ends),
    ):
        near = np.where((a == 1) != (b == 1), 2.0, 1.0)
        faces[:] = np.where((a == 2) | (b == 2), 0.0, near * area)
    return across, along


def freeze(
    laws: Laws, probe: RingProbe, seconds: float, start_c: float = 37.0, perfusion_w_m3k: float = 0.0,
    cells_in_radius: int = 2, reach_m: float = 0.036,
) -> Rings:  # fmt: skip
    """Return the ice of one probe after `seconds`; insulated walls `reach_m` beyond the active zone."""
    h = probe.radius_m / cells_in_radius
    nodes_c, nodes_heat, nodes_theta = laws.table(max(start_c, 0.0) + 1.0)
    nr = math.ceil(reach_m / h)
    before, active = math.ceil(reach_m / h), round(probe.active_m / h)
    nz = 2 * before + active
    r_faces = h * np.arange(nr + 1.0)
    r_m, z_m = r_faces[:-1] + 0.5 * h, (np.arange(nz) - before + 0.5) * h
    kind = np.zeros((nr, nz), np.int64)
    kind[:cells_in_radius, before : before + active] = 1
    kind[:cells_in_radius, before + active :] = 2
    slopes = np.diff(nodes_theta) / np.diff(nodes_heat)
    fastest = slopes[nodes_c[1:] >= probe.temperature_c - 1.0].max()
    # Four faces, one towards the metal at half the distance: the rates of a cell add up to 5 at most.
    dt = 0.95 * h * h / (5.0 * fastest)
    steps = math.ceil(seconds / dt)
    dt = seconds / steps
    times = (np.arange(steps) + 0.5) * dt
    ramp = np.minimum(times / probe.ramp_s, 1.0) if probe.ramp_s else np.ones(steps)
    surface_c = start_c + (probe.temperature_c - start_c) * ramp
    fine = np.linspace(nodes_heat[0], nodes_heat[-1], 200_001)
    table = np.interp(fine, nodes_heat, nodes_theta)
    heat = np.full((nr, nz), float(np.interp(start_c, nodes_c, nodes_heat)))
    theta = np.zeros((nr + 2, nz + 2))
    to_theta = np.interp([laws.t_liquidus_c, start_c], nodes_c, nodes_theta)
    blood = np.array([perfusion_w_m3k, laws.k_unfrozen, *to_theta])
    across, along = _faces(kind, r_faces, h)
    volume = math.pi * np.diff(r_faces**2) * h
    power = _march(
        heat, theta, (kind == 0).astype(float), across, along, volume, dt, np.interp(surface_c, nodes_c, nodes_theta),
        float(fine[0]), float(1.0 / (fine[1] - fine[0])), table, blood,
    )  # fmt: skip
    temperature = np.interp(heat, nodes_heat, nodes_c)
    temperature[kind == 1] = probe.temperature_c
    temperature[kind == 2] = start_c
    return Rings(temperature, r_m, z_m, float(power))
