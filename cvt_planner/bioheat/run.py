"""The changing state of one solver run: its fields and cells, the probes' temperatures, the ledger."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array, FloatArray, read_only
from cvt_planner.base.compiled import kernels_alone
from cvt_planner.base.progress import Progress
from cvt_planner.bioheat import front_kernels, kernels, law_kernels, middle_kernels, super_step
from cvt_planner.bioheat import law_kernels as lk
from cvt_planner.bioheat.cells import Cells
from cvt_planner.bioheat.fastest import ColdBlock, block_around, fastest_rate, with_layer
from cvt_planner.bioheat.fine_part import FinePart
from cvt_planner.bioheat.law import HeatLaw, frozen_gain, frozen_gain_at
from cvt_planner.bioheat.medium import Medium, medium_of
from cvt_planner.bioheat.scene import Phase, Scene
from cvt_planner.bioheat.sinks import Sinks, pieces_of, sinks_on
from cvt_planner.bioheat.stepping import HURRY, HURRY_OF_PREVIEW, Pace, unit_stages
from cvt_planner.bioheat.tables import Feeds, Fields

_APART = 144  # float32 values: nine cache lines
SERIAL_CELLS = 25_000  # below, one core is quicker than waking the others
# On coarse grids steps lengthen faster than the spacing, up to this factor: the error of space is then the larger one.
MOST_HASTE = 2.0
# Before a wall a whole layer of cells freezes at once, and what a long step gets wrong is wrong for all of it. Under
# the colligative law, where the heat at a cell's middle is not told from its mean, fronts were off by up to 0.64 mm.
WALL_HASTE = 0.25
# No step may let a cell in the core of a probe lose more heat than this, in unfrozen kelvin (frozen, about half as much
# cools it by one), if it loses heat so many times as fast as in the last step; it is taken to lose at least so much.
FALL_K, COLDER, LEAST_FALL_K = 20.0, 1.5, 0.5
MOST_GROWTH = 2.0  # of steps from one to the next, while that is watched
CORE = 0.3  # cells that get so much of the strongest pull
_NOTHING = np.float32(0.0)


@dataclass
class Run:
    """The changing state of one run; lives no longer than it. SI units, arrays [k, j, i] padded by one."""

    scene: Scene
    only_end: bool = False  # nobody looks at the temperatures before the end of the protocol
    steps: int = 0
    stages: int = 0
    most_cells: int = 0
    ledger: FloatArray = field(init=False)
    nodes: FloatArray = field(init=False)
    e: Float32Array = field(init=False)
    coldest: Float32Array = field(init=False)  # at the middles of the cells
    above_k: float = 0.0  # see `_reach`
    # Where what conducts depends on the temperature: the cells around the probes, and their temperatures, degC; the
    # states of those in their cores before the last step, and how long that was.
    block: ColdBlock | None = None
    near_c: Float32Array = field(init=False)
    fell: tuple[Float32Array, float] | None = None

    def __post_init__(self) -> None:
        scene = self.scene
        self.zero_c = max(scene.initial_c, scene.material.t_liquidus_c)
        self.law = HeatLaw(scene.material, self.zero_c)
        self.medium: Medium = medium_of(scene, self.law.constants())
        self.pieces = pieces_of(scene)
        probes = len(scene.probes)
        self.ledger = np.zeros(probes + 2)
        self.power_w = np.zeros(probes)
        self.nodes = np.full(self.pieces.node_j_k.size, scene.initial_c)
        self.present_c = np.full(probes, scene.initial_c)
        self.fine = FinePart(scene)
        driven = any(w.kind == "held" and w.temperature_c not in (None, scene.initial_c) for w in scene.walls)
        freezes = any((w.temperature_c or 0.0) < scene.material.t_liquidus_c for w in scene.walls if w.kind == "held")
        self.probes_alone = bool(probes) and not driven
        self.haste = WALL_HASTE if driven and freezes and self.medium.colligative else 1.0
        self._lay(self.fine.cells())
        self.heat_at_start_j = self.heat_j()

    def _lay(self, cells: Cells) -> None:
        """Take other cells, and carry over what is known."""
        old: Cells | None = getattr(self, "cells", None)
        self.cells = cells
        self.on = self.medium.on(cells)
        shape = self.on.shape
        state, blood, metabolic = self.on.start(self.scene.initial_c)
        coldest = state.copy() if old is None else self._carried(old, state, blood, metabolic)
        self.coldest, self.blood, self.metabolic = coldest, blood.reshape(-1), metabolic.reshape(-1)
        if not self.metabolic.any():
            self.metabolic = np.zeros(0, np.float32)  # nothing to read in every sweep
        self.fed, self.made = self.blood.copy(), self.metabolic.copy()
        self.fed_rows = np.zeros((shape[0], 2), np.int64)
        channels = 2 if self.on.mapped else 1
        self.e, self.ea, self.eb, self.rate = (_apart(shape, slot) for slot in range(4))
        for known in (self.e, self.ea, self.eb):
            known[:] = state
        self.psi, self.spare_psi = (_apart((channels, math.prod(shape)), slot) for slot in (4, 5))
        self.rows = max(1, kernels.RUN_CELLS // shape[2])
        self.cold, self.spare_cold = (np.zeros((shape[0], 2), np.int64) for _ in range(2))
        self.powers = np.zeros((shape[0], 2))
        self.buffers = np.zeros((shape[0], self.rows * shape[2]), np.float32)
        self.sinks: Sinks = sinks_on(
            self.pieces, cells, self.scene.box.cells_xyz[::-1], len(self.scene.probes), self.on.per_capacity,
            self.on.k_unfrozen, self.on.k_frozen,
        )  # fmt: skip
        self.source = np.zeros(self.sinks.given[1].size, np.float32)
        self.across = np.full(math.prod(shape), middle_kernels.LEAST_ACROSS, np.float32)
        kernels.psi_everywhere(self.e.reshape(-1), shape, self.psi, self.cold, self.on.tables)
        if old is not None and not self.medium.colligative:
            self._reach(
                middle_kernels.find_across(shape, self.e.reshape(-1), self.psi, self.cold, self.across, self.on.tables)
            )
            kernels.psi_everywhere(self._middles().reshape(-1), shape, self.psi, self.cold, self.on.tables)
        self.many = cells.count > SERIAL_CELLS
        if self.scene.probes and self.scene.material.frozen_law != "constant":
            part = block_around(self.sinks.given[1], shape)
            core = self.sinks.given[1][self.sinks.pull >= CORE * self.sinks.pull.max()]
            self.block = ColdBlock(with_layer(part, shape), self.on.frozen_couplings(part), core)
            self.near_c = self._celsius_of(self.block.cell)
            if self.fell is not None and self.fell[0].size != core.size:  # of a needle that reaches far, cells change
                self.fell = None
        self.most_cells = max(self.most_cells, cells.count)
        self.pace = self._pace()
        s, p = self.sinks, self.pieces
        self.for_kernels = (
            p.first, s.cell, p.weight, s.given, p.strength_m, p.probe, s.probe_k_u, s.probe_k_f, s.k_u, s.k_f, p.node,
            p.gap_probe, p.gap_node, p.gap_w_k, p.node_j_k, p.link_w_k,
        )  # fmt: skip

    def _carried(self, old: Cells, state: Float32Array, blood: Float32Array, metabolic: Float32Array) -> Float32Array:
        """Write to `state`, `blood` and `metabolic` what is known on other cells; return the coldest state so far."""
        inner = (slice(1, -1),) * 3
        state[inner] = self.cells.from_cells(old, self.e[inner])
        coldest = np.zeros(self.on.shape, np.float32)
        coldest[inner] = self.cells.from_cells(old, self.coldest[inner])
        # Nearer to freezing the state is not that at the middle.
        warm = state > self.medium.constants[lk.LIQUIDUS_E] + self.above_k
        np.minimum(coldest, state, out=coldest, where=warm)
        for feed, was in ((blood, self.blood), (metabolic, self.metabolic)):
            if was.any():
                stopped = (was.reshape(self.e.shape)[inner] == 0.0).astype(np.float32)
                feed[inner][self.cells.from_cells(old, stopped) >= 0.5] = 0.0
        return coldest

    def _pace(self, soon_c: float = math.inf) -> Pace:
        """Return how long steps may be; `soon_c` is the coldest that cells around the probes may be after the next."""
        spacing = float(self.scene.box.spacing_xyz_mm.min())
        haste = self.haste * min(max(spacing, 1.0), MOST_HASTE)
        return Pace(2.0 / self._stiffness(soon_c), spacing * haste)

    def _stiffness(self, soon_c: float) -> float:
        """Return a bound of the fastest rate of the discrete equations, 1/s."""
        scene, material, on = self.scene, self.scene.material, self.on
        walls = [w.temperature_c for w in scene.walls if w.temperature_c is not None]
        # Whatever probes do.
        gain = frozen_gain_at(material, min(scene.initial_c, self.medium.coldest_held_c, *walls))
        conduct = on.stiffness(gain)
        if self.block is not None:
            gains = np.maximum(frozen_gain(material, self.near_c), np.float32(1.0))
            most = float(gains.max())
            soon = max(frozen_gain_at(material, soon_c), most)
            if soon > gain:
                unfrozen, freezing, frozen = on.degrees
                one_by_one = fastest_rate(self.block, gains, 2.0 * frozen) * soon / most
                usual = frozen >= max(unfrozen, freezing)  # what is not frozen conducts less
                conduct, gain = min(on.stiffness(soon), max(one_by_one, conduct) if usual else math.inf), soon
        rods = (self.pieces.link_w_k.max(initial=0.0) * 4.0 + self._exchange()) / self.pieces.node_j_k.min(initial=1.0)
        load = self.sinks.load * on.most_fold * gain
        # A probe's pull is spread smoothly, and adds nothing to the rates of cells against their neighbours, which are
        # the fastest. Node and tissue pull at each other: the pair is as fast as both together.
        return max(max(conduct, 0.5 * conduct + load) + on.most_blood, float(rods) + load)

    def _careful(self, now: float, step: float) -> float:
        """Return a step, shortened so that no cell around the probes cools so much that it upsets it; set its pace.

        The colder a cell gets, the better it conducts: with steps in which cells fell by 100 K and more they fell ever
        further, without end.
        """
        assert self.block is not None
        self.near_c = self._celsius_of(self.block.cell)
        e = self.e.reshape(-1)[self.block.core]
        falls = self._pulled(now)
        rises = max(self._pulled(now + step) - falls, 0.0) / step  # as probes cool down
        if self.fell is not None:
            before, before_s = self.fell
            falls = COLDER * float((before - e).max()) / before_s
            step = min(step, MOST_GROWTH * before_s)
        falls = max(falls, 0.0)
        step = min(step, 2.0 * FALL_K / (falls + math.sqrt(falls * falls + 4.0 * rises * FALL_K) + 1e-9))
        self.fell = e, step
        least_e = np.float32((falls + rises * step) * step + LEAST_FALL_K)
        self.pace = self._pace(float(self._celsius_of(self.block.core, least_e).min()))
        return step

    def _pulled(self, at_s: float) -> float:
        """Return how fast the probes, as cold as they will be at a time of the phase, cool their cells now, K/s."""
        targets, limits = self._targets(np.array([at_s]))
        pieces, probes = self.pieces.strength_m.size, len(self.scene.probes)
        room = (np.zeros(pieces), np.zeros((probes, 2)), np.zeros(probes), np.zeros((probes, 2)), np.zeros(pieces))
        super_step.draw(
            self.psi, self.source, self.for_kernels, self.medium.constants, self.duty, targets[0], limits[0],
            self.nodes, np.zeros(self.nodes.size), room, np.zeros(probes),
        )  # fmt: skip
        return -float(self.source.min(initial=0.0))

    def _celsius_of(self, cell: NDArray[np.int64], lost: np.float32 = _NOTHING) -> Float32Array:
        """Return the temperatures, degC, of cells by flat padded indices, had they `lost` so much of their state."""
        flat = cell.ravel()
        e = self.e.reshape(-1)[flat] - lost
        known = (self.on.width, self.on.fold)
        width, fold = (a.reshape(-1)[flat] if self.on.mapped else np.full(e.size, a[0, 0, 0]) for a in known)
        found = np.empty_like(e)
        c = self.medium.constants.astype(np.float32)
        law_kernels.celsius_rows(found, e, width, fold, c, self.medium.colligative)
        return found.reshape(cell.shape)

    def _exchange(self) -> float:
        """Return the largest conductance, W/K, between a needle's node and what is around it."""
        of_node = self.pieces.node >= 0
        pull = self.pieces.strength_m * np.maximum(self.sinks.k_u, self.sinks.k_f)
        return float(pull[of_node].max(initial=0.0) + self.pieces.gap_w_k.max(initial=0.0))

    def begin(self, phase: Phase, after_s: float) -> None:
        """Set the probes for a stretch of a phase: where each starts from, where it goes, and whether it is on."""
        probes = self.scene.probes
        frozen = phase.kind == "freeze"
        held_c = phase.temperature_c
        if after_s == 0.0:
            self.from_c = self.present_c.copy()
        self.delay_s = np.array([p.start_delay_s if frozen else 0.0 for p in probes])
        starts = self.delay_s == after_s
        self.from_c[starts] = self.present_c[starts]
        if frozen:
            on = np.array([p.start_delay_s <= after_s for p in probes], np.bool_)
            self.duty = np.where(on, self.pieces.on_part, 0.0)
        else:
            self.duty = np.full(len(probes), 0.0 if held_c is None else 1.0)
        self.to_c = np.array([p.temperature_c if frozen or held_c is None else held_c for p in probes])
        self.ramp_s = np.array([p.cooldown_s if frozen else 0.0 for p in probes])
        self.freezing = frozen
        self.fell = None

    def _targets(self, times_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (times, probes) temperatures, degC, and power limits, W, at times from the start of the phase."""
        own = np.maximum(times_s[:, None] - self.delay_s, 0.0)
        done = np.where(self.ramp_s > 0.0, own / np.maximum(self.ramp_s, 1e-9), 1.0)
        limits = np.full(own.shape, math.inf)
        if self.freezing:
            for n, probe in enumerate(self.scene.probes):
                if probe.power_limit_w is not None or probe.power_curve_w:
                    limits[:, n] = probe.limit_w(own[:, n])
        return self.from_c + (self.to_c - self.from_c) * np.minimum(done, 1.0), limits

    def advance(self, start_s: float, end_s: float, changed_s: float, progress: Progress, offset_s: float) -> None:
        """Step from one time of the phase to another; `changed_s` is when a probe last went on or off."""
        now = start_s
        total = self.scene.duration_s
        # Whether blood has stopped is looked at once a step: with very long ones it would feed the front for too long.
        rough = self.only_end and not self.medium.perfused
        hurry = HURRY_OF_PREVIEW if rough else HURRY
        unseen_until_s = total - offset_s if rough else end_s
        if not self.probes_alone:  # before a wall whole layers freeze at once
            unseen_until_s = -math.inf
        while now < end_s - 1e-9:
            step = self.pace.step_s(now - changed_s, end_s - now, unseen_until_s - now, hurry)
            if self.block is not None:
                step = self._careful(now, step)
            with kernels_alone():
                self._step(now, step)
            now += step
            progress.report((offset_s + now) / total, "Computing the ice")
        self._settle_probes(end_s)

    def _step(self, now: float, step: float) -> None:
        count = self.pace.stages(step)
        unit = unit_stages(count)
        factors = unit[:, :5].copy()
        factors[:, 3:] *= step
        small = factors.astype(np.float32)
        small[1, 1] = np.float32(0.0)  # the state before the first stage is the start
        small[1:, 2] = np.float32(1.0) - (small[1:, 0] + small[1:, 1])  # so that rounding neither makes nor loses heat
        before = self.ledger.copy()
        targets, limits = self._targets(now + step * unit[:, 5])
        e0, ea, eb, rate0 = (known.reshape(-1) for known in (self.e, self.ea, self.eb, self.rate))
        reach = super_step.one_step(
            self.on.shape,
            Fields(self.psi, self.cold, self.spare_psi, self.spare_cold, eb, ea, e0, rate0, self.across),
            Feeds(
                self.source, self.sinks.given[1], self.sinks.begin, self.fed, self.made, self.on.capacity.reshape(-1),
                self.medium.perfused, self.buffers, self.rows,
            ),
            self.on.tables, small, factors, self.for_kernels, self.medium.constants, self.duty, targets, limits,
            self.nodes, self.many, self.powers, self.on.held_faces, self.ledger,
            self.coldest.reshape(-1), self.blood, self.metabolic,
        )  # fmt: skip
        self.psi, self.spare_psi = self.spare_psi, self.psi
        self.cold, self.spare_cold = self.spare_cold, self.cold
        self.e, self.ea = self.ea, self.e
        self.power_w = (self.ledger[:-2] - before[:-2]) / step
        self.steps += 1
        self.stages += count
        self._reach(reach)
        if self.medium.perfused:
            self._feed_front()
        wanted = self.fine.grown(self.e)
        if wanted is not None:
            self._lay(wanted)

    def _feed_front(self) -> None:
        """Give the cells beside the front the blood of what is unfrozen of them."""
        nothing = np.zeros(1, np.float32)
        k_u, k_f = (
            k.reshape(-1) if isinstance(k, np.ndarray) else nothing for k in (self.on.k_unfrozen, self.on.k_frozen)
        )
        front_kernels.feed_front(
            self.on.shape, self.e.reshape(-1), self.psi, self.cold, self.blood, self.metabolic, self.fed, self.made,
            k_u, k_f, self.on.tables, self.fed_rows, self.many,
        )  # fmt: skip

    def _settle_probes(self, now: float) -> None:
        """Note how warm each probe's surface is."""
        targets, limits = self._targets(np.array([now]))
        super_step.surfaces(
            self.psi, self.for_kernels, self.medium.constants, self.duty, targets[0], limits[0], self.nodes,
            self.present_c,
        )  # fmt: skip

    def heat_j(self) -> float:
        """Return the heat content of all that can change, J."""
        return self.on.heat_j(self.e) + float((self.pieces.node_j_k * self.nodes).sum())

    def now_c(self) -> Float32Array:
        """Return the temperatures of the voxels, degC, read-only."""
        return self._celsius(self._middles())

    def coldest_c(self) -> Float32Array:
        """Return the lowest temperatures of the voxels so far, degC, read-only."""
        return self._celsius(self.coldest)

    def _reach(self, above_k: float) -> None:
        """Note up to how far above the liquidus cells may hold freezing tissue."""
        self.above_k = above_k
        self.on.tables.constants[lk.BRINK] = self.medium.constants[lk.LIQUIDUS_E] + above_k

    def _middles(self) -> Float32Array:
        """Return the state at the middles of the cells, padded."""
        found = np.empty_like(self.e)
        middle_kernels.middles(found.reshape(-1), self.e.reshape(-1), self.across, self.on.tables)
        return found

    def _celsius(self, e: Float32Array) -> Float32Array:
        """Return temperatures, degC, of the voxels for a padded field of states at the middles of cells, read-only."""
        inner = np.empty(tuple(n - 2 for n in e.shape), np.float32)
        law_kernels.celsius_everywhere(
            inner, e, self.on.width, self.on.fold, self.medium.constants.astype(np.float32), self.medium.colligative
        )
        if self.cells.count == math.prod(self.scene.box.cells_xyz):
            return read_only(inner)
        zero = np.float32(self.zero_c)
        held = tuple(wall.kind == "held" for wall in self.scene.walls)
        return read_only(self.cells.to_voxels(inner - zero, held) + zero)


def _apart(shape: tuple[int, ...], slot: int) -> Float32Array:
    """Return a field of zeros whose place in memory differs from other slots' by a part of a page.

    Large arrays all begin at the start of a page; eight of them read side by side would fight for the same lines of the
    nearest cache.
    """
    size = math.prod(shape)
    start = slot * _APART
    return np.zeros(size + start, np.float32)[start:].reshape(shape)
