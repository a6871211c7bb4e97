"""A marked lesion as voxels of a grid, or as evenly spaced points."""

from __future__ import annotations

import numpy as np

from cvt_planner.anatomy.lesion.distance import SURFACE
from cvt_planner.anatomy.lesion_shape import Ellipsoid, LesionShape, Region
from cvt_planner.base.arrays import MaskArray, Points
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.geometry.sampling import sample_grid

_MOST_POINTS = 20_000_000


def shape_bounds_lps_mm(shape: LesionShape) -> tuple[Points, Points]:
    """Return the smallest and largest LPS coordinates of a box around the shape, each (3,), mm."""
    if isinstance(shape, Ellipsoid):
        centre, half = np.array(shape.centre_lps_mm), np.array(shape.semi_axes_mm)
        return centre - half, centre + half
    voxels = np.argwhere(shape.mask)
    first, last = voxels.min(axis=0) - 0.5, voxels.max(axis=0) + 0.5
    corners = np.stack(np.meshgrid(*zip(first, last, strict=True), indexing="ij"), axis=-1).reshape(-1, 3)
    places = shape.grid.lps_of(corners.astype(np.float64))
    return places.min(axis=0), places.max(axis=0)


def shape_contains(shape: LesionShape, lps_mm: Points) -> MaskArray:
    """Return (...) whether each of (..., 3) LPS points lies inside the shape.

    A region's surface runs between its voxels, where its ramp is half-way.
    """
    if isinstance(shape, Ellipsoid):
        return shape.contains(lps_mm)
    return np.asarray(sample_grid(shape.ramp, shape.grid, lps_mm, 0.0) >= SURFACE)


def rasterise(shape: LesionShape, grid: Grid) -> MaskArray:
    """Return the voxels (k, j, i) of a grid whose centres lie inside the shape."""
    out = np.zeros(grid.shape_kji, dtype=np.bool_)
    low, high = shape_bounds_lps_mm(shape)
    corners = np.stack(np.meshgrid(*zip(low, high, strict=True), indexing="ij"), axis=-1).reshape(-1, 3)
    index = grid.index_of(corners)
    first = np.maximum(np.floor(index.min(axis=0)).astype(int), 0)
    last = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 1, grid.shape_kji)
    if np.any(last <= first):
        return out
    box = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    voxels = np.stack(np.meshgrid(*(np.arange(s.start, s.stop) for s in box), indexing="ij"), axis=-1)
    out[box] = shape_contains(shape, grid.lps_of(voxels.astype(np.float64)))
    return out


def lesion_points_lps(shape: LesionShape, spacing_mm: float = 0.75) -> Points:
    """Return (n, 3) LPS points of a cubic lattice inside the shape; each stands for spacing^3 mm3.

    Parameters
    ----------
    spacing_mm
        Distance of neighbouring points, mm. It is shortened for a very small lesion, so that points are never few.

    Raises
    ------
    InputRefused
        If the spacing is not positive, or so small that over 20 million points would be tried.

    Notes
    -----
    Shares of points (coverage) are good to about the lattice's own error, below 1 % above 0.5 mL at 0.75 mm.
    """
    if not spacing_mm > 0.0:
        raise InputRefused("The distance between a lesion's sample points must be positive.")
    low, high = shape_bounds_lps_mm(shape)
    spacing = min(spacing_mm, float((high - low).min()) / 6.0)
    if float(np.prod((high - low) / spacing + 1.0)) > _MOST_POINTS:
        raise InputRefused(f"A spacing of {spacing_mm:g} mm is too fine for a lesion of this size.")
    middle = (low + high) / 2.0
    axes = []
    for axis in range(3):
        half = int(np.ceil((high[axis] - low[axis]) / spacing / 2.0))
        axes.append(middle[axis] + (np.arange(-half, half) + 0.5) * spacing)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = points[shape_contains(shape, points)]
    if inside.size == 0 and isinstance(shape, Region):  # a region of lone voxels has no half-way surface of its own
        return shape.grid.lps_of(np.argwhere(shape.mask).astype(np.float64))
    return inside
