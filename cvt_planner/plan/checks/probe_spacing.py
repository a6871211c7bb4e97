"""Do the probes lie neither too near nor too far apart?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_needle
from cvt_planner.plan.figures import AssemblyFigures
from cvt_planner.plan.model import Assembly

# Optimum 15 to 20 mm, conservative 10 to 15 mm in gel at body temperature: Shah et al., Urology 2016, PMC4850244.
NEAREST_MM, FARTHEST_MM = 10.0, 20.0
TOUCHING_MM = 3.0  # assumed: nearer axes cannot be laid with needles of 2.4 mm and more without touching


def _find(context: CheckContext) -> Iterator[Finding]:
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
            yield _judged(context, assembly, figures)


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
