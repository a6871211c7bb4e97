"""How heat content, temperature and conducted heat of one tissue depend on each other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array, FloatArray
from cvt_planner.bioheat import law_kernels as lk
from cvt_planner.bioheat.law_kernels import (
    ICE_C0,
    ICE_C1,
    ICE_C_REFERENCE,
    ICE_K0,
    ICE_K_POWER,
    ICE_K_REFERENCE,
    KELVIN,
)
from cvt_planner.bioheat.tissue import Material

COLDEST_C = -210.0  # nitrogen freezes: no probe is colder
WARMEST_C = 120.0


@dataclass(frozen=True, eq=False)
class HeatLaw:
    """Temperature, heat content and Kirchhoff variable of one material, as functions of each other.

    Heat content u (J/m3) and Kirchhoff variable theta (integral of k dT, W/m) are both counted from `zero_c`. Heat flux
    is the gradient of theta, whatever k does. All functions are exact for the constant frozen law with the uniform
    latent law, and piecewise linear over fine nodes otherwise (temperature to 0.001 K).
    """

    material: Material
    zero_c: float
    nodes_c: FloatArray = field(init=False, repr=False)
    nodes_u: FloatArray = field(init=False, repr=False)
    nodes_theta: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        m = self.material
        solidus, liquidus = m.t_solidus_c, m.t_liquidus_c
        ends = [COLDEST_C, solidus, liquidus, WARMEST_C]
        fine = [np.array(ends)]
        if m.frozen_law != "constant":
            fine.append(np.arange(COLDEST_C + 0.1, solidus - 0.05, 0.1))
        if m.latent_law != "uniform":
            # Equal steps of ice fraction, so that the steep part near the liquidus is followed.
            ice = np.linspace(0.0, 1.0 - liquidus / solidus, 2001)[1:-1]
            fine.append(liquidus / (1.0 - ice))
        nodes = np.unique(np.concatenate(fine))
        u, theta = _absolute(m, nodes)
        at_zero_u, at_zero_theta = _absolute(m, np.array([self.zero_c]))
        object.__setattr__(self, "nodes_c", nodes)
        object.__setattr__(self, "nodes_u", u - at_zero_u[0])
        object.__setattr__(self, "nodes_theta", theta - at_zero_theta[0])

    def theta_of(self, temperature_c: NDArray[Any] | float) -> FloatArray:
        """Return the Kirchhoff variable, W/m, of temperatures in degC."""
        return _interpolated(temperature_c, self.nodes_c, self.nodes_theta)

    def temperature_of_theta(self, theta: NDArray[Any] | float) -> FloatArray:
        """Return temperatures, degC, of Kirchhoff variables in W/m."""
        return _interpolated(theta, self.nodes_theta, self.nodes_c)

    def constants(self) -> FloatArray:
        """Return what the kernels need to know of this law (`law_kernels`), its state counted from `zero_c`.

        `zero_c` must not lie below the liquidus.
        """
        m = self.material
        c = np.zeros(lk.CONSTANTS)
        span = m.t_liquidus_c - m.t_solidus_c
        c[lk.LIQUIDUS_E] = m.t_liquidus_c - self.zero_c
        c[lk.RANGE_K] = span
        c[lk.FOLD] = m.c_unfrozen / m.c_frozen
        c[lk.WIDTH] = 0.5 * (1.0 + m.c_frozen / m.c_unfrozen) * span + m.latent_j_kg / m.c_unfrozen
        c[lk.KAPPA] = m.k_frozen / m.k_unfrozen
        c[lk.LIQUIDUS_C], c[lk.SOLIDUS_C], c[lk.ZERO_C] = m.t_liquidus_c, m.t_solidus_c, self.zero_c
        if m.latent_law == "colligative":
            c[lk.ICE] = 1.0 / (1.0 - m.t_liquidus_c / m.t_solidus_c)
        if m.frozen_law == "rabin":
            c[lk.RABIN] = 1.0
            c[lk.QUADRATIC] = 0.5 * ICE_C1 / ICE_C_REFERENCE
            c[lk.LINEAR] = (ICE_C1 * (m.t_solidus_c + KELVIN) + ICE_C0) / ICE_C_REFERENCE
            c[lk.CURVE : lk.CURVE + lk.TERMS] = self._ice_curve()
        c[lk.FROZEN_SLOPE] = c[lk.LINEAR] / c[lk.CURVE] if m.frozen_law == "rabin" else 1.0
        c[lk.BRINK] = c[lk.LIQUIDUS_E]
        return c

    def _ice_curve(self) -> FloatArray:
        """Return the coefficients of F(t) / t, least squares."""
        m = self.material
        depth = m.t_solidus_c - COLDEST_C
        t = -0.5 * depth * (1.0 - np.cos(np.linspace(0.01, math.pi, 400)))
        conducted = (self.theta_of(m.t_solidus_c + t) - self.theta_of(m.t_solidus_c)) / m.k_frozen
        powers = (t[:, None] / depth) ** np.arange(1, lk.TERMS + 1)
        found = np.linalg.lstsq(powers, conducted, rcond=None)[0]
        return np.asarray(found / depth ** np.arange(1, lk.TERMS + 1))


def frozen_gain(m: Material, temperature_c: NDArray[Any] | float) -> Float32Array:
    """Return the diffusivities of frozen tissue at `temperature_c` over that of constant frozen properties."""
    if m.frozen_law == "constant":
        return np.ones(np.shape(temperature_c), np.float32)
    celsius = np.asarray(temperature_c, np.float32)
    kelvin = np.maximum(np.minimum(celsius, np.float32(m.t_solidus_c)), np.float32(COLDEST_C)) + np.float32(KELVIN)
    k = kelvin ** np.float32(ICE_K_POWER) * np.float32(ICE_K0 / ICE_K_REFERENCE * ICE_C_REFERENCE)
    return np.asarray(k / (np.float32(ICE_C1) * kelvin + np.float32(ICE_C0)))


def frozen_gain_at(m: Material, temperature_c: float) -> float:
    """Return `frozen_gain` at one temperature; at least 1."""
    return max(float(frozen_gain(m, temperature_c)), 1.0)


def state_of(
    temperature_c: NDArray[Any] | float, c: FloatArray, width: NDArray[Any] | float, fold: NDArray[Any] | float
) -> FloatArray:
    """Return the kernels' state e, K, of temperatures in degC.

    `c` are the `HeatLaw.constants` of the law; `width` and `fold` those of each place.
    """
    t = np.asarray(temperature_c, np.float64)
    liquidus, span = c[lk.LIQUIDUS_C], c[lk.RANGE_K]
    freezing = np.clip(t, c[lk.SOLIDUS_C], liquidus)
    if c[lk.ICE] > 0.0:
        heat = 0.5 + 0.5 / np.asarray(fold)
        latent = (np.asarray(width) - heat * span) * c[lk.ICE]
        q = heat * (freezing - liquidus) - latent * (1.0 - liquidus / freezing)
    else:
        q = np.asarray(width) * (freezing - liquidus) / span
    below = np.minimum(t - c[lk.SOLIDUS_C], 0.0)
    w = below * (c[lk.LINEAR] + c[lk.QUADRATIC] * below) if c[lk.RABIN] > 0.0 else below
    return np.asarray(np.maximum(t - c[lk.ZERO_C], c[lk.LIQUIDUS_E]) + q + w / np.asarray(fold))


def _interpolated(x: NDArray[Any] | float, at: FloatArray, values: FloatArray) -> FloatArray:
    return np.asarray(np.interp(np.asarray(x), at, values))


def _absolute(m: Material, temperature_c: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return heat content and Kirchhoff variable counted from the solidus."""
    solidus, liquidus = m.t_solidus_c, m.t_liquidus_c
    frozen = np.minimum(temperature_c, solidus)
    freezing = np.clip(temperature_c, solidus, liquidus)
    unfrozen = np.maximum(temperature_c, liquidus) - liquidus
    k_mean = 0.5 * (m.k_frozen + m.k_unfrozen)
    c_mean = 0.5 * (m.c_frozen + m.c_unfrozen)
    if m.latent_law == "uniform":
        melted = (freezing - solidus) / (liquidus - solidus)
    else:
        melted = 1.0 - (1.0 - liquidus / freezing) / (1.0 - liquidus / solidus)
    u = m.rho * (c_mean * (freezing - solidus) + m.latent_j_kg * melted + m.c_unfrozen * unfrozen)
    theta = k_mean * (freezing - solidus) + m.k_unfrozen * unfrozen
    if m.frozen_law == "constant":
        return u + m.rho * m.c_frozen * (frozen - solidus), theta + m.k_frozen * (frozen - solidus)
    cold, edge = frozen + KELVIN, solidus + KELVIN
    power = ICE_K_POWER + 1.0
    heat = 0.5 * ICE_C1 * (cold**2 - edge**2) + ICE_C0 * (cold - edge)
    conducted = ICE_K0 / power * (cold**power - edge**power)
    u = u + m.rho * m.c_frozen / ICE_C_REFERENCE * heat
    return u, theta + m.k_frozen / ICE_K_REFERENCE * conducted
