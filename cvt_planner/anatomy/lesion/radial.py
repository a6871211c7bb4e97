"""A patchy lesion's surface: one smooth radius about its middle, that of the whole edge's evidence.

Of a lesion made of dark tissue and of islands of sclerosis much of the edge shows little: between dark and bright HU
pass through those of marrow, and an island's edge is no brighter than dense bone. Grown voxel by voxel it leaks there.
So the surface is described as in Li, Wu, Chen and Sonka (IEEE Trans Pattern Anal Mach Intell 2006;28:119) by its
distance from the middle along rays, but with smooth functions on the sphere in place of their bounded steps.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.lesion.edges import brightest
from cvt_planner.anatomy.lesion.evidence import Tissues, least_contrast_hu, shell_mm
from cvt_planner.anatomy.lesion.ground import Ground
from cvt_planner.anatomy.lesion.normal import NormalBone
from cvt_planner.anatomy.lesion.pieces import ball_radius_mm
from cvt_planner.anatomy.morphology import ball_offsets, bounding_box, depth_of
from cvt_planner.base.arrays import Float32Array, FloatArray, MaskArray

_RAYS = 500
_DEGREE = 4  # of the functions on the sphere: dents finer than a quarter of the way round are no lesion's; assumed
_STIFF = 1.0 / 36.0  # times the square of l (l + 1): degree 2 is taken at half of what the rays say; assumed
_STEP_MM = 0.4  # along rays
_MARGIN_MM = 7.0  # so far beyond the region found so far the surface is looked for; assumed
_TIES = (0.3, 0.5, 0.8, 1.2, 1.8, 2.5, 3.0, 3.0)  # what a ray pays for leaving its neighbours, round by round; assumed
_MOVES, _MOVE = 25, 0.06  # of the whole surface towards where its evidence is in balance, and how far each, as a share
_TWICE = 2  # about the middle of what was found first it is looked for again
_DARK_PERCENT = 15.0  # of its dark voxels: islands shine into most of the others; assumed
ISLAND_LEAST_HU = 95.0  # so far above normal bone an island of sclerosis begins, at least; assumed
_PEAK_MM = 1.8  # so far off an island's edge it is brightest: about a scanner's blur; assumed
_BETWEEN_MM = 2.5  # from dark tissue to an island so much room looks like marrow: the blur and a voxel; assumed
_BETWEEN = 0.5  # how surely what lies there is lesion; assumed
# Within a patchy lesion HU of marrow are common, in marrow those of tumour are the rarer, the more spreads lie between:
# where these are more than so many, marrow's HU speak less against a lesion than tumour's for it. By trial on phantoms.
_AGAINST = 2.0
_SAME = 0.5  # Dice: less in common with what was found before, and it is something else; assumed


@dataclass(frozen=True, eq=False)
class _Sphere:
    """Rays (n, 3) and functions on the sphere that are of mean square 1 and unlike one another over the rays.

    `values` (n, f) are theirs at the rays, `made_of` (m, f) says what powers of the coordinates they are made of,
    `kept` (f,) how much of each is kept of what rays say.
    """

    rays: FloatArray
    values: FloatArray
    made_of: FloatArray
    kept: FloatArray

    def smoothed(self, along: FloatArray) -> FloatArray:
        """Return (n,) what the functions make of one number per ray."""
        return self.values @ (self.kept * (self.values.T @ along) / len(self.rays))

    def over(self, along: FloatArray, places: FloatArray) -> FloatArray:
        """Return (...) at unit vectors (..., 3) what was smooth along the rays."""
        return _powers(places) @ (self.made_of @ (self.values.T @ along / len(self.rays)))


def _powers(places: FloatArray) -> FloatArray:
    """Return (..., m) the products of the coordinates up to the degree, lower degrees first."""
    columns = [np.ones(places.shape[:-1])]
    for degree in range(1, _DEGREE + 1):
        for axes in itertools.combinations_with_replacement(range(3), degree):
            columns.append(np.prod([places[..., axis] for axis in axes], axis=0))
    return np.stack(columns, axis=-1)


@cache
def _sphere() -> _Sphere:
    at = np.arange(_RAYS) + 0.5
    height, turn = 1.0 - 2.0 * at / _RAYS, at * math.pi * (3.0 - math.sqrt(5.0))
    across = np.sqrt(1.0 - height**2)
    rays = np.stack([across * np.cos(turn), across * np.sin(turn), height], axis=1)
    powers = _powers(rays)
    values, made_of = np.ones((_RAYS, 1)), np.eye(powers.shape[1])[:, :1]
    kept, first = [1.0], 1
    for degree in range(1, _DEGREE + 1):
        count = (degree + 1) * (degree + 2) // 2
        block = powers[:, first : first + count]
        known = values.T @ block / _RAYS
        _, sizes, turned = np.linalg.svd(block - values @ known, full_matrices=False)
        new = turned[: 2 * degree + 1].T / sizes[: 2 * degree + 1] * math.sqrt(_RAYS)
        own = np.eye(powers.shape[1])[:, first : first + count] - made_of @ known
        made_of = np.concatenate([made_of, own @ new], axis=1)
        values = np.concatenate([values, (block - values @ known) @ new], axis=1)
        kept += [1.0 / (1.0 + _STIFF * (degree * (degree + 1.0)) ** 2)] * (2 * degree + 1)
        first += count
    return _Sphere(rays, values, made_of, np.array(kept))


def rounded(ground: Ground, normal: NormalBone, tissues: Tissues, field: Float32Array) -> Float32Array:
    """Return the field (k, j, i; surface at 0.5) of a patchy lesion with a surface that is smooth all round.

    Where that holds mostly other bone than was found before, the field is returned as it is.

    Not modelled: one that is no star about its middle, or has horns; it comes out rounder than it is.
    """
    region = field >= 0.5
    whole = fitted(ground, normal, tissues, region)
    both = 2.0 * np.count_nonzero((whole >= 0.5) & region)
    return whole if both >= _SAME * (np.count_nonzero(whole >= 0.5) + np.count_nonzero(region)) else field


def fitted(ground: Ground, normal: NormalBone, tissues: Tissues, region: MaskArray) -> Float32Array:
    """Return the field (k, j, i; surface at 0.5) of the smooth surface that is best told near a region's own."""
    box = bounding_box(region, math.ceil(_MARGIN_MM / float(ground.grid.spacing_kji_mm.min())))
    part, about = ground.within(box), region[box]
    evidence = patchy_evidence(part, normal, tissues, about)
    spacing, radius = ground.grid.spacing_kji_mm, ball_radius_mm(region, ground)
    weight = np.where(about, depth_of(about, spacing) ** 2, np.float32(0.0))
    middle = np.array(ndimage.center_of_mass(weight))
    sphere = _sphere()
    for turn in range(_TWICE):
        along = _logarithms(evidence, middle, radius, spacing)
        if turn + 1 < _TWICE:
            size = np.exp(along)
            off = (sphere.rays * size[:, None] ** 4).mean(axis=0) * 0.75 / (size**3).mean()
            middle, radius = middle + off / spacing, float((size**3).mean() ** (1.0 / 3.0))
    whole = np.zeros(region.shape, dtype=np.float32)
    whole[box] = np.where(part.may_be, _field(along, middle, about.shape, spacing), np.float32(0.0))
    return whole


def _logarithms(evidence: Float32Array, middle: FloatArray, radius_mm: float, spacing: FloatArray) -> FloatArray:
    """Return (n,) the natural logarithm of the surface's distance, mm, along each ray.

    Each ray takes the distance up to which it gathers most evidence, less what it pays for leaving its neighbours,
    which rises; then the whole surface moves to where evidence is in balance.
    """
    sphere = _sphere()
    away = np.arange(0.5, 2.2 * radius_mm / _STEP_MM + 8.0) * _STEP_MM
    places = middle[:, None, None] + sphere.rays.T[:, :, None] * away / spacing[:, None, None]
    told = ndimage.map_coordinates(evidence, places, order=1, mode="constant", cval=-1.0)
    gathered = np.cumsum(told * away**2, axis=1) * _STEP_MM
    ends = np.log(away + _STEP_MM / 2.0)
    along = np.full(_RAYS, math.log(radius_mm))
    for tie in _TIES:
        gain = gathered / np.exp(3.0 * along)[:, None] - tie * (ends - along[:, None]) ** 2
        along = sphere.smoothed(ends[np.argmax(gain, axis=1)])
    rows = np.arange(_RAYS)
    for _ in range(_MOVES):
        at = np.clip(np.exp(along) / _STEP_MM - 0.5, 0.0, len(away) - 1.001)
        below = at.astype(int)
        share = at - below
        here = told[rows, below] * (1.0 - share) + told[rows, below + 1] * share
        along = along + _MOVE * sphere.smoothed(here)
    return np.asarray(along)


def _field(along: FloatArray, middle: FloatArray, shape: tuple[int, ...], spacing: FloatArray) -> Float32Array:
    """Return (k, j, i) how far voxels lie inside the surface: 0.5 on it, falling to 0 over 1.5 mm."""
    offset = (np.moveaxis(np.indices(shape), 0, -1) - middle) * spacing
    away = np.linalg.norm(offset, axis=-1)
    field = np.zeros(shape, dtype=np.float32)
    near = away < math.exp(float(along.max())) + 2.0
    unit = offset[near] / np.maximum(away[near], 1e-6)[:, None]
    field[near] = np.clip(0.5 + (np.exp(_sphere().over(along, unit)) - away[near]) / 3.0, 0.0, 1.0)
    return field


def patchy_evidence(ground: Ground, normal: NormalBone, tissues: Tissues, region: MaskArray) -> Float32Array:
    """Return (k, j, i) how surely each voxel is a patchy lesion's, 0 half-way between its own tissue and marrow.

    Half-way to an island is half-way to the brightest close by, so that neither cortex nor the dense bone beside it
    are taken for islands. What lies between dark tissue and an island is lesion, whatever its HU.
    """
    assert tissues.dark_hu is not None
    spacing, hu, middle = ground.grid.spacing_kji_mm, ground.hu, np.float32(normal.hu)
    own = hu[region & (hu < normal.hu - least_contrast_hu(normal))]
    dark_hu = float(np.percentile(own, _DARK_PERCENT)) if own.size > 20 else tissues.dark_hu
    half = np.float32((normal.hu - dark_hu) / 2.0)
    dark = np.clip((middle - half - hu) / half, -1.0, 1.0)
    peak = brightest(hu, ball_offsets(_PEAK_MM, spacing))
    half = np.maximum((peak - middle) / 2.0, np.float32(max(2.0 * normal.spread_hu, ISLAND_LEAST_HU)))
    bright = np.clip((hu - middle - half) / half, -1.0, 1.0)
    bright[ground.depth_mm < shell_mm(ground)] = -1.0
    between = _BETWEEN_MM - depth_of(dark <= 0.0, spacing) - depth_of(bright <= 0.0, spacing)
    best = np.maximum(np.maximum(dark, bright), np.clip(between / (_BETWEEN_MM / 3.0), -1.0, _BETWEEN))
    best = np.where(ground.may_be, best, np.float32(-1.0))
    against = np.float32(min(1.0, _AGAINST * normal.spread_hu / (normal.hu - dark_hu)))
    return np.asarray(np.where(best < 0.0, against * best, best), dtype=np.float32)
