"""The tissue on the cells of a grid: one material, or one of its own for every cell; what the kernels need of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array, FloatArray
from cvt_planner.base.compiled import kernel
from cvt_planner.bioheat import law_kernels as lk
from cvt_planner.bioheat.cells import Cells
from cvt_planner.bioheat.conductance import all_decoded, coded
from cvt_planner.bioheat.law import state_of
from cvt_planner.bioheat.scene import Scene
from cvt_planner.bioheat.tables import TissueTables
from cvt_planner.bioheat.tissue_map import TissueMap

_NO_LENGTH_M = 1e-6  # instead of zero, so that held cells side by side conduct no infinite flow
_PARTS = ("heat_frozen", "heat_unfrozen", "latent_j_m3", "perfusion_w_m3k", "metabolic_w_m3")


@dataclass(frozen=True, eq=False)
class Medium:
    """The tissue of a scene, whatever the cells."""

    scene: Scene
    constants: FloatArray  # of the law, `law_kernels`
    log_k: tuple[Float32Array, Float32Array] | None  # of the voxels of a tissue map, frozen and unfrozen

    @property
    def colligative(self) -> bool:
        """Return whether water freezes as in an ideal solution."""
        return bool(self.constants[lk.ICE] > 0.0)

    @cached_property
    def perfused(self) -> bool:
        """Return whether blood or metabolism bring heat anywhere."""
        tissue = self.scene.tissue
        if tissue is None:
            return self.scene.perfusion_w_m3k > 0.0 or self.scene.metabolic_w_m3 > 0.0
        return bool(tissue.perfusion_w_m3k.any() or tissue.metabolic_w_m3.any())

    @cached_property
    def coldest_held_c(self) -> float:
        """Return the lowest temperature of held voxels, degC; infinite without."""
        tissue = self.scene.tissue
        if tissue is None or np.isnan(tissue.held_c).all():
            return np.inf
        return float(np.nanmin(tissue.held_c))

    def on(self, cells: Cells) -> CellMedium:
        """Return the tissue on these cells."""
        tissue = self.scene.tissue
        return _even(self, cells) if tissue is None else _mapped(self, tissue, cells)


def medium_of(scene: Scene, constants: FloatArray) -> Medium:
    """Return the tissue of a scene."""
    tissue = scene.tissue
    logs = None if tissue is None else (np.log(tissue.k_frozen), np.log(tissue.k_unfrozen))
    return Medium(scene, constants, logs)


@dataclass(frozen=True, eq=False)
class CellMedium:
    """The tissue on the cells of one grid; float32 arrays [k, j, i] padded by one cell per side.

    Parameters
    ----------
    per_capacity, capacity
        1 / (volume * unfrozen heat capacity), K/J, zero where held; and its inverse.
    width, fold
        Of the law (`law_kernels`); (1, 1, cells) with one material.
    k_unfrozen, k_frozen
        W/mK; one number with one material.
    tables
        What the sweeps need.
    held_faces
        Faces between held and free cells: (n, 2) flat indices held, free; (n, 2) conductances, W/K.
    degrees
        Largest sum of couplings of a cell, 1/s per unit of slope: unfrozen, freezing, frozen.
    """

    medium: Medium
    cells: Cells
    shape: tuple[int, int, int]
    mapped: bool
    per_capacity: Float32Array
    capacity: Float32Array
    width: Float32Array
    fold: Float32Array
    k_unfrozen: Float32Array | float
    k_frozen: Float32Array | float
    blood: Float32Array
    metabolic: Float32Array
    held_e: Float32Array
    tables: TissueTables
    held_faces: tuple[NDArray[np.int64], FloatArray]
    degrees: tuple[float, float, float]

    def start(self, initial_c: float) -> tuple[Float32Array, Float32Array, Float32Array]:
        """Return the state at the start, and what blood (1/s) and metabolism (K/s) bring then.

        Where every cell has its own material, W/K and W.
        """
        c = self.medium.constants
        state = np.zeros(self.shape, np.float32)
        blood, metabolic = self.blood.copy(), self.metabolic.copy()
        if self.mapped:
            blood *= self.capacity
            metabolic *= self.capacity
        if initial_c < c[lk.LIQUIDUS_C]:
            inner = (slice(1, -1),) * 3
            width, fold = (a[inner] if self.mapped else a[0, 0, 0] for a in (self.width, self.fold))
            state[inner] = state_of(initial_c, c, width, fold)
            blood[:] = metabolic[:] = 0.0
        if self.mapped:
            known = np.isfinite(self.held_e)
            state[known] = self.held_e[known]
        return state, blood, metabolic

    def heat_j(self, e: Float32Array) -> float:
        """Return the heat content of all cells that are not held, J."""
        inner = (slice(1, -1),) * 3
        free = self.per_capacity[inner] > 0.0
        return float((e[inner].astype(np.float64) * self.capacity[inner] * free).sum())

    def stiffness(self, gain: float) -> float:
        """Return a bound of the fastest rate of conduction, 1/s, where no cell conducts better than by `gain`.

        Twice the largest sum of couplings bounds a network of conductances between capacities.
        """
        unfrozen, freezing, frozen = self.degrees
        return 2.0 * max(unfrozen, freezing, frozen * gain)

    @cached_property
    def most_fold(self) -> float:
        """Return the largest `fold`."""
        return float(self.fold.max())

    @cached_property
    def most_blood(self) -> float:
        """Return the fastest rate, 1/s, at which blood warms."""
        return float(self.blood.max())

    def frozen_couplings(self, block: tuple[slice, slice, slice]) -> Float32Array:
        """Return (6, k, j, i) of a part of the cells: how frozen ones are coupled to the next, `fastest.ColdBlock`."""
        k, j, i = block
        tables = self.tables
        if not self.mapped:
            slope = self.medium.constants[lk.KAPPA] * self.medium.constants[lk.FOLD]
            part = (k.stop - k.start, j.stop - j.start, i.stop - i.start)
            sides = [np.broadcast_to(tables.even[n].reshape(self.shape[1:])[j, i], part) for n in range(4)]
            ends = [np.broadcast_to(tables.even_z[n][k][:, None, None], part) for n in range(2)]
            return np.asarray(np.stack([*sides, *ends]) * slope, np.float32)
        codes = tables.faces[1].reshape(3, *self.shape)
        found = []
        for number in range(3):
            for up in (0, 1):
                place = [k, j, i]
                at = place[2 - number]
                place[2 - number] = slice(at.start + up, at.stop + up)
                found.append(all_decoded(codes[(number, *place)], tables.units[1]))
        return np.asarray(np.stack(found) * (self.per_capacity[block] * self.fold[block]), np.float32)


def _padded(inner: NDArray[Any], fill: float = 0.0) -> Float32Array:
    out = np.full(tuple(n + 2 for n in inner.shape), fill, np.float32)
    out[(slice(1, -1),) * inner.ndim] = inner
    return out


def _edged(inner: NDArray[Any]) -> Float32Array:
    """Return a field padded by the values at its edge."""
    return np.pad(np.asarray(inner, np.float32), 1, mode="edge")


def _walls(medium: Medium, even: bool) -> tuple[Float32Array, Float32Array, NDArray[np.bool_]]:
    """Return sign (6,), offset (channels, 6) and which walls are held; low x, high x, low y, high y, low z, high z."""
    scene, c = medium.scene, medium.constants
    sign, offset = np.ones(6, np.float32), np.zeros((1 if even else 2, 6), np.float32)
    held = np.zeros(6, np.bool_)
    for face, wall in enumerate(scene.walls):
        if wall.kind == "held":
            u, f = lk.phi_at(float(scene.initial_c if wall.temperature_c is None else wall.temperature_c), c)
            sign[face], held[face] = -1.0, True
            offset[:, face] = (2.0 * (u + c[lk.KAPPA] * f),) if even else (2.0 * u, 2.0 * f)
    return sign, offset, held


_NONE = np.zeros((0, 2), np.int64), np.zeros((0, 2))


def _even(medium: Medium, cells: Cells) -> CellMedium:
    m, c = medium.scene.material, medium.constants
    heat = m.rho * m.c_unfrozen
    alpha = m.k_unfrozen / heat
    capacity = _padded(cells.volumes_m3() * heat)
    with np.errstate(divide="ignore"):
        per_capacity = np.where(capacity > 0.0, 1.0 / capacity, 0.0).astype(np.float32)
    (xb, xa), (yb, ya), (zb, za) = (axis.couplings() for axis in (cells.x, cells.y, cells.z))
    plane = np.ones((cells.y.count, cells.x.count))
    flat = [_padded(alpha * part * plane).ravel() for part in (xb, xa, yb[:, None], ya[:, None])]
    even = np.stack([*flat, _padded(heat * cells.plane_sizes).ravel()])
    even_z = np.stack([_padded(alpha * zb), _padded(alpha * za), _padded(cells.z.size)])
    sign, offset, held = _walls(medium, even=True)
    shape = capacity.shape
    width, fold = (np.full((1, 1, shape[2]), c[at], np.float32) for at in (lk.WIDTH, lk.FOLD))
    unused = np.zeros(1, np.float32)
    tables = TissueTables(
        even, even_z, np.zeros((2, 3, 1), np.uint16), np.ones(2, np.float32), per_capacity.ravel(), sign, offset, held,
        False, medium.colligative, c.astype(np.float32), width.ravel(), fold.ravel(),
        unused, unused, unused, False,
    )  # fmt: skip
    blood = np.where(capacity > 0.0, medium.scene.perfusion_w_m3k / heat, 0.0).astype(np.float32)
    metabolic = np.where(capacity > 0.0, medium.scene.metabolic_w_m3 / heat, 0.0).astype(np.float32)
    coupled = alpha * float((xb + xa).max() + (yb + ya).max() + (zb + za).max())
    kappa = m.k_frozen / m.k_unfrozen
    freezing = 0.5 * (1.0 + kappa) * c[lk.RANGE_K] / c[lk.WIDTH] * _steepest_drop(medium)
    return CellMedium(
        medium, cells, shape, False, per_capacity, capacity, width, fold, m.k_unfrozen, m.k_frozen, blood, metabolic,
        np.full((1, 1, 1), np.nan, np.float32), tables, _NONE,
        (coupled, coupled * freezing, coupled * kappa * c[lk.FOLD]),
    )  # fmt: skip


def _steepest_drop(medium: Medium) -> float:
    """Return how much steeper than on average temperature may rise with heat within the freezing range."""
    if not medium.colligative:
        return 1.0
    # Near the solidus little ice forms per kelvin: there the slope is at most that without latent heat.
    c = medium.constants
    return float(c[lk.WIDTH] / (0.5 * (1.0 + 1.0 / c[lk.FOLD]) * c[lk.RANGE_K]))


def _mapped(medium: Medium, tissue: TissueMap, cells: Cells) -> CellMedium:
    assert medium.log_k is not None
    c = medium.constants
    k_f, k_u = (np.exp(cells.means(log)) for log in medium.log_k)
    heat_f, heat_u, latent, perfusion, metabolism = (cells.means(getattr(tissue, name)) for name in _PARTS)
    held = np.isfinite(tissue.held_c)
    if held.any():
        share = cells.means(held.astype(np.float32))
        held_c = cells.means(np.where(held, tissue.held_c, 0.0).astype(np.float32)) / np.maximum(share, 1e-6)
        is_held = share >= 0.5
    else:
        held_c, is_held = np.zeros((), np.float32), np.zeros(cells.shape_kji, np.bool_)
    ratio = heat_f / heat_u
    width = 0.5 * (1.0 + ratio) * c[lk.RANGE_K] + latent / heat_u
    fold = 1.0 / ratio
    capacity = cells.volumes_m3() * heat_u
    per_capacity = np.where(is_held, 0.0, 1.0 / capacity)
    (u_codes, u_unit), (f_codes, f_unit) = (coded(_faces(cells, k, is_held)) for k in (k_u, k_f))
    own = np.stack([all_decoded(u_codes, u_unit), all_decoded(f_codes, f_unit)])
    sign, offset, held_walls = _walls(medium, even=False)
    padded_width, padded_fold = _padded(width, 1.0), _padded(fold, 1.0)
    frosty = bool((offset[1] != 0.0).any())  # ghosts of walls are frozen
    pc = _padded(per_capacity)
    blood = _padded(np.where(is_held, 0.0, perfusion / heat_u))
    metabolic = _padded(np.where(is_held, 0.0, metabolism / heat_u))
    held_e = _padded(np.where(is_held, state_of(held_c, c, width, fold) if is_held.any() else 0.0, np.nan), np.nan)
    slope = 1.0 / (0.5 * (1.0 + ratio)) if medium.colligative else c[lk.RANGE_K] / width
    degrees = (
        _degree(own[0], _edged(per_capacity)),
        _degree(0.5 * (own[0] + own[1]), _edged(per_capacity * slope)),
        _degree(own[1], _edged(per_capacity * fold)),
    )
    nothing = np.zeros((5, 1), np.float32)
    kappa = k_f / k_u
    within = width / (0.5 * (1.0 + kappa) * c[lk.RANGE_K])
    beyond = c[lk.FROZEN_SLOPE] / (kappa * fold)
    own_kappa, own_within, own_beyond = (_padded(known, 1.0).ravel() for known in (kappa, within, beyond))
    tables = TissueTables(
        nothing, nothing, np.stack([u_codes, f_codes]).reshape(2, 3, -1), np.array([u_unit, f_unit], np.float32),
        pc.ravel(), sign, offset, held_walls, True, medium.colligative, c.astype(np.float32), padded_width.ravel(),
        padded_fold.ravel(), own_kappa, own_within, own_beyond, frosty,
    )  # fmt: skip
    return CellMedium(
        medium, cells, pc.shape, True, pc, _padded(capacity), padded_width, padded_fold, _padded(k_u), _padded(k_f),
        blood, metabolic, held_e, tables, _held_faces(own, is_held),
        (degrees[0], degrees[1], degrees[2]),
    )  # fmt: skip


def _faces(cells: Cells, k: Float32Array, is_held: NDArray[np.bool_]) -> Float32Array:
    """Return (3, k, j, i) padded conductances, W/K, of the faces below each cell along x, y and z: halves in series.

    A held cell has its temperature up to its faces.
    """
    axes = (cells.x, cells.y, cells.z)
    out = np.zeros((3, *(n + 2 for n in k.shape)), np.float32)
    any_held = bool(is_held.any())
    resistivity = 1.0 / np.asarray(k, np.float32)
    for number, axis in enumerate(axes):
        at = 2 - number  # of this axis in [k, j, i]
        lengths = [axis.count if n == at else 1 for n in range(3)]
        half = np.asarray(0.5 * axis.width_m, np.float32).reshape(lengths) * resistivity
        if any_held:
            half[is_held] = _NO_LENGTH_M * resistivity[is_held]
        across = [a.size for n, a in enumerate(axes) if n != number]  # the other two, lower letter first
        area = np.expand_dims(across[1][:, None] * across[0][None, :], at)
        lower, upper = [slice(None)] * 3, [slice(None)] * 3
        lower[at], upper[at] = slice(None, -1), slice(1, None)
        place = [slice(1, -1)] * 3
        place[at] = slice(1, None)
        series = out[number][tuple(place)]
        series[tuple(lower)] = half
        series[tuple(upper)] += half
        for end in (0, -1):  # a wall's ghost is as wide as the cell beside it
            ends = [slice(None)] * 3
            ends[at] = slice(end, None) if end else slice(0, 1)
            series[tuple(ends)] *= 2.0
        lengths[at] += 1
        np.divide(np.asarray(area * axis.area.reshape(lengths), np.float32), series, out=series)
    return out


@kernel
def _degree(faces: Float32Array, per_heat: Float32Array) -> float:
    """Return half a bound of the fastest rate, 1/s, of conductances, W/K, between cells of `per_heat`, K/J; padded.

    Both sides of a face count half: the sum of g (d x - d' x')^2 over faces is at most that of
    g (d^2 + d'^2) (x^2 + x'^2).
    """
    _, deep, high, wide = faces.shape
    most = 0.0
    for k in range(1, deep - 1):
        for j in range(1, high - 1):
            for i in range(1, wide - 1):
                own = per_heat[k, j, i]
                total = (
                    faces[0, k, j, i] * (own + per_heat[k, j, i - 1])
                    + faces[0, k, j, i + 1] * (own + per_heat[k, j, i + 1])
                    + faces[1, k, j, i] * (own + per_heat[k, j - 1, i])
                    + faces[1, k, j + 1, i] * (own + per_heat[k, j + 1, i])
                    + faces[2, k, j, i] * (own + per_heat[k - 1, j, i])
                    + faces[2, k + 1, j, i] * (own + per_heat[k + 1, j, i])
                )
                most = max(most, 0.5 * np.float64(total))
    return most


def _held_faces(own: Float32Array, is_held: NDArray[np.bool_]) -> tuple[NDArray[np.int64], FloatArray]:
    """Return the faces between held and free cells: flat padded indices (held, free) and both conductances."""
    if not is_held.any():
        return _NONE
    known = np.zeros(own.shape[2:], np.int8)
    known[(slice(1, -1),) * 3] = np.where(is_held, 2, 1)
    flat = np.arange(known.size).reshape(known.shape)
    pairs, conductances = [], []
    for number in range(3):
        at = 2 - number
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[at], high[at] = slice(None, -1), slice(1, None)
        a, b = known[tuple(low)], known[tuple(high)]
        for one, other, first, second in ((a, b, low, high), (b, a, high, low)):
            where = (one == 2) & (other == 1)
            pairs.append(np.stack([flat[tuple(first)][where], flat[tuple(second)][where]], axis=1))
            conductances.append(np.stack([own[n, number][tuple(high)][where] for n in range(2)], axis=1))
    return np.concatenate(pairs), np.concatenate(conductances).astype(np.float64)
