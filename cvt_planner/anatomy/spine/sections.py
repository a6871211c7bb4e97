"""Outlines of a bony tube, cut across an axis: edges between voxels at half the cortex's height, and their ellipses."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import FloatArray, LabelArray, Points
from cvt_planner.geometry.frames import Grid
from cvt_planner.geometry.sampling import AIR_HU, sample_rays
from cvt_planner.imaging.volume import Volume

RAYS = 36  # every 10 degrees
_TURN = 2.0 * np.pi * np.arange(RAYS) / RAYS
_STEP_MM = 0.25
_ALONG = np.arange(0.0, 15.0, _STEP_MM)
_INSIDE, _OUTSIDE = (
    10,
    8,
)  # steps from the label's edge within which the cortex's peak and the soft tissue are looked for
_DARKEST_HU = -100.0  # fat; air beside the bone must not move its edge
_AS_BRIGHT = 0.6  # of the section's usual cortex; assumed
_CORTEX = 8  # steps within which a cortex peaks and falls to what is outside
_SOONER_MM = 0.75  # an edge that much before the label's is another one
_CLEARLY = 0.05  # more of the rays; assumed
_LEAST_RAYS = 18
_ROUNDS = 3
_STRAY_MM = 0.6  # an edge farther from the ellipse is not the tube's own; assumed


@dataclass(frozen=True, eq=False)
class Sections:
    """The ellipses of cuts across an axis; NaN where none fits.

    Parameters
    ----------
    middle_mm
        (n, 2) from the axis, to the side and up.
    width_mm, height_mm
        (n,) their extents to the side and up.
    edges
        (n,) share of rays whose edge lies on the ellipse.
    peak_hu
        (n,) median over the rays of the cortex's brightest HU.
    outline_mm
        (n, rays, 2) the edges, from the axis to the side and up; NaN where there is none.
    """

    middle_mm: FloatArray = field(repr=False)
    width_mm: FloatArray = field(repr=False)
    height_mm: FloatArray = field(repr=False)
    edges: FloatArray = field(repr=False)
    peak_hu: FloatArray = field(repr=False)
    outline_mm: FloatArray = field(repr=False)


def cuts(
    volume: Volume, box: Grid, bone: LabelArray, middle: Points, forward: Points, up: Points, along_mm: FloatArray
) -> tuple[Sections, Points, Points]:
    """Return the sections at places along an axis, and the unit vectors to the side and up in which they are given.

    Parameters
    ----------
    bone
        1 where the bone in question lies, on the grid `box`: where its edge is looked for, and no neighbour's.
    middle, forward, up
        A point on the axis, its direction, and a direction that the sections call up; LPS.

    Notes
    -----
    Every ray from the axis takes the brightest HU near the label's edge as cortex, the darkest beyond as what is
    outside, and the place between where HU are half-way; where the label reaches on into a rib, the place behind the
    first cortex, if more rays then have their edge on one ellipse. Cortex thinner than about 1.5 mm looks up to
    0.15 mm too far out on a medium kernel.
    """
    side = np.cross(forward, up)
    side /= np.linalg.norm(side)
    over = np.cross(side, forward)
    rays = np.cos(_TURN)[:, None] * side + np.sin(_TURN)[:, None] * over
    centres = middle + along_mm[:, None] * forward
    hu = sample_rays(volume.hu, volume.grid, centres, rays, _ALONG, AIR_HU)
    inside = sample_rays(bone, box, centres, rays, _ALONG, 0.0) >= 0.5
    edges, sooner, peaks = _edges_mm(hu, inside)
    return _better(_fitted(np.concatenate([edges, sooner]), np.concatenate([peaks, peaks]))), side, over


def _better(both: Sections) -> Sections:
    """Return the first half of the sections, each of the second on whose ellipse clearly more rays lie in its place."""
    half = len(both.edges) // 2
    best = np.arange(half)
    best[both.edges[half:] > both.edges[:half] + _CLEARLY] += half
    return Sections(*(values[best] for values in vars(both).values()))


def _edges_mm(hu: FloatArray, inside: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the edge of every ray, mm, NaN where there is none; the first that it may be; the peak HU of its cortex.

    A label may reach on into a rib that lies against the tube: where a ray passes a cortex as bright as the others and
    falls to what is outside before, that may be the edge.
    """
    step = np.arange(len(_ALONG))
    left = np.where((~inside).any(axis=2), np.argmin(inside, axis=2), -1)[..., None]
    within = (step >= left - _INSIDE) & (step <= left + 2)
    cortex = np.where(within, hu, -2000.0)
    at, peak = cortex.argmax(axis=2)[..., None], cortex.max(axis=2)
    beyond = (step > at) & (step <= left + _OUTSIDE)
    darkest = np.maximum(np.where(beyond, hu, 5000.0).min(axis=2), _DARKEST_HU)
    edges = _falls(hu, beyond, 0.5 * (peak + darkest))
    edges[left[..., 0] <= 0] = np.nan
    bright = hu >= _AS_BRIGHT * np.median(peak, axis=1)[:, None, None]
    first = np.where(bright.any(axis=2), bright.argmax(axis=2), len(step))[..., None]
    cortex = np.where((step >= first) & (step < first + _CORTEX), hu, -2000.0)
    at, top = cortex.argmax(axis=2)[..., None], cortex.max(axis=2)
    outside = np.median(darkest, axis=1)[:, None]
    before = _falls(hu, (step > at) & (step < at + _CORTEX), 0.5 * (top + outside))
    return edges, np.where(before < edges - _SOONER_MM, before, edges), peak


def _falls(hu: FloatArray, where: NDArray[np.bool_], level: FloatArray) -> FloatArray:
    """Return where the values along each ray first fall below a level, mm, at the allowed steps; NaN where nowhere."""
    below = where & (hu < level[..., None])
    first = below.argmax(axis=2)
    found = np.full(first.shape, np.nan)
    known = np.nonzero(below.any(axis=2) & (first > 0))
    n = first[known]
    outer, inner = hu[(*known, n)], hu[(*known, n - 1)]
    found[known] = _ALONG[n] - _STEP_MM * np.clip((level[known] - outer) / np.maximum(inner - outer, 1e-6), 0.0, 1.0)
    return found


def _fitted(edges: FloatArray, peaks: FloatArray) -> Sections:
    """Return the ellipses through the edges, (n, rays), those that stray left out."""
    known = np.isfinite(edges)
    points = np.nan_to_num(edges)[..., None] * np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
    kept = known
    for _ in range(_ROUNDS):
        middle, shape = _ellipses(points, kept)
        off = points - middle[:, None]
        share = np.sqrt(np.maximum(np.einsum("tni,tij,tnj->tn", off, _inverse(shape), off), 0.0))
        miss = np.abs(share - 1.0) * np.hypot(off[..., 0], off[..., 1]) / np.maximum(share, 1e-6)
        kept = known & (miss < np.maximum(_STRAY_MM, 2.0 * _medians(np.where(known, miss, np.nan))))
    extents = 2.0 * np.sqrt(shape[:, [0, 1], [0, 1]])
    bad = (kept.sum(axis=1) < _LEAST_RAYS) | ~np.isfinite(extents).all(axis=1)
    middle[bad], extents[bad] = np.nan, np.nan
    outline = np.where(known[..., None], points, np.nan)
    return Sections(middle, extents[:, 0], extents[:, 1], kept.mean(axis=1), np.median(peaks, axis=1), outline)


def _medians(values: FloatArray) -> FloatArray:
    """Return (n, 1) the medians of the rows' known values, the lower of two middle ones; NaN where none is known."""
    known = np.isfinite(values).sum(axis=1, keepdims=True)
    middle = np.take_along_axis(np.sort(values, axis=1), np.maximum(known - 1, 0) // 2, axis=1)
    return np.where(known > 0, middle, np.nan)


def _ellipses(points: Points, kept: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return the middles (n, 2) and shapes (n, 2, 2) of the ellipses nearest to points in planes; extents 2 sqrt."""
    x, y = points[..., 0], points[..., 1]
    rows = np.where(kept[..., None], np.stack([x * x, x * y, y * y, x, y], axis=-1), 0.0)
    square = np.einsum("tni,tnj->tij", rows, rows) + 1e-6 * np.eye(5)
    a, b, c, d, e = np.linalg.solve(square, rows.sum(axis=1)[..., None])[..., 0].T
    form = np.stack([np.stack([a, 0.5 * b], -1), np.stack([0.5 * b, c], -1)], -2)
    around = _inverse(form)
    middle = -0.5 * np.einsum("tij,tj->ti", around, np.stack([d, e], -1))
    scale = 1.0 + np.einsum("ti,tij,tj->t", middle, form, middle)
    return middle, around * scale[:, None, None]


def _inverse(matrices: FloatArray) -> FloatArray:
    """Return the inverses of (n, 2, 2) symmetric matrices, NaN where a matrix is no ellipse's."""
    a, b, c = matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 1, 1]
    whole = a * c - b * b
    whole = np.where((whole > 1e-12) & (a > 0.0), whole, np.nan)
    return np.stack([np.stack([c, -b], -1), np.stack([-b, a], -1)], -2) / whole[:, None, None]
