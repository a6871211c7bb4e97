"""What numbers of a scene may be; refused in sentences."""

from __future__ import annotations

import math

from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat.law import COLDEST_C, WARMEST_C

LONGEST_S = 24 * 3600.0


def finite(what: str, *values: float | None) -> None:
    """Refuse numbers that are infinite or not numbers."""
    if any(v is not None and not math.isfinite(v) for v in values):
        raise InputRefused(f"{what} is not a finite number; give a number.")


def within(what: str, value: float, limits: tuple[float, float], unit: str) -> None:
    """Refuse a value beyond its limits."""
    if not limits[0] <= value <= limits[1]:
        raise InputRefused(f"{what} is {value:g} {unit}; it must lie between {limits[0]:g} and {limits[1]:g} {unit}.")


def temperature(what: str, value: float) -> None:
    """Refuse a temperature, degC, that the laws of tissue do not reach."""
    finite(what, value)
    within(what, value, (COLDEST_C, WARMEST_C), "°C")
