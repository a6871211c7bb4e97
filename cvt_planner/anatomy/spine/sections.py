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
_AS_BRIGHT = 0.5  # of the brightest that the section's rays usually meet: cortex, not spongy bone; assumed
_FROM_AXIS = 2  # least steps to the cortex's peak; assumed
_CORTEX, _FALL = 8, 12  # steps within which a cortex peaks, and falls to what is outside
_CLEARLY = 0.05  # more of the rays; assumed
_FAINT = 0.3  # of the section's usual peak: spongy bone or tumour, no cortex; assumed
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
        (n,) share of rays whose edge lies on the ellipse and behind a cortex.
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
    outside, and the place between where HU are half-way. A label may reach on into a rib, or end in the spongy bone of
    a wide pedicle; so the place behind the first cortex on the ray may be the edge as well: of the two, the one nearer
    to the ellipse that most rays lie on. Cortex thinner than about 1.5 mm looks up to 0.15 mm too far out on a medium
    kernel.
    """
    side = np.cross(forward, up)
    side /= np.linalg.norm(side)
    over = np.cross(side, forward)
    rays = np.cos(_TURN)[:, None] * side + np.sin(_TURN)[:, None] * over
    centres = middle + along_mm[:, None] * forward
    hu = sample_rays(volume.hu, volume.grid, centres, rays, _ALONG, AIR_HU)
    inside = sample_rays(bone, box, centres, rays, _ALONG, 0.0) >= 0.5
    labelled, first = _edges_of_label(hu, inside), _first_edges(hu)  # each the edges and their peaks
    edges, peaks = (
        np.stack([np.concatenate([a, b]), np.concatenate([b, a])]) for a, b in zip(labelled, first, strict=True)
    )
    return _better(_fitted(edges, peaks)), side, over


def _better(both: Sections) -> Sections:
    """Return the first half of the sections, each of the second on whose ellipse clearly more rays lie in its place."""
    half = len(both.edges) // 2
    best = np.arange(half)
    best[both.edges[half:] > both.edges[:half] + _CLEARLY] += half
    return Sections(*(values[best] for values in vars(both).values()))


def _edges_of_label(hu: FloatArray, inside: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return the edge of every ray at the label's, mm, NaN where there is none; the peak HU of its cortex."""
    step = np.arange(len(_ALONG))
    left = np.where((~inside).any(axis=2), np.argmin(inside, axis=2), -1)[..., None]
    within = (step >= left - _INSIDE) & (step <= left + 2)
    cortex = np.where(within, hu, -2000.0)
    at, peak = cortex.argmax(axis=2)[..., None], cortex.max(axis=2)
    beyond = (step > at) & (step <= left + _OUTSIDE)
    edges = _falls(hu, beyond, 0.5 * (peak + _darkest(hu, beyond)))
    edges[left[..., 0] <= 0] = np.nan
    return edges, peak


def _first_edges(hu: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the edge behind the first cortex on every ray, mm, and the cortex's peak HU.

    NaN where HU do not fall to what is outside, and where they fall from the axis on: there the axis lies in a wall,
    and the fall leads into the bone.
    """
    step = np.arange(len(_ALONG))
    bright = hu >= _AS_BRIGHT * np.median(hu.max(axis=2), axis=1)[:, None, None]
    first = np.where(bright.any(axis=2), bright.argmax(axis=2), len(step))[..., None]
    cortex = np.where((step >= first) & (step < first + _CORTEX), hu, -2000.0)
    at, peak = cortex.argmax(axis=2)[..., None], cortex.max(axis=2)
    beyond = (step > at) & (step < at + _FALL)
    darkest = _darkest(hu, beyond)
    edges = _falls(hu, beyond, 0.5 * (peak + darkest))
    edges[(darkest > 0.5 * peak) | (at[..., 0] < _FROM_AXIS)] = np.nan
    return edges, peak


def _darkest(hu: FloatArray, where: NDArray[np.bool_]) -> FloatArray:
    return np.asarray(np.maximum(np.where(where, hu, 5000.0).min(axis=2), _DARKEST_HU))


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
    """Return the ellipses through the first of each ray's edges, (2, n, rays), or the second where that lies nearer.

    Edges that stray from the ellipse are left out.
    """
    both = np.nan_to_num(edges)[..., None] * np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
    points, known = both[0], np.isfinite(edges[0])
    kept = known
    for _ in range(_ROUNDS):
        middle, shape = _ellipses(points, kept)
        misses = np.where(np.isfinite(edges), _misses(both, middle, shape), np.inf)
        nearer = misses[1] < misses[0]
        points = np.where(nearer[..., None], both[1], both[0])
        miss = misses.min(axis=0)
        known = np.isfinite(miss)
        kept = known & (miss < np.maximum(_STRAY_MM, 2.0 * _medians(np.where(known, miss, np.nan))))
    extents = 2.0 * np.sqrt(shape[:, [0, 1], [0, 1]])
    bad = (kept.sum(axis=1) < _LEAST_RAYS) | ~np.isfinite(extents).all(axis=1)
    middle[bad], extents[bad] = np.nan, np.nan
    outline = np.where(known[..., None], points, np.nan)
    peak = np.where(nearer, peaks[1], peaks[0])
    usual = np.median(peak, axis=1)
    whole = kept & (peak > _FAINT * usual[:, None])
    return Sections(middle, extents[:, 0], extents[:, 1], whole.mean(axis=1), usual, outline)


def _misses(points: FloatArray, middle: FloatArray, shape: FloatArray) -> FloatArray:
    """Return how far (..., n, rays, 2) points lie from n ellipses on the lines to their middles, mm; inf if none is."""
    x, y = points[..., 0] - middle[:, :1], points[..., 1] - middle[:, 1:]
    form = _inverse(shape)[..., None]
    share = np.sqrt(np.maximum(form[:, 0, 0] * x * x + 2.0 * form[:, 0, 1] * x * y + form[:, 1, 1] * y * y, 0.0))
    miss = np.abs(share - 1.0) * np.sqrt(x * x + y * y) / np.maximum(share, 1e-6)
    return np.where(np.isfinite(miss), miss, np.inf)


def _medians(values: FloatArray) -> FloatArray:
    """Return (n, 1) the medians of the rows' known values, the lower of two middle ones; NaN where none is known."""
    known = np.isfinite(values).sum(axis=1, keepdims=True)
    middle = np.take_along_axis(np.sort(values, axis=1), np.maximum(known - 1, 0) // 2, axis=1)
    return np.where(known > 0, middle, np.nan)


def _ellipses(points: Points, kept: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return the middles (n, 2) and shapes (n, 2, 2) of the ellipses nearest to points in planes; extents 2 sqrt."""
    x, y = points[..., 0], points[..., 1]
    rows = np.where(kept[..., None], np.stack([x * x, x * y, y * y, x, y], axis=-1), 0.0)
    square = rows.swapaxes(1, 2) @ rows + 1e-6 * np.eye(5)
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
