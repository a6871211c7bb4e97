"""A lesion that is hardly darker than marrow, but even: where tumour took the trabeculae's place their grain is gone.

In osteoporotic bone marrow has the HU of tumour, so the mean over a lesion tells nothing. What still differs is how far
single voxels lie from the tumour's HU: as far as noise brings them, in bone as far as its grain brings them.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.lesion.evidence import OUTSIDE
from cvt_planner.anatomy.lesion.ground import Ground
from cvt_planner.anatomy.lesion.normal import Body, NormalBone, local_means
from cvt_planner.anatomy.lesion.pieces import ball_radius_mm, given_back, only_about, part_at_seed
from cvt_planner.anatomy.lesion.surface import smooth_region
from cvt_planner.anatomy.morphology import bounding_box, depth_of
from cvt_planner.base.arrays import Float32Array, MaskArray

_SEED_MM = 3.0  # the seed's own tissue
_SOFT_HU = (0.0, 90.0)  # what tumour without calcification or fat may have; assumed
_BLUR_MM = 1.2  # over which unlikeness is averaged: two to three grains of marrow; assumed
_SMOOTH_MM = 0.8  # see `surface.smooth_region`; assumed
_ROUNDS = 3
# By how many times a region's core must be more even than the neighbours' bodies are anywhere. By trial on phantoms and
# real CTs: 444 places in sound bone come to 1.02 at most.
_EVEN = 1.15
_LEAST_ML = 0.5  # smaller ones hold too few grains to be told; assumed


def grown_even(ground: Ground, normal: NormalBone) -> tuple[float, Float32Array, Float32Array] | None:
    """Return an even lesion's HU, how far each voxel lies inside (k, j, i; surface at 0.5), and the evidence for it.

    None where the seed does not lie in soft tissue more even than normal bone is anywhere.
    """
    usual = normal.usual
    if ground.vertebra is None or usual is None or not usual.bodies:
        return None
    nearest = float(ground.distance_mm[ground.may_be].min(initial=np.inf))  # a seed may lie beyond an eaten wall
    core = ground.hu[(ground.distance_mm <= nearest + _SEED_MM) & ground.may_be]
    if core.size < 8:
        return None
    own = float(np.median(core))
    region: MaskArray | None = None
    field = evidence = np.zeros(ground.hu.shape, dtype=np.float32)
    spacing = ground.grid.spacing_kji_mm
    within, radius = float(np.mean(np.abs(core - own))), 6.0
    for _ in range(_ROUNDS):
        if not _SOFT_HU[0] <= own <= _SOFT_HU[1]:
            return None
        bone = float(np.median([np.mean(_apart(b.hu, own, np.inf)[b.clear]) for b in usual.bodies]))
        if within >= bone / _EVEN:
            return None
        evidence = _evidence(ground, own, within, bone)
        # The blur moves a ball's surface inwards by blur^2 / radius, where the evidence rises by 0.8 / blur per mm.
        evidence[ground.may_be] += given_back(_SMOOTH_MM, radius) + np.float32(0.8 * _BLUR_MM / max(radius, 3.0))
        if region is not None:
            only_about(region, evidence, ground)
        field = smooth_region(evidence, spacing, _SMOOTH_MM)
        region = part_at_seed(field >= 0.5, ground)
        if region is None:
            return None
        radius = ball_radius_mm(region, ground)
        inner = ground.hu[region & ndimage.binary_erosion(region, iterations=2)]
        if inner.size < 30:
            inner = ground.hu[region]
        own = float(np.median(inner))
        within = float(np.mean(np.abs(inner - own)))
    assert region is not None
    if (
        region.sum() * ground.grid.voxel_volume_mm3 < 1000.0 * _LEAST_ML
        or evenness(ground, normal, own, region) < _EVEN
    ):
        return None
    around = ndimage.binary_dilation(region, iterations=2)
    field = np.where(around, np.where(region, field, np.minimum(field, np.float32(0.49))), np.float32(0.0))
    return own, field, evidence


def evenness(ground: Ground, normal: NormalBone, own_hu: float, region: MaskArray) -> float:
    """Return by how many times a region's core is more even than the most even place of the neighbours' bodies."""
    assert normal.usual is not None
    spacing = ground.grid.spacing_kji_mm
    box = bounding_box(region, math.ceil(5.0 / float(spacing.min())))
    depth = depth_of(region[box], spacing)
    core = depth >= 0.7 * float(depth.max())
    means, _ = local_means(_apart(ground.hu[box], own_hu, np.inf), ground.may_be[box], spacing)
    least = sorted(_least(body, own_hu) for body in normal.usual.bodies)
    return least[(len(least) - 1) // 2] / max(float(means[core].mean()), 1.0)


def _least(body: Body, own_hu: float) -> float:
    """Return how near to these HU voxels lie, on local mean, at the most even place of a body."""
    means, _ = local_means(_apart(body.hu, own_hu, np.inf), body.clear, body.spacing_kji_mm)
    return float(np.percentile(means[body.clear], 0.5))


def _apart(hu: Float32Array, own_hu: float, most: float) -> Float32Array:
    return np.asarray(np.minimum(np.abs(hu - np.float32(own_hu)), np.float32(most)))


def _evidence(ground: Ground, own: float, within: float, bone: float) -> Float32Array:
    """Return evidence, 0 where the mean distance from the lesion's HU is half-way between lesion and bone."""
    spacing = ground.grid.spacing_kji_mm
    sigma = _BLUR_MM / spacing
    apart = np.where(ground.may_be, _apart(ground.hu, own, 2.0 * bone), np.float32(0.0))
    weight = ndimage.gaussian_filter(ground.may_be.astype(np.float32), sigma, truncate=2.5)
    mean = ndimage.gaussian_filter(apart, sigma, truncate=2.5) / np.maximum(weight, np.float32(0.02))
    half = (bone - within) / 2.0
    even = np.clip((within + half - mean) / half, -1.0, 1.0)
    return np.asarray(np.where(ground.may_be, even, OUTSIDE), dtype=np.float32)
