"""Exact solutions of heat conduction with freezing, derived here for the tests; SI units, degC.

Heat flow that starts from a uniform temperature and is driven at the origin by a constant wall temperature (plane) or
a constant line sink (cylinder) depends on eta = x / sqrt(t) alone: with g = 0 (plane) or 1 (cylinder)

    (eta^g k T')' = -(eta / 2) eta^g C T'.

Where k and C are constant its solutions are T = a + b F(eta), F = erf(eta / (2 sqrt(alpha))) or E1(eta^2 / (4 alpha)).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.optimize import brentq, fsolve
from scipy.special import erf, exp1

from cvt_planner.bioheat.tissue import Material

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """One constant stretch of tissue: conductivity and heat capacity per volume."""

    k: float
    c: float

    def shape(self, cylinder: bool, eta: Array | float) -> Array:
        alpha = self.k / self.c
        s = np.asarray(eta, float) / (2.0 * math.sqrt(alpha))
        return np.asarray(exp1(s * s) if cylinder else erf(s))

    def flow(self, cylinder: bool, eta: float) -> float:
        """Return eta^g k dF/deta."""
        alpha = self.k / self.c
        decay = math.exp(-eta * eta / (4.0 * alpha))
        return -2.0 * self.k * decay if cylinder else self.k * decay / math.sqrt(math.pi * alpha)


@dataclass(frozen=True)
class ThreeParts:
    """Frozen, freezing and unfrozen tissue of constant properties around a wall or a line sink."""

    material: Material
    start_c: float
    wall_c: float | None = None  # plane
    sink_w_m: float | None = None  # cylinder

    def parts(self) -> tuple[Part, Part, Part]:
        m = self.material
        width = m.t_liquidus_c - m.t_solidus_c
        latent = m.latent_j_kg / width
        return (
            Part(m.k_frozen, m.rho * m.c_frozen),
            Part(0.5 * (m.k_frozen + m.k_unfrozen), m.rho * (0.5 * (m.c_frozen + m.c_unfrozen) + latent)),
            Part(m.k_unfrozen, m.rho * m.c_unfrozen),
        )

    def fronts(self) -> tuple[float, float]:
        """Return eta of solidus and liquidus, m / sqrt(s), from the continuity of the flow at both."""
        cylinder = self.sink_w_m is not None
        cold, mid, warm = self.parts()
        m = self.material

        def jumps(logs: Array) -> list[float]:
            one, two = np.exp(logs)
            if self.sink_w_m is not None:
                inner = self.sink_w_m / (2.0 * math.pi) * math.exp(-one * one * cold.c / (4.0 * cold.k))
            else:
                assert self.wall_c is not None
                rise = (m.t_solidus_c - self.wall_c) / float(cold.shape(False, one))
                inner = rise * cold.flow(False, one)
            across = (m.t_liquidus_c - m.t_solidus_c) / float(mid.shape(cylinder, two) - mid.shape(cylinder, one))
            beyond = 0.0 if cylinder else 1.0
            outer = (
                (self.start_c - m.t_liquidus_c) / (beyond - float(warm.shape(cylinder, two))) * warm.flow(cylinder, two)
            )
            return [inner / (across * mid.flow(cylinder, one)) - 1.0, outer / (across * mid.flow(cylinder, two)) - 1.0]

        guesses = ((a, a * b) for a in (1e-3, 5e-4, 2.5e-4) for b in (1.06, 1.2, 1.5))
        for guess in guesses:
            found, _, ok, _ = fsolve(jumps, np.log(guess), xtol=1e-12, full_output=True)
            if ok == 1:
                one, two = np.exp(found)
                return float(one), float(two)
        raise AssertionError("no similarity solution found")


def similarity(material: Material, start_c: float, sink_w_m: float) -> Callable[[float, float], float]:
    """Return radius(temperature_c, time_s) in m around a line sink for the laws of `material`, by shooting."""
    k, c = conductivity(material), capacity(material)
    first, last = 2e-6, 0.03  # m / sqrt(s)

    def slope(log_eta: float, y: Array) -> list[float]:
        gradient = y[1] / k(y[0])
        return [gradient, -0.5 * math.exp(2.0 * log_eta) * c(y[0]) * gradient]

    def shoot(inner_c: float, dense: bool = False) -> object:
        y0 = [inner_c, sink_w_m / (2.0 * math.pi)]
        span = (math.log(first), math.log(last))
        return solve_ivp(slope, span, y0, method="LSODA", rtol=1e-9, atol=1e-9, max_step=0.01, dense_output=dense)

    coldest = -5000.0 if material.frozen_law == "constant" else -270.0
    inner = brentq(lambda t: shoot(t).y[0, -1] - start_c, coldest, material.t_solidus_c, xtol=1e-6)  # type: ignore[attr-defined]
    path = shoot(inner, dense=True)

    def radius(temperature_c: float, time_s: float) -> float:
        found = brentq(lambda s: path.sol(s)[0] - temperature_c, math.log(first), math.log(last))  # type: ignore[attr-defined]
        return math.exp(found) * math.sqrt(time_s)

    return radius


def conductivity(m: Material) -> Callable[[float], float]:
    def k(t: float) -> float:
        if t >= m.t_liquidus_c:
            return m.k_unfrozen
        if t >= m.t_solidus_c:
            return 0.5 * (m.k_frozen + m.k_unfrozen)
        return m.k_frozen if m.frozen_law == "constant" else m.k_frozen / 2.0 * 2135.0 * (t + 273.15) ** -1.235

    return k


def capacity(m: Material) -> Callable[[float], float]:
    def c(t: float) -> float:
        if t >= m.t_liquidus_c:
            return m.rho * m.c_unfrozen
        if t >= m.t_solidus_c:
            if m.latent_law == "uniform":
                latent = m.latent_j_kg / (m.t_liquidus_c - m.t_solidus_c)
            else:  # d/dT of the unfrozen part T_liquidus / T, scaled to vanish at the solidus
                latent = m.latent_j_kg * -m.t_liquidus_c / (t * t) / (1.0 - m.t_liquidus_c / m.t_solidus_c)
            return m.rho * (0.5 * (m.c_frozen + m.c_unfrozen) + latent)
        return m.rho * (
            m.c_frozen if m.frozen_law == "constant" else m.c_frozen / 1800.0 * (7.16 * (t + 273.15) + 138.0)
        )

    return c
