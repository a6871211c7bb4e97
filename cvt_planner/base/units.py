"""The one place where units are converted. Outside `bioheat` lengths are mm, volumes mL, temperatures degC, times s."""

from __future__ import annotations

MM_PER_M = 1000.0
MM3_PER_ML = 1000.0


def ml_from_mm3(volume_mm3: float) -> float:
    """Return a volume in mL."""
    return volume_mm3 / MM3_PER_ML
