"""Painting a lesion by hand: a ball, or a disc in one slice, dragged along; quick enough to be seen under the hand."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cvt_planner.anatomy.lesion.reshape import region_on
from cvt_planner.anatomy.lesion_shape import LesionShape, Region
from cvt_planner.anatomy.morphology import bounding_box
from cvt_planner.anatomy.neighbourhood import DENOISE_SIGMA_MM, index_kji
from cvt_planner.base.arrays import LabelArray, MaskArray, Points, Vec3
from cvt_planner.base.compiled import kernel
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

Indices = NDArray[np.int64]
SMALLEST_MM, LARGEST_MM = 0.5, 25.0
_ROOM = 12  # voxels added beyond what a stroke needs, so that the box is not made anew at every step


@dataclass(frozen=True)
class Brush:
    """What is in the hand.

    Parameters
    ----------
    radius_mm
        Of the ball, 0.5 to 25 mm.
    erase
        Take away instead of adding.
    normal
        Unit normal of the one slice that is painted; None paints in 3-D.
    band_hu
        Only voxels whose denoised HU lie within, ends included, are added; None: all. Erasing ignores it.
    """

    radius_mm: float = 5.0
    erase: bool = False
    normal: Vec3 | None = None
    band_hu: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not SMALLEST_MM <= self.radius_mm <= LARGEST_MM:
            raise InputRefused(f"A brush has a radius of {SMALLEST_MM:g} to {LARGEST_MM:g} mm.")
        if self.band_hu is not None and not self.band_hu[0] < self.band_hu[1]:
            raise InputRefused("The HU band of the brush is empty.")


@kernel
def _width_mm(affine: Any, x: float, y: float, z: float, length: float, least: float) -> float:
    """Return a voxel's width across the brush's surface, as in `distance.widths_mm`."""
    if length < 1e-6:
        return least
    width = 0.0
    for axis in range(3):
        width += (affine[0, axis] * x + affine[1, axis] * y + affine[2, axis] * z) ** 2
    return math.sqrt(width) / length


@kernel
def _paint(
    ramp: Any, allowed: Any, affine: Any, low: Any, high: Any, a: Any, ab: Any, radius: float, least: float,
    normal: Any, half_slice: float, erase: bool,
) -> None:  # fmt: skip
    """Paint the capsule of a radius about the segment from `a` along `ab` into the voxels of a box.

    `normal` is zero for a ball; else only voxels within half a slice of the segment's plane are painted, and distances
    are measured in the plane. `allowed` says which voxels of the box may be added.
    """
    flat = normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2] > 0.0
    square = ab[0] * ab[0] + ab[1] * ab[1] + ab[2] * ab[2]
    for k in range(low[0], high[0]):
        for j in range(low[1], high[1]):
            for i in range(low[2], high[2]):
                x = affine[0, 0] * k + affine[0, 1] * j + affine[0, 2] * i + affine[0, 3] - a[0]
                y = affine[1, 0] * k + affine[1, 1] * j + affine[1, 2] * i + affine[1, 3] - a[1]
                z = affine[2, 0] * k + affine[2, 1] * j + affine[2, 2] * i + affine[2, 3] - a[2]
                off = x * normal[0] + y * normal[1] + z * normal[2]
                if flat and (off > half_slice or off <= -half_slice):
                    continue
                x, y, z = x - off * normal[0], y - off * normal[1], z - off * normal[2]
                t = min(max((x * ab[0] + y * ab[1] + z * ab[2]) / max(square, 1e-9), 0.0), 1.0)
                x, y, z = x - t * ab[0], y - t * ab[1], z - t * ab[2]
                length = math.sqrt(x * x + y * y + z * z)
                value = 127.5 - 127.5 * (length - radius) / _width_mm(affine, x, y, z, length, least)
                value = min(max(value, 0.0), 255.0)
                if erase:
                    ramp[k, j, i] = min(ramp[k, j, i], np.uint8(255.5 - value))
                elif allowed[k - low[0], j - low[1], i - low[2]]:
                    ramp[k, j, i] = max(ramp[k, j, i], np.uint8(value + 0.5))


@dataclass(eq=False)
class Canvas:
    """A lesion under the brush: a box of the CT's voxels that widens as it is painted on."""

    volume: Volume
    ramp: LabelArray = field(repr=False)
    start_kji: tuple[int, int, int]

    @classmethod
    def of(cls, volume: Volume, shape: LesionShape | None) -> Canvas:
        """Return a canvas with a lesion on it, or an empty one."""
        if shape is None:
            return cls(volume, np.zeros((0, 0, 0), dtype=np.uint8), (0, 0, 0))
        region = region_on(shape, volume.grid)
        start = np.rint(volume.grid.index_of(region.grid.lps_of(np.zeros(3)))).astype(int)
        return cls(volume, region.ramp.copy(), index_kji(start))

    @property
    def grid(self) -> Grid:
        """Return the places of the box's voxels."""
        return self.volume.grid.crop(self.start_kji, index_kji(np.array(self.ramp.shape)))

    @property
    def empty(self) -> bool:
        """Return whether nothing is on it."""
        return bool(self.ramp.max(initial=0) < 128)

    def stroke(self, brush: Brush, from_lps_mm: Points, to_lps_mm: Points) -> None:
        """Paint along a straight piece of a stroke; what lies outside the CT is left out."""
        grid = self.volume.grid
        a, b = np.asarray(from_lps_mm, dtype=np.float64), np.asarray(to_lps_mm, dtype=np.float64)
        reach = (brush.radius_mm + float(grid.spacing_kji_mm.max())) * np.linalg.norm(
            grid.index_from_lps[:3, :3], axis=1
        )
        index = grid.index_of(np.stack([a, b]))
        low = np.maximum(np.floor(index.min(axis=0) - reach).astype(int), 0)
        high = np.minimum(np.ceil(index.max(axis=0) + reach).astype(int) + 1, grid.shape_kji)
        if np.any(high <= low):
            return
        if not brush.erase:
            self._hold(low, high)
        start = np.array(self.start_kji)
        low, high = np.maximum(low - start, 0), np.minimum(high - start, self.ramp.shape)
        if np.any(high <= low):
            return
        normal = np.zeros(3) if brush.normal is None else np.array(brush.normal)
        half = 0.5 * float(np.abs(grid.lps_from_index[:3, :3].T @ normal).max()) if brush.normal else 0.0
        allowed = np.ones(tuple(high - low), dtype=np.bool_)
        if brush.band_hu is not None and not brush.erase:
            allowed = self._in_band(brush.band_hu, low, high)
        least = float(grid.spacing_kji_mm.min())
        _paint(
            self.ramp, allowed, self.grid.lps_from_index, low, high, a, b - a, float(brush.radius_mm), least, normal,
            half, brush.erase,
        )  # fmt: skip

    def region(self) -> Region:
        """Return what is on the canvas; raises `InputRefused` when that is nothing."""
        if self.empty:
            raise InputRefused("Nothing is left of this lesion. Undo, or delete the lesion.")
        box = bounding_box(self.ramp > 0, 1)
        start = index_kji(np.array([s.start for s in box]) + np.array(self.start_kji))
        ramp = np.ascontiguousarray(self.ramp[box])
        grid = self.volume.grid.crop(start, index_kji(np.array(ramp.shape)))
        return Region(ramp.copy() if np.shares_memory(ramp, self.ramp) else ramp, grid)

    def _hold(self, low: Indices, high: Indices) -> None:
        """Widen the box to hold these voxels."""
        start = np.array(self.start_kji)
        end = start + np.array(self.ramp.shape)
        if self.ramp.size and np.all(low >= start) and np.all(high <= end):
            return
        first = low if not self.ramp.size else np.minimum(low, start)
        last = high if not self.ramp.size else np.maximum(high, end)
        first = np.maximum(first - _ROOM, 0)
        last = np.minimum(last + _ROOM, np.array(self.volume.grid.shape_kji))
        wider = np.zeros(tuple(last - first), dtype=np.uint8)
        if self.ramp.size:
            wider[tuple(slice(a, b) for a, b in zip(start - first, end - first, strict=True))] = self.ramp
        self.ramp, self.start_kji = wider, index_kji(first)

    def _in_band(self, band_hu: tuple[float, float], low: Indices, high: Indices) -> MaskArray:
        """Return which voxels of a box of the canvas have denoised HU within a band."""
        start, shape = np.array(self.start_kji), np.array(self.volume.grid.shape_kji)
        spacing = self.volume.grid.spacing_kji_mm
        rim = np.ceil(2.0 * DENOISE_SIGMA_MM / spacing).astype(int)
        first, last = np.maximum(low + start - rim, 0), np.minimum(high + start + rim, shape)
        hu = self.volume.hu[first[0] : last[0], first[1] : last[1], first[2] : last[2]].astype(np.float32)
        hu = ndimage.gaussian_filter(hu, DENOISE_SIGMA_MM / spacing, mode="nearest", truncate=2.0)
        inner = tuple(slice(a, b) for a, b in zip(low + start - first, high + start - first, strict=True))
        return np.asarray((hu[inner] >= band_hu[0]) & (hu[inner] <= band_hu[1]))
