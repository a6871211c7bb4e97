"""Is the needle's metal clear of the active zone?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_needle

LEAST_GAP_MM = 5.0  # assumed (5 to 10 mm is advised): a tube nearer than this conducts cold along the needle
_ROUNDING_MM = 1e-6


def _find(context: CheckContext) -> Iterator[Finding]:
    for assembly in context.plan.assemblies:
        figures = context.assemblies.get(assembly.id)
        if figures is None:
            continue
        name, gap = context.needle_name(assembly), figures.metal_gap_mm
        if gap < -_ROUNDING_MM:
            text = f"The needle {name} covers {-gap:.1f} mm of the active zone: draw it back before freezing."
            yield about_needle(context, assembly, "stop", text, gap)
        elif gap < LEAST_GAP_MM - _ROUNDING_MM:
            text = f"The needle {name} ends {gap:.1f} mm behind the active zone and would conduct cold: draw it back."
            yield about_needle(context, assembly, "look", text, gap)
        else:
            text = f"The needle {name} ends {gap:.1f} mm behind the active zone."
            yield about_needle(context, assembly, "ok", text, gap)


CHECK = Check(
    key="metal-clear",
    title="Needle clear of the active zone",
    unit="mm",
    limit=f"at least {LEAST_GAP_MM:g} mm behind the active zone",
    not_modelled="The ice takes the needle as a plain metal tube: not its bevel, nor how it touches the probe.",
    source="assumed",
    find=_find,
)
