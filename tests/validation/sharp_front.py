"""Exact solutions with one sharp freezing front: plane wall (A), line sink (C), growing point sink (F); SI units, degC.

All three depend on eta = x / sqrt(t) alone. With g = 0 (plane), 1 (cylinder), 2 (sphere) and z = eta / (2 sqrt(alpha)),
where k and C are constant the conduction equation (eta^g k T')' = -(eta / 2) eta^g C T' is solved by constants and

    S_g(z) = integral from z to infinity of exp(-s^2) s^-g ds.

What drives the flow: a wall held cold (g = 0), a line that draws Q W/m (g = 1), a point that draws q sqrt(t) W (g = 2).
At the front both temperatures are the freezing point and the jump of k T' is rho L eta_f / 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import erfc, exp1

from cvt_planner.bioheat.tissue import Material

Array = NDArray[np.float64]


def shape(g: int, z: Array | float) -> Array:
    """Return S_g(z) of this module's head."""
    z = np.asarray(z, dtype=float)
    if g == 0:
        return np.asarray(0.5 * math.sqrt(math.pi) * erfc(z))
    if g == 1:
        return np.asarray(0.5 * exp1(z * z))
    # Subtracting leaves few digits where z is large: the value is then below 1e-16 of the one at the front.
    return np.asarray(np.exp(-z * z) / z - math.sqrt(math.pi) * erfc(z))


def steepness(g: int, z: float) -> float:
    """Return -dS_g/dz."""
    return math.exp(-z * z) / z**g


@dataclass(frozen=True)
class SharpFront:
    """Freezing at one temperature.

    Parameters
    ----------
    material
        Its conductivities, density, heat capacities and latent heat; its freezing range is not used.
    freezing_c, start_c
        Freezing point and initial temperature.
    wall_c, line_w_m, point_w_sqrt_s
        What drives the flow: give one of them. Q(t) = point_w_sqrt_s * sqrt(t).
    """

    material: Material
    freezing_c: float
    start_c: float
    wall_c: float | None = None
    line_w_m: float | None = None
    point_w_sqrt_s: float | None = None

    @property
    def g(self) -> int:
        """Return 0 for the plane, 1 for the cylinder, 2 for the sphere."""
        return 0 if self.wall_c is not None else 1 if self.line_w_m is not None else 2

    @property
    def halves(self) -> tuple[float, float]:
        """Return 2 sqrt(alpha) frozen and unfrozen, m/sqrt(s)."""
        m = self.material
        cold, warm = m.k_frozen / (m.rho * m.c_frozen), m.k_unfrozen / (m.rho * m.c_unfrozen)
        return 2.0 * math.sqrt(cold), 2.0 * math.sqrt(warm)

    def _frozen_factor(self, front: float) -> float:
        """Return B of T = T_freezing - B (S(z) - S(z_front)) in the frozen part, K."""
        cold, _ = self.halves
        if self.wall_c is not None:
            return (self.freezing_c - self.wall_c) / float(shape(0, 0.0) - shape(0, front / cold))
        inflow = (self.line_w_m or 0.0) / (2.0 * math.pi) + (self.point_w_sqrt_s or 0.0) / (4.0 * math.pi)
        return inflow * cold ** (1 - self.g) / self.material.k_frozen

    def front(self) -> float:
        """Return eta of the front, m/sqrt(s)."""
        m, g = self.material, self.g
        cold, warm = self.halves

        def excess(log_eta: float) -> float:
            eta = math.exp(log_eta)
            inward = m.k_frozen * self._frozen_factor(eta) * steepness(g, eta / cold) / cold
            far = (self.start_c - self.freezing_c) / float(shape(g, eta / warm))
            outward = m.k_unfrozen * far * steepness(g, eta / warm) / warm
            return inward - outward - 0.5 * m.rho * m.latent_j_kg * eta

        return math.exp(float(brentq(excess, math.log(1e-6), math.log(4e-3), xtol=1e-13)))

    def temperature_c(self, distance_m: Array | float, time_s: float) -> Array:
        """Return temperatures at distances from the wall, line or point."""
        front = self.front()
        cold, warm = self.halves
        eta = np.asarray(distance_m, dtype=float) / math.sqrt(time_s)
        g = self.g
        frozen = self.freezing_c - self._frozen_factor(front) * (shape(g, eta / cold) - shape(g, front / cold))
        beyond = (self.start_c - self.freezing_c) * shape(g, eta / warm) / shape(g, front / warm)
        return np.asarray(np.where(eta < front, frozen, self.start_c - beyond))

    def distance_m(self, iso_c: float, time_s: float) -> float:
        """Return where an isotherm of the frozen part stands."""
        front = self.front() * math.sqrt(time_s)
        if iso_c == self.freezing_c:
            return front
        low = 1e-9 if self.g == 0 else 1e-5
        return float(brentq(lambda x: float(self.temperature_c(x, time_s)) - iso_c, low, front * (1.0 - 1e-12)))
