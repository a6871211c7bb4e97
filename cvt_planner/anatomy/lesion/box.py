"""Boxes of a CT about a vertebra, on a grid of their own, with the spine's labels on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvt_planner.anatomy.morphology import bounding_box, depth_of
from cvt_planner.anatomy.neighbourhood import index_kji
from cvt_planner.anatomy.spine.model import Part, Spine, Vertebra
from cvt_planner.base.arrays import Float32Array, FloatArray, LabelArray, MaskArray, Points
from cvt_planner.base.remembered import Remembered
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

Indices = NDArray[np.int64]
_LARGEST_MM = 75.0  # no vertebra reaches farther from the middle of its body
_EXTENTS: Remembered[tuple[Indices, Indices]] = Remembered(64)


def _extent(spine: Spine, vertebra: Vertebra, part: Part | None) -> tuple[Indices, Indices]:
    """Return the box of a vertebra or one part of it in the spine's indices; all in reach where there is nothing."""
    if part is not None:
        low, high = _EXTENTS.get(spine, (vertebra.number, None), lambda: _extent(spine, vertebra, None))
    else:
        at = np.clip(np.rint(spine.grid.index_of(np.array(vertebra.centre_lps_mm))).astype(int), 0, None)
        reach = _LARGEST_MM * np.linalg.norm(spine.grid.index_from_lps[:3, :3], axis=1)
        low = np.maximum(np.floor(at - reach).astype(int), 0)
        high = np.minimum(np.ceil(at + reach).astype(int) + 1, np.array(spine.grid.shape_kji))
    there = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    own = spine.vertebrae[there] == vertebra.number
    if part is not None:
        own &= spine.parts[there] == part
    if not own.any():
        return low, high
    box = bounding_box(own, 0)
    return np.array([s.start for s in box]) + low, np.array([s.stop for s in box]) + low


def bounds_in(
    grid: Grid, spine: Spine, vertebra: Vertebra, room_mm: float, part: Part | None = None
) -> tuple[Points, Points]:
    """Return the box of a vertebra, or of one part of it, and room beyond it, in another grid's indices (low, high)."""
    first, last = _EXTENTS.get(spine, (vertebra.number, part), lambda: _extent(spine, vertebra, part))
    ends = np.stack(np.meshgrid(*zip(first - 0.5, last - 0.5, strict=True), indexing="ij"), axis=-1).reshape(-1, 3)
    index = grid.index_of(spine.grid.lps_of(ends))
    room = room_mm / grid.spacing_kji_mm
    return np.floor(index.min(axis=0) - room), np.ceil(index.max(axis=0) + room)


def labels_on(spine: Spine, labels: LabelArray, grid: Grid) -> LabelArray:
    """Return a label array of the spine on another grid, the nearest voxel's value; 0 outside the spine's box."""
    affine = spine.grid.index_from_lps @ grid.lps_from_index
    off = affine[:3, :3] - np.diag(np.diag(affine[:3, :3]))
    if np.abs(off).max() * max(grid.shape_kji) > 0.25:
        index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij"), axis=-1)
        at = np.rint(spine.grid.index_of(grid.lps_of(index.astype(np.float64)))).astype(int)
        inside = np.all((at >= 0) & (at < np.array(labels.shape)), axis=-1)
        out = np.zeros(grid.shape_kji, dtype=np.uint8)
        out[inside] = labels[tuple(at[inside].T)]
        return out
    # Both grids run the same way: along each axis one list of places says it all. First cut to what is reached.
    along = [np.rint(affine[a, a] * np.arange(grid.shape_kji[a]) + affine[a, 3]).astype(int) for a in range(3)]
    reached = [np.clip(places, 0, n - 1) for places, n in zip(along, labels.shape, strict=True)]
    out = labels[tuple(slice(int(places.min()), int(places.max()) + 1) for places in reached)]
    for axis, places in enumerate(reached):
        out = np.take(out, places - places.min(), axis=axis)
    for axis, places in enumerate(along):
        beyond = (places < 0) | (places >= labels.shape[axis])
        if beyond.any():
            out[tuple(beyond if a == axis else slice(None) for a in range(3))] = 0
    return out


def taken_together(volume: Volume, low: Indices, high: Indices, factor: Indices) -> tuple[Float32Array, Grid]:
    """Return the mean HU of blocks of voxels in a box, and the blocks' grid."""
    box = volume.hu[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    hu = np.maximum(box, -1024).astype(np.float32)  # padding far below air would bleed through the blur
    shape = index_kji((high - low) // factor)
    a, b, c = index_kji(factor)
    if a * b * c > 1:  # much quicker than the mean of a reshaped view
        total = np.zeros(shape, dtype=np.float32)
        for x, y, z in np.ndindex(a, b, c):
            total += hu[x::a, y::b, z::c]
        hu = total / np.float32(a * b * c)
    affine = volume.grid.lps_from_index.copy()
    affine[:3, 3] = volume.grid.lps_of(low + (factor - 1) / 2.0)
    affine[:3, :3] = affine[:3, :3] * factor
    return hu, Grid(shape, affine, volume.grid.frame_of_reference_uid)


def depth_below_mm(bone: MaskArray, spacing_kji_mm: FloatArray) -> Float32Array:
    """Return the depth below the bone's surface, which runs half a voxel outside the outermost middles; 0 outside."""
    depth = depth_of(bone, spacing_kji_mm) - np.float32(0.5 * float(spacing_kji_mm.min()))
    return np.asarray(np.maximum(depth, np.float32(0.0)), dtype=np.float32)
