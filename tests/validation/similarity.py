"""Exact solutions of heat conduction with freezing, derived here for the validation: B, D, G; SI units, degC.

Heat flow that starts from a uniform temperature and is driven at the origin by a constant wall temperature (plane), a
constant line sink (cylinder) or a point sink that grows as sqrt(t) (sphere) depends on eta = x / sqrt(t) alone: with
g = 0, 1 or 2

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
from scipy.optimize import OptimizeResult as OdeResult
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


def similarity(
    material: Material, start_c: float, sink_w_m: float | None = None, *, wall_c: float | None = None,
    point_w_sqrt_s: float | None = None,
) -> Callable[[float, float], float]:  # fmt: skip
    """Return the distance in m of (temperature_c, time_s) under the laws of `material`, by shooting.

    Give what drives the flow: a line sink, W/m; a wall temperature; or a point that draws point_w_sqrt_s sqrt(t) W
    (that one with the constant frozen law). In s = ln eta: dT/ds = eta^(1-g) w / k and d ln w / ds = -eta^2 C / 2 k,
    w = eta^g k dT/deta.
    """
    k, c = conductivity(material), capacity(material)
    g = 0 if wall_c is not None else 1 if sink_w_m is not None else 2
    first, last = (1e-4 if g == 2 else 2e-6), 0.03  # m / sqrt(s)

    def slope(log_eta: float, y: Array) -> list[float]:
        eta, now_k = math.exp(log_eta), k(y[0])
        return [eta ** (1 - g) * math.exp(y[1]) / now_k, -0.5 * eta * eta * c(y[0]) / now_k]

    def shoot(unknown: float, dense: bool = False) -> OdeResult:
        if wall_c is not None:
            y0 = [wall_c + first * math.exp(unknown) / k(wall_c), unknown]
        elif sink_w_m is not None:
            y0 = [unknown, math.log(sink_w_m / (2.0 * math.pi))]
        else:  # what the tissue within `first` has given already: w = w0 exp(-eta^2 / 4 alpha), exact there
            given = first * first * material.rho * material.c_frozen / (4.0 * material.k_frozen)
            y0 = [unknown, math.log((point_w_sqrt_s or 0.0) / (4.0 * math.pi)) - given]
        span = (math.log(first), math.log(last))
        return solve_ivp(slope, span, y0, method="LSODA", rtol=1e-9, atol=1e-9, max_step=0.01, dense_output=dense)

    if g == 0:
        bounds = (math.log(1e2), math.log(1e6))  # k dT/deta at the wall, W / (m2 / sqrt(s))
    elif material.frozen_law != "constant":
        assert g == 1
        bounds = (-270.0, material.t_solidus_c)
    else:
        bounds = (-5000.0, material.t_solidus_c)
    unknown = brentq(lambda x: shoot(x).y[0, -1] - start_c, *bounds, xtol=1e-7)
    path = shoot(unknown, dense=True)

    def distance(temperature_c: float, time_s: float) -> float:
        if path.sol(math.log(first))[0] >= temperature_c:
            return 0.0  # nothing is so cold
        found = brentq(lambda s: path.sol(s)[0] - temperature_c, math.log(first), math.log(last))
        return math.exp(found) * math.sqrt(time_s)

    return distance


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
