"""The record of a cryoprobe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.fields import check_limits, described, field_infos

POWER_LIMIT_W = (0.5, 500.0)


class ProbeOrigin(StrEnum):
    """Where a record comes from."""

    CATALOGUE = "catalogue"
    HOSPITAL_CARD = "hospital card"


@dataclass(frozen=True)
class CryoprobeModel:
    """One cryoprobe as its maker describes it, and how it is taken to cool.

    The probe's tip is the point of its metal. The active zone starts `dead_tip_mm` behind the tip and is
    `active_length_mm` long; the shaft behind it is insulated. In a freeze the active zone goes linearly to
    `tip_temperature_c` in `cooldown_s` and stays there, as far as `power_limit_w` (None: no limit) allows.

    Parameters
    ----------
    source
        Where the numbers come from, in sentences.
    assumed
        Names of those described fields whose number has no source, or only a recalled one.
    origin
        The program's catalogue, or a card that a hospital typed in.

    Raises
    ------
    InputRefused
        When a number is outside its limits, a text that must say something is empty, or the active zone does not fit
        on the shaft.
    """

    key: str
    name: str
    gauge: str
    outer_diameter_mm: float = described("Outer diameter", unit="mm", minimum=0.5, maximum=6.0)
    dead_tip_mm: float = described("Dead tip", unit="mm", minimum=0.0, maximum=15.0)
    active_length_mm: float = described("Active length", unit="mm", minimum=2.0, maximum=80.0)
    shaft_length_mm: float = described("Shaft length", unit="mm", minimum=50.0, maximum=400.0)
    tip_temperature_c: float = described("Probe temperature", unit="°C", minimum=-200.0, maximum=-20.0)
    cooldown_s: float = described("Cool-down", unit="s", minimum=0.0, maximum=300.0)
    power_limit_w: float | None = None
    source: str = "assumed"
    assumed: tuple[str, ...] = ()
    origin: ProbeOrigin = ProbeOrigin.CATALOGUE

    def __post_init__(self) -> None:
        check_limits(self)
        for what, text in (("key", self.key), ("name", self.name), ("source", self.source)):
            if not text.strip():
                raise InputRefused(f"A cryoprobe needs a {what}; give it one.")
        self._check_power()
        if self.dead_tip_mm + self.active_length_mm >= self.shaft_length_mm:
            raise InputRefused(
                f"The dead tip and active length of {self.name} ({self.dead_tip_mm + self.active_length_mm:g} mm) do "
                f"not fit on its shaft of {self.shaft_length_mm:g} mm. Correct one of them."
            )
        unknown = set(self.assumed) - set(field_infos(self))
        if unknown:
            raise InputRefused(f"{', '.join(sorted(unknown))} of {self.name} cannot be assumed: no such number.")

    def _check_power(self) -> None:
        limit, (low, high) = self.power_limit_w, POWER_LIMIT_W
        if limit is not None and not (math.isfinite(limit) and low <= limit <= high):
            raise InputRefused(f"Power limit: {limit:g} W is outside {low:g} to {high:g} W; leave it out for no limit.")

    def __str__(self) -> str:
        return self.name

    @property
    def choice_text(self) -> str:
        """Return the name for a list to choose from; it says when the record is a hospital's own card."""
        return f"{self.name} (hospital card)" if self.origin is ProbeOrigin.HOSPITAL_CARD else self.name

    @property
    def assumed_text(self) -> str:
        """Return the labels of the assumed numbers as words; empty when every number has a source."""
        infos = field_infos(self)
        return ", ".join(infos[name].label.lower() for name in self.assumed)
