"""The denoised CT about a seed, and the connected part of a mask in it that holds the seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cvt_planner.anatomy.morphology import ball_offsets, bounding_box, dilated_within, eroded, flooded
from cvt_planner.base.arrays import Float32Array, FloatArray, MaskArray, Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

# Noise of a 1 mm bone CT falls to about a third under this blur, while a ball of 8 mm radius loses 0.06 mm; assumed.
DENOISE_SIGMA_MM = 0.7
LARGEST_RADIUS_MM = 60.0
_SEED_REACH_MM = 2.0  # a seed that misses the band by so little still counts as inside
# Radii of the opening: the first that leaves something at the seed is taken; assumed. On phantoms 1.5 mm keeps marrow
# spaces next to a lysis out and costs a ball of 5 mm radius 4 % of its voxels.
_OPENING_MM = (1.5, 0.75, 0.0)


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """The denoised CT about a seed: (k, j, i) HU, its grid, its corner in the CT, distances from the seed, mm."""

    hu: Float32Array
    grid: Grid
    distance_mm: Float32Array
    seed_kji: tuple[int, int, int]


def neighbourhood(volume: Volume, seed_lps_mm: Vec3, radius_mm: float, smooth: bool = True) -> Neighbourhood:
    """Return the CT within a box about a seed, denoised by a small Gaussian unless `smooth` is false.

    Raises
    ------
    InputRefused
        If the seed lies outside the CT or the radius is not within 1 to 60 mm.
    """
    seed = np.array(seed_lps_mm, dtype=np.float64)
    if not np.all(np.isfinite(seed)) or not volume.grid.contains(seed):
        raise InputRefused("The lesion's seed lies outside the CT. Click inside the lesion.")
    if not 1.0 <= radius_mm <= LARGEST_RADIUS_MM:
        raise InputRefused(f"A lesion grows within 1 to {LARGEST_RADIUS_MM:g} mm of its seed, not {radius_mm:g} mm.")
    spacing = volume.grid.spacing_kji_mm
    shape = np.array(volume.grid.shape_kji)
    centre = volume.grid.index_of(seed)
    # The rows of the inverse say how far an index runs in a sphere, also on an oblique grid.
    reach = radius_mm * np.linalg.norm(volume.grid.index_from_lps[:3, :3], axis=1) + 2.0
    low = np.maximum(np.floor(centre - reach).astype(int), 0)
    high = np.minimum(np.ceil(centre + reach).astype(int) + 1, shape)
    box = volume.hu[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    # Padding far below air would bleed through the blur into the body's edge.
    hu = np.maximum(box, -1024).astype(np.float32)
    if smooth:
        hu = ndimage.gaussian_filter(hu, DENOISE_SIGMA_MM / spacing, mode="nearest", truncate=3.0)
    grid = volume.grid.crop(index_kji(low), index_kji(high - low))
    return Neighbourhood(hu, grid, _distances_mm(grid, seed), index_kji(np.round(centre - low).astype(int)))


def index_kji(values: NDArray[Any]) -> tuple[int, int, int]:
    """Return three plain integers."""
    k, j, i = (int(v) for v in values)
    return (k, j, i)


def _distances_mm(grid: Grid, seed: FloatArray) -> Float32Array:
    affine = grid.lps_from_index
    square = np.zeros(grid.shape_kji, dtype=np.float32)
    for axis in range(3):
        k, j, i = (
            (affine[axis, n] * np.arange(grid.shape_kji[n], dtype=np.float64)).astype(np.float32) for n in range(3)
        )
        along = k[:, None, None] + j[None, :, None] + i[None, None, :] + np.float32(affine[axis, 3] - seed[axis])
        square += along * along
    return np.asarray(np.sqrt(square))


def connected_part(candidates: MaskArray, around: Neighbourhood) -> MaskArray | None:
    """Return the part of a mask that holds the seed, opened by a ball and filled; None where there is none.

    What hangs on it by a neck thinner than the ball (marrow spaces, veins, gaps in the cortex) is left out. Where
    voxels are larger than the ball the opening does nothing along them.
    """
    for radius_mm in _OPENING_MM:
        ball = ball_offsets(radius_mm, around.grid.spacing_kji_mm)
        part = _part_at_seed(eroded(candidates, ball), around)
        if part is not None:
            return _filled(dilated_within(part, ball, candidates))
    return None


def _part_at_seed(mask: MaskArray, around: Neighbourhood) -> MaskArray | None:
    reach = _SEED_REACH_MM + float(around.grid.spacing_kji_mm.max()) / 2.0
    near = np.flatnonzero(mask & (around.distance_mm <= reach))
    if near.size == 0:
        return None
    nearest = near[int(np.argmin(around.distance_mm.ravel()[near]))]
    return flooded(mask, index_kji(np.array(np.unravel_index(nearest, mask.shape))))


def _filled(mask: MaskArray) -> MaskArray:
    box = bounding_box(mask, 1)
    mask[box] = ndimage.binary_fill_holes(mask[box])
    return mask
