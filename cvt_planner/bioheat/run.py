"""The changing state of one solver run: its fields, the box that is computed, the probes' temperatures, the ledger."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array, FloatArray, read_only
from cvt_planner.base.compiled import kernels_alone
from cvt_planner.base.progress import Progress
from cvt_planner.base.units import MM_PER_M
from cvt_planner.bioheat import kernels, super_step
from cvt_planner.bioheat.law import HeatLaw
from cvt_planner.bioheat.scene import Phase, Scene
from cvt_planner.bioheat.sinks import sinks_of
from cvt_planner.bioheat.stepping import Pace, unit_stages

WATCHED_K = 0.1  # a face of the active box moves out when a cell beside it has changed by this much
GROW_CELLS = 4
START_CELLS = 4  # around the cells that the probes reach
WALL_BOUNDS = (
    4,
    5,
    2,
    3,
    0,
    1,
)  # where each wall (low x, high x, low y, ...) stands in a box (low k, high k, low j, ...)
SERIAL_CELLS = 80_000  # below, one core is quicker than waking the others


@dataclass
class Run:
    """The changing state of one run; lives no longer than it. SI units, arrays [k, j, i] padded by one."""

    scene: Scene
    law: HeatLaw = field(init=False)
    steps: int = 0
    stages: int = 0

    def __post_init__(self) -> None:
        scene = self.scene
        self.law = HeatLaw(scene.material, scene.initial_c)
        self.sinks = sinks_of(scene)
        nx, ny, nz = scene.box.cells_xyz
        shape = (nz + 2, ny + 2, nx + 2)
        self.perfused = scene.perfusion_w_m3k > 0.0
        probes = len(scene.probes)
        self.ledger = np.zeros(probes + 2)
        self.power_w = np.zeros(probes)
        self.surface = np.zeros(probes)
        self.present_c = np.full(probes, scene.initial_c)
        self.spacing_m = scene.box.spacing_xyz_mm / MM_PER_M
        self.cell_m3 = float(np.prod(self.spacing_m))
        self.slopes = self.law.slopes()
        table, low, step = self.law.table()
        self.table, self.spread = table, np.array([low, 1.0 / step], np.float32)
        self.watched_u = np.float32(
            WATCHED_K * scene.material.rho * min(scene.material.c_unfrozen, scene.material.c_frozen)
        )
        self.pace = Pace(2.0 / self._stiffness())
        self._start_box(shape)

    def _stiffness(self) -> float:
        """Return a bound of the fastest rate of the discrete equations, 1/s (Gershgorin)."""
        temperatures = [p.temperature_c for p in self.scene.probes] + [self.scene.initial_c]
        temperatures += [w.temperature_c for w in self.scene.walls if w.temperature_c is not None]
        spread = 4.0 * float((1.0 / self.spacing_m**2).sum()) + self.sinks.load_m / self.cell_m3
        blood = self.scene.perfusion_w_m3k / (self.scene.material.rho * self.scene.material.c_unfrozen)
        return self.law.steepest(min(temperatures)) * spread + blood

    def _start_box(self, shape: tuple[int, ...]) -> None:
        last = np.array([shape[0] - 1, shape[1] - 1, shape[2] - 1])
        uniform = all(
            w.kind == "insulated" or w.temperature_c in (None, self.scene.initial_c) for w in self.scene.walls
        )
        low, high = np.ones(3, np.int64), last
        if self.sinks.cell.size and uniform:
            cells = np.stack(np.unravel_index(self.sinks.cell, shape))
            low = np.maximum(cells.min(axis=1) - START_CELLS, 1)
            high = np.minimum(cells.max(axis=1) + 1 + START_CELLS, last)
        self.box = np.array([low[0], high[0], low[1], high[1], low[2], high[2]], np.int64)
        self.limits = np.array([1, last[0], 1, last[1], 1, last[2]], np.int64)
        self.padded = shape
        self.u, self.coldest, self.alive = (np.zeros((2, 2, 2), np.float32) for _ in range(3))
        self._resize(self.box)
        self._settle_box()

    def _resize(self, box: NDArray[np.int64]) -> None:
        """Take arrays that just hold the active box and one cell around it, and carry over what is known."""
        old, self.box = self.box, box
        shape = tuple(int(n) + 2 for n in box[1::2] - box[::2])
        inner = tuple(
            slice(int(a - b) + 1, int(a - b) + 1 + int(c - a))
            for a, b, c in zip(old[::2], box[::2], old[1::2], strict=True)
        )

        def larger(field: NDArray[np.float32], fill: float) -> NDArray[np.float32]:
            new = np.zeros(shape, np.float32)
            new[1:-1, 1:-1, 1:-1] = fill
            if min(field.shape) > 2:
                new[inner] = field[1:-1, 1:-1, 1:-1]
            return new

        self.u, self.coldest = larger(self.u, 0.0), larger(self.coldest, 0.0)
        if self.perfused:
            # While unfrozen, theta = k (T - T_blood): the tissue starts at the temperature of the blood.
            self.alive = larger(self.alive, self.scene.perfusion_w_m3k / self.scene.material.k_unfrozen)
        self.ub, self.rate, self.source = (np.zeros(shape, np.float32) for _ in range(3))
        self.ua: Float32Array = np.zeros(shape, np.float32)
        self.theta: Float32Array = np.zeros(shape, np.float32)
        self.spare_theta: Float32Array = np.zeros(shape, np.float32)
        self.local = np.array([1, shape[0] - 1, 1, shape[1] - 1, 1, shape[2] - 1], np.int64)
        self.powers = np.zeros((shape[0], 2))
        self.faces = np.zeros((shape[0], 6), np.float32)
        k, j, i = (
            n - int(b) + 1 for n, b in zip(np.unravel_index(self.sinks.cell, self.padded), box[::2], strict=True)
        )
        self.cell = np.asarray((k * shape[1] + j) * shape[2] + i, np.int64)
        self.row_has = np.zeros(shape[:2], np.bool_)
        self.row_has[k, j] = True

    def _settle_box(self) -> None:
        """Make all that depends on the active box fit it."""
        sign, offset = np.ones(6, np.float32), np.zeros(6, np.float32)
        # The kernels count faces as low i, high i, low j, high j, low k, high k: x, y, z.
        for face, (bound, limit) in enumerate(
            zip(self.box[[4, 5, 2, 3, 0, 1]], self.limits[[4, 5, 2, 3, 0, 1]], strict=True)
        ):
            wall = self.scene.walls[face]
            if bound == limit and wall.kind == "held":
                held_c = self.scene.initial_c if wall.temperature_c is None else wall.temperature_c
                sign[face], offset[face] = -1.0, 2.0 * float(self.law.theta_of(held_c))
        per_h2 = 1.0 / self.spacing_m**2
        per_h2 = np.array([*per_h2, 2.0 * per_h2.sum()], np.float32)
        areas = self.cell_m3 / self.spacing_m**2
        self.fixed: tuple[Any, ...] = (
            self.local, per_h2, areas, sign, offset, self.slopes, self.table, self.spread, not self.law.is_simple,
        )  # fmt: skip
        kernels.theta_everywhere(self.u, self.theta, self.fixed)
        self.many = int(np.prod(self.box[1::2] - self.box[::2])) > SERIAL_CELLS

    def begin(self, phase: Phase) -> None:
        """Set the probes for a phase: where each starts from, where it goes, and how much it may draw."""
        probes = self.scene.probes
        self.from_c = self.present_c.copy()
        frozen = phase.kind == "freeze"
        held_c = phase.temperature_c
        self.active = np.full(len(probes), frozen or held_c is not None)
        self.to_c = np.array([p.temperature_c if frozen or held_c is None else held_c for p in probes])
        self.ramp_s = np.array([p.cooldown_s if frozen else 0.0 for p in probes])
        limited = [p.power_limit_w if frozen and p.power_limit_w is not None else math.inf for p in probes]
        self.limit_w = np.array(limited)

    def _targets(self, times_s: FloatArray) -> FloatArray:
        """Return (times, probes) theta of the probes' surfaces, at times from the start of the phase."""
        done = np.where(self.ramp_s > 0.0, times_s[:, None] / np.maximum(self.ramp_s, 1e-9), 1.0)
        return self.law.theta_of(self.from_c + (self.to_c - self.from_c) * np.minimum(done, 1.0))

    def advance(self, start_s: float, end_s: float, progress: Progress, offset_s: float) -> None:
        """Step from one time of the phase to another."""
        now = start_s
        total = self.scene.duration_s
        while now < end_s - 1e-9:
            step = self.pace.step_s(now, end_s - now)
            with kernels_alone():
                self._step(now, step)
            now += step
            progress.report((offset_s + now) / total, "Computing the ice")

    def _step(self, now: float, step: float) -> None:
        count = self.pace.stages(step)
        unit = unit_stages(count)
        factors = unit[:, :5].copy()
        factors[:, 3:] *= step
        small = factors.astype(np.float32)
        small[1:, 2] = np.float32(1.0) - (small[1:, 0] + small[1:, 1])  # so that rounding neither makes nor loses heat
        before = self.ledger[:-2].copy()
        sinks = self.sinks
        super_step.one_step(
            (self.theta, self.spare_theta, self.u, self.ua, self.ub, self.rate),
            (self.source, self.row_has, self.alive, self.perfused),
            self.fixed,
            small,
            factors,
            (sinks.first, self.cell, sinks.weight, sinks.strength_m, sinks.probe),
            self.active,
            self._targets(now + step * unit[:, 5]),
            self.limit_w,
            self.cell_m3,
            self.many,
            self.powers,
            self.ledger,
            self.surface,
        )
        self.theta, self.spare_theta = self.spare_theta, self.theta
        self.u, self.ua = self.ua, self.u
        self.power_w = (self.ledger[:-2] - before) / step
        self.present_c = self.law.temperature_of_theta(self.surface)
        self.steps += 1
        self.stages += count
        super_step.after_step(
            self.u, self.coldest, self.alive, self.local, float(self.slopes[1]), self.perfused, self.faces
        )
        self._grow()

    def _grow(self) -> None:
        worst = self.faces[1:-1].max(axis=0)[list(WALL_BOUNDS)]
        wanted = np.where(worst > self.watched_u, GROW_CELLS, 0) * np.array([-1, 1, -1, 1, -1, 1])
        box = self.box + wanted
        box[::2] = np.maximum(box[::2], self.limits[::2])
        box[1::2] = np.minimum(box[1::2], self.limits[1::2])
        if np.any(box != self.box):
            self._resize(box)
            self._settle_box()

    def celsius(self, u: NDArray[np.float32]) -> Float32Array:
        """Return temperatures, degC, of a field of heat content, without its padding, read-only."""
        whole = np.full(tuple(n - 2 for n in self.padded), self.scene.initial_c, np.float32)
        klo, khi, jlo, jhi, ilo, ihi = (int(n) for n in self.box)
        inner = self.law.temperature_of(u[1:-1, 1:-1, 1:-1]).astype(np.float32)
        whole[klo - 1 : khi - 1, jlo - 1 : jhi - 1, ilo - 1 : ihi - 1] = inner
        return read_only(whole)
