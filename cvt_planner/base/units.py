"""The one place where units are converted. Outside `bioheat` lengths are mm, volumes mL, temperatures degC, times s."""

from __future__ import annotations

MM_PER_M = 1000.0
MM3_PER_ML = 1000.0


def mm_from_m(length_m: float) -> float:
    """Return a length in mm."""
    return length_m * MM_PER_M


def m_from_mm(length_mm: float) -> float:
    """Return a length in m."""
    return length_mm / MM_PER_M


def ml_from_mm3(volume_mm3: float) -> float:
    """Return a volume in mL."""
    return volume_mm3 / MM3_PER_ML
