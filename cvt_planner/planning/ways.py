"""What lies beside the needles' ways: lung, air and aorta."""

from __future__ import annotations

import numpy as np

from cvt_planner.anatomy.organs.model import Organ, Organs
from cvt_planner.anatomy.organs.rims import rims_of
from cvt_planner.base.arrays import Points, vec3
from cvt_planner.geometry.sampling import line_points
from cvt_planner.plan.figures import Nearness, WayFigures
from cvt_planner.plan.model import Assembly, Plan

_STEP_MM = 1.0
REACH_MM = 30.0  # lung and air farther away are not told of


def ways(plan: Plan, organs: Organs | None) -> dict[str, WayFigures]:
    """Return what lies beside every needle's way, by assembly id; empty while the organs are not known."""
    return {} if organs is None else {one.id: way_figures(one, organs) for one in plan.assemblies}


def way_figures(assembly: Assembly, organs: Organs) -> WayFigures:
    """Return how near one needle comes to lung, air and aorta, from the skin (or its entry) to the probe's tip.

    Notes
    -----
    Lung and air are known on cells of about 3 mm, so distances are good to about half of that, and along the body to
    half the distance of thicker slices. The aorta is its lumen; its wall lies 1 to 2 mm outside.
    """
    outside = assembly.skin_entry_lps_mm or assembly.entry_lps_mm
    _, points = line_points(np.array(assembly.probe_tip_lps_mm), np.array(outside), _STEP_MM)
    metal_mm = assembly.needle.outer_diameter_mm / 2.0
    aorta, everywhere = _aorta(points, organs, metal_mm)
    return WayFigures(assembly.id, _air(points, organs, metal_mm), aorta, everywhere)


def _air(points: Points, organs: Organs, metal_mm: float) -> Nearness | None:
    """Return how near a way comes to lung, airway or bowel gas."""
    found = rims_of(organs).nearest(points)
    if found is None:
        return None
    gaps, labels = found[0] - metal_mm, found[1]
    at = int(np.argmin(gaps))
    return _nearness(Organ(int(labels[at])).words, points, gaps, at) if gaps[at] <= REACH_MM else None


def _aorta(points: Points, organs: Organs, metal_mm: float) -> tuple[Nearness | None, bool]:
    """Return how near a way comes to the aorta, and whether that is known at all its heights."""
    if organs.aorta is None:
        return None, False
    gaps = organs.aorta.gaps_mm(points) - metal_mm
    known = np.isfinite(gaps)
    if not known.any():
        return None, False
    return _nearness("aorta", points, gaps, int(np.nanargmin(gaps))), bool(known.all())


def _nearness(words: str, points: Points, gaps: Points, at: int) -> Nearness:
    return Nearness(words, float(gaps[at]), float(np.count_nonzero(gaps < 0.0)) * _STEP_MM, vec3(points[at]))
