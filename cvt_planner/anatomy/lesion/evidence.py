"""How surely each voxel is lesion: HU against normal spongy bone, darker, brighter, or patchy."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.lesion.ground import Ground
from cvt_planner.anatomy.lesion.normal import NormalBone, above_normal, clear_mm, flattened, local_means
from cvt_planner.anatomy.morphology import bounding_box, depth_of
from cvt_planner.base.arrays import Float32Array, FloatArray, MaskArray

SHELL_MM = 1.3  # cortex and its blur: brightness there is no sclerosis; assumed
OUTSIDE = -4.0  # evidence where no lesion may lie
_LEAST_CONTRAST_HU = 30.0  # assumed; below it a lesion cannot be told from bone by HU
_PATCH_BLUR_MM = 1.0  # over which a patchy lesion's difference from normal is averaged; assumed
_PATCH_LEAST_HU = 95.0  # so far above normal bone an island of sclerosis begins, at least; assumed
_PATCH_DARK = 1.3  # spreads below normal bone at which the dark tissue of a patchy lesion begins, at least; assumed
_NEAR_MM = 4.0  # so far from the region found so far its other tissue is looked for; assumed
_DEEP_MM = 2.5  # clear of cortex, its blur and the dense bone below endplates; assumed
# Shares of the region's volume at which tissue of the other kind makes it mixed. On phantoms purely lytic lesions have
# up to 0.033 bright voxels within reach, mixed ones 0.067 and more; of purely sclerotic ones up to 0.05 are dark.
_MIXED_BRIGHT, _MIXED_DARK = 0.05, 0.15
# By how many times a region's core must exceed what its neighbours' bodies come to anywhere. Of regions grown from 650
# places in sound bodies of phantoms and of five real CTs 1 in 30 does; of true lesions of phantoms that are seen at all
# dark ones come to 1.5 and more, bright ones to 9, mixed ones to 1.08.
_DARK, _BRIGHT, _PATCHY = 1.45, 2.0, 1.0
_RIM_MM = 2.5  # so far within a bright region's edge lies what it is half-way to; assumed
_BORDER_MM = 1.3  # so far about a region it may border on cortex: its blur; assumed
_UNSURE_MM = 1.0  # by so much the bone's surface may be off; assumed
_GAS_BELOW_HU = 100.0  # so far below the lesion's dark tissue it is fat, gas or lung; assumed


@dataclass(frozen=True)
class Tissues:
    """The HU of a lesion's dark and bright tissue; None where it has none of it."""

    dark_hu: float | None
    bright_hu: float | None

    @property
    def patchy(self) -> bool:
        """Return whether it is mixed."""
        return self.dark_hu is not None and self.bright_hu is not None


def shell_mm(ground: Ground) -> float:
    """Return how deep below the bone's surface cortex and its blur reach; thick slices blur it farther."""
    return max(SHELL_MM, 0.75 * float(ground.grid.spacing_kji_mm.max()))


def least_contrast_hu(normal: NormalBone) -> float:
    """Return by how many HU tissue must differ from normal bone to count."""
    return max(_LEAST_CONTRAST_HU, 1.2 * normal.spread_hu)


def flat_ground(ground: Ground, normal: NormalBone) -> Ground:
    """Return the ground without the brightness that bone so near to its surface has in the neighbours as well."""
    if ground.body is None or normal.usual is None:
        return ground
    hu = ground.hu.copy()
    behind = ~ground.body & (ground.depth_mm > 0.0)
    above = np.zeros_like(hu)
    for part, by_depth in ((ground.body, normal.usual.body_by_depth_hu), (behind, normal.usual.arch_by_depth_hu)):
        hu[part] = flattened(hu[part], ground.depth_mm[part], normal.hu, by_depth)
        above[part] = above_normal(ground.depth_mm[part], by_depth)
    return replace(ground, hu=hu, above_hu=above, raw_hu=ground.hu)


def how_different(ground: Ground, normal: NormalBone, tissues: Tissues, region: MaskArray) -> float | None:
    """Return how much a region's core differs from normal bone, 1 for what normal bone itself may come to.

    The local mean (`normal.local_means`) about the region's innermost voxels is held against the extremes of those in
    the neighbours: so ribbons of coarse marrow and rims of cortex come to less than 1, however large. None where there
    is nothing to compare with.
    """
    usual, spacing = normal.usual, ground.grid.spacing_kji_mm
    if usual is None or usual.darkest_hu is None or usual.brightest_hu is None or usual.patchiest_hu is None:
        return None
    box = bounding_box(region, math.ceil(5.0 / float(spacing.min())))
    depth = depth_of(region[box], spacing)
    core = depth >= 0.7 * float(depth.max())
    bone = ground.may_be[box]
    clear = bone & (ground.depth_mm[box] >= clear_mm(spacing))
    if (core & clear).sum() >= 0.3 * core.sum():
        core, bone = core & clear, clear
    means, sizes = local_means(ground.hu[box] - np.float32(normal.hu), bone, spacing)
    mean = float(means[core].mean())
    dark, bright = -mean / (usual.darkest_hu * -_DARK), mean / (usual.brightest_hu * _BRIGHT)
    if tissues.patchy:
        return max(dark, bright, float(sizes[core].mean()) / (usual.patchiest_hu * _PATCHY))
    return bright if tissues.dark_hu is None else dark


def tissues_at(core_hu: Float32Array, normal: NormalBone) -> Tissues:
    """Return what tissue lies about the seed."""
    least = least_contrast_hu(normal)
    low, high = core_hu[core_hu < normal.hu - least], core_hu[core_hu > normal.hu + least]
    dark = float(np.median(low)) if low.size > 0.15 * core_hu.size else None
    bright = float(np.median(high)) if high.size > 0.15 * core_hu.size else None
    if dark is None and bright is None:
        middle = float(np.median(core_hu))
        if middle < normal.hu:
            dark = min(middle, normal.hu - least)
        else:
            bright = max(middle, normal.hu + least)
    if dark is not None and bright is not None:  # patchy: begun in what there is more of, the rest is found about it
        return Tissues(dark, None) if low.size >= high.size else Tissues(None, bright)
    return Tissues(dark, bright)


def tissues_of(ground: Ground, normal: NormalBone, region: MaskArray, before: Tissues) -> Tissues:
    """Return what tissue a region found so far, and what lies close about it, is made of."""
    least = least_contrast_hu(normal)
    spacing = ground.grid.spacing_kji_mm
    box = bounding_box(region, math.ceil(_NEAR_MM / float(spacing.min())))
    part, hu = region[box], ground.hu[box]
    inner = hu[ndimage.binary_erosion(part)]
    inner = inner if inner.size >= 30 else hu[part]
    away = depth_of(~part, spacing)
    near = hu[
        (away <= _NEAR_MM) & ground.may_be[box] & (ground.depth_mm[box] > max(_DEEP_MM, 1.5 * float(spacing.max())))
    ]
    low = near[near < normal.hu - max(least, 2.5 * normal.spread_hu)]
    high = near[near > normal.hu + max(least, 3.0 * normal.spread_hu)]
    count = max(int(region.sum()), 1)
    dark, bright = before.dark_hu, before.bright_hu
    if dark is not None and bright is not None:
        return before
    if dark is not None:
        own = inner[inner < normal.hu - least]
        dark = float(np.median(own)) if own.size > 20 else dark
        if high.size > _MIXED_BRIGHT * count:
            bright = float(np.percentile(high, 75))  # islands are small and blurred: most of them is their edge
    elif bright is not None:
        own = _beside_edge(hu, part, spacing)
        own = own[own > normal.hu + least]
        bright = float(np.median(own)) if own.size > 20 else bright
        if low.size > _MIXED_DARK * count:
            dark = float(np.median(low))
    return Tissues(_rounded(dark), _rounded(bright))


def _beside_edge(hu: Float32Array, part: MaskArray, spacing_kji_mm: FloatArray) -> Float32Array:
    """Return the HU close within a region's edge, which lies half-way to them: sclerosis is denser in its middle."""
    inner = ndimage.binary_erosion(part)
    rim = inner & (depth_of(part, spacing_kji_mm) <= _RIM_MM)
    return hu[rim if rim.sum() >= 30 else (inner if inner.sum() >= 30 else part)]


def evidence_of(ground: Ground, normal: NormalBone, tissues: Tissues, region: MaskArray | None) -> Float32Array:
    """Return (k, j, i) how surely each voxel is lesion, -1 to 1, and `OUTSIDE` where none may lie.

    It is 0 half-way between lesion and normal bone, where a scanner's blur leaves the true edge.
    """
    best = np.full(ground.hu.shape, -1.0, dtype=np.float32)
    if tissues.dark_hu is not None:
        half = (normal.hu - tissues.dark_hu) / 2.0
        if tissues.patchy:
            half = max(half, _PATCH_DARK * normal.spread_hu)
        dark = np.clip((normal.hu - half - ground.hu) / half, -1.0, 1.0)
        too_dark = np.clip((ground.hu - (tissues.dark_hu - _GAS_BELOW_HU)) / half, -1.0, 1.0)
        best = np.maximum(best, np.minimum(dark, np.where(ground.depth_mm > 0.0, dark, too_dark)))
    if tissues.bright_hu is not None:
        half = (tissues.bright_hu - normal.hu) / 2.0
        if tissues.patchy:
            half = min(half, max(2.0 * normal.spread_hu, _PATCH_LEAST_HU))
        bright = np.clip((ground.hu - normal.hu - half) / half, -1.0, 1.0)
        bright[ground.depth_mm < shell_mm(ground)] = -1.0
        best = np.maximum(best, bright)
    if tissues.patchy and region is not None:
        best = np.maximum(best, _patchiness(ground, normal, region))
    return np.asarray(np.where(ground.may_be, best, OUTSIDE), dtype=np.float32)


def evidence_at_cortex(
    ground: Ground, normal: NormalBone, dark_hu: float, region: MaskArray
) -> tuple[Float32Array, MaskArray] | None:
    """Return evidence where a dark region borders on cortex, and where that is, (k, j, i); None where it does not.

    It is 0 half-way between the lesion and the cortex there: half-way to marrow lies within the lesion, since blurred
    cortex shines into it. The outermost millimetre is left out: the bone's surface is no better known.
    """
    if ground.above_hu is None or ground.raw_hu is None:
        return None
    spacing = ground.grid.spacing_kji_mm
    box = bounding_box(region, math.ceil(_BORDER_MM / float(spacing.min())) + 1)
    near = (depth_of(~region[box], spacing) <= _BORDER_MM) & (ground.depth_mm[box] > _UNSURE_MM) & ground.may_be[box]
    there = np.zeros_like(region)
    there[box] = near & (ground.above_hu[box] > 2.0 * normal.spread_hu)
    if not there.any():
        return None
    evidence = np.full(region.shape, -1.0, dtype=np.float32)
    bone = np.float32(normal.hu) + ground.above_hu[box]
    share = (ground.raw_hu[box] - np.float32(dark_hu)) / (bone - np.float32(dark_hu))
    evidence[box] = np.clip(1.0 - 2.0 * share, -1.0, 1.0)
    return evidence, there


def _patchiness(ground: Ground, normal: NormalBone, region: MaskArray) -> Float32Array:
    """Return evidence from the mean difference to normal bone: between dark and bright HU pass through normal."""
    spacing = ground.grid.spacing_kji_mm
    counts = (
        ground.may_be
        & ((ground.depth_mm > max(2.0, float(spacing.max()))) | (ground.hu < normal.hu))
        & (ground.depth_mm > 0.0)
    )
    apart = np.where(counts, np.abs(ground.hu - np.float32(normal.hu)), np.float32(0.0))
    weight = ndimage.gaussian_filter(counts.astype(np.float32), _PATCH_BLUR_MM / spacing)
    mean = ndimage.gaussian_filter(apart, _PATCH_BLUR_MM / spacing) / np.maximum(weight, 0.05)
    box = bounding_box(region, 1)
    part = region[box]
    inner = depth_of(part, spacing) > 2.0
    own = float(np.median(mean[box][inner if inner.sum() > 50 else part]))
    usual = 0.8 * normal.spread_hu  # the mean distance from the middle of a normal distribution
    half = max((own - usual) / 2.0, 1.0)
    if normal.usual is not None and normal.usual.patchiest_hu is not None:
        half = max(half, normal.usual.patchiest_hu - usual)  # else it runs out into coarse marrow
    patchy = np.clip((mean - usual - half) / half, -1.0, 1.0)
    return np.asarray(np.where(counts, patchy, -1.0), dtype=np.float32)


def _rounded(hu: float | None) -> float | None:
    return None if hu is None else float(round(hu))
