"""Pieces of what was found: the one at the seed, its notches and its lobes; and its size."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.lesion.evidence import OUTSIDE, Tissues, how_different, shell_mm
from cvt_planner.anatomy.lesion.ground import Ground
from cvt_planner.anatomy.lesion.normal import NormalBone, clear_mm
from cvt_planner.anatomy.morphology import bounding_box, depth_of, flooded
from cvt_planner.anatomy.neighbourhood import index_kji
from cvt_planner.base.arrays import Float32Array, MaskArray

_SEED_REACH_MM = 3.0  # a seed that misses the lesion by so little still counts as inside
_AROUND_MM = 8.0  # so far about a region found the next round looks; assumed
_CLOSE_MM = 4.0  # notches of a patchy lesion narrower than twice this belong to it; assumed
_NECK_MM = 2.0  # a lobe that hangs on by a neck narrower than twice this is looked at by itself; assumed
_LEAST_RADIUS_MM = 3.0  # of a lesion whose surface is given back what smoothing takes; assumed


def given_back(smooth_mm: float, radius_mm: float) -> np.float32:
    """Return what smoothing takes off the evidence on a ball's surface, see the notes of `smooth_region`."""
    return np.float32(2.0 * smooth_mm / max(radius_mm, _LEAST_RADIUS_MM))


def only_about(region: MaskArray, evidence: Float32Array, ground: Ground) -> None:
    """Take the evidence away that lies far from a region: by now it is known where the lesion is."""
    box = bounding_box(region, math.ceil(_AROUND_MM / float(ground.grid.spacing_kji_mm.min())))
    near, evidence[:] = evidence[box].copy(), OUTSIDE
    evidence[box] = near


def ball_radius_mm(region: MaskArray, ground: Ground) -> float:
    """Return the radius of the ball that is as large."""
    return float((3.0 * region.sum() * ground.grid.voxel_volume_mm3 / (4.0 * math.pi)) ** (1.0 / 3.0))


def part_at_seed(mask: MaskArray, ground: Ground) -> MaskArray | None:
    """Return the part of a mask that hangs together with its voxel nearest to the seed, filled, or None."""
    near = np.flatnonzero(mask & (ground.distance_mm <= _SEED_REACH_MM))
    if near.size == 0:
        return None
    nearest = near[int(np.argmin(ground.distance_mm.ravel()[near]))]
    part = flooded(mask, index_kji(np.array(np.unravel_index(nearest, mask.shape))))
    box = bounding_box(part, 1)
    part[box] = ndimage.binary_fill_holes(part[box])
    return part


def closed(part: MaskArray, ground: Ground) -> MaskArray:
    """Return the part with its notches closed by a ball, as far as they lie in the bone."""
    spacing = ground.grid.spacing_kji_mm
    pad = [(math.ceil(_CLOSE_MM / s) + 1,) * 2 for s in spacing]
    box = bounding_box(part, 0)
    padded = np.pad(part[box], pad)
    grown = depth_of(~padded, spacing) <= _CLOSE_MM
    closed = depth_of(grown, spacing) > _CLOSE_MM
    inner = tuple(slice(p[0], -p[1]) for p in pad)
    whole = part.copy()
    whole[box] |= closed[inner] & ground.may_be[box] & (ground.depth_mm[box] > shell_mm(ground))
    return whole


def without_lobes(region: MaskArray, ground: Ground, normal: NormalBone, tissues: Tissues) -> MaskArray:
    """Return the region without lobes that a thin neck joins to the seed's and that differ no more than normal bone."""
    spacing = ground.grid.spacing_kji_mm
    box = bounding_box(region, 1)
    part = region[box]
    cores, count = ndimage.label(depth_of(part, spacing) > _NECK_MM)
    if count < 2:
        return region
    nearest = ndimage.distance_transform_edt(cores == 0, sampling=spacing, return_distances=False, return_indices=True)
    lobes = np.zeros(region.shape, dtype=cores.dtype)
    lobes[box] = np.where(part, cores[tuple(nearest)], 0)
    own = lobes.ravel()[np.argmin(np.where(region, ground.distance_mm, np.inf))]
    rest = region.copy()
    for lobe in (lobes == n for n in range(1, count + 1) if n != own):
        if not _comparable(lobe, ground):
            continue
        ratio = how_different(ground, normal, tissues, lobe)
        rest &= ~lobe | (ratio is None or ratio >= 1.0)
    kept = part_at_seed(rest, ground)
    return region if kept is None else kept


def _comparable(lobe: MaskArray, ground: Ground) -> bool:
    """Return whether most of a lobe lies where neighbours' bodies are read: in the body, clear of cortex."""
    if ground.body is None:
        return True
    clear = ground.body & (ground.depth_mm >= clear_mm(ground.grid.spacing_kji_mm))
    return bool((lobe & clear).sum() > 0.5 * lobe.sum())
