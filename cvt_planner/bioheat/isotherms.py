"""What a temperature field says: volume and extent of the ice, distances to it, how much of something it covers.

All functions take the field [k, j, i] (degC, or any other quantity that rises with temperature, `iso_c` then being of
that quantity) and its grid, and count as ice what is colder than `iso_c`. Between voxel centres the field is trilinear;
nothing is said beyond the outer voxel centres, which count as warm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from cvt_planner.base.arrays import FloatArray, Points
from cvt_planner.base.compiled import kernel
from cvt_planner.base.units import ml_from_mm3
from cvt_planner.geometry.frames import Grid

SUBSAMPLES = 6  # per edge, in cells that the isotherm cuts
NEIGHBOURS = 8
PATCH_SPACINGS = 0.6  # radius of the flat patch that stands for the surface around one crossing

Field = NDArray[Any]


def volume_ml(temperature: Field, grid: Grid, iso_c: float) -> float:
    """Return the volume colder than `iso_c`, mL, cells that the isotherm cuts by 216 trilinear samples."""
    cells = _cold_cells(np.ascontiguousarray(temperature, dtype=np.float64), float(iso_c), SUBSAMPLES)
    return ml_from_mm3(cells * grid.voxel_volume_mm3)


@kernel
def _cold_cells(field: FloatArray, iso: float, parts: int) -> float:
    """Return how many cells (between eight centres) are cold, fractions included."""
    total = 0.0
    share = 1.0 / parts**3
    for k in range(field.shape[0] - 1):
        for j in range(field.shape[1] - 1):
            for i in range(field.shape[2] - 1):
                c = field[k : k + 2, j : j + 2, i : i + 2]
                cold = 0
                for n in range(8):
                    cold += c[n >> 2, (n >> 1) & 1, n & 1] < iso
                if cold == 8:
                    total += 1.0
                elif cold > 0:
                    total += share * _cold_samples(c, iso, parts)
    return total


@kernel
def _cold_samples(c: FloatArray, iso: float, parts: int) -> int:
    """Return how many of `parts` cubed points of one cell are cold."""
    cold = 0
    for a in range(parts):
        z = (a + 0.5) / parts
        for b in range(parts):
            y = (b + 0.5) / parts
            left = (1 - z) * ((1 - y) * c[0, 0, 0] + y * c[0, 1, 0]) + z * ((1 - y) * c[1, 0, 0] + y * c[1, 1, 0])
            right = (1 - z) * ((1 - y) * c[0, 0, 1] + y * c[0, 1, 1]) + z * ((1 - y) * c[1, 0, 1] + y * c[1, 1, 1])
            for n in range(parts):
                x = (n + 0.5) / parts
                cold += (1 - x) * left + x * right < iso
    return cold


def _crossings(temperature: Field, iso_c: float) -> FloatArray:
    """Return (n, 3) fractional indices k, j, i where grid lines cross the isotherm."""
    field = np.asarray(temperature)
    cold = field < iso_c
    found: list[FloatArray] = []
    for axis in range(3):
        first = [slice(None)] * 3
        second = [slice(None)] * 3
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        where = np.nonzero(cold[tuple(first)] != cold[tuple(second)])
        a = field[tuple(first)][where].astype(np.float64)
        b = field[tuple(second)][where].astype(np.float64)
        points = np.stack(where, axis=1).astype(np.float64)
        points[:, axis] += (iso_c - a) / (b - a)
        found.append(points)
    return np.concatenate(found)


def isotherm_points(temperature: Field, grid: Grid, iso_c: float) -> Points:
    """Return (n, 3) LPS mm: where lines between neighbouring voxel centres cross the isotherm; empty without ice."""
    return grid.lps_of(_crossings(temperature, iso_c))


def extent_mm(temperature: Field, grid: Grid, iso_c: float) -> tuple[float, float, float]:
    """Return the lengths of the cold region along LPS x, y and z, mm, all its parts together; zeros without ice."""
    points = isotherm_points(temperature, grid, iso_c)
    if not len(points):
        return (0.0, 0.0, 0.0)
    x, y, z = np.ptp(points, axis=0)
    return (float(x), float(y), float(z))


def sample_c(temperature: Field, grid: Grid, points_lps_mm: Points) -> FloatArray:
    """Return (n,) trilinear values at (n, 3) LPS points; NaN beyond the voxels.

    Within the outer half voxel the value of the outermost centre stands.
    """
    index = grid.index_of(np.atleast_2d(points_lps_mm))
    last = np.array(grid.shape_kji) - 1
    inside = np.all((index >= -0.5 - 1e-9) & (index <= last + 0.5 + 1e-9), axis=1)
    values = map_coordinates(
        np.asarray(temperature, dtype=np.float64), np.clip(index, 0, last).T, order=1, mode="nearest"
    )
    return np.asarray(np.where(inside, values, np.nan))


def covered_fraction(temperature: Field, grid: Grid, mask_points_lps: Points, iso_c: float) -> float:
    """Return the part, 0 to 1, of (n, 3) LPS points that are colder than `iso_c`; points beyond the voxels are not.

    Give the voxel centres of a lesion. NaN when there are no points.
    """
    points = np.asarray(mask_points_lps, dtype=np.float64).reshape(-1, 3)
    if not len(points):
        return float("nan")
    return float(np.mean(sample_c(temperature, grid, points) < iso_c))  # NaN is not colder


def distances_to_isotherm_mm(temperature: Field, grid: Grid, points_lps_mm: Points, iso_c: float) -> FloatArray:
    """Return (n,) the distance of (n, 3) LPS points to the region colder than `iso_c`, mm; negative inside the ice.

    Infinite without ice. The surface is taken as flat patches around its crossings with the grid lines: within about
    0.05 mm where it is smooth on the grid.
    """
    points = np.asarray(points_lps_mm, dtype=np.float64).reshape(-1, 3)
    index = _crossings(temperature, iso_c)
    if not len(index):
        everywhere = bool(np.all(np.asarray(temperature) < iso_c))
        return np.full(len(points), -np.inf if everywhere else np.inf)
    surface = grid.lps_of(index)
    radius = PATCH_SPACINGS * float(grid.spacing_kji_mm.max())
    _, nearest = cKDTree(surface).query(points, k=min(NEIGHBOURS, len(surface)))
    nearest = np.asarray(nearest).reshape(len(points), -1)
    used, back = np.unique(nearest, return_inverse=True)
    normals = _normals(temperature, grid, index[used])[back.reshape(nearest.shape)]
    away = points[:, None, :] - surface[nearest]
    off = np.abs(np.einsum("nmc,nmc->nm", away, normals))
    beside = np.sqrt(np.maximum((away**2).sum(axis=2) - off**2, 0.0))
    distance = np.hypot(off, np.maximum(beside - radius, 0.0)).min(axis=1)
    inside = sample_c(temperature, grid, points) < iso_c
    return np.asarray(np.where(inside, -distance, distance))


def distance_to_isotherm_mm(temperature: Field, grid: Grid, points_lps_mm: Points, iso_c: float) -> float:
    """Return the smallest of `distances_to_isotherm_mm`: how near the ice comes to, say, the wall of the canal.

    Negative by the depth of the deepest point inside the ice; infinite without ice or without points.
    """
    distances = distances_to_isotherm_mm(temperature, grid, points_lps_mm, iso_c)
    return float(distances.min()) if len(distances) else float("inf")


def _normals(temperature: Field, grid: Grid, index_kji: FloatArray) -> FloatArray:
    """Return (n, 3) unit normals in LPS at fractional indices, from trilinear differences half a cell to both sides."""
    field = np.asarray(temperature, dtype=np.float32)
    steps = 0.5 * np.eye(3)
    slope = np.stack(
        [
            map_coordinates(field, (index_kji + step).T, order=1, mode="nearest")
            - map_coordinates(field, (index_kji - step).T, order=1, mode="nearest")
            for step in steps
        ],
        axis=1,
    ).astype(np.float64)
    # d/d(index) = d/d(lps) . lps_from_index, so the gradient in LPS goes through the inverse.
    gradient = slope @ grid.index_from_lps[:3, :3]
    length = np.linalg.norm(gradient, axis=1, keepdims=True)
    return np.asarray(gradient / np.maximum(length, 1e-12))
