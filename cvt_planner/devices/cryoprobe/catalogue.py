"""The cryoprobes that are known. Cooling figures are for computing ice; they are not a manufacturer's data."""

from __future__ import annotations

from cvt_planner.base.errors import InputRefused
from cvt_planner.devices.cryoprobe.model import CryoprobeModel

_SOURCE = (
    "Outer diameter 1.47 mm: Magalov et al., J Heat Transfer 2008;130(3), doi 10.1115/1.2804943. "
    "Plateau -140 degC: argon probe metal temperature, Cryobiology 2025, doi 10.1016/j.cryobiol.2025.105274. "
    "Dead tip, shaft length and cool-down: assumed."
)


def _seventeen_gauge(active_length_mm: float) -> CryoprobeModel:
    return CryoprobeModel(
        key=f"17g-{active_length_mm:g}",
        name=f"17 G, {active_length_mm:g} mm active",
        gauge="17 G",
        outer_diameter_mm=1.47,
        dead_tip_mm=3.0,
        active_length_mm=active_length_mm,
        shaft_length_mm=175.0,
        tip_temperature_c=-140.0,
        cooldown_s=30.0,
        source=_SOURCE,
    )


CRYOPROBES: tuple[CryoprobeModel, ...] = tuple(_seventeen_gauge(length) for length in (10.0, 15.0, 20.0, 30.0))
DEFAULT_CRYOPROBE = CRYOPROBES[1]


def cryoprobe(key: str) -> CryoprobeModel:
    """Return the probe of that key; raise `InputRefused` when there is none."""
    for probe in CRYOPROBES:
        if probe.key == key:
            return probe
    raise InputRefused(f"No cryoprobe is called {key!r}. Known are: {', '.join(p.key for p in CRYOPROBES)}.")
