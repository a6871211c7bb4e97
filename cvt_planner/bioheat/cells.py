"""The cells that are solved: one voxel each near the probes, several voxels each where nothing is sharp.

A rectilinear grid: each axis has its own row of widths, whole numbers of voxels. A radial axis has shells instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array, FloatArray
from cvt_planner.bioheat.banded import along_axes

Ints = NDArray[np.int64]
Shape = Literal["slab", "cylinder", "sphere"]

GROWTH = 1.5  # of the widths from cell to cell beyond the fine part; by trial
WIDEST_MM = 6.0


@dataclass(frozen=True, eq=False)
class Axis:
    """The cells along one axis.

    Parameters
    ----------
    first
        (n + 1,) the first voxel of each cell; the last entry is the number of voxels.
    width_m
        (n,) of each cell.
    size
        (n,) factor of the cell's volume: the width, m, of a slab; the volume of a shell, m3 (of a cylinder's, per m).
    area
        (n + 1,) factor of the face below each cell: 1 for slabs; a shell's area, m2 (of a cylinder's, per m).
    """

    first: Ints
    width_m: FloatArray
    size: FloatArray
    area: FloatArray

    @property
    def count(self) -> int:
        """Return the number of cells."""
        return self.width_m.size

    @property
    def centres(self) -> FloatArray:
        """Return (n,) the middles of the cells, in voxels from the low wall."""
        return np.asarray(0.5 * (self.first[1:] + self.first[:-1]))

    @property
    def of_voxel(self) -> Ints:
        """Return (voxels,) the cell that each voxel belongs to."""
        return np.repeat(np.arange(self.count), np.diff(self.first))

    def couplings(self) -> tuple[FloatArray, FloatArray]:
        """Return (n,) twice, 1/m2: how the second difference weighs the neighbour below and the one above.

        At a wall the neighbour is a ghost as wide as the cell beside it.
        """
        w = self.width_m
        between = 0.5 * (w[1:] + w[:-1])
        below = self.area[:-1] / (self.size * np.concatenate([w[:1], between]))
        above = self.area[1:] / (self.size * np.concatenate([between, w[-1:]]))
        return below, above

    def to_voxels(self, held: tuple[bool, bool]) -> Float32Array:
        """Return (voxels, n) the weights that interpolate between cell middles at voxel middles: cubic, exact in them.

        Beyond the outer middles the quantity falls to zero at a wall that is `held`, low and high, else it stays.
        """
        count = int(self.first[-1])
        if self.count == count:
            return np.eye(count, dtype=np.float32)
        x, at = self.centres, np.arange(count) + 0.5
        low = np.clip(np.searchsorted(x, at, side="right") - 1, 0, self.count - 2)
        width = x[low + 1] - x[low]
        t = (at - x[low]) / width
        slopes = _parabolic_slopes(x)
        weights = np.zeros((count, self.count))
        rows = np.arange(count)
        weights[rows, low] = (1.0 + 2.0 * t) * (1.0 - t) ** 2
        weights[rows, low + 1] = t * t * (3.0 - 2.0 * t)
        weights += (width * t * (1.0 - t) ** 2)[:, None] * slopes[low]
        weights -= (width * t * t * (1.0 - t))[:, None] * slopes[low + 1]
        outer = ((0, at / x[0]), (self.count - 1, (count - at) / (count - x[-1])))
        for (end, part), is_held in zip(outer, held, strict=True):
            weights[part < 1.0] = 0.0
            weights[part < 1.0, end] = part[part < 1.0] if is_held else 1.0
        return weights.astype(np.float32)

    def from_voxels(self) -> Float32Array:
        """Return (n, voxels) the weights of means over the voxels of each cell."""
        share = 1.0 / np.diff(self.first)
        return np.asarray((self.of_voxel == np.arange(self.count)[:, None]) * share[:, None], np.float32)

    def from_axis(self, old: Axis) -> Float32Array:
        """Return (n, old n) the weights that carry means over from other cells of the same axis, conserving the sum.

        Within an old cell the quantity is taken to vary evenly, as its neighbours' difference says; cells that are in
        both axes keep their value.
        """
        if np.array_equal(self.first, old.first):
            return np.eye(self.count, dtype=np.float32)
        weights = np.zeros((self.count, old.count))
        middle, first = old.centres, old.first.tolist()
        begins = (np.searchsorted(old.first, self.first[:-1], side="right") - 1).tolist()
        for n, (start, end) in enumerate(pairwise(self.first.tolist())):
            m = begins[n]
            if first[m] == start and first[m + 1] == end:
                weights[n, m] = 1.0
                continue
            while m < old.count and first[m] < end:
                low, high = max(start, first[m]), min(end, first[m + 1])
                share = (high - low) / (end - start)
                weights[n, m] += share
                off = 0.5 * (low + high) - middle[m]
                if off != 0.0 and 0 < m < old.count - 1:
                    slope = share * off / (middle[m + 1] - middle[m - 1])
                    weights[n, m + 1] += slope
                    weights[n, m - 1] -= slope
                m += 1
        return weights.astype(np.float32)


def _parabolic_slopes(x: FloatArray) -> FloatArray:
    """Return (n, n) the weights of the derivative at each place: of a parabola through it and its neighbours."""
    n = x.size
    out = np.zeros((n, n))
    out[0, :2] = np.array([-1.0, 1.0]) / (x[1] - x[0])
    out[-1, -2:] = np.array([-1.0, 1.0]) / (x[-1] - x[-2])
    below, above = np.diff(x)[:-1], np.diff(x)[1:]
    inner = np.arange(1, n - 1)
    out[inner, inner - 1] = -above / (below * (below + above))
    out[inner, inner + 1] = below / (above * (below + above))
    out[inner, inner] = -out[inner, inner - 1] - out[inner, inner + 1]
    return out


def slab_axis(voxels: int, voxel_m: float, fine_low: int, fine_high: int) -> Axis:
    """Return an axis of single voxels from `fine_low` up to `fine_high` (exclusive) and wider cells on both sides."""
    widest = max(1, round(WIDEST_MM / (1e3 * voxel_m)))
    below, above = _outward(fine_low, widest), _outward(voxels - fine_high, widest)
    widths = np.array([*below[::-1], *[1] * (fine_high - fine_low), *above], np.int64)
    first = np.concatenate([[0], np.cumsum(widths)])
    width_m = np.asarray(widths * voxel_m, np.float64)
    return Axis(first, width_m, width_m, np.ones(widths.size + 1))


def shell_axis(kind: Shape, inner_m: float, shells: int, shell_m: float) -> Axis:
    """Return an axis of equal shells around a line or a point, from `inner_m` outwards.

    The areas are those with which a steady flow between the middles of two shells is exact.
    """
    edges = inner_m + shell_m * np.arange(shells + 1)
    middles = edges[:-1] + 0.5 * shell_m
    # From what to what each face conducts; at both ends from the face itself, half a shell wide.
    below, above = np.concatenate([edges[:1], middles]), np.concatenate([middles, edges[-1:]])
    if kind == "cylinder":
        area, size = 2.0 * math.pi / np.log(above / below), math.pi * np.diff(edges**2)
    else:
        area, size = 4.0 * math.pi / (1.0 / below - 1.0 / above), 4.0 / 3.0 * math.pi * np.diff(edges**3)
    return Axis(np.arange(shells + 1), np.full(shells, shell_m), np.asarray(size), np.asarray(area * (above - below)))


def _outward(voxels: int, widest: int) -> list[int]:
    """Return widths that grow outwards and fill so many voxels."""
    widths: list[int] = []
    left, wish = voxels, 1.0
    while left > 0:
        wish *= GROWTH
        width = min(max(round(wish), 1), widest, left)
        widths.append(width)
        left -= width
    if len(widths) > 1 and widths[-1] < widths[-2]:  # what was left over joins its neighbour, or is shared with it
        last = widths.pop() + widths.pop()
        widths += [last] if last <= widest else sorted([last // 2, last - last // 2])
    return widths


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a box, by axis."""

    x: Axis
    y: Axis
    z: Axis

    @property
    def shape_kji(self) -> tuple[int, int, int]:
        """Return the number of cells along z, y and x."""
        return (self.z.count, self.y.count, self.x.count)

    @property
    def count(self) -> int:
        """Return the number of cells."""
        return math.prod(self.shape_kji)

    @property
    def plane_sizes(self) -> FloatArray:
        """Return (j, i) the factor of the volume that all planes share."""
        return np.asarray(self.y.size[:, None] * self.x.size[None, :])

    def volumes_m3(self) -> FloatArray:
        """Return (k, j, i) volumes, m3."""
        return np.asarray(self.z.size[:, None, None] * self.plane_sizes)

    def to_voxels(self, field: Float32Array, held: tuple[bool, ...]) -> Float32Array:
        """Return a field of cell values at the middles of all voxels, [k, j, i].

        `held` are the walls (low x, high x, low y, ...) at which it is zero.
        """
        x, y, z = (axis.to_voxels((held[2 * n], held[2 * n + 1])) for n, axis in enumerate((self.x, self.y, self.z)))
        return along_axes(field, z, y, x)

    def means(self, voxels: Float32Array) -> Float32Array:
        """Return means of a voxel field, [k, j, i], over the cells."""
        return along_axes(voxels, self.z.from_voxels(), self.y.from_voxels(), self.x.from_voxels())

    def from_cells(self, old: Cells, field: Float32Array) -> Float32Array:
        """Return a field of means over other cells as means over these."""
        return along_axes(field, self.z.from_axis(old.z), self.y.from_axis(old.y), self.x.from_axis(old.x))
