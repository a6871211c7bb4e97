"""A mixed lesion neither of whose tissues alone differs from marrow: both of them together, about a click."""

from __future__ import annotations

import math

import numpy as np

from cvt_planner.anatomy.lesion.evidence import Tissues, how_different, least_contrast_hu
from cvt_planner.anatomy.lesion.ground import Ground
from cvt_planner.anatomy.lesion.normal import NormalBone, clear_mm
from cvt_planner.anatomy.lesion.pieces import part_at_seed
from cvt_planner.anatomy.lesion.radial import ISLAND_LEAST_HU, fitted, patchy_evidence
from cvt_planner.anatomy.morphology import bounding_box, depth_of
from cvt_planner.base.arrays import Float32Array, MaskArray

_NEAR_MM = 5.5  # so far from the seed both tissues must be seen; assumed
_FIRST_MM = 4.5  # radius of the ball that the surface starts from, a lesion of 0.4 mL; assumed
_ROUNDS = 3  # a surface is looked for anew about the last one
_DEEP_MM = 2.5  # clear of cortex, its blur and the dense bone below endplates; assumed
_LEAST_DARK, _LEAST_BRIGHT = 10, 3  # voxels near the seed; assumed
_DARK_PERCENT, _BRIGHT_PERCENT = 40, 75  # of dark and bright voxels: most of an island is its blurred edge; assumed
_AROUND_MM = 2.0  # so far beyond the surface evidence must have turned; assumed
# What sound bone does not come near: see the notes of `grown_patchy`.
_LEAST_ML = 0.1  # clear of cortex
_DARK_SHARE, _BRIGHT_SHARE = 0.15, 0.06  # of the region's bone that is clear of cortex
_INSIDE, _BEYOND = 0.27, -0.20  # mean evidence within the surface, at least, and beyond it, at most
_NEARLY = 0.7  # of what the neighbours' patchiest place comes to (`evidence.how_different`), at least


def grown_patchy(ground: Ground, normal: NormalBone) -> tuple[Tissues, Float32Array] | None:
    """Return a mixed lesion's tissues and its field (k, j, i; surface at 0.5), told by both tissues together.

    From a ball about the seed a smooth surface is fitted to the evidence for either tissue (`radial.fitted`). None
    where either tissue is missing near the seed, or the region is no patchier than sound bone may be.

    Notes
    -----
    By trial on phantoms and real CTs: of mixed lesions of phantoms that HU alone refused most come to a mean evidence
    of 0.31 to 0.49 within, -0.28 to -0.44 beyond, and to 0.8 or more of the neighbours' patchiest place. Regions in
    sound bone with as much of both tissues come to 0.25 and -0.18 in trunks; in necks, between vein and cortex, to as
    much as lesions, but to 0.5 of that place, and they hold less than 0.1 mL clear of cortex.

    Not modelled: one with hardly any islands or hardly any dark tissue, or smaller than 0.1 mL; where its outer part
    looks like marrow it comes out too small, by a fifth on phantoms.
    """
    tissues = _both_tissues(ground, normal)
    region = (ground.distance_mm <= _FIRST_MM) & ground.may_be
    if tissues is None or not region.any():
        return None
    field = np.zeros_like(ground.hu)
    for _ in range(_ROUNDS):
        field = fitted(ground, normal, tissues, region)
        part = part_at_seed(field >= 0.5, ground)
        if part is None:
            return None
        region = part
    return (tissues, field) if _stands_out(ground, normal, tissues, region) else None


def _both_tissues(ground: Ground, normal: NormalBone) -> Tissues | None:
    """Return the dark and the bright tissue near the seed; None where either is missing."""
    near = (ground.distance_mm <= _NEAR_MM) & ground.may_be
    spacing = ground.grid.spacing_kji_mm
    deep = near & (ground.depth_mm > max(_DEEP_MM, 1.5 * float(spacing.max())))
    low = ground.hu[near & (ground.hu < normal.hu - least_contrast_hu(normal))]
    high = ground.hu[deep & (ground.hu > normal.hu + _island_hu(normal))]
    if low.size < _LEAST_DARK or high.size < _LEAST_BRIGHT:
        return None
    dark, bright = np.percentile(low, _DARK_PERCENT), np.percentile(high, _BRIGHT_PERCENT)
    return Tissues(float(round(float(dark))), float(round(float(bright))))


def _island_hu(normal: NormalBone) -> float:
    """Return how far above normal bone an island of sclerosis begins."""
    return max(2.0 * normal.spread_hu, ISLAND_LEAST_HU)


def _stands_out(ground: Ground, normal: NormalBone, tissues: Tissues, region: MaskArray) -> bool:
    """Return whether a region is large and patchy, and ends where its patchiness does."""
    spacing = ground.grid.spacing_kji_mm
    box = bounding_box(region, math.ceil(_AROUND_MM / float(spacing.min())) + 1)
    part, inside = ground.within(box), region[box]
    own = part.hu[inside & (part.depth_mm >= clear_mm(spacing))]
    if (
        own.size * ground.grid.voxel_volume_mm3 < 1000.0 * _LEAST_ML
        or np.mean(own < normal.hu - least_contrast_hu(normal)) < _DARK_SHARE
        or np.mean(own > normal.hu + _island_hu(normal)) < _BRIGHT_SHARE
    ):
        return False
    evidence = patchy_evidence(part, normal, tissues, inside)
    beyond = part.may_be & ~inside & (depth_of(~inside, spacing) < _AROUND_MM)
    if evidence[inside].mean() < _INSIDE or not beyond.any() or evidence[beyond].mean() > _BEYOND:
        return False
    ratio = how_different(ground, normal, tissues, region)
    return ratio is None or ratio >= _NEARLY
