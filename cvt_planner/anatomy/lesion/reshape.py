"""Reshaping a drawn lesion: grow, shrink, smooth, split, join, fill, between slices. Every step is Region -> Region."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cvt_planner.anatomy.lesion.distance import SURFACE, ramp_of, signed_distance_mm, widths_mm
from cvt_planner.anatomy.lesion_shape import Ellipsoid, LesionShape, Region
from cvt_planner.anatomy.morphology import bounding_box
from cvt_planner.anatomy.neighbourhood import index_kji
from cvt_planner.anatomy.raster import shape_bounds_lps_mm
from cvt_planner.base.arrays import Float32Array, FloatArray, LabelArray, MaskArray, Points, Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid

Indices = NDArray[np.int64]
LARGEST_STEP_MM = 10.0
SMALLEST_PART_ML = 0.02  # parts smaller than this are specks and no lesions of their own; assumed


def region_on(shape: LesionShape, grid: Grid, margin_mm: float = 4.0) -> Region:
    """Return a shape as a region on a box of the CT's grid, with room around it.

    Raises
    ------
    InputRefused
        If nothing of it lies within the CT.
    """
    low, high = shape_bounds_lps_mm(shape)
    corners = np.stack(np.meshgrid(*zip(low - margin_mm, high + margin_mm, strict=True), indexing="ij"), axis=-1)
    index = grid.index_of(corners.reshape(-1, 3))
    first = np.maximum(np.floor(index.min(axis=0)).astype(int), 0)
    last = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 1, grid.shape_kji)
    if np.any(last <= first):
        raise InputRefused("This lesion lies outside the CT and cannot be reshaped there.")
    box = grid.crop(index_kji(first), index_kji(last - first))
    if isinstance(shape, Ellipsoid):
        return Region(_ellipsoid_ramp(shape, box), box)
    start = np.rint(grid.index_of(shape.grid.lps_of(np.zeros(3)))).astype(int)
    fits = np.allclose(grid.lps_of(start.astype(np.float64)), shape.grid.lps_from_index[:3, 3], atol=1e-3)
    if not fits or not np.allclose(grid.lps_from_index[:3, :3], shape.grid.lps_from_index[:3, :3], atol=1e-6):
        raise InputRefused("This lesion was drawn on another CT's voxels and cannot be reshaped on this one.")
    return Region(_moved(shape.ramp, start, first, last), box)


def _moved(ramp: LabelArray, start: Indices, first: Indices, last: Indices) -> LabelArray:
    """Return a box's values in another box, both placed by the CT's indices; 0 where it does not reach."""
    out = np.zeros(tuple(last - first), dtype=np.uint8)
    low = np.maximum(start, first)
    high = np.minimum(start + np.array(ramp.shape), last)
    if np.all(high > low):
        to = tuple(slice(a, b) for a, b in zip(low - first, high - first, strict=True))
        out[to] = ramp[tuple(slice(a, b) for a, b in zip(low - start, high - start, strict=True))]
    return out


def _ellipsoid_ramp(shape: Ellipsoid, grid: Grid) -> LabelArray:
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij"), axis=-1)
    axes = np.array(shape.semi_axes_mm)
    scaled = (grid.lps_of(index.astype(np.float64)) - np.array(shape.centre_lps_mm)) / axes
    k0 = np.linalg.norm(scaled, axis=-1)
    k1 = np.linalg.norm(scaled / axes, axis=-1)
    distance = k0 * (k0 - 1.0) / np.maximum(k1, 1e-9)  # first order: exact on the surface
    distance = np.where(k1 < 1e-9, -axes.min(), distance).astype(np.float32)
    return ramp_of(distance, widths_mm(distance, grid.spacing_kji_mm))


def moved_surface(region: Region, by_mm: float) -> Region:
    """Return the region grown (positive) or shrunk (negative) by so many mm, below a voxel's size too.

    Raises
    ------
    InputRefused
        If the step is larger than 10 mm, or nothing is left.
    """
    if not abs(by_mm) <= LARGEST_STEP_MM:
        raise InputRefused(f"A lesion grows or shrinks by up to {LARGEST_STEP_MM:g} mm at a time, not {by_mm:g} mm.")
    return _from_distance(_distance(region, max(by_mm, 0.0)) - np.float32(by_mm), region, max(by_mm, 0.0))


def smoothed(region: Region, over_mm: float = 1.5) -> Region:
    """Return the region with details finer than this evened out; its volume stays."""
    spacing = region.grid.spacing_kji_mm
    distance = _distance(region, over_mm)
    even = ndimage.gaussian_filter(distance, over_mm / spacing, mode="nearest")
    low, high = -2.0 * over_mm, 2.0 * over_mm
    for _ in range(20):  # the shift that keeps the volume
        middle = (low + high) / 2.0
        if _count_ml(even - middle, spacing, region) < region.volume_ml:
            low = middle
        else:
            high = middle
    return _from_distance(even - np.float32((low + high) / 2.0), region, over_mm)


def filled(region: Region) -> Region:
    """Return the region with what it encloses."""
    whole = ndimage.binary_fill_holes(region.mask)
    return Region(np.where(whole & ~region.mask, np.uint8(255), region.ramp), region.grid)


def joined(one: Region, other: Region, grid: Grid) -> Region:
    """Return two regions as one, on a box of the CT's grid."""
    first, second = (region_on(r, grid, 2.0) for r in (one, other))
    starts = [np.rint(grid.index_of(r.grid.lps_of(np.zeros(3)))).astype(int) for r in (first, second)]
    ends = [start + np.array(r.ramp.shape) for start, r in zip(starts, (first, second), strict=True)]
    low, high = np.minimum(*starts), np.maximum(*ends)
    both = np.maximum(_moved(first.ramp, starts[0], low, high), _moved(second.ramp, starts[1], low, high))
    return Region(both, grid.crop(index_kji(low), index_kji(high - low)))


def parts(region: Region) -> tuple[Region, ...]:
    """Return the parts that do not hang together, the largest first; specks below 0.02 mL are left out."""
    labels, count = ndimage.label(region.mask)
    made = []
    for number in range(1, count + 1):
        # The surface runs through the voxels around the mask, which belong to the nearest part.
        around = ndimage.binary_dilation(labels == number)
        part = Region(np.where(around & ((labels == number) | ~region.mask), region.ramp, np.uint8(0)), region.grid)
        made.append(part)
    made.sort(key=lambda part: -part.volume_ml)
    large = [part for part in made if part.volume_ml >= SMALLEST_PART_ML]
    return tuple(large or made[:1])


def cut(region: Region, point_lps_mm: Vec3, normal: Points) -> tuple[Region, Region]:
    """Return the two halves on either side of a plane, the one the normal points to first.

    Raises
    ------
    InputRefused
        If the plane does not pass through the region.
    """
    normal = np.asarray(normal, dtype=np.float64)
    normal = normal / np.linalg.norm(normal)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in region.ramp.shape), indexing="ij"), axis=-1)
    beyond = ((region.grid.lps_of(index.astype(np.float64)) - np.array(point_lps_mm)) @ normal).astype(np.float32)
    width = float(np.abs(region.grid.lps_from_index[:3, :3].T @ normal).sum())
    try:
        return (
            Region(np.minimum(region.ramp, ramp_of(-beyond, width)), region.grid),
            Region(np.minimum(region.ramp, ramp_of(beyond, width)), region.grid),
        )
    except InputRefused:
        raise InputRefused("The plane does not pass through the lesion. Move the crosshair into it.") from None


def within(region: Region, allowed: MaskArray) -> Region:
    """Return the part of a region inside a mask on its own grid."""
    return Region(np.where(allowed, region.ramp, np.uint8(0)), region.grid)


def interpolated(region: Region) -> Region:
    """Return the region with slices that were left out between drawn ones filled in, by their signed distances.

    The axis is the one along which planes are empty between drawn ones; shape-based interpolation after Raya and Udupa
    (IEEE Trans Med Imaging 1990;9:32).

    Raises
    ------
    InputRefused
        If no plane was left out.
    """
    axis, drawn = _drawn_planes(region.mask)
    spacing = region.grid.spacing_kji_mm
    flat = np.delete(spacing, axis)
    ramp = np.moveaxis(region.ramp.copy(), axis, 0)

    def plane(n: int) -> Float32Array:
        return np.asarray(signed_distance_mm(ramp[n][None], np.array([1.0, *flat]), SURFACE)[0])

    for start, end in itertools.pairwise(drawn):
        if end - start < 2:
            continue
        one, other = plane(int(start)), plane(int(end))
        for n in range(int(start) + 1, int(end)):
            share = (n - start) / (end - start)
            between = ((1.0 - share) * one + share * other).astype(np.float32)
            ramp[n] = ramp_of(between, float(flat.mean()))
    return Region(np.ascontiguousarray(np.moveaxis(ramp, 0, axis)), region.grid)


def _drawn_planes(mask: MaskArray) -> tuple[int, Indices]:
    best: tuple[int, int, Indices] | None = None
    for axis in range(3):
        drawn = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        left_out = int(drawn[-1] - drawn[0] + 1 - len(drawn))
        if left_out and (best is None or left_out > best[0]):
            best = (left_out, axis, drawn)
    if best is None:
        raise InputRefused("No slice is left out: draw the lesion in every third slice or so, then fill in between.")
    return best[1], best[2]


def _distance(region: Region, room_mm: float) -> Float32Array:
    """Return the signed distance on the region's grid with room about it, see `_padding`."""
    pad = _padding(region.grid.spacing_kji_mm, room_mm)
    return signed_distance_mm(np.pad(region.ramp, [(n, n) for n in pad]), region.grid.spacing_kji_mm, SURFACE)


def _padding(spacing_kji_mm: FloatArray, room_mm: float) -> tuple[int, int, int]:
    return index_kji(np.array([math.ceil(room_mm / s) + 2 for s in spacing_kji_mm]))


def _from_distance(distance: Float32Array, region: Region, room_mm: float) -> Region:
    """Return the region of a signed distance, cropped to what is inside and two voxels around."""
    spacing = region.grid.spacing_kji_mm
    if not (distance < 0.0).any():
        raise InputRefused("Nothing would be left of the lesion.")
    pad = _padding(spacing, room_mm)
    box = bounding_box(distance < 0.0, 2)
    start = index_kji(np.array([s.start - n for s, n in zip(box, pad, strict=True)]))
    ramp = ramp_of(distance, widths_mm(distance, spacing))[box]
    return Region(np.ascontiguousarray(ramp), region.grid.crop(start, index_kji(np.array(ramp.shape))))


def _count_ml(distance: Float32Array, spacing: FloatArray, region: Region) -> float:
    share = np.clip(0.5 - distance / float(spacing.mean()), 0.0, 1.0)
    return float(share.sum(dtype=np.float64)) * region.grid.voxel_volume_mm3 / 1000.0
