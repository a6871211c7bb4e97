"""The cryoprobes that are known. Cooling figures are for computing ice; they are not a manufacturer's data.

No maker's isotherm card is in here: what could be read of them was recalled, not printed. A hospital replaces a record
by fitting it to its own card (docs/probe-card.md). Numbers without a source of their own are listed in `assumed`.
"""

from __future__ import annotations

from cvt_planner.base.errors import InputRefused
from cvt_planner.devices.cryoprobe.model import CryoprobeModel

_ARGON_C = -140.0
_ARGON = "Plateau -140 degC: argon probe metal temperature, Cryobiology 2025, doi 10.1016/j.cryobiol.2025.105274."
_NITROGEN_C = -170.0
_NITROGEN = "Liquid nitrogen probe (source at -196 degC); plateau -170 degC: assumed."
# What no source gives for any probe: how long it takes to become cold, how long its shaft and its dead tip are.
_ALWAYS_ASSUMED = ("dead_tip_mm", "shaft_length_mm", "cooldown_s")
_LENGTH = "Active length: assumed, the maker's was not available"


def _probe(
    key: str,
    name: str,
    size: tuple[str, float, float],
    about: str,
    assumed: tuple[str, ...] = (),
    nitrogen: bool = False,
) -> CryoprobeModel:
    """Return a record; `size` is gauge, outer diameter and active length in mm."""
    gauge, diameter_mm, active_mm = size
    more = ("tip_temperature_c",) if nitrogen else ()
    return CryoprobeModel(
        key=key,
        name=f"{name}, {gauge}" if gauge not in name else name,
        gauge=gauge,
        outer_diameter_mm=diameter_mm,
        dead_tip_mm=3.0,
        active_length_mm=active_mm,
        shaft_length_mm=175.0,
        tip_temperature_c=_NITROGEN_C if nitrogen else _ARGON_C,
        cooldown_s=30.0,
        source=f"{about} {_NITROGEN if nitrogen else _ARGON} Dead tip, shaft length and cool-down: assumed.",
        assumed=(*assumed, *_ALWAYS_ASSUMED, *more),
    )


_MAGALOV = (
    "Outer diameter 1.47 mm: Magalov et al., J Heat Transfer 2008;130(3), doi 10.1115/1.2804943. "
    "Active length: as named, for computing."
)
_LITTRUP = "Littrup et al. 2009, PMC2762356"
_OD = ("outer_diameter_mm",)
_ACTIVE = ("active_length_mm",)
_BOTH = (*_OD, *_ACTIVE)


def _generic(active_mm: float) -> CryoprobeModel:
    return _probe(f"17g-{active_mm:g}", f"17 G, {active_mm:g} mm active", ("17 G", 1.47, active_mm), _MAGALOV)


CRYOPROBES: tuple[CryoprobeModel, ...] = (
    *(_generic(active_mm) for active_mm in (10.0, 15.0, 20.0, 30.0)),
    _probe(
        "iceseed-1.5", "IceSeed 1.5", ("17 G", 1.47, 10.0),
        f"Outer diameter of 17 G tubing, 1.47 mm: standard tube size. {_LENGTH} (recalled: about 10 mm).", _ACTIVE,
    ),
    _probe(
        "icesphere-1.5", "IceSphere 1.5", ("17 G", 1.47, 17.5),
        f"Name: FDA 510(k) K181741. Outer diameter of 17 G tubing, 1.47 mm: standard tube size. {_LENGTH} "
        "(recalled: 15 to 20 mm).", _ACTIVE,
    ),
    _probe(
        "icerod-1.5", "IceRod 1.5 and 1.5 PLUS", ("17 G", 1.47, 32.5),
        f"Outer diameter of 17 G tubing, 1.47 mm: standard tube size. {_LENGTH} (recalled: 30 to 35 mm).", _ACTIVE,
    ),
    _probe(
        "icepearl-2.1", "IcePearl 2.1", ("14 G", 2.1, 20.0),
        f"Outer diameter 2.1 mm: as its name says. {_LENGTH} (large, near-spherical ice).", _ACTIVE,
    ),
    _probe(
        "iceforce-2.1", "IceForce 2.1", ("14 G", 2.1, 35.0),
        f"Outer diameter 2.1 mm: as its name says. {_LENGTH} (large, elongated ice).", _ACTIVE,
    ),
    _probe(
        "iceedge-2.4", "IceEDGE 2.4", ("13 G", 2.4, 35.0),
        f"Outer diameter 2.4 mm: as its name says. {_LENGTH} (elongated ice).", _ACTIVE,
    ),
    _probe(
        "perc-15", "Perc-15", ("1.5 mm", 1.5, 30.0), f"Outer diameter 1.5 mm: recalled, assumed. {_LENGTH}.", _BOTH,
    ),
    _probe("perc-17", "Perc-17", ("1.7 mm", 1.7, 30.0), f"Outer diameter 1.7 mm: {_LITTRUP}. {_LENGTH}.", _ACTIVE),
    _probe("perc-24", "Perc-24", ("2.4 mm", 2.4, 30.0), f"Outer diameter 2.4 mm: {_LITTRUP}. {_LENGTH}.", _ACTIVE),
    *(
        _probe(
            f"v-probe-{active_mm:g}", f"V-Probe set to {active_mm:g} mm", ("2.4 mm", 2.4, active_mm),
            "Outer diameter 2.4 mm and a setting from 15 to 40 mm or more: recalled, assumed.", _BOTH,
        )
        for active_mm in (15.0, 40.0)
    ),
    _probe(
        "13g-30", "Argon probe 13 G, 30 mm active", ("13 G", 2.4, 30.0),
        f"Outer diameter 2.4 mm: {_LITTRUP}. Active length: as named, for computing.",
    ),
    _probe(
        "10g-30", "Argon probe 10 G, 30 mm active", ("10 G", 3.4, 30.0),
        "10 G: Shah et al., Urology 2016, PMC4850244. Outer diameter of 10 G tubing, 3.4 mm: standard tube size. "
        "Active length: as named, for computing.",
    ),
    _probe(
        "prosense-13g", "ProSense, nitrogen", ("13 G", 2.4, 40.0),
        f"Outer diameter 2.4 mm: recalled, assumed. {_LENGTH}.", _BOTH, nitrogen=True,
    ),
    _probe(
        "prosense-10g", "ProSense, nitrogen", ("10 G", 3.4, 40.0),
        f"Outer diameter 3.4 mm: recalled, assumed. {_LENGTH}.", _BOTH, nitrogen=True,
    ),
    _probe(
        "visica2", "Visica2, nitrogen", ("3.4 mm", 3.4, 40.0),
        f"Outer diameter 3.4 mm and ice about 40 mm long: PMC7798152. {_LENGTH} (taken as long as its ice).", _ACTIVE,
        nitrogen=True,
    ),
)  # fmt: skip
DEFAULT_CRYOPROBE = CRYOPROBES[1]


def cryoprobe(key: str) -> CryoprobeModel:
    """Return the probe of that key; raise `InputRefused` when there is none."""
    for probe in CRYOPROBES:
        if probe.key == key:
            return probe
    raise InputRefused(f"No cryoprobe is called {key!r}. Known are: {', '.join(p.key for p in CRYOPROBES)}.")
