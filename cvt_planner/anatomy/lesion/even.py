"""A lesion that is hardly darker than marrow, but even: where tumour took the trabeculae's place their grain is gone.

In osteoporotic bone marrow has the HU of tumour, so the mean over a lesion tells little. What still differs is how far
single voxels lie from the tumour's HU: as far as noise brings them, in bone as far as its grain brings them. Whether
there is a lesion and about where, the ratio of the two likelihoods tells best. Its edge is read from the plain
distance, half-way at the edge whatever the blur: by likelihood a little of the grain there is bone's already.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
_SURE = 2.0  # natural logarithm of a voxel's likelihood ratio from which on it counts no more; assumed
_LEAST_SPREAD_HU = 6.0  # no scan's tumour is more even than that; assumed
_TOLD = 0.1  # by so much unlikeness must differ between lesion and bone to tell them apart; assumed
_FINE_BLUR_MM = 0.8  # over which a dark lesion's likelihood is averaged, whose HU tell as well; assumed
_FEW_STEPS = 40  # of smoothing, where millimetres off do not matter; assumed
_ABOUT_MM = 2.0  # so far the edge of a dark lesion may lie beyond where likelihoods end it; assumed
_EDGE_MM = 1.5  # so far the edge is looked for beyond what the likelihoods found: about the blur; assumed
# By how many times a region's core must be more even than the neighbours' bodies are anywhere. By trial on phantoms and
# real CTs: 444 places in sound bone come to 1.13 at most, lesions told by it to 1.33 and more.
_EVEN = 1.2
_LEAST_ML = 0.5  # smaller ones hold too few grains to be told; assumed


@dataclass(frozen=True)
class _Look:
    """The HU of an even lesion and of normal bone: their middles and spreads."""

    own_hu: float
    own_spread_hu: float
    bone_hu: float
    bone_spread_hu: float

    @classmethod
    def of(cls, core_hu: Float32Array, normal: NormalBone) -> _Look:
        """Return how a lesion looks whose core has these HU."""
        middle = float(np.median(core_hu))
        spread = 1.4826 * float(np.median(np.abs(core_hu - middle)))
        return cls(middle, max(spread, _LEAST_SPREAD_HU), normal.hu, normal.spread_hu)

    def unlike(self, hu: Float32Array) -> Float32Array:
        """Return (...) how much sooner HU are bone's than the lesion's: 0 for surely the lesion's, 1 for surely bone's.

        The logarithm of the ratio of two normal distributions' likelihoods, cut off where it is sure enough.
        """
        bone = ((hu - np.float32(self.bone_hu)) / np.float32(self.bone_spread_hu)) ** 2
        own = ((hu - np.float32(self.own_hu)) / np.float32(self.own_spread_hu)) ** 2
        ratio = 0.5 * (own - bone) - np.float32(math.log(self.bone_spread_hu / self.own_spread_hu))
        return np.asarray(np.clip(0.5 + ratio / (2.0 * _SURE), 0.0, 1.0), dtype=np.float32)


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
    region: MaskArray | None = None
    radius = 6.0
    look = _Look.of(core, normal)
    for _ in range(_ROUNDS):
        if not _SOFT_HU[0] <= look.own_hu <= _SOFT_HU[1]:
            return None
        within, bone = float(look.unlike(core).mean()), _of_bone(look, normal)
        if within >= bone / _EVEN:
            return None
        evidence = _evidence(ground, look.unlike(ground.hu), within, bone, _BLUR_MM)
        part, _ = _smoothed(ground, evidence, radius, region, _BLUR_MM)
        if part is None:
            return None
        region, radius = part, ball_radius_mm(part, ground)
        core = _core(ground, region)
        look = _Look.of(core, normal)
    assert region is not None
    if (
        region.sum() * ground.grid.voxel_volume_mm3 < 1000.0 * _LEAST_ML
        or evenness(ground, normal, look, region) < _EVEN
    ):
        return None
    evidence = _at_edge(ground, normal, core, region)
    part, field = _smoothed(ground, evidence, radius, region, _BLUR_MM)
    if part is None:
        return None
    around = ndimage.binary_dilation(part, iterations=2)
    field = np.where(around, np.where(part, field, np.minimum(field, np.float32(0.49))), np.float32(0.0))
    return look.own_hu, field, evidence


def without_grain(ground: Ground, normal: NormalBone, region: MaskArray) -> MaskArray | None:
    """Return where (k, j, i) a dark region's edge may lie, near what is sooner lesion's than bone's by mean and grain.

    None where there is no bone to compare with, or where the two can't be told apart so.
    """
    if normal.usual is None or not normal.usual.bodies:
        return None
    core = _core(ground, region)
    look = _Look.of(core, normal)
    within, bone = float(look.unlike(core).mean()), _of_bone(look, normal)
    if bone - within < _TOLD:
        return None
    evidence = _evidence(ground, look.unlike(ground.hu), within, bone, _FINE_BLUR_MM)
    part, _ = _smoothed(ground, evidence, ball_radius_mm(region, ground), region, _FINE_BLUR_MM, _FEW_STEPS)
    if part is None:
        return None
    box = bounding_box(part, math.ceil(_ABOUT_MM / float(ground.grid.spacing_kji_mm.min())) + 1)
    near = np.zeros_like(part)
    near[box] = depth_of(~part[box], ground.grid.spacing_kji_mm) <= _ABOUT_MM
    return near


def _of_bone(look: _Look, normal: NormalBone) -> float:
    """Return how unlike the lesion the neighbours' bodies are on average."""
    assert normal.usual is not None
    return float(np.median([look.unlike(body.hu[body.clear]).mean() for body in normal.usual.bodies]))


def _core(ground: Ground, region: MaskArray) -> Float32Array:
    """Return the HU clear of a region's edge, or all of a small one's."""
    core = ground.hu[region & ndimage.binary_erosion(region, iterations=2)]
    return core if core.size >= 30 else ground.hu[region]


def _smoothed(
    ground: Ground, evidence: Float32Array, radius_mm: float, before: MaskArray | None, blur_mm: float, steps: int = 80
) -> tuple[MaskArray | None, Float32Array]:
    """Return the smooth part at the seed, near the region found before, and how far voxels lie inside."""
    # The blur moves a ball's surface inwards by blur^2 / radius, where the evidence rises by 0.8 / blur per mm.
    blurred = np.float32(0.8 * blur_mm / max(radius_mm, 3.0))
    evidence[ground.may_be] += given_back(_SMOOTH_MM, radius_mm) + blurred
    if before is not None:
        only_about(before, evidence, ground)
    field = smooth_region(evidence, ground.grid.spacing_kji_mm, _SMOOTH_MM, steps)
    return part_at_seed(field >= 0.5, ground), field


def evenness(ground: Ground, normal: NormalBone, look: _Look, region: MaskArray) -> float:
    """Return by how many times a region's core is more even than the most even place of the neighbours' bodies."""
    assert normal.usual is not None
    spacing = ground.grid.spacing_kji_mm
    box = bounding_box(region, math.ceil(5.0 / float(spacing.min())))
    depth = depth_of(region[box], spacing)
    core = depth >= 0.7 * float(depth.max())
    means, _ = local_means(look.unlike(ground.hu[box]), ground.may_be[box], spacing)
    least = sorted(_least(body, look) for body in normal.usual.bodies)
    return least[(len(least) - 1) // 2] / max(float(means[core].mean()), 0.01)


def _least(body: Body, look: _Look) -> float:
    """Return how near to these HU voxels lie, on local mean, at the most even place of a body."""
    means, _ = local_means(look.unlike(body.hu), body.clear, body.spacing_kji_mm)
    return float(np.percentile(means[body.clear], 0.5))


def _at_edge(ground: Ground, normal: NormalBone, core_hu: Float32Array, region: MaskArray) -> Float32Array:
    """Return evidence about a region's edge from the plain distance to its HU; farther off it stays as it was found."""
    assert normal.usual is not None
    own = np.float32(np.median(core_hu))
    within = float(np.mean(np.abs(core_hu - own)))
    bone = float(np.median([np.mean(np.abs(body.hu[body.clear] - own)) for body in normal.usual.bodies]))
    evidence = _evidence(ground, np.minimum(np.abs(ground.hu - own), np.float32(2.0 * bone)), within, bone, _BLUR_MM)
    box = bounding_box(region, math.ceil(_EDGE_MM / float(ground.grid.spacing_kji_mm.min())) + 1)
    near = np.zeros_like(region)
    near[box] = depth_of(~region[box], ground.grid.spacing_kji_mm) <= _EDGE_MM
    evidence[~near & ground.may_be] = -1.0
    return evidence


def _evidence(ground: Ground, unlike: Float32Array, within: float, bone: float, blur_mm: float) -> Float32Array:
    """Return evidence, 0 where the mean unlikeness is half-way between lesion and bone."""
    spacing = ground.grid.spacing_kji_mm
    sigma = blur_mm / spacing
    unlike = np.where(ground.may_be, unlike, np.float32(0.0))
    weight = ndimage.gaussian_filter(ground.may_be.astype(np.float32), sigma, truncate=2.5)
    mean = ndimage.gaussian_filter(unlike, sigma, truncate=2.5) / np.maximum(weight, np.float32(0.02))
    half = max(bone - within, 1e-3) / 2.0
    even = np.clip((within + half - mean) / half, -1.0, 1.0)
    return np.asarray(np.where(ground.may_be, even, OUTSIDE), dtype=np.float32)
