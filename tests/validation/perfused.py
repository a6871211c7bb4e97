"""Exact solutions with blood and without moving fronts (H), and the steady ice where it stops growing (I); SI, degC.

H: y = T - T_blood obeys C y_t = k y'' - w y in a plane; in a sphere r y does. A surface held at once is answered by two
decaying waves (Laplace transform; e.g. Carslaw & Jaeger, Conduction of Heat in Solids, section 4.14 with surface loss).

I: the frozen core carries no blood, so heat flows through it unchanged; beyond it y decays as exp(-r / L) / r (sphere)
or K0(r / L) (cylinder), L = sqrt(k_unfrozen / w). Metabolic heat moves the far temperature by Q_m / w.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import erfc, erfcx, k0, k1

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Perfused:
    """Unfrozen tissue with blood: conductivity (W/mK), heat capacity (J/m3K), perfusion (W/m3K), blood (degC)."""

    k: float
    heat: float
    perfusion: float
    blood_c: float = 37.0

    def response(self, depth_m: Array | float, time_s: float) -> Array:
        """Return how much of a step of a plane surface has come to a depth, 0 to 1."""
        x = np.asarray(depth_m, dtype=float)
        length = math.sqrt(self.k / self.perfusion)
        z = x / (2.0 * math.sqrt(self.k / self.heat * time_s))
        s = math.sqrt(self.perfusion / self.heat * time_s)
        # exp(x / L) erfc(z + s) written so that the large factor meets the small one first.
        returning = np.exp(-((z - s) ** 2) - x / length) * erfcx(z + s)
        return np.asarray(0.5 * (np.exp(-x / length) * erfc(z - s) + returning))

    def plane_c(self, depth_m: Array | float, time_s: float, surface_c: float) -> Array:
        """Return temperatures beyond a plane surface that is held from the start."""
        return np.asarray(self.blood_c + (surface_c - self.blood_c) * self.response(depth_m, time_s))

    def sphere_c(self, r_m: Array | float, time_s: float, radius_m: float, surface_c: float) -> Array:
        """Return temperatures around a sphere whose surface is held from the start."""
        r = np.asarray(r_m, dtype=float)
        drop = (surface_c - self.blood_c) * self.response(r - radius_m, time_s)
        return np.asarray(self.blood_c + drop * radius_m / r)


@dataclass(frozen=True)
class LargestIce:
    """The ice around a held sphere or an endless held cylinder in perfused tissue when it grows no more."""

    k_frozen: float
    k_unfrozen: float
    perfusion: float
    probe_c: float
    freezing_c: float = -1.0
    blood_c: float = 37.0
    metabolic_w_m3: float = 0.0

    @property
    def decay_m(self) -> float:
        """Return the length over which blood makes up for the cold."""
        return math.sqrt(self.k_unfrozen / self.perfusion)

    @property
    def far_c(self) -> float:
        """Return the temperature far away."""
        return self.blood_c + self.metabolic_w_m3 / self.perfusion

    def _slope_beyond(self, ice_m: float, sphere: bool) -> float:
        """Return -d ln y / dr just beyond the ice, 1/m."""
        length = self.decay_m
        if sphere:
            return 1.0 / ice_m + 1.0 / length
        return float(k1(ice_m / length) / k0(ice_m / length)) / length

    def radius_m(self, probe_m: float, sphere: bool) -> float:
        """Return the radius of the ice."""
        drop = self.freezing_c - self.probe_c

        def excess(ice_m: float) -> float:
            if sphere:  # temperature rises as a - b / r
                inside = drop / (1.0 / probe_m - 1.0 / ice_m) / ice_m**2
            else:
                inside = drop / math.log(ice_m / probe_m) / ice_m
            outside = (self.far_c - self.freezing_c) * self._slope_beyond(ice_m, sphere)
            return self.k_frozen * inside - self.k_unfrozen * outside

        return float(brentq(excess, probe_m * (1.0 + 1e-9), 0.5, xtol=1e-14))

    def power(self, probe_m: float, sphere: bool) -> float:
        """Return the heat that the probe draws: W for the sphere, W/m for the cylinder."""
        ice = self.radius_m(probe_m, sphere)
        area = 4.0 * math.pi * ice**2 if sphere else 2.0 * math.pi * ice
        return area * self.k_unfrozen * (self.far_c - self.freezing_c) * self._slope_beyond(ice, sphere)

    def temperature_c(self, r_m: Array | float, probe_m: float, sphere: bool) -> Array:
        """Return steady temperatures at distances from the centre."""
        r = np.asarray(r_m, dtype=float)
        ice = self.radius_m(probe_m, sphere)
        drop = self.freezing_c - self.probe_c
        if sphere:
            inside = self.probe_c + drop * (1.0 / probe_m - 1.0 / r) / (1.0 / probe_m - 1.0 / ice)
            left = ice / r * np.exp(-(r - ice) / self.decay_m)
        else:
            inside = self.probe_c + drop * np.log(r / probe_m) / math.log(ice / probe_m)
            left = k0(r / self.decay_m) / k0(ice / self.decay_m)
        return np.asarray(np.where(r < ice, inside, self.far_c + (self.freezing_c - self.far_c) * left))
