"""A closed surface of triangles around a labelled structure ("surface nets"), made on any thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from cvt_planner.base.arrays import Float32Array, read_only
from cvt_planner.base.compiled import kernel
from cvt_planner.geometry.frames import Grid

_MARGIN = 3  # empty voxels all round, so that smoothing and surface find room


@dataclass(frozen=True, eq=False)
class Surface:
    """A surface: (n, 3) points LPS mm, (n, 3) unit normals outwards, (m, 3) triangles as numbers of points."""

    points_lps_mm: Float32Array = field(repr=False)
    normals: Float32Array = field(repr=False)
    triangles: NDArray[np.int32] = field(repr=False)


@kernel
def _corner(n: int) -> tuple[int, int, int]:
    return n & 1, (n >> 1) & 1, (n >> 2) & 1


@kernel
def _place(values: Any, k: int, j: int, i: int, level: float, out: Any) -> bool:
    """Write the mean of the points where a cell's edges cross the level; return whether there are any."""
    found = 0
    for axis in range(3):
        out[axis] = 0.0
    for n in range(8):
        a0, a1, a2 = _corner(n)
        a = values[k + a0, j + a1, i + a2]
        for axis in range(3):
            if (n >> axis) & 1:
                continue
            b0, b1, b2 = _corner(n | (1 << axis))
            b = values[k + b0, j + b1, i + b2]
            if (a < level) == (b < level):
                continue
            t = (level - a) / (b - a)
            out[0] += k + a0 + t * (b0 - a0)
            out[1] += j + a1 + t * (b1 - a1)
            out[2] += i + a2 + t * (b2 - a2)
            found += 1
    if found == 0:
        return False
    for axis in range(3):
        out[axis] /= found
    return True


@kernel
def _points(values: Any, level: float, numbers: Any, points: Any) -> int:
    count = 0
    at = np.empty(3)
    nk, nj, ni = values.shape
    for k in range(nk - 1):
        for j in range(nj - 1):
            for i in range(ni - 1):
                if _place(values, k, j, i, level, at):
                    numbers[k, j, i] = count
                    if count < points.shape[0]:
                        points[count, 0], points[count, 1], points[count, 2] = at[0], at[1], at[2]
                    count += 1
    return count


@kernel
def _quad(triangles: Any, count: int, a: int, b: int, c: int, d: int, turned: bool) -> int:
    if count + 2 <= triangles.shape[0]:
        if turned:
            b, d = d, b
        triangles[count, 0], triangles[count, 1], triangles[count, 2] = a, b, c
        triangles[count + 1, 0], triangles[count + 1, 1], triangles[count + 1, 2] = a, c, d
    return count + 2


@kernel
def _triangles(values: Any, level: float, numbers: Any, triangles: Any) -> int:
    """Join the four cells around every edge of the lattice that crosses the level."""
    count = 0
    nk, nj, ni = values.shape
    for k in range(1, nk - 1):
        for j in range(1, nj - 1):
            for i in range(1, ni - 1):
                inside = values[k, j, i] >= level
                if inside != (values[k + 1, j, i] >= level):
                    count = _quad(
                        triangles, count, numbers[k, j - 1, i - 1], numbers[k, j, i - 1], numbers[k, j, i],
                        numbers[k, j - 1, i], inside,
                    )  # fmt: skip
                if inside != (values[k, j + 1, i] >= level):
                    count = _quad(
                        triangles, count, numbers[k - 1, j, i - 1], numbers[k - 1, j, i], numbers[k, j, i],
                        numbers[k, j, i - 1], inside,
                    )  # fmt: skip
                if inside != (values[k, j, i + 1] >= level):
                    count = _quad(
                        triangles, count, numbers[k - 1, j - 1, i], numbers[k, j - 1, i], numbers[k, j, i],
                        numbers[k - 1, j, i], inside,
                    )  # fmt: skip
    return count


def surface_of(mask: NDArray[np.bool_], grid: Grid, spacing_mm: float = 1.25, smooth_mm: float = 0.8) -> Surface | None:
    """Return the surface around the voxels of a mask; None where it is empty.

    Parameters
    ----------
    mask
        (k, j, i), a small box.
    grid
        Of the mask.
    spacing_mm
        Finer voxels are averaged over whole numbers of them, up to about this spacing.
    smooth_mm
        Sigma of the Gaussian that takes the steps of the voxels off.

    Notes
    -----
    For looking at: thin parts (a lamina's edge) are rounded off by up to `smooth_mm`.
    """
    if not mask.any():
        return None
    spacing = grid.spacing_kji_mm
    factors = np.maximum(np.floor(spacing_mm / spacing + 0.25).astype(int), 1)
    values = _averaged(mask, factors)
    for axis in range(3):
        sigma = smooth_mm / (spacing[axis] * factors[axis])
        if sigma > 0.2:
            values = gaussian_filter1d(values, sigma, axis=axis, mode="constant")
    numbers = np.full(values.shape, -1, dtype=np.int32)
    empty = np.empty((0, 3))
    points = np.empty((_points(values, 0.5, numbers, empty), 3))
    _points(values, 0.5, numbers, points)
    none = np.empty((0, 3), dtype=np.int32)
    triangles = np.empty((_triangles(values, 0.5, numbers, none), 3), dtype=np.int32)
    _triangles(values, 0.5, numbers, triangles)
    if len(triangles) == 0:
        return None
    index = (points - _MARGIN) * factors + (factors - 1) / 2.0
    places = grid.lps_of(index).astype(np.float32)
    normals = _normals(places, triangles)
    if np.linalg.det(grid.lps_from_index[:3, :3]) > 0.0:  # [k, j, i] is left-handed where no axis is mirrored
        triangles = np.ascontiguousarray(triangles[:, ::-1])
        normals = -normals
    return Surface(read_only(places), read_only(normals), read_only(triangles))


def _averaged(mask: NDArray[np.bool_], factors: NDArray[Any]) -> Float32Array:
    """Return the mask with a margin, averaged over blocks of voxels."""
    blocks = -(-np.array(mask.shape) // factors)
    padded = np.zeros(tuple(blocks * factors), dtype=np.float32)
    padded[: mask.shape[0], : mask.shape[1], : mask.shape[2]] = mask
    (k, j, i), (a, b, c) = blocks, factors
    small = padded.reshape(k, a, j, b, i, c).mean(axis=(1, 3, 5))
    return np.pad(small, _MARGIN)


def _normals(points: Float32Array, triangles: NDArray[np.int32]) -> Float32Array:
    """Return (n, 3) unit normals: the mean of the triangles around each point, by their area."""
    a, b, c = (points[triangles[:, n]] for n in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.zeros_like(points)
    for n in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(triangles[:, n], faces[:, axis], len(points)).astype(np.float32)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.asarray(normals / np.maximum(length, 1e-12), dtype=np.float32)
