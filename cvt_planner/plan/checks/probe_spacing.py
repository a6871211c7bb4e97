"""Do the probes lie neither too near nor too far apart?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from cvt_planner.base.arrays import Vec3
from cvt_planner.geometry.lines import segment_gap
from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_needle
from cvt_planner.plan.figures import AssemblyFigures
from cvt_planner.plan.model import Assembly

# Optimum 15 to 20 mm, conservative 10 to 15 mm in gel at body temperature: Shah et al., Urology 2016, PMC4850244.
NEAREST_MM, FARTHEST_MM = 10.0, 20.0
TOUCHING_MM = 3.0  # assumed: nearer axes cannot be laid with needles of 2.4 mm and more without touching


def _find(context: CheckContext) -> Iterator[Finding]:
    yield from _crossing(context)
    pairs: set[frozenset[str]] = set()
    for assembly in context.plan.assemblies:
        figures = context.assemblies.get(assembly.id)
        if figures is None:
            continue
        if figures.partner_id is None:
            text = f"{context.needle_name(assembly)} is the lesion's only probe: there is no distance to judge."
            yield about_needle(context, assembly, "not judged", text)
            continue
        pair = frozenset((assembly.id, figures.partner_id))
        if pair not in pairs:
            pairs.add(pair)
            yield replace(_judged(context, assembly, figures), other_assembly_id=figures.partner_id)


def _crossing(context: CheckContext) -> Iterator[Finding]:
    """Yield every pair of needles, of whatever lesions, whose axes touch anywhere from tip to hub."""
    for first, second in combinations(context.plan.assemblies, 2):
        gap = segment_gap(*_axis(first), *_axis(second))
        if gap.distance_mm < (first.needle.outer_diameter_mm + second.needle.outer_diameter_mm) / 2.0:
            names = f"{context.needle_name(first)} and {context.needle_name(second)}"
            text = f"The needles {names} touch or cross: their axes come within {gap.distance_mm:.1f} mm."
            found = about_needle(context, first, "stop", text, gap.distance_mm)
            yield replace(found, place_lps_mm=gap.first_lps_mm, other_assembly_id=second.id)


def _axis(assembly: Assembly) -> tuple[Vec3, Vec3]:
    """Return the probe's tip and the needle's hub, LPS mm."""
    return assembly.probe_tip_lps_mm, assembly.on_axis(assembly.needle_retraction_mm + assembly.needle.length_mm)


def _judged(context: CheckContext, assembly: Assembly, figures: AssemblyFigures) -> Finding:
    near, wide = figures.partner_distance_mm or 0.0, figures.partner_widest_mm or 0.0
    partner = context.plan.assembly(figures.partner_id or "")
    both = f"The active zones of {context.needle_name(assembly)} and {context.needle_name(partner)}"
    if near < TOUCHING_MM:
        return about_needle(context, assembly, "stop", f"{both} come within {near:.1f} mm: they touch or cross.", near)
    if near < NEAREST_MM:
        text = f"{both} come within {near:.1f} mm of each other: the second adds little ice."
        return about_needle(context, assembly, "look", text, near)
    if wide > FARTHEST_MM:
        text = f"{both} lie up to {wide:.1f} mm apart: the ice may have a waist between them (hour-glass)."
        return about_needle(context, assembly, "look", text, wide)
    return about_needle(context, assembly, "ok", f"{both} lie {near:.1f} to {wide:.1f} mm apart.", near)


CHECK = Check(
    key="probe-spacing",
    title="Distance between the probes",
    unit="mm",
    limit=f"{NEAREST_MM:g} to {FARTHEST_MM:g} mm between the active zones",
    not_modelled="Measured in gel; marrow-filled bone freezes less far, so keep to the lower half. Probes do not bend.",
    source="Shah et al., Urology 2016, PMC4850244.",
    find=_find,
)
