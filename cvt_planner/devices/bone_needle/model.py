"""The record of a bone access needle."""

from __future__ import annotations

from dataclasses import dataclass

from cvt_planner.base.fields import check_limits, described


@dataclass(frozen=True)
class BoneNeedleModel:
    """One bone access (biopsy) needle: the outer tube of an assembly."""

    key: str
    name: str
    gauge: str
    outer_diameter_mm: float = described("Outer diameter", unit="mm", minimum=1.0, maximum=6.0)
    inner_diameter_mm: float = described("Inner diameter", unit="mm", minimum=0.8, maximum=5.0)
    length_mm: float = described("Length", unit="mm", minimum=50.0, maximum=250.0)
    source: str = "assumed"

    def __post_init__(self) -> None:
        check_limits(self)

    def __str__(self) -> str:
        return self.name
