"""Where a lesion's edge lies: how smooth it is, up to cortex it borders on, and beyond bone that it has broken."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.lesion.box import labels_on
from cvt_planner.anatomy.lesion.evidence import OUTSIDE, Tissues, evidence_at_cortex, evidence_of
from cvt_planner.anatomy.lesion.ground import Ground
from cvt_planner.anatomy.lesion.normal import NormalBone
from cvt_planner.anatomy.lesion.pieces import ball_radius_mm, given_back, only_about, part_at_seed
from cvt_planner.anatomy.lesion.surface import smooth_region
from cvt_planner.anatomy.morphology import ball_offsets, bounding_box, depth_of
from cvt_planner.anatomy.spine.model import Part, Spine
from cvt_planner.base.arrays import Float32Array, MaskArray

# See `surface.smooth_region`: more where bone varies as much as the lesion differs; assumed.
_SMOOTH_MM, _MOST_SMOOTH_MM = 0.5, 0.8
_BEYOND_MM = 6.0  # so far beyond the bone a lesion is followed where that is asked for; assumed
_BESIDE_MM = 1.0  # beyond the bone: the labels' edge is off by so much, and cortex blurs; assumed
_FROM_CORTEX_HU = 100.0  # so far above tumour what it borders on is cortex, and no marrow; assumed
_PEAK_MM = 1.5  # so far off that cortex is brightest: as far as a scanner's blur reaches; assumed


def smoothness_mm(normal: NormalBone, tissues: Tissues) -> float:
    """Return how smooth a lesion's surface is taken to be, see `surface.smooth_region`."""
    apart = [abs(hu - normal.hu) for hu in (tissues.dark_hu, tissues.bright_hu) if hu is not None]
    return float(np.clip(1.3 * normal.spread_hu / min(apart), _SMOOTH_MM, _MOST_SMOOTH_MM))


def up_to_cortex(ground: Ground, normal: NormalBone, tissues: Tissues, field: Float32Array) -> Float32Array:
    """Return the field of a dark lesion with what lies between it and cortex that it borders on."""
    region = field >= 0.5
    dark_hu = None if tissues.patchy else tissues.dark_hu
    border = None if dark_hu is None else evidence_at_cortex(ground, normal, dark_hu, region)
    if border is None:
        return field
    return _widened(field, *border, ground.may_be, ground, smoothness_mm(normal, tissues))


def beyond_bone(
    ground: Ground, normal: NormalBone, tissues: Tissues, field: Float32Array, spine: Spine, even: Float32Array | None
) -> Float32Array:
    """Return the field with what of the lesion lies beyond the bone: dark tissue whose nearest bone is lesion.

    Muscle and organs have the lesion's HU: the farther from the lesion in the bone, the less HU count. What is left of
    broken cortex, and other bone beside it, ends it half-way.

    Parameters
    ----------
    even
        The evidence in the bone where the lesion was told by its evenness, else None.
    """
    if tissues.dark_hu is None:
        return field
    whole = field
    box = bounding_box(field >= 0.5, math.ceil(2.0 * _BEYOND_MM / float(ground.grid.spacing_kji_mm.min())))
    ground, field, even = ground.within(box), field[box], None if even is None else even[box]
    by_cortex = replace(normal, hu=tissues.dark_hu + _FROM_CORTEX_HU)  # there an even one borders on no marrow
    outside = normal if even is None else by_cortex
    spacing = ground.grid.spacing_kji_mm
    inside = field >= 0.5
    bone = (labels_on(spine, spine.vertebrae, ground.grid) > 0) | (ground.depth_mm > 0.0)
    to_bone, to_lesion = depth_of(~bone, spacing), depth_of(~inside, spacing)
    behind = ~bone & (to_lesion <= np.minimum(to_bone + np.float32(_BESIDE_MM), np.float32(_BEYOND_MM)))
    behind &= labels_on(spine, spine.parts, ground.grid) != Part.DISC
    wider = replace(ground, may_be=ground.may_be | behind)
    evidence = evidence_of(wider, outside, tissues, inside)
    smooth_mm = smoothness_mm(outside, tissues)
    evidence[wider.may_be] += given_back(smooth_mm, ball_radius_mm(inside, ground))
    if even is not None:
        evidence = np.where(behind, evidence, even)
    evidence[inside] = 1.0
    evidence -= np.where(behind, to_lesion / np.float32(_BEYOND_MM), np.float32(0.0))
    only_about(inside, evidence, ground)
    new = smooth_region(evidence, spacing, smooth_mm)
    # What is left of the cortex between the two.
    between = (to_lesion <= _BESIDE_MM) & (depth_of(~behind, spacing) <= 2.0 * _BESIDE_MM)
    part = part_at_seed((new >= 0.5) & (inside | behind | between), wider)
    if part is not None:
        field = np.where(part & ~inside, np.maximum(new, np.float32(0.51)), field)
    if even is None and not tissues.patchy:
        field = _half_way(wider, normal, tissues.dark_hu, field)
    followed = whole.copy()
    followed[box] = field
    return followed


def _half_way(ground: Ground, normal: NormalBone, dark_hu: float, field: Float32Array) -> Float32Array:
    """Return the field with what lies beside it nearer to the lesion's HU than to the brightest close by.

    A lesion that breaks cortex borders on its stumps and on bone beside it: half-way to marrow lies within the lesion.
    """
    spacing, region = ground.grid.spacing_kji_mm, field >= 0.5
    box = bounding_box(region, math.ceil((_BESIDE_MM + _PEAK_MM) / float(spacing.min())) + 1)
    hu = (ground.hu if ground.raw_hu is None else ground.raw_hu)[box]
    peak = brightest(hu, ball_offsets(_PEAK_MM, spacing))
    least = max(dark_hu + _FROM_CORTEX_HU, normal.hu + 3.0 * normal.spread_hu)
    # Cortex brightens what it shines into: what is darker was judged without it.
    near = (depth_of(~region[box], spacing) <= _BESIDE_MM) & ground.may_be[box] & (peak > least) & (hu > dark_hu)
    if not near.any():
        return field
    there = np.zeros_like(region)
    there[box] = near
    share = (hu - np.float32(dark_hu)) / np.maximum(peak - np.float32(dark_hu), np.float32(1.0))
    evidence = np.full(region.shape, -1.0, dtype=np.float32)
    evidence[box] = np.clip(1.0 - 2.0 * share, -1.0, 1.0)
    return _widened(field, evidence, there, ground.may_be, ground, smoothness_mm(normal, Tissues(dark_hu, None)))


def brightest(hu: Float32Array, ball: np.ndarray) -> Float32Array:
    """Return (k, j, i) the highest HU within a ball, see `morphology.ball_offsets`, about each voxel."""
    reach = np.abs(ball).max(axis=0)
    footprint = np.zeros(2 * reach + 1, dtype=np.bool_)
    footprint[tuple((ball + reach).T)] = True
    return np.asarray(ndimage.grey_dilation(hu, footprint=footprint), dtype=np.float32)


def _widened(
    field: Float32Array, evidence: Float32Array, there: MaskArray, allowed: MaskArray, ground: Ground, smooth_mm: float
) -> Float32Array:
    """Return the field with the smooth region that evidence gives in one place, all else as it is."""
    region = field >= 0.5
    box = bounding_box(region | there, 2)
    told = np.where(there[box], evidence[box], np.where(region[box], np.float32(1.0), np.float32(-1.0)))
    told[~allowed[box]] = OUTSIDE
    told[there[box]] += given_back(smooth_mm, ball_radius_mm(region, ground))
    inside = smooth_region(told, ground.grid.spacing_kji_mm, smooth_mm)
    wider = field.copy()
    wider[box] = np.where(there[box], np.maximum(field[box], inside), field[box])
    return wider
