"""Which of several series is best for planning needles through pedicles."""

from __future__ import annotations

import re
from typing import TypeAlias

from cvt_planner.imaging.kinds import IMAGE

SHORT_MM = 60.0  # a stack that covers less than about two thoracolumbar levels is preferred last; assumed
FINE_MM = 1.5  # the planning threshold: series up to it are told apart by kernel first, thicker ones by thickness

Rank: TypeAlias = tuple[bool, bool, bool, float, bool, float, bool, int]

_SPINE = re.compile(r"spine|spinal|vertebra|wirbel|[hbl]ws|rachis|lumb|thorac|lomb|columna", re.IGNORECASE)
_HARD_WORDS = re.compile(r"\b(bone|knochen|os|hueso|sharp)\b", re.IGNORECASE)
# Kernels of bone by vendor: Siemens from 59 upward (B60f, Br59), GE, Toshiba and Canon (FC30 to FC39), Philips.
_HARD_KERNELS = re.compile(r"[BIH][a-z]?(59|[6-9]\d)|BONE|EDGE|FC3\d|^(D|E|YC|YD|YE)$", re.IGNORECASE)


def rank(
    *,
    kind: str,
    orientation: str,
    kernel: str,
    description: str,
    slice_distance_mm: float | None,
    slice_count: int,
) -> Rank:
    """Return a key that sorts the best series first.

    In this order: long enough to hold two levels, acquired and not computed from other slices, axial, slices up to
    `FINE_MM` apart or else as close as there are, a bone kernel, slices close together, a spine named in the
    description, more slices.
    """
    distance = slice_distance_mm or float("inf")
    return (
        distance * slice_count < SHORT_MM,
        kind != IMAGE,
        "axial" not in orientation,
        round(distance, 2) if distance > FINE_MM else 0.0,
        not is_bone(kernel, description),
        round(distance, 2),
        not _SPINE.search(description),
        -slice_count,
    )


def is_bone(kernel: str, description: str = "") -> bool:
    """Return whether a kernel, or failing that a description, says that edges were sharpened for bone."""
    return bool(_HARD_KERNELS.search(kernel) or _HARD_WORDS.search(description))
