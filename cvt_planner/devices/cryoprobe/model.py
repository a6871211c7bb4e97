"""The record of a cryoprobe."""

from __future__ import annotations

from dataclasses import dataclass

from cvt_planner.base.fields import check_limits, described


@dataclass(frozen=True)
class CryoprobeModel:
    """One cryoprobe as its maker describes it, and how it is taken to cool.

    The probe's tip is the point of its metal. The active zone starts `dead_tip_mm` behind the tip and is
    `active_length_mm` long; the shaft behind it is insulated.
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

    def __post_init__(self) -> None:
        check_limits(self)

    def __str__(self) -> str:
        return self.name
