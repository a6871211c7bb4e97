"""A different material in every voxel: thermal properties as fields, and regions of fixed temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array, read_only
from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat.tissue import Material

_POSITIVE = ("k_frozen", "k_unfrozen", "heat_frozen", "heat_unfrozen")


@dataclass(frozen=True, eq=False)
class TissueMap:
    """The thermal properties of every voxel of a box; all voxels share one freezing range and the laws of freezing.

    Conductances between voxels are those of their halves in series, exact for flow across a boundary.

    Parameters
    ----------
    like
        A material whose freezing range, latent and frozen laws hold everywhere; its numbers are not used.
    k_frozen, k_unfrozen
        Conductivity, W/mK; all fields are float32 [k, j, i] on the voxels of the box.
    heat_frozen, heat_unfrozen
        Heat capacity per volume, J/m3K.
    latent_j_m3
        Heat released over the freezing range, J/m3.
    perfusion_w_m3k, metabolic_w_m3
        Heat brought by blood per kelvin, and made by the tissue; both stop for good where the voxel has frozen.
    held_c
        Temperature of the voxels that never change (large vessels, moving cerebrospinal fluid), degC; NaN elsewhere.

    Raises
    ------
    InputRefused
        When shapes differ or a number cannot be used.
    """

    like: Material
    k_frozen: Float32Array
    k_unfrozen: Float32Array
    heat_frozen: Float32Array
    heat_unfrozen: Float32Array
    latent_j_m3: Float32Array
    perfusion_w_m3k: Float32Array
    metabolic_w_m3: Float32Array
    held_c: Float32Array

    def __post_init__(self) -> None:
        shape = np.shape(self.k_frozen)
        for item in fields(self)[1:]:
            array = read_only(np.array(getattr(self, item.name), dtype=np.float32))
            object.__setattr__(self, item.name, array)
            if array.shape != shape or array.ndim != 3:
                raise InputRefused(f"The tissue map's {item.name} has another shape than its conductivity.")
            if item.name == "held_c":
                continue
            least = float(array.min()) if array.size else np.nan
            if not np.isfinite(array).all() or least < 0.0 or (item.name in _POSITIVE and least <= 0.0):
                least_word = "above" if item.name in _POSITIVE else "not below"
                raise InputRefused(
                    f"The tissue map's {item.name} holds numbers that cannot be used; all must be finite and "
                    f"{least_word} zero."
                )
        held = self.held_c[np.isfinite(self.held_c)]
        if held.size and not (held.min() >= -210.0 and held.max() <= 120.0):
            raise InputRefused("A held temperature must lie between -210 and 120 °C.")

    @property
    def shape_kji(self) -> tuple[int, int, int]:
        """Return the number of voxels along z, y and x."""
        k, j, i = self.k_frozen.shape
        return (k, j, i)


def map_of_labels(
    labels: NDArray[np.integer],
    materials: Sequence[Material],
    perfusion_w_m3k: Sequence[float] = (),
    metabolic_w_m3: Sequence[float] = (),
    held_c: Mapping[int, float] | None = None,
) -> TissueMap:
    """Return the map in which voxel value n is of `materials[n]`.

    Parameters
    ----------
    labels
        [k, j, i] integers on the voxels of the box.
    materials
        One per value; all with the same freezing range and laws.
    perfusion_w_m3k, metabolic_w_m3
        One per value; none anywhere when empty.
    held_c
        Values whose voxels keep a temperature, degC.

    Raises
    ------
    InputRefused
        When a value has no material, or the materials differ in freezing range or laws.
    """
    first = materials[0]
    for other in materials:
        if _laws(other) != _laws(first):
            raise InputRefused("All materials of a box must share one freezing range and the same laws of freezing.")
    if labels.size and not 0 <= int(labels.min()) <= int(labels.max()) < len(materials):
        raise InputRefused(f"The labels hold values outside 0 to {len(materials) - 1}; give a material for each.")

    def field(values: Sequence[float]) -> Float32Array:
        return np.asarray(np.array(values, np.float32)[labels])

    held = np.full(len(materials), np.nan)
    for value, temperature in (held_c or {}).items():
        held[value] = temperature
    none = [0.0] * len(materials)
    return TissueMap(
        like=first,
        k_frozen=field([m.k_frozen for m in materials]),
        k_unfrozen=field([m.k_unfrozen for m in materials]),
        heat_frozen=field([m.rho * m.c_frozen for m in materials]),
        heat_unfrozen=field([m.rho * m.c_unfrozen for m in materials]),
        latent_j_m3=field([m.rho * m.latent_j_kg for m in materials]),
        perfusion_w_m3k=field(perfusion_w_m3k or none),
        metabolic_w_m3=field(metabolic_w_m3 or none),
        held_c=field(held.tolist()),
    )


def _laws(m: Material) -> tuple[float, float, str, str]:
    return (m.t_solidus_c, m.t_liquidus_c, m.latent_law, m.frozen_law)
