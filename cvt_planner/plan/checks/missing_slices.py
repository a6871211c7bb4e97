"""Does a needle, a lesion or its ice cross a place where slices are missing?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cvt_planner.anatomy.lesion_shape import Ellipsoid, LesionShape
from cvt_planner.base.arrays import Points
from cvt_planner.imaging.volume import Gap
from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_lesion, about_needle
from cvt_planner.plan.model import Assembly


def _find(context: CheckContext) -> Iterator[Finding]:
    if context.gaps is None:
        yield Finding("CT", "not judged", "The CT is not open, so missing slices are not looked for.")
        return
    if not context.gaps:
        yield Finding("CT", "ok", "No slice is missing within the CT.", 0.0)
        return
    crossed = [*_needles(context, context.gaps), *_lesions(context, context.gaps)]
    yield from crossed
    if not crossed:
        places = ", ".join(gap.words for gap in context.gaps)
        text = f"Slices are missing {places}; nothing of the plan crosses there."
        yield Finding("CT", "look", text, max(gap.high_mm - gap.low_mm for gap in context.gaps))


def _needles(context: CheckContext, gaps: tuple[Gap, ...]) -> Iterator[Finding]:
    for assembly in context.plan.assemblies:
        gap = _met(gaps, _way(assembly), assembly.needle.outer_diameter_mm / 2.0)
        if gap is not None:
            text = f"The needle {context.needle_name(assembly)} passes {gap.words}, where slices are missing."
            yield about_needle(context, assembly, "stop", text, gap.high_mm - gap.low_mm)


def _lesions(context: CheckContext, gaps: tuple[Gap, ...]) -> Iterator[Finding]:
    for lesion in context.plan.lesions:
        gap = _met(gaps, _corners(lesion.shape))
        if gap is not None:
            text = f"{lesion.name} reaches {gap.words}, where slices are missing."
            yield about_lesion(lesion, "stop", text, gap.high_mm - gap.low_mm)
            continue
        box = context.ice_boxes.get(lesion.id)
        gap = None if box is None else _met(gaps, _box(np.array(box[0]), np.array(box[1])))
        if gap is not None:
            text = f"The ice of {lesion.name} reaches {gap.words}, where slices are missing."
            yield about_lesion(lesion, "stop", text, gap.high_mm - gap.low_mm)


def _met(gaps: tuple[Gap, ...], points: Points, reach_mm: float = 0.0) -> Gap | None:
    return next((gap for gap in gaps if gap.is_met_by(points, reach_mm)), None)


def _way(assembly: Assembly) -> Points:
    outside = assembly.skin_entry_lps_mm or assembly.entry_lps_mm
    return np.array([assembly.probe_tip_lps_mm, outside])


def _corners(shape: LesionShape) -> Points:
    if isinstance(shape, Ellipsoid):
        centre, axes = np.array(shape.centre_lps_mm), np.array(shape.semi_axes_mm)
        return _box(centre - axes, centre + axes)
    index = np.argwhere(shape.mask).astype(np.float64)
    return shape.grid.lps_of(np.concatenate([index - 0.5, index + 0.5]))


def _box(low: Points, high: Points) -> Points:
    ends = np.stack([low, high])
    return np.array([[ends[a, 0], ends[b, 1], ends[c, 2]] for a in (0, 1) for b in (0, 1) for c in (0, 1)])


CHECK = Check(
    key="missing-slices",
    title="No missing slice in the way",
    unit="mm between the slices that are there",
    limit="no needle, lesion or 0 °C ice across a place where slices are missing",
    not_modelled="Slices missing before the first or after the last one cannot be noticed.",
    source="Geometry.",
    find=_find,
)
