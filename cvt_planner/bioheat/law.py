"""How heat content, temperature and conducted heat of one tissue depend on each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array, FloatArray
from cvt_planner.bioheat.tissue import Material

KELVIN = 273.15
COLDEST_C = -210.0  # nitrogen freezes: no probe is colder
WARMEST_C = 120.0
MUSHY_INTERVALS = 256  # of the kernel's table over the freezing range
# Rabin, Cryo-Letters 21:163 (2000): conductivity and heat capacity of ice; and what they replace in soft tissue.
ICE_K0, ICE_K_POWER, ICE_K_REFERENCE = 2135.0, -1.235, 2.0
ICE_C1, ICE_C0, ICE_C_REFERENCE = 7.16, 138.0, 1800.0


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

    def u_of(self, temperature_c: NDArray[Any] | float) -> FloatArray:
        """Return heat content above that at `zero_c`, J/m3, of temperatures in degC."""
        return _interpolated(temperature_c, self.nodes_c, self.nodes_u)

    def theta_of(self, temperature_c: NDArray[Any] | float) -> FloatArray:
        """Return the Kirchhoff variable, W/m, of temperatures in degC."""
        return _interpolated(temperature_c, self.nodes_c, self.nodes_theta)

    def temperature_of(self, u: NDArray[Any]) -> FloatArray:
        """Return temperatures, degC, of heat contents in J/m3."""
        return _interpolated(u, self.nodes_u, self.nodes_c)

    def temperature_of_theta(self, theta: NDArray[Any] | float) -> FloatArray:
        """Return temperatures, degC, of Kirchhoff variables in W/m."""
        return _interpolated(theta, self.nodes_theta, self.nodes_c)

    @property
    def is_simple(self) -> bool:
        """Return whether theta has just three slopes over heat content."""
        return self.material.latent_law == "uniform" and self.material.frozen_law == "constant"

    def steepest(self, coldest_c: float) -> float:
        """Return the largest slope of theta over heat content (a diffusivity, m2/s) at `coldest_c` and warmer."""
        inside = self.nodes_c >= coldest_c - 1.0
        slopes = np.diff(self.nodes_theta) / np.diff(self.nodes_u)
        return float(slopes[inside[1:]].max())

    def slopes(self) -> Float32Array:
        """Return (6,) for the kernel: u at solidus and liquidus, theta's slopes frozen, freezing, unfrozen, and a base.

        theta = unfrozen max(u, liquidus) + freezing clip(u - liquidus) + frozen min(u - solidus, 0) - base; the base is
        exactly zero when `zero_c` is unfrozen.
        """
        m = self.material
        ends = np.array([m.t_solidus_c, m.t_liquidus_c])
        solidus, liquidus = self.u_of(ends)
        theta = self.theta_of(ends)
        frozen = m.k_frozen / (m.rho * m.c_frozen)
        unfrozen = m.k_unfrozen / (m.rho * m.c_unfrozen)
        freezing = (theta[1] - theta[0]) / (liquidus - solidus)
        base = unfrozen * max(0.0, liquidus)
        base += freezing * min(max(-liquidus, solidus - liquidus), 0.0) + frozen * min(-solidus, 0.0)
        return np.array([solidus, liquidus, frozen, freezing, unfrozen, base], dtype=np.float32)

    def table(self) -> tuple[Float32Array, float, float]:
        """Return theta at evenly spaced u up to the liquidus, the first u, and the spacing; for the kernel."""
        m = self.material
        u_solidus, u_liquidus = self.u_of(np.array([m.t_solidus_c, m.t_liquidus_c]))
        step = (u_liquidus - u_solidus) / MUSHY_INTERVALS
        below = int(np.ceil((u_solidus - self.nodes_u[0]) / step))
        u = u_liquidus - step * np.arange(below + MUSHY_INTERVALS, -1, -1)
        theta = np.interp(u, self.nodes_u, self.nodes_theta)
        return theta.astype(np.float32), float(u[0]), float(step)


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
