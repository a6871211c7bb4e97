"""A straightforward solver to be faster than: explicit time steps in NumPy, everybody's first version.

Heat content on a uniform grid in float64, six neighbours, the Kirchhoff variable (so that no conductivity at faces is
needed), the longest stable step, and each probe as a column of 2 by 2 held voxels: on a 1 mm grid that acts like a
cylinder of 0.718 mm. Nothing is allocated in advance and nothing skipped.
"""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvt_planner.bioheat.scene import Scene

Array = NDArray[np.float64]
TIMED_STEPS = 100


@dataclass(frozen=True)
class NumpyRun:
    """Temperatures [k, j, i] at the end, steps made, and seconds per step in each hundred of them."""

    temperature_c: Array
    steps: int
    step_s: float
    seconds_per_step: tuple[float, ...]

    def whole_s(self, duration_s: float) -> tuple[float, float]:
        """Return how long a longer protocol takes at the best and at the median rate."""
        steps = math.ceil(duration_s / self.step_s)
        return steps * min(self.seconds_per_step), steps * statistics.median(self.seconds_per_step)


def columns(scene: Scene) -> NDArray[np.bool_]:
    """Return the held voxels: 2 by 2 around each upright probe, over its active zone."""
    grid = scene.box.grid
    held = np.zeros(grid.shape_kji, np.bool_)
    for probe in scene.probes:
        first, last = (np.round(grid.index_of(end) + 0.5).astype(int) for end in probe.zone_lps_mm)
        held[first[0] : last[0], first[1] - 1 : first[1] + 1, first[2] - 1 : first[2] + 1] = True
    return held


def explicit(scene: Scene, seconds: float) -> NumpyRun:
    """Return the first `seconds` of the first freeze, constant frozen law, walls held at the start."""
    m, probe = scene.material, scene.probes[0]
    h2 = (scene.box.spacing_mm / 1e3) ** 2
    dt = h2 * m.rho * m.c_frozen / (6.0 * m.k_frozen)
    nodes_c = np.array([-210.0, m.t_solidus_c, m.t_liquidus_c, 120.0])
    middle = 0.5 * (m.c_frozen + m.c_unfrozen) + m.latent_j_kg / (m.t_liquidus_c - m.t_solidus_c)
    heats = np.array([m.c_frozen, middle, m.c_unfrozen]) * m.rho
    conductivities = np.array([m.k_frozen, 0.5 * (m.k_frozen + m.k_unfrozen), m.k_unfrozen])
    nodes_h = np.concatenate([[0.0], np.cumsum(heats * np.diff(nodes_c))])
    nodes_theta = np.concatenate([[0.0], np.cumsum(conductivities * np.diff(nodes_c))])
    start_theta = float(np.interp(scene.initial_c, nodes_c, nodes_theta))
    slopes = conductivities / heats
    held = columns(scene)
    heat = np.full(scene.box.grid.shape_kji, float(np.interp(scene.initial_c, nodes_c, nodes_h)))
    steps = math.ceil(seconds / dt - 1e-9)
    ticks = [time.perf_counter()]
    for n in range(steps):
        theta = nodes_theta[1] + slopes[0] * np.minimum(heat - nodes_h[1], 0.0)
        theta += slopes[1] * np.clip(heat - nodes_h[1], 0.0, nodes_h[2] - nodes_h[1])
        theta += slopes[2] * np.maximum(heat - nodes_h[2], 0.0)
        cold = min((n + 0.5) * dt / probe.cooldown_s, 1.0) if probe.cooldown_s else 1.0
        surface_c = scene.initial_c + (probe.temperature_c - scene.initial_c) * cold
        theta[held] = np.interp(surface_c, nodes_c, nodes_theta)
        p = np.pad(theta, 1, constant_values=start_theta)
        around = p[2:, 1:-1, 1:-1] + p[:-2, 1:-1, 1:-1] + p[1:-1, 2:, 1:-1]
        around += p[1:-1, :-2, 1:-1] + p[1:-1, 1:-1, 2:] + p[1:-1, 1:-1, :-2]
        heat += dt / h2 * (around - 6.0 * theta)
        if (n + 1) % TIMED_STEPS == 0:
            ticks.append(time.perf_counter())
    rates = tuple(float(t) / TIMED_STEPS for t in np.diff(ticks))
    temperature = np.interp(heat, nodes_h, nodes_c)
    temperature[held] = probe.temperature_c
    return NumpyRun(temperature, steps, dt, rates)
