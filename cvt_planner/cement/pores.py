"""The pores of the bone about a lesion, read from the CT."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.bone_share import bone_share
from cvt_planner.anatomy.lesion_shape import LesionShape
from cvt_planner.anatomy.raster import rasterise, shape_bounds_lps_mm
from cvt_planner.base.arrays import Float32Array, MaskArray
from cvt_planner.base.units import ml_from_mm3
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

_BONE_HU = (80.0, 700.0)  # denoised: below it disc, canal and muscle, above it cortex, which cement does not enter
_DENOISE_MM = 1.0
_LOOK_EVERY_MM = 2.0


@dataclass(frozen=True)
class HaloPores:
    """The cancellous bone around a lesion and the pores within it, mL."""

    bone_ml: float
    pores_ml: float


def pores_in_halos(
    volume: Volume, shape: LesionShape, halos_mm: tuple[float, ...], less_hu: float = 0.0
) -> tuple[HaloPores, ...]:
    """Return the cancellous bone within each halo about a lesion and its pores, mL, from the CT's HU less `less_hu`.

    Notes
    -----
    Bone share per voxel (`anatomy.bone_share`) after a Gaussian of 1 mm; voxels of 80 to 700
    HU count as cancellous. Looked at every 1 to 2 mm, so that the figure follows a lesion that is being dragged.
    Contrast medium, sclerosis beyond 700 HU and bone of a neighbouring vertebra across a thin disc are not told apart.
    Zero where the lesion lies outside the CT.
    """
    cut = _cut_about(volume, shape, max(halos_mm))
    if cut is None:
        return tuple(HaloPores(0.0, 0.0) for _ in halos_mm)
    hu, inside, grid = cut
    step = [max(int(_LOOK_EVERY_MM / spacing), 1) for spacing in grid.spacing_kji_mm]
    every = tuple(slice(None, None, n) for n in step)
    hu = ndimage.gaussian_filter(hu, _DENOISE_MM / grid.spacing_kji_mm, mode="nearest")[every] - np.float32(less_hu)
    inside = inside[every]
    voxel_ml = ml_from_mm3(grid.voxel_volume_mm3 * float(np.prod(step)))
    if not inside.any():
        return tuple(HaloPores(0.0, 0.0) for _ in halos_mm)
    spacing_mm = grid.spacing_kji_mm * step
    # From the middle of the nearest voxel inside; on balls the surface lies a quarter of a voxel nearer on average.
    away_mm = ndimage.distance_transform_edt(~inside, sampling=spacing_mm) - 0.25 * float(spacing_mm.mean())
    bone = ~inside & (hu >= _BONE_HU[0]) & (hu <= _BONE_HU[1])
    pores = 1.0 - bone_share(hu)
    halos = [bone & (away_mm <= halo_mm) for halo_mm in halos_mm]
    return tuple(HaloPores(float(halo.sum()) * voxel_ml, float(pores[halo].sum()) * voxel_ml) for halo in halos)


def _cut_about(volume: Volume, shape: LesionShape, halo_mm: float) -> tuple[Float32Array, MaskArray, Grid] | None:
    """Return HU and the lesion's mask in a box about lesion and halo; None where there is nothing of it in the CT."""
    low, high = shape_bounds_lps_mm(shape)
    corners = np.stack(np.meshgrid(*zip(low - halo_mm, high + halo_mm, strict=True), indexing="ij"), axis=-1)
    index = volume.grid.index_of(corners.reshape(-1, 3))
    first = np.maximum(np.floor(index.min(axis=0)).astype(int), 0)
    last = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 1, volume.grid.shape_kji)
    if np.any(last <= first):
        return None
    k, j, i = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    hu = np.maximum(volume.hu[k, j, i], -1024).astype(np.float32)
    grid = volume.grid.crop((k.start, j.start, i.start), (hu.shape[0], hu.shape[1], hu.shape[2]))
    return hu, rasterise(shape, grid), grid
