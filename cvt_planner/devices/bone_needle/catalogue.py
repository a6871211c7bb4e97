"""The bone needles that are known: hypodermic tube sizes in the usual lengths."""

from __future__ import annotations

from cvt_planner.base.errors import InputRefused
from cvt_planner.devices.bone_needle.model import BoneNeedleModel

# Gauge: outer and inner diameter in mm. Source: standard hypodermic needle tubing, regular wall.
_TUBES = {"13 G": (2.413, 1.803), "11 G": (3.048, 2.388), "10 G": (3.404, 2.692), "8 G": (4.191, 3.429)}
_LENGTHS_MM = (100.0, 125.0, 150.0)  # assumed: lengths commonly sold for vertebral access


def _needles() -> tuple[BoneNeedleModel, ...]:
    return tuple(
        BoneNeedleModel(
            key=f"{gauge.replace(' ', '').lower()}-{length:g}",
            name=f"{gauge}, {length:g} mm",
            gauge=gauge,
            outer_diameter_mm=outer,
            inner_diameter_mm=inner,
            length_mm=length,
            source="Diameters: standard hypodermic tubing, regular wall. Length: assumed.",
        )
        for gauge, (outer, inner) in _TUBES.items()
        for length in _LENGTHS_MM
    )


BONE_NEEDLES: tuple[BoneNeedleModel, ...] = _needles()
DEFAULT_BONE_NEEDLE = next(needle for needle in BONE_NEEDLES if needle.key == "13g-125")


def bone_needle(key: str) -> BoneNeedleModel:
    """Return the needle of that key; raise `InputRefused` when there is none."""
    for needle in BONE_NEEDLES:
        if needle.key == key:
            return needle
    raise InputRefused(f"No bone needle is called {key!r}. Known are: {', '.join(n.key for n in BONE_NEEDLES)}.")
