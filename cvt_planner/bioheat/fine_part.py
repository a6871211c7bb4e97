"""Where the cells are single voxels: around the probes at first, and farther out as the cold comes near."""

from __future__ import annotations

import numpy as np

from cvt_planner.base.arrays import Float32Array
from cvt_planner.base.units import MM_PER_M
from cvt_planner.bioheat.cells import Cells, shell_axis, slab_axis
from cvt_planner.bioheat.scene import HeatBox, Scene, Shells
from cvt_planner.bioheat.super_step import edge_changes

START_MM = 12.0  # around the active zones
START_VOXELS = 8  # at least, so that coarse grids, on which one costs more than some steps, seldom change their cells
STEP_MM = 3.0  # by how much it grows
STEP_VOXELS = 3
INSIDE_CELLS = 2  # how far inside its edge it is watched
WATCHED = 0.85  # it grows when the edge has gone this part of the way to freezing; by trial
TOGETHER = 0.6  # faces that are this part as far along grow with the one that must


class FinePart:
    """The fine part of a scene's box; everything where there are no probes, or what is sharp may be anywhere."""

    def __init__(self, scene: Scene) -> None:
        self.box = scene.box
        self.voxels = np.array(scene.box.cells_xyz)
        self.low, self.high = np.zeros(3, np.int64), self.voxels.copy()
        self.may_grow = False
        self.edges = np.full(6, -1, np.int64)
        self.watched_k = WATCHED * (scene.initial_c - scene.material.t_liquidus_c)
        even_walls = all(w.temperature_c in (None, scene.initial_c) for w in scene.walls)
        if isinstance(self.box, HeatBox) and scene.probes and self.watched_k > 0.0 and even_walls:
            spacing = self.box.spacing_xyz_mm
            ends = np.array([end for probe in scene.probes for end in probe.zone_lps_mm]) - self.box.low_lps_mm
            around = np.maximum(START_MM, START_VOXELS * spacing)
            self.low = np.floor((ends.min(axis=0) - around) / spacing).astype(np.int64)
            self.high = np.ceil((ends.max(axis=0) + around) / spacing).astype(np.int64)
            self.step = np.maximum(np.ceil(STEP_MM / spacing), STEP_VOXELS).astype(np.int64)
            self._clip()

    def _clip(self) -> None:
        self.low, self.high = np.maximum(self.low, 0), np.minimum(self.high, self.voxels)
        self.may_grow = bool((self.low > 0).any() or (self.high < self.voxels).any())

    def cells(self) -> Cells:
        """Return the cells."""
        box = self.box
        if isinstance(box, Shells):
            step = box.spacing_xyz_mm[0] / MM_PER_M
            one = slab_axis(1, 1.0, 0, 1)
            return Cells(shell_axis(box.kind, box.inner_mm / MM_PER_M, box.cells_xyz[0], step), one, one)
        axes = zip(box.cells_xyz, box.spacing_xyz_mm / MM_PER_M, self.low, self.high, strict=True)
        x, y, z = (slab_axis(n, float(h), int(low), int(high)) for n, h, low, high in axes)
        self.edges = np.full(6, -1, np.int64)  # padded planes to watch: low and high x, y, z; -1 for none
        for n, axis in enumerate((x, y, z)):
            if self.low[n] > 0:
                self.edges[2 * n] = np.searchsorted(axis.first, self.low[n]) + INSIDE_CELLS + 1
            if self.high[n] < self.voxels[n]:
                self.edges[2 * n + 1] = np.searchsorted(axis.first, self.high[n]) - INSIDE_CELLS
        return Cells(x, y, z)

    def grown(self, e: Float32Array) -> Cells | None:
        """Return the next cells when the cold has come near the edge; None while it has not. `e` is padded."""
        if not self.may_grow:
            return None
        change = edge_changes(e, self.edges).reshape(3, 2).T
        if change.max() < self.watched_k:
            return None
        grow = change >= TOGETHER * self.watched_k
        self.low = self.low - np.where(grow[0], self.step, 0)
        self.high = self.high + np.where(grow[1], self.step, 0)
        self._clip()
        return self.cells()
