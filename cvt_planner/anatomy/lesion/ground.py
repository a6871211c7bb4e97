"""The ground a lesion is looked for in: the CT about a seed, what of it may be lesion, and how normal bone looks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cvt_planner.anatomy.morphology import ball_offsets, bounding_box, dilated_within, eroded
from cvt_planner.anatomy.neighbourhood import DENOISE_SIGMA_MM, index_kji
from cvt_planner.anatomy.spine.model import Part, Spine, Vertebra
from cvt_planner.base.arrays import Float32Array, LabelArray, MaskArray, Points, Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

Indices = NDArray[np.int64]
REACH_MM = 28.0  # a lesion is looked for within this of the seed
COARSEST_FINE_MM = 0.65  # finer voxels are taken together in twos, threes, ... until they are this large
_NEAR_VERTEBRA_MM = 8.0  # a seed beside a vertebra by no more than this belongs to it
_INNER_MM = 3.5  # spongy bone lies so deep below the surface, clear of the cortex and its blur
_HULL_GAP_MM = 4.0  # without a spine: gaps in bone narrower than twice this are closed before its inside is taken
_LARGEST_MM = 75.0  # no vertebra reaches farther from the middle of its body
_ROOM_MM = 7.0  # about a vertebra, for what of a lesion lies beyond its bone


@dataclass(frozen=True, eq=False)
class Ground:
    """The CT about a seed, denoised, on a grid of its own.

    Parameters
    ----------
    hu
        (k, j, i) denoised HU.
    may_be
        Where lesion may lie.
    depth_mm
        Below the surface of the bone; 0 outside.
    factor_kji
        How many of the CT's voxels, along each axis, one voxel here takes together.
    first_kji
        The CT's voxel in the corner.
    vertebra
        Whose ground this is; None without a spine.
    """

    hu: Float32Array = field(repr=False)
    grid: Grid = field(repr=False)
    may_be: MaskArray = field(repr=False)
    depth_mm: Float32Array = field(repr=False)
    factor_kji: tuple[int, int, int]
    first_kji: tuple[int, int, int]
    seed_kji: tuple[int, int, int]
    distance_mm: Float32Array = field(repr=False)
    vertebra: Vertebra | None = None


@dataclass(frozen=True)
class NormalBone:
    """HU of spongy bone without lesion, denoised: its middle and its spread (robust standard deviation)."""

    hu: float
    spread_hu: float
    vertebrae: int = 0  # how many it was read from; 0: from the lesion's surroundings alone


def ground_at(volume: Volume, seed_lps_mm: Vec3, spine: Spine | None, reach_mm: float = REACH_MM) -> Ground:
    """Return the ground about a seed.

    Raises
    ------
    InputRefused
        If the seed lies outside the CT.
    """
    seed = np.array(seed_lps_mm, dtype=np.float64)
    if not np.all(np.isfinite(seed)) or not volume.grid.contains(seed):
        raise InputRefused("This point lies outside the CT. Click inside the lesion.")
    spacing = volume.grid.spacing_kji_mm
    vertebra = None if spine is None else nearest_vertebra(spine, seed_lps_mm)
    centre = volume.grid.index_of(seed)
    reach = reach_mm * np.linalg.norm(volume.grid.index_from_lps[:3, :3], axis=1) + 1.0
    low = np.maximum(np.floor(centre - reach).astype(int), 0)
    high = np.minimum(np.ceil(centre + reach).astype(int) + 1, np.array(volume.grid.shape_kji))
    if spine is not None and vertebra is not None:
        first, last = _bounds_in(volume.grid, spine, vertebra)
        low, high = np.maximum(low, np.minimum(first, np.floor(centre))), np.minimum(high, last)
        low, high = low.astype(int), np.maximum(high, centre + 2).astype(int)
        high = np.minimum(high, np.array(volume.grid.shape_kji))
    factor = np.maximum(np.ceil(COARSEST_FINE_MM / spacing - 1e-6).astype(int), 1)
    high = low + np.maximum((high - low) // factor, 1) * factor
    high = np.where(high > volume.grid.shape_kji, low + 1, high)
    hu, grid = _taken_together(volume, low, high, factor)
    steps = grid.spacing_kji_mm
    hu = ndimage.gaussian_filter(hu, DENOISE_SIGMA_MM / steps, mode="nearest", truncate=3.0)
    places = np.clip(np.rint(grid.index_of(seed)).astype(int), 0, np.array(hu.shape) - 1)
    distance = _distance_mm(grid, seed)
    if spine is None or vertebra is None:
        bone = _hull(hu, grid)
        depth = _depth_mm(bone, grid)
        may_be = distance <= reach_mm
    else:
        bone = labels_on(spine, spine.vertebrae, grid) == vertebra.number
        depth = _depth_mm(bone, grid)
        may_be = bone & (distance <= reach_mm)
    return Ground(
        hu, grid, may_be, depth, index_kji(factor), index_kji(low), index_kji(places), distance, vertebra
    )  # fmt: skip


def _bounds_in(grid: Grid, spine: Spine, vertebra: Vertebra) -> tuple[Points, Points]:
    """Return the box of a vertebra, and room beyond it, in another grid's indices (low, high)."""
    at = np.clip(np.rint(spine.grid.index_of(np.array(vertebra.centre_lps_mm))).astype(int), 0, None)
    reach = _LARGEST_MM * np.linalg.norm(spine.grid.index_from_lps[:3, :3], axis=1)
    low = np.maximum(np.floor(at - reach).astype(int), 0)
    high = np.minimum(np.ceil(at + reach).astype(int) + 1, np.array(spine.grid.shape_kji))
    own = spine.vertebrae[low[0] : high[0], low[1] : high[1], low[2] : high[2]] == vertebra.number
    if not own.any():
        return low.astype(float), high.astype(float)
    box = bounding_box(own, 0)
    first, last = (np.array([getattr(s, end) for s in box]) + low for end in ("start", "stop"))
    ends = np.stack(np.meshgrid(*zip(first - 0.5, last - 0.5, strict=True), indexing="ij"), axis=-1).reshape(-1, 3)
    index = grid.index_of(spine.grid.lps_of(ends))
    room = _ROOM_MM / grid.spacing_kji_mm
    return np.floor(index.min(axis=0) - room), np.ceil(index.max(axis=0) + room)


def nearest_vertebra(spine: Spine, lps_mm: Vec3) -> Vertebra | None:
    """Return the vertebra that holds a point, or that lies within 8 mm of it; None where there is none."""
    inside = spine.vertebra_at(lps_mm)
    if inside is not None:
        return inside
    index = spine.grid.index_of(np.array(lps_mm))
    reach = _NEAR_VERTEBRA_MM * np.linalg.norm(spine.grid.index_from_lps[:3, :3], axis=1)
    low = np.maximum(np.floor(index - reach).astype(int), 0)
    high = np.minimum(np.ceil(index + reach).astype(int) + 1, np.array(spine.grid.shape_kji))
    if np.any(high <= low):
        return None
    found = spine.vertebrae[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    voxels = np.argwhere(found > 0)
    if len(voxels) == 0:
        return None
    away = np.linalg.norm(spine.grid.lps_of((voxels + low).astype(np.float64)) - np.array(lps_mm), axis=1)
    nearest = int(np.argmin(away))
    if away[nearest] > _NEAR_VERTEBRA_MM:
        return None
    return spine.found[int(found[tuple(voxels[nearest])]) - 1]


def labels_on(spine: Spine, labels: LabelArray, grid: Grid) -> LabelArray:
    """Return a label array of the spine on another grid, the nearest voxel's value; 0 outside the spine's box."""
    affine = spine.grid.index_from_lps @ grid.lps_from_index
    off = affine[:3, :3] - np.diag(np.diag(affine[:3, :3]))
    if np.abs(off).max() * max(grid.shape_kji) > 0.25:
        index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij"), axis=-1)
        at = np.rint(spine.grid.index_of(grid.lps_of(index.astype(np.float64)))).astype(int)
        inside = np.all((at >= 0) & (at < np.array(labels.shape)), axis=-1)
        out = np.zeros(grid.shape_kji, dtype=np.uint8)
        out[inside] = labels[tuple(at[inside].T)]
        return out
    # Both grids run the same way: along each axis one list of places says it all.
    along = [np.rint(affine[a, a] * np.arange(grid.shape_kji[a]) + affine[a, 3]).astype(int) for a in range(3)]
    out = labels[np.ix_(*(np.clip(places, 0, labels.shape[a] - 1) for a, places in enumerate(along)))]
    for axis, places in enumerate(along):
        beyond = (places < 0) | (places >= labels.shape[axis])
        if beyond.any():
            out[tuple(beyond if a == axis else slice(None) for a in range(3))] = 0
    return out


def normal_bone(volume: Volume, spine: Spine, vertebra: Vertebra) -> NormalBone | None:
    """Return how spongy bone looks in the bodies of a vertebra and its neighbours; None where too little is seen.

    The middle of the bodies' medians: a lesion in one of three does not shift it. The spread is the smallest one.
    """
    medians, spreads = [], []
    for other in spine.found:
        if abs(other.number - vertebra.number) > 1:
            continue
        values = _spongy_hu(volume, spine, other)
        if values.size >= 200:
            middle = float(np.median(values))
            medians.append(middle)
            spreads.append(1.4826 * float(np.median(np.abs(values - middle))))
    if not medians:
        return None
    return NormalBone(float(np.median(medians)), max(min(spreads), 8.0), len(medians))


def _spongy_hu(volume: Volume, spine: Spine, vertebra: Vertebra) -> Float32Array:
    """Return the denoised HU deep inside a vertebral body, read in a box about its middle."""
    half = np.array([vertebra.height_mm, vertebra.depth_mm, vertebra.width_mm]) / 2.0 + 2.0
    half = np.where(half > 3.0, half, 14.0)
    centre = volume.grid.index_of(np.array(vertebra.centre_lps_mm))
    reach = half.max() * np.linalg.norm(volume.grid.index_from_lps[:3, :3], axis=1)
    low = np.maximum(np.floor(centre - reach).astype(int), 0)
    high = np.minimum(np.ceil(centre + reach).astype(int) + 1, np.array(volume.grid.shape_kji))
    factor = np.maximum(np.ceil(COARSEST_FINE_MM / volume.grid.spacing_kji_mm - 1e-6).astype(int), 1)
    high = low + ((high - low) // factor) * factor
    if np.any(high <= low):
        return np.zeros(0, dtype=np.float32)
    hu, grid = _taken_together(volume, low, high, factor)
    hu = ndimage.gaussian_filter(hu, DENOISE_SIGMA_MM / grid.spacing_kji_mm, mode="nearest", truncate=3.0)
    body = labels_on(spine, spine.vertebrae, grid) == vertebra.number
    body &= labels_on(spine, spine.parts, grid) == Part.BODY
    inner = ndimage.distance_transform_edt(body, sampling=grid.spacing_kji_mm) >= _INNER_MM
    return np.asarray(hu[inner])


def _taken_together(volume: Volume, low: Indices, high: Indices, factor: Indices) -> tuple[Float32Array, Grid]:
    """Return the mean HU of blocks of voxels in a box, and the blocks' grid."""
    box = volume.hu[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    hu = np.maximum(box, -1024).astype(np.float32)  # padding far below air would bleed through the blur
    shape = index_kji((high - low) // factor)
    a, b, c = index_kji(factor)
    if a * b * c > 1:
        hu = hu.reshape(shape[0], a, shape[1], b, shape[2], c).mean(axis=(1, 3, 5))
    affine = volume.grid.lps_from_index.copy()
    affine[:3, 3] = volume.grid.lps_of(low + (factor - 1) / 2.0)
    affine[:3, :3] = affine[:3, :3] * factor
    return hu, Grid(shape, affine, volume.grid.frame_of_reference_uid)


def _distance_mm(grid: Grid, seed: Points) -> Float32Array:
    offset = grid.lps_of(np.zeros(3)) - seed
    total = np.zeros(grid.shape_kji, dtype=np.float32)
    for axis in range(3):
        k, j, i = ((grid.lps_from_index[axis, n] * np.arange(grid.shape_kji[n])).astype(np.float32) for n in range(3))
        along = k[:, None, None] + j[None, :, None] + i[None, None, :] + np.float32(offset[axis])
        total += along * along
    return np.asarray(np.sqrt(total))


def _depth_mm(bone: MaskArray, grid: Grid) -> Float32Array:
    """Return the depth below the bone's surface, which runs half a voxel outside the outermost voxels' middles."""
    padded = np.pad(bone, 1, mode="edge")
    depth = ndimage.distance_transform_edt(padded, sampling=grid.spacing_kji_mm)[1:-1, 1:-1, 1:-1]
    return np.asarray(np.where(bone, depth - 0.5 * float(grid.spacing_kji_mm.min()), 0.0), dtype=np.float32)


def _hull(hu: Float32Array, grid: Grid) -> MaskArray:
    """Return bone with what it encloses: bright voxels closed by a ball and filled."""
    bright = hu >= 130.0  # spongy bone and cortex of most patients; assumed
    ball = ball_offsets(_HULL_GAP_MM, grid.spacing_kji_mm)
    grown = dilated_within(bright, ball, np.ones_like(bright))
    closed = eroded(grown, ball)
    return np.asarray(ndimage.binary_fill_holes(closed))
