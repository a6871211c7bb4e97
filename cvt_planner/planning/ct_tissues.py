"""The tissues of the plan's own CT around a lesion's probes: HU, bone, lesions and canal on the solver's grid."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from cvt_planner.anatomy.bone_inside import bone_with_marrow
from cvt_planner.anatomy.canal_inside import rasterise_canal
from cvt_planner.anatomy.lesion_shape import LesionShape
from cvt_planner.anatomy.raster import rasterise
from cvt_planner.base.arrays import Float32Array, MaskArray
from cvt_planner.bioheat.ct_tissue import Extreme, tissue_of_ct
from cvt_planner.bioheat.scene import HeatBox
from cvt_planner.bioheat.tissue_map import TissueMap
from cvt_planner.geometry.frames import Grid
from cvt_planner.geometry.sampling import sample_hu
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.model import CanalMark, Plan

_VERSION = "1"  # of the way from HU to tissues
_SAMPLE_MM = 0.5  # HU are averaged over a voxel from points so far apart


@dataclass(frozen=True, eq=False)
class CtTissues:
    """What the tissues are taken from: a CT, and the lesions and canal marked in it."""

    volume: Volume
    lesions: tuple[LesionShape, ...]
    canals: tuple[CanalMark, ...]

    @property
    def key(self) -> str:
        """Return what tells these marks from others."""
        return _key(self.lesions, self.canals)

    def on(self, box: HeatBox) -> dict[Extreme, TissueMap]:
        """Return both maps of a box."""
        hu, bone, lesion, canal = self.classes(box.grid)
        return {extreme: tissue_of_ct(hu, bone, lesion, canal, extreme) for extreme in Extreme}

    def classes(self, grid: Grid) -> tuple[Float32Array, MaskArray, MaskArray, MaskArray]:
        """Return HU (NaN beyond the CT), bone, lesions and canal on a grid whose axes run along LPS, [k, j, i]."""
        hu = _averaged_hu(self.volume, grid)
        canal = rasterise_canal([(c.centre_lps_mm, c.wall_lps_mm) for c in self.canals], grid)
        lesion = np.zeros(grid.shape_kji, np.bool_)
        for shape in self.lesions:
            lesion |= rasterise(shape, grid)
        return hu, bone_with_marrow(hu, grid.spacing_kji_mm) & ~canal, lesion & ~canal, canal


def ct_tissues(plan: Plan, volume: Volume) -> CtTissues:
    """Return the tissues of a plan's CT."""
    return CtTissues(volume, *_marks(plan))


def marks_key(plan: Plan) -> str:
    """Return what tells the marks of a plan that its tissues depend on from others, whatever the CT."""
    return _key(*_marks(plan))


def _marks(plan: Plan) -> tuple[tuple[LesionShape, ...], tuple[CanalMark, ...]]:
    canals = tuple(mark.canal for mark in plan.levels if mark.canal is not None)
    return tuple(lesion.shape for lesion in plan.lesions), canals


def _key(lesions: tuple[LesionShape, ...], canals: tuple[CanalMark, ...]) -> str:
    # A grown region is known by its digest, which its repr holds.
    return hashlib.sha256(repr((_VERSION, lesions, canals)).encode()).hexdigest()[:32]


def _averaged_hu(volume: Volume, grid: Grid) -> Float32Array:
    """Return the mean HU of each voxel of a grid; NaN where it reaches beyond the CT."""
    index = np.stack(np.meshgrid(*(np.arange(float(n)) for n in grid.shape_kji), indexing="ij"), axis=-1)
    counts = [max(math.ceil(spacing / _SAMPLE_MM - 1e-6), 1) for spacing in grid.spacing_kji_mm]
    shifts = [(np.arange(n) + 0.5) / n - 0.5 for n in counts]
    total = np.zeros(grid.shape_kji)
    for shift in product(*shifts):
        total += sample_hu(volume, grid.lps_of(index + np.array(shift)), fill=np.nan)
    return np.asarray(total / math.prod(counts), np.float32)
