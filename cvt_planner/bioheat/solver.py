"""The ice of any number of probes over a protocol: transient bioheat (Pennes) with freezing, in three dimensions.

Heat content per volume on a rectilinear grid that is fine around the ice and coarse far away (`cells`, `fine_part`);
heat flows by the difference of the Kirchhoff variable (`law_kernels`), between different materials through both halves
in series (`medium`); super time steps (`stepping`); probes as line sinks with an effective radius, bone needles as rods
(`sinks`).

Not modelled: density change on freezing, flow in vessels other than as regions of fixed temperature, the metal of the
probe's own shaft.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cvt_planner.base.arrays import Float32Array, FloatArray, read_only
from cvt_planner.base.compiled import kernels_alone
from cvt_planner.base.progress import Progress
from cvt_planner.bioheat.law import HeatLaw
from cvt_planner.bioheat.run import Run
from cvt_planner.bioheat.scene import HeatBox, Phase, ProbeBody, Scene
from cvt_planner.bioheat.tissue import SOFT_TISSUE
from cvt_planner.geometry.frames import Grid


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The temperature of every voxel, degC, float32 [k, j, i], read-only, at one time from the start."""

    time_s: float
    temperature_c: Float32Array


@dataclass(frozen=True, eq=False)
class HeatResult:
    """What the solver found, with the scene that it was asked.

    Parameters
    ----------
    scene
        The inputs.
    snapshots
        One per report time, in rising order.
    coldest_c
        [k, j, i] float32, the lowest temperature of each voxel over the whole protocol, degC, read-only.
    cells, solved_cells, steps, stages
        Voxels of the box, most cells that were solved, super steps, and evaluations of the heat flow in all of them
        together.
    wall_s
        Time taken, compiling left out.
    energy_imbalance
        |change of heat content + probe heat - wall heat - blood heat| / |probe heat|.
    probe_heat_j
        Heat drawn by each probe over the protocol.
    wall_heat_j, blood_heat_j
        Heat taken in through the walls of the box and from held regions; brought by blood and metabolism.
    probe_power_w
        Mean power drawn by each probe over the last step before each snapshot, (snapshots, probes).
    """

    scene: Scene
    snapshots: tuple[Snapshot, ...]
    coldest_c: Float32Array
    cells: int
    solved_cells: int
    steps: int
    stages: int
    wall_s: float
    energy_imbalance: float
    probe_heat_j: tuple[float, ...]
    wall_heat_j: float
    blood_heat_j: float
    probe_power_w: FloatArray

    @property
    def grid(self) -> Grid:
        """Return where the voxels of snapshots lie, LPS mm."""
        return self.scene.box.grid

    def smooth(self, temperature_c: Float32Array, iso_c: float) -> tuple[FloatArray, float]:
        """Return a field and a level whose isotherm lies nearer the truth than that of the temperature itself.

        The Kirchhoff variable is smooth at the freezing front, where the temperature has a kink that interpolation
        between voxels rounds off by about a tenth of the spacing. The functions of `isotherms` take both as they are.
        """
        law = HeatLaw(self.scene.material, self.scene.initial_c)
        return law.theta_of(temperature_c), float(law.theta_of(iso_c))


def simulate(scene: Scene, progress: Progress | None = None, only_end: bool = False) -> HeatResult:
    """Return the temperatures that a scene leads to.

    Parameters
    ----------
    scene
        Box, tissue, probes, protocol.
    progress
        Told the fraction of the protocol that is done, once per step (several times a second); may stop the work.
    only_end
        Whether nothing but the temperatures at the end of the protocol is wanted: steps long before it may then be much
        longer, unless there is blood. The coldest temperatures, and snapshots before the end, are rough.

    Raises
    ------
    Cancelled
        When `progress` was asked to stop.

    Notes
    -----
    Against exact solutions isotherms are within about 0.2 mm on a 1 mm grid; see the validation document. Tissue
    properties are uncertain by far more than that.
    """
    warm_up()
    return _simulate(scene, progress or Progress(), only_end)


_WARM = threading.Event()


def warm_up() -> None:
    """Compile the solver's kernels, or load them from their cache; returns at once when that has been done."""
    if _WARM.is_set():
        return
    with kernels_alone():
        probe = ProbeBody((0.0, 0.0, -1.0), (0.0, 0.0, 1.0), 2.0, 1.5, -50.0)
        phases = (Phase("freeze", 2.0), Phase("thaw", 1.0))
        _simulate(Scene(HeatBox((8.0, 8.0, 8.0)), SOFT_TISSUE, (probe,), phases), Progress(), False)
    _WARM.set()


def _simulate(scene: Scene, progress: Progress, only_end: bool) -> HeatResult:
    started = time.perf_counter()
    run = Run(scene, only_end)
    phase_start = 0.0
    snapshots: list[Snapshot] = []
    powers: list[FloatArray] = []
    reports = list(scene.report_at_s)
    if reports[0] <= 0.0:
        snapshots.append(Snapshot(reports.pop(0), run.now_c()))
        powers.append(np.zeros(len(scene.probes)))
    for phase in scene.protocol:
        phase_end = phase_start + phase.seconds
        changes = {0.0} | {p.start_delay_s for p in scene.probes if phase.kind == "freeze"}
        inner = {t - phase_start for t in reports if phase_start < t < phase_end - 1e-6}
        times = sorted({t for t in changes | inner if t < phase.seconds} | {phase.seconds})
        changed = 0.0
        for t0, t1 in pairwise(times):
            if t0 in changes:
                run.begin(phase, t0)
                changed = t0
            run.advance(t0, t1, changed, progress, phase_start)
            if reports and abs(reports[0] - (phase_start + t1)) <= 1e-6:
                snapshots.append(Snapshot(reports.pop(0), run.now_c()))
                powers.append(run.power_w.copy())
        phase_start = phase_end
    return _result(run, tuple(snapshots), np.array(powers), started)


def _result(run: Run, snapshots: tuple[Snapshot, ...], powers: FloatArray, started: float) -> HeatResult:
    change_j = run.heat_j() - run.heat_at_start_j
    probe_j = run.ledger[:-2]
    drawn_j, wall_j, blood_j = float(probe_j.sum()), float(run.ledger[-2]), float(run.ledger[-1])
    coldest = run.coldest_c()
    if snapshots:  # far from the ice, cells were wider then, and read a little differently
        coldest = np.minimum.reduce([coldest, *(shot.temperature_c for shot in snapshots)])
    scale = abs(drawn_j) or max(abs(change_j), abs(wall_j), 1e-12)  # without probes: what came through the walls
    return HeatResult(
        scene=run.scene,
        snapshots=snapshots,
        coldest_c=read_only(coldest),
        cells=math.prod(run.scene.box.cells_xyz),
        solved_cells=run.most_cells,
        steps=run.steps,
        stages=run.stages,
        wall_s=time.perf_counter() - started,
        energy_imbalance=abs(change_j + drawn_j - wall_j - blood_j) / scale,
        probe_heat_j=tuple(float(q) for q in probe_j),
        wall_heat_j=wall_j,
        blood_heat_j=blood_j,
        probe_power_w=powers,
    )
