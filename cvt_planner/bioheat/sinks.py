"""Probes and needles on a grid: lines spread over a few cells, read at the radius where they are as warm as the probe.

A piece of a line is spread over a Gaussian. Its own heat flow, read back with the same Gaussian, is that of a thin line
read at the *kernel radius* r_k, so a piece of length l of a probe of radius r_p draws
2 pi l (theta_read - theta_probe) / ln(r_k / r_p). Peaceman (SPE J 18:183, 1978) does the same for one cell, whose
radius of 0.2 spacings is, however, smaller than a cryoprobe on any useful grid.

The bone needle is a rod of metal: a row of nodes that conduct along it and exchange heat with tissue in the same way.
Where it covers the active zone the probe cools the needle, and the needle the tissue.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array, FloatArray, Vec3, vec3
from cvt_planner.base.units import MM_PER_M
from cvt_planner.bioheat.cells import Cells
from cvt_planner.bioheat.scene import HeatBox, ProbeBody, Scene, Sleeve

# Width of the Gaussian: wide enough to hide where the cells lie, narrow enough to keep the active zone's ends sharp.
# By trial, in spacings and mm; the second on grids coarser than 1 mm, where the first would draw the ice too small.
SIGMA_SPACINGS, SIGMA_MM = 0.7, 0.3
SIGMA_COARSE_SPACINGS, SIGMA_COARSE_MM = 0.27, 0.73
SIGMA_RADII = 1.05  # and never so narrow that the kernel radius comes near the probe's surface
# Around needles it is wider, and their nodes are longer: a tight hold would shorten the time steps.
NEEDLE_SIGMA_RADII, NEEDLE_SIGMA_SPACINGS = 1.5, 0.9
REACH_SIGMAS = 3.6
EULER_GAMMA = 0.5772156649015329
NODE_MM, NODE_SPACINGS = 2.0, 1.2  # of a needle, the larger one
CYCLE_RADIUS_MM = 3.0  # how far the cold and warm of a duty cycle reach: cycles of about 10 s (assumed)
GAP_W_MK = 2.0  # what lies between probe and needle: frozen saline (assumed)

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Stretches of probes and needles in tissue, for the kernels, and the needles' nodes.

    Parameters
    ----------
    first
        (pieces + 1,) where each piece's cells begin in `voxel` and `weight`.
    voxel
        Flat indices [k, j, i] into the voxels of the box.
    weight
        Shares of a piece; they add up to one per piece.
    strength_m
        (pieces,) heat drawn per unit of theta, m.
    probe, node
        (pieces,) the probe or the node that the piece belongs to; -1 for the other kind.
    gap_probe, gap_node, gap_w_k
        (gaps,) stretches where a probe cools the needle around it: which, which, and the conductance, W/K.
    node_j_k, link_w_k
        (nodes,) heat capacity, J/K, and conductance to the next node, W/K; 0 at the end of a needle.
    on_part
        (probes,) the part of its strength that each probe has at its duty (`_on_part`).
    """

    first: Ints
    voxel: Ints
    weight: Float32Array
    strength_m: FloatArray
    probe: Ints
    node: Ints
    gap_probe: Ints
    gap_node: Ints
    gap_w_k: FloatArray
    node_j_k: FloatArray
    link_w_k: FloatArray
    on_part: FloatArray


@lru_cache(maxsize=64)
def kernel_radius_m(sigma_m: float, direction: Vec3, spacing_xyz_m: Vec3) -> float:
    """Return the radius at which a thin line is as cold as the mean that its own Gaussian reads on the grid, m.

    In the continuum 2 sigma exp(-gamma / 2): the mean logarithm of the distance of two points drawn from the Gaussian.
    The grid's seven-point Laplacian answers short waves too strongly; the difference is integrated over the waves that
    do not vary along the line.

    Parameters
    ----------
    sigma_m
        Standard deviation of the Gaussian.
    direction
        Unit vector x, y, z of the line.
    spacing_xyz_m
        Sides of a cell.
    """
    spacing = np.array(spacing_xyz_m)
    across = np.linalg.svd(np.array(direction)[None, :])[2][1:]
    angle = (np.arange(48) + 0.5) * (2.0 * math.pi / 48)
    normal = np.cos(angle)[:, None] * across[0] + np.sin(angle)[:, None] * across[1]
    largest = math.pi / float(spacing.max())
    wave = (np.arange(200) + 0.5) * (largest / 200)
    k = wave[:, None, None] * normal
    on_grid = (2.0 * (1.0 - np.cos(k * spacing)) / spacing**2).sum(axis=-1)
    excess = (1.0 / on_grid - 1.0 / wave[:, None] ** 2).mean(axis=1)
    drop = float((excess * wave * np.exp(-((sigma_m * wave) ** 2))).sum() * (largest / 200))
    return 2.0 * sigma_m * math.exp(-0.5 * EULER_GAMMA - drop)


def _folded(index: Ints, count: int) -> Ints:
    """Return indices mirrored at the faces of the box into 0 .. count - 1, so that no heat is lost through them."""
    wrapped = np.mod(index, 2 * count)
    return np.where(wrapped < count, wrapped, 2 * count - 1 - wrapped)


def _spread(centre: FloatArray, sigma: FloatArray, voxels_xyz: tuple[int, int, int]) -> tuple[Ints, FloatArray]:
    """Return flat voxel indices and weights of one piece; centre and sigma (3,) in voxels, x, y, z."""
    indices, weights, offsets, inside = [], [], [], True
    for axis in range(3):
        reach = REACH_SIGMAS * sigma[axis]
        first, last = math.ceil(centre[axis] - reach), math.floor(centre[axis] + reach)
        inside = inside and first >= 0 and last < voxels_xyz[axis]
        span = np.arange(first, last + 1)
        indices.append(_folded(span, voxels_xyz[axis]))
        offsets.append((span - centre[axis]) / sigma[axis])
        weights.append(np.exp(-0.5 * offsets[-1] ** 2))
    nx, ny, _ = voxels_xyz
    flat = (indices[2][:, None, None] * ny + indices[1][None, :, None]) * nx + indices[0][None, None, :]
    weight = weights[2][:, None, None] * weights[1][None, :, None] * weights[0][None, None, :]
    away = offsets[2][:, None, None] ** 2 + offsets[1][None, :, None] ** 2 + offsets[0][None, None, :] ** 2
    near = away <= REACH_SIGMAS**2
    cell, summed = flat[near], weight[near]
    if not inside:  # some voxels are met twice
        cell, where = np.unique(cell, return_inverse=True)
        summed = np.bincount(where.ravel(), weights=summed, minlength=cell.size)
    return cell, summed / summed.sum()


class _Builder:
    """Gathers pieces, gaps and nodes."""

    def __init__(self, box: HeatBox) -> None:
        self.box = box
        self.cells: list[Ints] = []
        self.weights: list[FloatArray] = []
        self.strength: list[float] = []
        self.owners: list[tuple[int, int]] = []  # probe, node
        self.gaps: list[tuple[int, int, float]] = []
        self.nodes: list[tuple[float, float]] = []  # J/K, W/K to the next
        self.on_part: list[float] = []  # of each probe

    def pieces(self, probe: ProbeBody, start_mm: float, end_mm: float, radius_mm: float, owners: list[tuple[int, int]],
               sigma_radii: float = SIGMA_RADII) -> None:  # fmt: skip
        """Cut a stretch of a probe's axis, in mm behind its tip, into as many pieces as owners."""
        spacing, direction = self.box.spacing_xyz_mm, np.array(probe.direction)
        sigma_mm, r_kernel_mm = self.kernel_mm(probe, radius_mm, sigma_radii)
        length_mm = (end_mm - start_mm) / len(owners)
        strength = 2.0 * math.pi * length_mm / MM_PER_M / math.log(r_kernel_mm / radius_mm)
        for n, owner in enumerate(owners):
            centre = np.array(probe.tip_lps_mm) + (start_mm + (n + 0.5) * length_mm) * direction
            cell, weight = _spread(
                (centre - self.box.low_lps_mm) / spacing - 0.5, sigma_mm / spacing, self.box.cells_xyz
            )
            self.cells.append(cell)
            self.weights.append(weight)
            self.strength.append(strength)
            self.owners.append(owner)

    def kernel_mm(self, probe: ProbeBody, radius_mm: float, sigma_radii: float = SIGMA_RADII) -> tuple[float, float]:
        """Return the width of a line's Gaussian, and its kernel radius, mm."""
        spacing = self.box.spacing_xyz_mm
        largest = float(spacing.max())
        fine = SIGMA_SPACINGS * largest + SIGMA_MM
        sigma_mm = max(min(fine, SIGMA_COARSE_SPACINGS * largest + SIGMA_COARSE_MM), sigma_radii * radius_mm)
        radius_m = kernel_radius_m(sigma_mm / MM_PER_M, probe.direction, vec3(spacing / MM_PER_M))
        return sigma_mm, MM_PER_M * radius_m

    def active(self, number: int, probe: ProbeBody, start_mm: float, end_mm: float) -> None:
        """Add a stretch of the active zone that lies in tissue."""
        if end_mm - start_mm > 1e-9:
            largest = float(self.box.spacing_xyz_mm.max())
            count = max(1, math.ceil((end_mm - start_mm) / largest - 1e-9))
            self.pieces(probe, start_mm, end_mm, 0.5 * probe.diameter_mm, [(number, -1)] * count)

    def sleeve(self, number: int, probe: ProbeBody, sleeve: Sleeve) -> None:
        """Add a needle: its nodes, their exchange with the tissue, and with the probe where it covers the zone."""
        start, end = sleeve.tip_mm, self._inside_mm(probe, sleeve)
        largest = float(self.box.spacing_xyz_mm.max())
        step = max(NODE_MM, NODE_SPACINGS * largest)
        count = max(1, round((end - start) / step))
        length_m = (end - start) / count / MM_PER_M
        base = len(self.nodes)
        metal_m2 = 0.25 * math.pi * (sleeve.outer_diameter_mm**2 - sleeve.inner_diameter_mm**2) / MM_PER_M**2
        link = sleeve.conductivity_w_mk * metal_m2 / length_m
        self.nodes += [(sleeve.heat_j_m3k * metal_m2 * length_m, link)] * (count - 1)
        self.nodes.append((sleeve.heat_j_m3k * metal_m2 * length_m, 0.0))
        self.pieces(
            probe,
            start,
            end,
            0.5 * sleeve.outer_diameter_mm,
            [(-1, base + n) for n in range(count)],
            max(NEEDLE_SIGMA_RADII, NEEDLE_SIGMA_SPACINGS * largest / (0.5 * sleeve.outer_diameter_mm)),
        )
        per_m = 2.0 * math.pi * GAP_W_MK / math.log(max(sleeve.inner_diameter_mm / probe.diameter_mm, 1.05))
        for n in range(count):
            low = max(start + 1e3 * length_m * n, probe.dead_tip_mm)
            high = min(start + 1e3 * length_m * (n + 1), probe.dead_tip_mm + probe.active_length_mm)
            if high - low > 1e-9:
                self.gaps.append((number, base + n, per_m * (high - low) / MM_PER_M))

    def _inside_mm(self, probe: ProbeBody, sleeve: Sleeve) -> float:
        """Return how far behind the tip the needle ends: at its hub, or where it leaves the box."""
        low = self.box.low_lps_mm
        high = low + np.array(self.box.size_mm)
        tip, direction = np.array(probe.tip_lps_mm), np.array(probe.direction)
        with np.errstate(divide="ignore", invalid="ignore"):
            ways = np.where(direction > 0, (high - tip) / direction, (low - tip) / direction)
        leaves = float(np.min(ways[np.abs(direction) > 1e-9]))
        return max(min(sleeve.tip_mm + sleeve.length_mm, leaves), sleeve.tip_mm + 0.5)

    def result(self) -> Pieces:
        """Return all of it."""
        owners = np.array(self.owners, np.int64).reshape(-1, 2)
        return Pieces(
            first=np.concatenate([[0], np.cumsum([c.size for c in self.cells])]).astype(np.int64),
            voxel=np.concatenate([*self.cells, np.zeros(0, np.int64)]).astype(np.int64),
            weight=np.concatenate([*self.weights, np.zeros(0)]).astype(np.float32),
            strength_m=np.array(self.strength, np.float64),
            probe=owners[:, 0].copy(),
            node=owners[:, 1].copy(),
            gap_probe=np.array([g[0] for g in self.gaps], np.int64),
            gap_node=np.array([g[1] for g in self.gaps], np.int64),
            gap_w_k=np.array([g[2] for g in self.gaps], np.float64),
            node_j_k=np.array([n[0] for n in self.nodes], np.float64),
            link_w_k=np.array([n[1] for n in self.nodes], np.float64),
            on_part=np.array(self.on_part, np.float64),
        )


def _on_part(probe: ProbeBody, r_kernel_mm: float) -> float:
    """Return what part of its strength a probe has that is cooled for a part of the time, on average over cycles.

    While on it draws from the radius r_c that a cycle reaches, 2 pi (theta(r_c) - theta_probe) / ln(r_c / r_p); beyond
    r_c the mean flow, `duty` of that, makes the mean profile. Read at the kernel radius this is the part below; on any
    grid the probe draws the same.
    """
    r_probe = 0.5 * probe.diameter_mm
    r_cycle = max(CYCLE_RADIUS_MM, 2.0 * r_probe)
    resistance = math.log(r_cycle / r_probe) / probe.duty - math.log(r_cycle / r_kernel_mm)
    return math.log(r_kernel_mm / r_probe) / resistance


def pieces_of(scene: Scene) -> Pieces:
    """Return the probes and needles of a scene as pieces on its voxels."""
    box = scene.box if isinstance(scene.box, HeatBox) else HeatBox()  # shells hold no probes
    builder = _Builder(box)
    for number, probe in enumerate(scene.probes):
        builder.on_part.append(_on_part(probe, builder.kernel_mm(probe, 0.5 * probe.diameter_mm)[1]))
        zone = (probe.dead_tip_mm, probe.dead_tip_mm + probe.active_length_mm)
        if probe.sleeve is None:
            builder.active(number, probe, *zone)
            continue
        covered = (probe.sleeve.tip_mm, probe.sleeve.tip_mm + probe.sleeve.length_mm)
        builder.active(number, probe, zone[0], min(zone[1], covered[0]))
        builder.active(number, probe, max(zone[0], covered[1]), zone[1])
        builder.sleeve(number, probe, probe.sleeve)
    return builder.result()


@dataclass(frozen=True, eq=False)
class Sinks:
    """Pieces on the cells of one grid.

    Parameters
    ----------
    pieces
        As they lie in the box.
    cell
        Flat indices into the padded [k, j, i] array of cells, parallel to `pieces.weight`.
    given
        The same the other way round, by cell: (cells + 1,) where each one's entries begin, (cells,) its flat index,
        (entries,) the pieces, (entries,) the rise of its state, K/s, per W that the piece gives.
    k_u, k_f
        (pieces,) unfrozen and frozen conductivity around each piece, W/mK.
    probe_k_u, probe_k_f
        (probes,) sums of strength times these, W/K per unit of phi.
    begin
        (planes + 1,) where the cells of each padded plane begin among those of `given`.
    pull
        (cells,) rates at which pieces pull the cells of `given` towards their own temperature, 1/s per
        (d phi_f / d e); for the stability limit.
    """

    pieces: Pieces
    cell: Ints
    given: tuple[Ints, Ints, Ints, Float32Array]
    k_u: FloatArray
    k_f: FloatArray
    probe_k_u: FloatArray
    probe_k_f: FloatArray
    begin: Ints
    pull: FloatArray

    @property
    def load(self) -> float:
        """Return the largest pull."""
        return float(self.pull.max(initial=0.0))


def sinks_on(
    pieces: Pieces, cells: Cells, voxels_kji: tuple[int, int, int], probes: int, give_per_w: Float32Array,
    k_unfrozen: Float32Array | float, k_frozen: Float32Array | float,
) -> Sinks:  # fmt: skip
    """Return the pieces on the cells of a grid.

    Parameters
    ----------
    pieces, cells, voxels_kji
        The pieces, the cells, and the shape of the box in voxels.
    probes
        How many probes there are.
    give_per_w
        [k, j, i] padded, the rise of the state of each cell, K/s, per W.
    k_unfrozen, k_frozen
        [k, j, i] padded or one number, W/mK.
    """
    shape = give_per_w.shape
    k, j, i = np.unravel_index(pieces.voxel, voxels_kji)
    k, j, i = cells.z.of_voxel[k] + 1, cells.y.of_voxel[j] + 1, cells.x.of_voxel[i] + 1
    cell = np.asarray((k * shape[1] + j) * shape[2] + i, np.int64)
    owner = np.repeat(np.arange(pieces.strength_m.size), np.diff(pieces.first))
    k_u, k_f = (_around(field, cell, owner, pieces) for field in (k_unfrozen, k_frozen))
    give = give_per_w.reshape(-1)[cell] * pieces.weight
    given = _by_cell(cell, owner, give)
    pull = give * (pieces.strength_m * np.maximum(k_u, k_f))[owner]
    of_probe = pieces.probe >= 0

    def summed(values: FloatArray) -> FloatArray:
        return np.bincount(pieces.probe[of_probe], weights=values[of_probe], minlength=probes).astype(np.float64)

    return Sinks(
        pieces=pieces,
        cell=cell,
        given=given,
        k_u=k_u,
        k_f=k_f,
        probe_k_u=summed(pieces.strength_m * k_u),
        probe_k_f=summed(pieces.strength_m * k_f),
        begin=np.searchsorted(given[1], np.arange(shape[0] + 1) * (shape[1] * shape[2])),
        pull=np.asarray(np.bincount(cell, weights=pull)[given[1]] if cell.size else np.zeros(0), np.float64),
    )


def _by_cell(cell: Ints, owner: Ints, give: NDArray[np.floating[Any]]) -> tuple[Ints, Ints, Ints, Float32Array]:
    order = np.argsort(cell, kind="stable")
    cells, counts = np.unique(cell, return_counts=True)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return first, cells, owner[order], give[order].astype(np.float32)


def _around(field: Float32Array | float, cell: Ints, owner: Ints, pieces: Pieces) -> FloatArray:
    count = pieces.strength_m.size
    if isinstance(field, float):
        return np.full(count, field)
    return np.bincount(owner, weights=field.reshape(-1)[cell] * pieces.weight, minlength=count).astype(np.float64)
