"""The card of a cryoprobe: the isotherms that a maker prints in its instructions for use, as a hospital types them in.

docs/probe-card.md describes the file. A card is a value; whatever could not have been printed is refused by name.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass, field
from enum import StrEnum

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.fields import check_limits, described
from cvt_planner.bioheat.scene import Phase
from cvt_planner.bioheat.tissue import SOFT_TISSUE, Material

# Water with some gelling agent. Unfrozen k 0.60 W/mK and c 4178 J/kgK of water: IT'IS database V4.1,
# doi 10.13099/VIP21000-04-1. Frozen: pure ice by Rabin, Cryo-Letters 21:163 (2000), to which k_frozen 2.0 and c_frozen
# 1800 are the keys. Latent heat 334 kJ/kg of water, 2 % of gelling agent and a freezing range of 1 K: assumed.
GEL = Material(
    k_frozen=2.0,
    k_unfrozen=0.60,
    rho=1000.0,
    c_frozen=1800.0,
    c_unfrozen=4178.0,
    latent_j_kg=0.98 * 334_000.0,
    t_solidus_c=-1.0,
    t_liquidus_c=0.0,
    frozen_law="rabin",
)

MOST_ROWS = 24
LONGEST_PROTOCOL_S = 3600.0
COLDEST_ISOTHERM_C = -150.0


class MediumKind(StrEnum):
    """What the maker froze."""

    GEL = "gel"
    SOFT_TISSUE = "soft tissue"
    CUSTOM = "custom"


@dataclass(frozen=True)
class CardProbe:
    """The probe that the card speaks of, as its instructions describe it.

    `assumed` names those numbers that the instructions do not give.
    """

    name: str = described("Name")
    gauge: str = described("Gauge")
    outer_diameter_mm: float = described("Outer diameter", unit="mm", minimum=0.5, maximum=6.0)
    active_length_mm: float = described("Active length", unit="mm", minimum=2.0, maximum=80.0)
    dead_tip_mm: float = described("Dead tip", unit="mm", minimum=0.0, maximum=15.0, default=3.0, source="assumed")
    shaft_length_mm: float = described(
        "Shaft length", unit="mm", minimum=50.0, maximum=400.0, default=175.0, source="assumed"
    )
    cooldown_s: float = described("Cool-down", unit="s", minimum=0.0, maximum=300.0, default=30.0, source="assumed")
    assumed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True)
class CustomMedium:
    """Thermal properties of a medium that is neither the gel nor the soft tissue of this program."""

    k_frozen: float = described("k frozen", unit="W/mK", minimum=0.05, maximum=10.0, default=GEL.k_frozen)
    k_unfrozen: float = described("k unfrozen", unit="W/mK", minimum=0.05, maximum=5.0, default=GEL.k_unfrozen)
    rho: float = described("Density", unit="kg/m³", minimum=300.0, maximum=3000.0, default=GEL.rho)
    c_frozen: float = described("c frozen", unit="J/kgK", minimum=200.0, maximum=6000.0, default=GEL.c_frozen)
    c_unfrozen: float = described("c unfrozen", unit="J/kgK", minimum=200.0, maximum=6000.0, default=GEL.c_unfrozen)
    latent_j_kg: float = described("Latent heat", unit="J/kg", minimum=0.0, maximum=400e3, default=GEL.latent_j_kg)
    t_solidus_c: float = described("Frozen below", unit="°C", minimum=-30.0, maximum=-0.1, default=GEL.t_solidus_c)
    t_liquidus_c: float = described("Freezes from", unit="°C", minimum=-29.0, maximum=5.0, default=GEL.t_liquidus_c)

    def __post_init__(self) -> None:
        check_limits(self)

    @property
    def material(self) -> Material:
        """Return the properties for the solver; raise `InputRefused` where the freezing range is empty."""
        return Material(
            self.k_frozen, self.k_unfrozen, self.rho, self.c_frozen, self.c_unfrozen, self.latent_j_kg,
            self.t_solidus_c, self.t_liquidus_c,
        )  # fmt: skip


@dataclass(frozen=True)
class CardBench:
    """In what, how warm and how hard the maker froze."""

    medium: MediumKind = described("Medium", default=MediumKind.GEL)  # noqa: RUF009  (it makes a field)
    start_c: float = described("Start temperature", unit="°C", minimum=0.0, maximum=45.0, default=22.0)
    duty_percent: float = described("Duty", unit="%", minimum=5.0, maximum=100.0, default=100.0)

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True)
class CardIsotherm:
    """One isotherm of the card: how wide and long it was, `at_s` from the start of the protocol.

    `beyond_tip_mm` (None where the card does not say) is how far it reaches beyond the point of the probe's metal,
    negative where it ends behind it.
    """

    temperature_c: float = described("Isotherm", unit="°C", minimum=COLDEST_ISOTHERM_C, maximum=0.0)
    width_mm: float = described("Width", unit="mm", minimum=1.0, maximum=100.0)
    length_mm: float = described("Length", unit="mm", minimum=1.0, maximum=150.0)
    at_s: float = described("At", unit="s", minimum=10.0, maximum=LONGEST_PROTOCOL_S)
    beyond_tip_mm: float | None = described("Beyond tip", unit="mm", minimum=-30.0, maximum=50.0, default=None)

    def __post_init__(self) -> None:
        check_limits(self)

    @property
    def name(self) -> str:
        """Return "−40 °C" in the letters of a sentence."""
        return f"{self.temperature_c:g} °C"


@dataclass(frozen=True)
class CardOrigin:
    """Which paper the card is, and who typed it in when (ISO date)."""

    source: str = described("Source", default="")
    date: str = described("Date", default="")
    typed_by: str = described("Typed by", default="")


@dataclass(frozen=True)
class ProbeCard:
    """A whole card. Isotherms are kept by time, the warmest first.

    Raises
    ------
    InputRefused
        Naming the key and what to do, when the parts do not go together: a text is missing, the protocol does not
        alternate, there is no isotherm, one is given twice, lies outside the protocol, is not thicker than the probe,
        or is larger than a warmer one.
    """

    probe: CardProbe
    bench: CardBench
    protocol: tuple[Phase, ...]
    isotherms: tuple[CardIsotherm, ...]
    origin: CardOrigin
    custom: CustomMedium = field(default_factory=CustomMedium)

    def __post_init__(self) -> None:
        object.__setattr__(self, "protocol", tuple(self.protocol))
        rows = sorted(self.isotherms, key=lambda row: (row.at_s, -row.temperature_c))
        object.__setattr__(self, "isotherms", tuple(rows))
        self._check_texts()
        check_protocol(self.protocol)
        if self.bench.medium is MediumKind.CUSTOM:
            _ = self.custom.material
        if self.bench.start_c <= self.material.t_liquidus_c:
            raise InputRefused(
                f"start_c: the medium starts at {self.bench.start_c:g} °C and would be frozen from the beginning; "
                "give the temperature of the warm medium."
            )
        self._check_isotherms()

    @property
    def material(self) -> Material:
        """Return the medium for the solver."""
        kinds = {MediumKind.GEL: GEL, MediumKind.SOFT_TISSUE: SOFT_TISSUE}
        return kinds.get(self.bench.medium) or self.custom.material

    def _check_texts(self) -> None:
        texts = {"name": self.probe.name, "gauge": self.probe.gauge, "source": self.origin.source}
        texts["typed_by"] = self.origin.typed_by
        for key, text in texts.items():
            if not text.strip():
                raise InputRefused(f"{key} is empty; a card without it cannot be told from another. Fill it in.")
        try:
            datetime.date.fromisoformat(self.origin.date)
        except ValueError:
            raise InputRefused(f"date: {self.origin.date!r} is no date; give it as 2026-01-31.") from None

    def _check_isotherms(self) -> None:
        if not self.isotherms:
            raise InputRefused("isotherms is empty; type at least one isotherm with its width and length.")
        if len(self.isotherms) > MOST_ROWS:
            raise InputRefused(f"isotherms has {len(self.isotherms)} rows; at most {MOST_ROWS} can be fitted.")
        end_s = sum(phase.seconds for phase in self.protocol)
        for row in self.isotherms:
            if row.at_s > end_s + 1e-6:
                raise InputRefused(
                    f"at_s: the {row.name} isotherm is given at {row.at_s:g} s, but the protocol ends at {end_s:g} s."
                )
            if row.width_mm <= self.probe.outer_diameter_mm:
                raise InputRefused(
                    f"width_mm: the {row.name} isotherm is {row.width_mm:g} mm wide, no wider than the probe itself "
                    f"({self.probe.outer_diameter_mm:g} mm). Check the units: widths are in mm."
                )
            if row.beyond_tip_mm is not None and row.beyond_tip_mm >= row.length_mm:
                raise InputRefused(
                    f"beyond_tip_mm: the {row.name} isotherm would lie wholly beyond the tip "
                    f"({row.beyond_tip_mm:g} mm of {row.length_mm:g} mm). It is the part beyond the tip that is meant."
                )
        for warm, cold in zip(self.isotherms, self.isotherms[1:], strict=False):
            if warm.at_s == cold.at_s:
                _check_nested(warm, cold)


def _check_nested(warm: CardIsotherm, cold: CardIsotherm) -> None:
    if warm.temperature_c == cold.temperature_c:
        raise InputRefused(f"temperature_c: the {warm.name} isotherm is given twice at {warm.at_s:g} s; keep one.")
    for key, word in (("width_mm", "wider"), ("length_mm", "longer")):
        inner, outer = getattr(cold, key), getattr(warm, key)
        if inner > outer:
            raise InputRefused(
                f"{key}: the {cold.name} isotherm ({inner:g} mm) is {word} than the warmer {warm.name} isotherm "
                f"({outer:g} mm) at {warm.at_s:g} s. Colder ice lies inside warmer ice: correct one of them."
            )


def check_protocol(protocol: tuple[Phase, ...]) -> None:
    """Raise `InputRefused` unless freezes and thaws alternate, from a freeze to a freeze, within an hour."""
    kinds = [phase.kind for phase in protocol]
    wanted = ["freeze" if n % 2 == 0 else "thaw" for n in range(len(kinds))]
    if not kinds or kinds != wanted or kinds[-1] != "freeze":
        raise InputRefused("protocol: freezes and thaws must alternate, the first and the last being a freeze.")
    total = sum(phase.seconds for phase in protocol)
    if total > LONGEST_PROTOCOL_S:
        raise InputRefused(f"protocol: it lasts {total:g} s; at most {LONGEST_PROTOCOL_S:g} s can be fitted.")


def protocol_of(text: str) -> tuple[Phase, ...]:
    """Return the phases of "10" or "10-5-10", minutes of freeze, thaw and freeze; raise `InputRefused` otherwise."""
    phases = []
    for n, part in enumerate(text.replace("–", "-").replace(",", ".").split("-")):
        try:
            minutes = float(part)
        except ValueError:
            minutes = math.nan
        if not 0.0 < minutes <= LONGEST_PROTOCOL_S / 60.0:
            raise InputRefused(f"The protocol {text!r} cannot be read; give minutes as 10 or 10-5-10.")
        phases.append(Phase("freeze" if n % 2 == 0 else "thaw", 60.0 * minutes))
    check_protocol(tuple(phases))
    return tuple(phases)


def protocol_text(protocol: tuple[Phase, ...]) -> str:
    """Return "10-5-10" for the phases, in minutes."""
    return "-".join(f"{phase.seconds / 60.0:.6g}" for phase in protocol)
