"""A cryoprobe and the bone needle around it, as the ice sees them. All in LPS mm, degC and seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cvt_planner.base.arrays import FloatArray, Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat.limits import LONGEST_S, finite, temperature, within

PROBE_LENGTH_MM = (1.0, 200.0)
PROBE_DIAMETER_MM = (0.3, 10.0)


@dataclass(frozen=True)
class Sleeve:
    """A bone needle around a probe's shaft: a tube of metal that conducts along itself.

    Parameters
    ----------
    tip_mm
        The needle's tip, mm behind the probe's tip.
    outer_diameter_mm, inner_diameter_mm, length_mm
        Of the needle.
    conductivity_w_mk, heat_j_m3k
        Of its metal; steel 304: 15 W/mK, 7900 kg/m3 * 500 J/kgK (handbook values).
    """

    tip_mm: float
    outer_diameter_mm: float
    inner_diameter_mm: float
    length_mm: float = 120.0
    conductivity_w_mk: float = 15.0
    heat_j_m3k: float = 3.95e6

    def __post_init__(self) -> None:
        finite("A needle's size", self.tip_mm, self.outer_diameter_mm, self.inner_diameter_mm, self.length_mm)
        finite("A needle's metal", self.conductivity_w_mk, self.heat_j_m3k)
        within("A needle's tip behind the probe's", self.tip_mm, (0.0, 200.0), "mm")
        within("A needle's outer diameter", self.outer_diameter_mm, PROBE_DIAMETER_MM, "mm")
        within("A needle's inner diameter", self.inner_diameter_mm, (0.1, self.outer_diameter_mm - 0.05), "mm")
        within("A needle's length", self.length_mm, (1.0, 400.0), "mm")
        within("A needle's conductivity", self.conductivity_w_mk, (0.01, 500.0), "W/mK")
        within("A needle's heat capacity", self.heat_j_m3k, (1e5, 1e7), "J/m3K")


@dataclass(frozen=True)
class ProbeBody:
    """One cryoprobe: where it lies and how it cools.

    The shaft beyond the active zone is insulated and displaces no tissue.

    Parameters
    ----------
    tip_lps_mm
        The probe's tip, LPS mm.
    direction
        From the tip towards the hub; normalised here.
    active_length_mm, diameter_mm
        Of the active zone.
    temperature_c
        Of its surface in a freeze, degC.
    cooldown_s
        A freeze ramps linearly to `temperature_c` in this time, from the probe's own present temperature.
    power_limit_w
        Most heat that the whole probe can draw; where that is not enough its temperature stays above `temperature_c`.
    dead_tip_mm
        The active zone starts so far behind the tip.
    start_delay_s
        The probe stays off this long after the start of every freeze.
    duty
        Part of the time, above 0 to 1, in which the gas flows; the cycles are taken as shorter than tissue follows, so
        the probe draws this part of the heat that it would at its temperature.
    power_curve_w
        (seconds since the probe's own start in a freeze, W) in rising order: a limit that changes, linear in between.
    sleeve
        The bone needle around the shaft.
    """

    tip_lps_mm: Vec3
    direction: Vec3
    active_length_mm: float
    diameter_mm: float
    temperature_c: float
    cooldown_s: float = 0.0
    power_limit_w: float | None = None
    dead_tip_mm: float = 0.0
    start_delay_s: float = 0.0
    duty: float = 1.0
    power_curve_w: tuple[tuple[float, float], ...] = ()
    sleeve: Sleeve | None = None

    def __post_init__(self) -> None:
        finite("A probe's tip or direction", *self.tip_lps_mm, *self.direction)
        finite("A probe's length or diameter", self.active_length_mm, self.diameter_mm)
        finite("A probe's cool-down or power limit", self.cooldown_s, self.power_limit_w)
        temperature("A probe's temperature", self.temperature_c)
        within("A probe's active length", self.active_length_mm, PROBE_LENGTH_MM, "mm")
        within("A probe's diameter", self.diameter_mm, PROBE_DIAMETER_MM, "mm")
        within("A probe's cool-down", self.cooldown_s, (0.0, LONGEST_S), "s")
        if self.power_limit_w is not None and self.power_limit_w <= 0:
            raise InputRefused(
                f"A probe's power limit is {self.power_limit_w:g} W; it must be above zero, or left out."
            )
        finite("A probe's dead tip, start delay or duty", self.dead_tip_mm, self.start_delay_s, self.duty)
        within("A probe's dead tip", self.dead_tip_mm, (0.0, 50.0), "mm")
        within("A probe's start delay", self.start_delay_s, (0.0, LONGEST_S), "s")
        within("A probe's duty", self.duty, (0.01, 1.0), "of 1")
        self._check_curve()
        if self.sleeve is not None and self.sleeve.inner_diameter_mm < self.diameter_mm:
            raise InputRefused(
                f"A needle with a bore of {self.sleeve.inner_diameter_mm:g} mm does not take a probe of "
                f"{self.diameter_mm:g} mm. Choose a thicker needle or a thinner probe."
            )
        length = math.sqrt(sum(d * d for d in self.direction))
        if length < 1e-9:
            raise InputRefused("A probe's direction has no length; give the direction from its tip to its hub.")
        x, y, z = (d / length for d in self.direction)
        object.__setattr__(self, "direction", (x, y, z))

    def _check_curve(self) -> None:
        times = [t for t, _ in self.power_curve_w]
        for t, watt in self.power_curve_w:
            finite("A probe's power curve", t, watt)
            if watt < 0.0:
                raise InputRefused(f"A probe's power curve holds {watt:g} W; it must not be below zero.")
        if times != sorted(set(times)):
            raise InputRefused("The times of a probe's power curve must rise.")

    @property
    def zone_lps_mm(self) -> tuple[FloatArray, FloatArray]:
        """Return the two ends of the active zone, the one nearer the tip first, (3,) LPS mm."""
        tip, along = np.array(self.tip_lps_mm), np.array(self.direction)
        return tip + self.dead_tip_mm * along, tip + (self.dead_tip_mm + self.active_length_mm) * along

    def limit_w(self, seconds: FloatArray) -> FloatArray:
        """Return the most heat, W, that it draws at times since its own start."""
        limit = np.full(seconds.shape, math.inf if self.power_limit_w is None else self.power_limit_w)
        if self.power_curve_w:
            times, watts = np.array(self.power_curve_w).T
            limit = np.minimum(limit, np.interp(seconds, times, watts))
        return limit
