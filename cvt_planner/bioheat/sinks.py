"""Probes on a grid: line sinks spread over a few cells, with the radius at which they are as warm as their surface.

A piece of the active zone is spread over a Gaussian. Its own heat flow, read back with the same Gaussian, is that of a
thin line read at the *kernel radius* r_k, so a piece of length l of a probe of radius r_p draws
2 pi l (theta_read - theta_probe) / ln(r_k / r_p). Peaceman (SPE J 18:183, 1978) does the same for one cell, whose
radius of 0.2 spacings is, however, smaller than a cryoprobe on any useful grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array, FloatArray
from cvt_planner.base.units import MM_PER_M
from cvt_planner.bioheat.scene import ProbeBody, Scene

# Width of the Gaussian: wide enough to hide where the cells lie, narrow enough to keep the active zone's ends sharp.
SIGMA_SPACINGS, SIGMA_MM = 0.7, 0.3  # by trial
SIGMA_RADII = 1.05  # and never so narrow that the kernel radius comes near the probe's surface
REACH_SIGMAS = 3.2
EULER_GAMMA = 0.5772156649015329


@dataclass(frozen=True, eq=False)
class Sinks:
    """All probes as pieces, for the kernels.

    Parameters
    ----------
    first
        (pieces + 1,) where each piece's cells begin in `cell` and `weight`.
    cell
        Flat indices into the padded [k, j, i] array.
    weight
        Shares of a piece; they add up to one per piece.
    strength_m
        (pieces,) heat drawn per unit of theta, m.
    probe
        (pieces,) which probe the piece belongs to.
    row_has
        (k, j) padded; whether a row holds any of these cells.
    load_m
        Largest sum over pieces of strength times weight in one cell, m; for the stability limit.
    """

    first: NDArray[np.int64]
    cell: NDArray[np.int64]
    weight: Float32Array
    strength_m: FloatArray
    probe: NDArray[np.int64]
    row_has: NDArray[np.bool_]
    load_m: float


def kernel_radius_m(sigma_m: float, direction: FloatArray, spacing_xyz_m: FloatArray) -> float:
    """Return the radius at which a thin line is as cold as the mean that its own Gaussian reads on the grid, m.

    In the continuum 2 sigma exp(-gamma / 2): the mean logarithm of the distance of two points drawn from the Gaussian.
    The grid's seven-point Laplacian answers short waves too strongly; the difference is integrated over the waves that
    do not vary along the line.

    Parameters
    ----------
    sigma_m
        Standard deviation of the Gaussian.
    direction
        (3,) unit vector x, y, z of the line.
    spacing_xyz_m
        (3,) sides of a cell.
    """
    across = np.linalg.svd(direction[None, :])[2][1:]
    angle = (np.arange(48) + 0.5) * (2.0 * math.pi / 48)
    normal = np.cos(angle)[:, None] * across[0] + np.sin(angle)[:, None] * across[1]
    largest = math.pi / float(spacing_xyz_m.max())
    wave = (np.arange(200) + 0.5) * (largest / 200)
    k = wave[:, None, None] * normal
    on_grid = (2.0 * (1.0 - np.cos(k * spacing_xyz_m)) / spacing_xyz_m**2).sum(axis=-1)
    excess = (1.0 / on_grid - 1.0 / wave[:, None] ** 2).mean(axis=1)
    drop = float((excess * wave * np.exp(-((sigma_m * wave) ** 2))).sum() * (largest / 200))
    return 2.0 * sigma_m * math.exp(-0.5 * EULER_GAMMA - drop)


def _folded(index: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return indices mirrored at the faces of the box into 0 .. count - 1, so that no heat is lost through them."""
    wrapped = np.mod(index, 2 * count)
    return np.where(wrapped < count, wrapped, 2 * count - 1 - wrapped)


def _spread(
    centre: FloatArray, sigma: FloatArray, cells_xyz: tuple[int, int, int]
) -> tuple[NDArray[np.int64], FloatArray]:
    """Return flat padded indices and weights of one piece; centre and sigma (3,) in cells, x, y, z."""
    indices, weights = [], []
    for axis in range(3):
        reach = REACH_SIGMAS * sigma[axis]
        span = np.arange(math.ceil(centre[axis] - reach), math.floor(centre[axis] + reach) + 1)
        indices.append(_folded(span, cells_xyz[axis]) + 1)
        weights.append(np.exp(-0.5 * ((span - centre[axis]) / sigma[axis]) ** 2))
    nx, ny, _ = cells_xyz
    flat = (indices[2][:, None, None] * (ny + 2) + indices[1][None, :, None]) * (nx + 2) + indices[0][None, None, :]
    weight = weights[2][:, None, None] * weights[1][None, :, None] * weights[0][None, None, :]
    cell, where = np.unique(flat.ravel(), return_inverse=True)
    summed = np.bincount(where, weights=weight.ravel(), minlength=cell.size)
    return cell, summed / summed.sum()


def _pieces(probe: ProbeBody, scene: Scene) -> tuple[FloatArray, FloatArray, float]:
    """Return piece centres (n, 3) in cells x, y, z, sigma in cells (3,), and strength in m."""
    spacing = scene.box.spacing_xyz_mm
    largest = float(spacing.max())
    sigma_mm = max(SIGMA_SPACINGS * largest + SIGMA_MM, SIGMA_RADII * 0.5 * probe.diameter_mm)
    count = max(1, math.ceil(probe.active_length_mm / largest - 1e-9))
    length_mm = probe.active_length_mm / count
    along = (np.arange(count) + 0.5) * length_mm
    centres = np.array(probe.tip_lps_mm) + along[:, None] * np.array(probe.direction)
    in_cells = (centres - scene.box.low_lps_mm) / spacing - 0.5
    r_kernel = kernel_radius_m(sigma_mm / MM_PER_M, np.array(probe.direction), spacing / MM_PER_M)
    strength = 2.0 * math.pi * length_mm / MM_PER_M / math.log(r_kernel * MM_PER_M / (0.5 * probe.diameter_mm))
    return in_cells, sigma_mm / spacing, strength


def sinks_of(scene: Scene) -> Sinks:
    """Return the probes of a scene as line sinks on its grid, padded by one cell on every side."""
    cells_xyz = scene.box.cells_xyz
    nx, ny, nz = cells_xyz
    cells: list[NDArray[np.int64]] = []
    weights: list[FloatArray] = []
    strengths: list[float] = []
    probes: list[int] = []
    load = np.zeros((nz + 2) * (ny + 2) * (nx + 2), dtype=np.float32)
    for number, probe in enumerate(scene.probes):
        centres, sigma, strength = _pieces(probe, scene)
        for centre in centres:
            cell, weight = _spread(centre, sigma, cells_xyz)
            cells.append(cell)
            weights.append(weight)
            strengths.append(strength)
            probes.append(number)
            load[cell] += (strength * weight).astype(np.float32)
    first = np.concatenate([[0], np.cumsum([c.size for c in cells])]).astype(np.int64)
    return Sinks(
        first=first,
        cell=np.concatenate(cells).astype(np.int64) if cells else np.zeros(0, np.int64),
        weight=(np.concatenate(weights) if weights else np.zeros(0)).astype(np.float32),
        strength_m=np.array(strengths, dtype=np.float64),
        probe=np.array(probes, dtype=np.int64),
        row_has=np.asarray((load.reshape(nz + 2, ny + 2, nx + 2) > 0).any(axis=2)),
        load_m=float(load.max()) if load.size else 0.0,
    )
