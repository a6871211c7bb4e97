"""The ground a lesion is looked for in: the CT about a seed, and what of it may be lesion."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from cvt_planner.anatomy.lesion.box import bounds_in, depth_below_mm, labels_on, taken_together
from cvt_planner.anatomy.morphology import ball_offsets, bounding_box, depth_of, dilated_within, eroded
from cvt_planner.anatomy.neighbourhood import DENOISE_SIGMA_MM, index_kji
from cvt_planner.anatomy.spine.model import Part, Spine, Vertebra
from cvt_planner.base.arrays import Float32Array, MaskArray, Points, Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

Box = tuple[slice, slice, slice]
REACH_MM = 28.0  # a lesion is looked for within this of the seed
COARSEST_FINE_MM = 0.65  # finer voxels are taken together in twos, threes, ... until they are this large
_NEAR_VERTEBRA_MM = 8.0  # a seed beside a vertebra by no more than this belongs to it
_HULL_GAP_MM = 4.0  # without a spine: gaps in bone narrower than twice this are closed before its inside is taken
_RIM_MM = 1.8  # so far the two sides of a vertebra differ by themselves; assumed
# The canal is as wide as usual about two levels to both sides; a lesion seldom widens it over half of that. Assumed.
_CANAL_ABOUT_MM, _SECTION_MM, _LEAST_SECTIONS = 45.0, 3.0, 8
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
    body, eaten
        Where its body is, and bone that its other side has and it lacks; None without a spine.
    raw_hu, above_hu
        HU before that brightness was taken off which bone so deep has in the neighbours, and that brightness; None
        where nothing was taken off.
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
    body: MaskArray | None = field(default=None, repr=False)
    eaten: MaskArray | None = field(default=None, repr=False)
    raw_hu: Float32Array | None = field(default=None, repr=False)
    above_hu: Float32Array | None = field(default=None, repr=False)

    def within(self, box: Box) -> Ground:
        """Return a part of the ground, its arrays shared."""
        start = np.array([part.start for part in box])
        hu = self.hu[box]
        return replace(
            self,
            hu=hu,
            grid=self.grid.crop(index_kji(start), index_kji(np.array(hu.shape))),
            may_be=self.may_be[box],
            depth_mm=self.depth_mm[box],
            distance_mm=self.distance_mm[box],
            first_kji=index_kji(np.array(self.first_kji) + start * np.array(self.factor_kji)),
            seed_kji=index_kji(np.array(self.seed_kji) - start),
            body=None if self.body is None else self.body[box],
            eaten=None if self.eaten is None else self.eaten[box],
            raw_hu=None if self.raw_hu is None else self.raw_hu[box],
            above_hu=None if self.above_hu is None else self.above_hu[box],
        )


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
        first, last = bounds_in(volume.grid, spine, vertebra, _ROOM_MM)
        low, high = np.maximum(low, np.minimum(first, np.floor(centre))), np.minimum(high, last)
        low, high = low.astype(int), np.maximum(high, centre + 2).astype(int)
        high = np.minimum(high, np.array(volume.grid.shape_kji))
    factor = np.maximum(np.ceil(COARSEST_FINE_MM / spacing - 1e-6).astype(int), 1)
    high = low + np.maximum((high - low) // factor, 1) * factor
    high = np.where(high > volume.grid.shape_kji, low + 1, high)
    hu, grid = taken_together(volume, low, high, factor)
    steps = grid.spacing_kji_mm
    hu = ndimage.gaussian_filter(hu, DENOISE_SIGMA_MM / steps, mode="nearest", truncate=3.0)
    places = np.clip(np.rint(grid.index_of(seed)).astype(int), 0, np.array(hu.shape) - 1)
    distance = _distance_mm(grid, seed)
    if spine is None or vertebra is None:
        bone, body, eaten = _hull(hu, grid), None, None
        depth = depth_below_mm(bone, grid.spacing_kji_mm)
        may_be = distance <= reach_mm
    else:
        labels, parts = labels_on(spine, spine.vertebrae, grid), labels_on(spine, spine.parts, grid)
        bone = labels == vertebra.number
        taken = (labels > 0) | (parts == Part.DISC) | _surely_canal(parts == Part.CANAL, spine, vertebra, grid)
        eaten = _eaten(bone, taken, spine, vertebra, grid)
        bone |= eaten
        body = bone & (parts == Part.BODY)
        depth = depth_below_mm(bone, grid.spacing_kji_mm)
        may_be = bone & (distance <= reach_mm)
    return Ground(
        hu, grid, may_be, depth, index_kji(factor), index_kji(low), index_kji(places), distance, vertebra, body, eaten
    )  # fmt: skip


def _surely_canal(canal: MaskArray, spine: Spine, vertebra: Vertebra, grid: Grid) -> MaskArray:
    """Return the part of the canal's label that is no wider than the canal usually is hereabouts.

    Farther aside it may have run into an eaten pedicle. All of it, where too little of the canal is in view to tell.
    However a vertebra is turned, no more is given away: what its other side has is mirrored about an axis that may be
    off.
    """
    line, left = np.asarray(spine.canal_lps_mm), np.array(vertebra.left)
    whole = spine.grid.lps_of(2.0 * np.argwhere(spine.parts[::2, ::2, ::2] == Part.CANAL).astype(np.float64))
    along = (whole - np.array(vertebra.centre_lps_mm)) @ np.array(vertebra.up)
    whole, along = whole[np.abs(along) < _CANAL_ABOUT_MM], along[np.abs(along) < _CANAL_ABOUT_MM]
    sections, owner = np.unique(np.rint(along / _SECTION_MM), return_inverse=True)
    if len(line) == 0 or len(sections) < _LEAST_SECTIONS:
        return canal
    tree = cKDTree(line)
    aside = np.abs((whole - line[tree.query(whole)[1]]) @ left)
    widest = np.zeros(len(sections))
    np.maximum.at(widest, owner, aside)
    index = np.argwhere(canal)
    places = grid.lps_of(index.astype(np.float64))
    far = np.abs((places - line[tree.query(places)[1]]) @ left) > float(np.median(widest))
    sure = canal.copy()
    sure[tuple(index[far].T)] = False
    return sure


def _eaten(bone: MaskArray, taken: MaskArray, spine: Spine, vertebra: Vertebra, grid: Grid) -> MaskArray:
    """Return where bone of a vertebra is missing that its other side has: eaten, since body and pedicles are alike."""
    first, last = bounds_in(spine.grid, spine, vertebra, 1.0)
    low = np.maximum(first.astype(int), 0)
    high = np.minimum(last.astype(int), np.array(spine.grid.shape_kji))
    own = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    sides = (Part.BODY, Part.LEFT_PEDICLE, Part.RIGHT_PEDICLE, Part.POSTERIOR)
    known = (spine.vertebrae[own] == vertebra.number) & np.isin(spine.parts[own], sides)
    left, centre = np.array(vertebra.left), np.array(vertebra.centre_lps_mm)
    turn = np.eye(4)
    turn[:3, :3] -= 2.0 * np.outer(left, left)
    turn[:3, 3] = 2.0 * left * (left @ centre)
    there = spine.grid.crop(index_kji(low), index_kji(high - low)).index_from_lps @ turn @ grid.lps_from_index
    other = ndimage.affine_transform(
        known.astype(np.uint8), there[:3, :3], there[:3, 3], output_shape=grid.shape_kji, order=0, output=np.uint8
    )
    missing = (other > 0) & ~bone & ~taken
    spacing = grid.spacing_kji_mm
    core = depth_of(missing, spacing) > _RIM_MM  # thinner ones are where the sides are not quite alike
    if not core.any():
        return core
    box = bounding_box(core, math.ceil(2.0 * _RIM_MM / float(spacing.min())))
    eaten = np.zeros_like(missing)
    eaten[box] = missing[box] & (depth_of(~core[box], spacing) <= _RIM_MM)
    return eaten


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


def _distance_mm(grid: Grid, seed: Points) -> Float32Array:
    offset = grid.lps_of(np.zeros(3)) - seed
    total = np.zeros(grid.shape_kji, dtype=np.float32)
    for axis in range(3):
        k, j, i = ((grid.lps_from_index[axis, n] * np.arange(grid.shape_kji[n])).astype(np.float32) for n in range(3))
        along = k[:, None, None] + j[None, :, None] + i[None, None, :] + np.float32(offset[axis])
        total += along * along
    return np.asarray(np.sqrt(total))


def _hull(hu: Float32Array, grid: Grid) -> MaskArray:
    """Return bone with what it encloses: bright voxels closed by a ball and filled."""
    bright = hu >= 130.0  # spongy bone and cortex of most patients; assumed
    ball = ball_offsets(_HULL_GAP_MM, grid.spacing_kji_mm)
    grown = dilated_within(bright, ball, np.ones_like(bright))
    closed = eroded(grown, ball)
    return np.asarray(ndimage.binary_fill_holes(closed))
