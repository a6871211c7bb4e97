"""Values of a volume between its voxel centres: trilinear, at points and along lines."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import FloatArray, HuArray, Points
from cvt_planner.base.compiled import kernel
from cvt_planner.geometry.frames import Grid

AIR_HU = -1024.0


class HuOnGrid(Protocol):
    """What is needed of a CT here: its Hounsfield units, (k, j, i), and where they lie."""

    @property
    def hu(self) -> HuArray:
        """Return the voxels."""

    @property
    def grid(self) -> Grid:
        """Return the voxels' places."""


@kernel
def _value(values: Any, k: float, j: float, i: float, fill: float) -> float:
    nk, nj, ni = values.shape
    if not (-0.5 <= k <= nk - 0.5 and -0.5 <= j <= nj - 0.5 and -0.5 <= i <= ni - 0.5):
        return fill
    # Within half a voxel beyond the outer centres the outer voxel itself is the best knowledge.
    k = min(max(k, 0.0), nk - 1.0)
    j = min(max(j, 0.0), nj - 1.0)
    i = min(max(i, 0.0), ni - 1.0)
    k0, j0, i0 = int(k), int(j), int(i)
    k1, j1, i1 = min(k0 + 1, nk - 1), min(j0 + 1, nj - 1), min(i0 + 1, ni - 1)
    fk, fj, fi = k - k0, j - j0, i - i0
    near = (1.0 - fj) * ((1.0 - fi) * values[k0, j0, i0] + fi * values[k0, j0, i1]) + fj * (
        (1.0 - fi) * values[k0, j1, i0] + fi * values[k0, j1, i1]
    )
    far = (1.0 - fj) * ((1.0 - fi) * values[k1, j0, i0] + fi * values[k1, j0, i1]) + fj * (
        (1.0 - fi) * values[k1, j1, i0] + fi * values[k1, j1, i1]
    )
    return float((1.0 - fk) * near + fk * far)


@kernel
def _sample(values: Any, index: Any, fill: float, out: Any) -> None:
    for n in range(index.shape[0]):
        out[n] = _value(values, index[n, 0], index[n, 1], index[n, 2], fill)


@kernel
def _sample_rays(values: Any, starts: Any, rays: Any, along: Any, fill: float, out: Any) -> None:
    for n in range(starts.shape[0]):
        for m in range(rays.shape[0]):
            for a in range(along.shape[0]):
                k = starts[n, 0] + along[a] * rays[m, 0]
                j = starts[n, 1] + along[a] * rays[m, 1]
                i = starts[n, 2] + along[a] * rays[m, 2]
                out[n, m, a] = _value(values, k, j, i, fill)


def sample_grid(values: NDArray[Any], grid: Grid, lps_mm: Points, fill: float) -> FloatArray:
    """Return (...) trilinear values of a (k, j, i) array at (..., 3) LPS points.

    Parameters
    ----------
    values
        Any real or boolean array of the grid's shape.
    fill
        Value of points that lie more than half a voxel beyond the outer voxel centres.

    Notes
    -----
    Within that half voxel the outer voxel's value is continued.
    """
    points = np.asarray(lps_mm, dtype=np.float64)
    index = np.ascontiguousarray(grid.index_of(points).reshape(-1, 3))
    out = np.empty(index.shape[0])
    _sample(values.view(np.uint8) if values.dtype == np.bool_ else values, index, fill, out)
    return out.reshape(points.shape[:-1])


def sample_rays(
    values: NDArray[Any], grid: Grid, starts_lps_mm: Points, rays: Points, along_mm: FloatArray, fill: float
) -> FloatArray:
    """Return (n, m, a) values as `sample_grid`, on m rays, (m, 3) LPS unit vectors, from each of (n, 3) LPS points."""
    starts = np.ascontiguousarray(grid.index_of(starts_lps_mm))
    steps = np.ascontiguousarray(rays @ grid.index_from_lps[:3, :3].T)
    out = np.empty((len(starts), len(steps), len(along_mm)))
    _sample_rays(values, starts, steps, along_mm, fill, out)
    return out


def sample_hu(volume: HuOnGrid, lps_mm: Points, fill: float = AIR_HU) -> FloatArray:
    """Return (...) trilinear Hounsfield units of the CT at (..., 3) LPS points; `fill` outside the CT."""
    return sample_grid(volume.hu, volume.grid, lps_mm, fill)


def line_points(start_lps_mm: Points, end_lps_mm: Points, step_mm: float) -> tuple[FloatArray, Points]:
    """Return the distances from the start, (n,) mm, and the points, (n, 3) LPS mm, of an evenly divided segment.

    Both ends are included; the step is shortened so that it divides the segment.
    """
    start, end = np.asarray(start_lps_mm, dtype=np.float64), np.asarray(end_lps_mm, dtype=np.float64)
    length = float(np.linalg.norm(end - start))
    share = np.linspace(0.0, 1.0, max(int(np.ceil(length / step_mm)), 1) + 1)
    return share * length, start + share[:, None] * (end - start)


def falling_crossing(distance_mm: FloatArray, values: FloatArray, level: float, after: int = 0) -> float | None:
    """Return where a sampled profile first falls below a level, linear between samples; None when it never does.

    `after` is the first sample looked at; a profile that starts below the level crosses at that sample.
    """
    below = np.nonzero(values[after:] < level)[0]
    if below.size == 0:
        return None
    n = after + int(below[0])
    if n == after:
        return float(distance_mm[n])
    share = (values[n - 1] - level) / (values[n - 1] - values[n])
    return float(distance_mm[n - 1] + share * (distance_mm[n] - distance_mm[n - 1]))
