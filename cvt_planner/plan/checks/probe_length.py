"""Is the probe long enough to pass the needle and stand out of it as planned?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_needle


def _find(context: CheckContext) -> Iterator[Finding]:
    for assembly in context.plan.assemblies:
        figures = context.assemblies.get(assembly.id)
        if figures is None:
            continue
        name, spare = context.needle_name(assembly), figures.probe_spare_mm
        if spare < 0.0:
            text = (
                f"The probe of {name} is {-spare:.0f} mm too short for a needle of {assembly.needle.length_mm:.0f} mm: "
                "it cannot stand out of it as planned."
            )
            yield about_needle(context, assembly, "stop", text, spare)
        else:
            text = f"The probe of {name} reaches its target with {spare:.0f} mm to spare behind the needle's hub."
            yield about_needle(context, assembly, "ok", text, spare)


CHECK = Check(
    key="probe-length",
    title="Probe long enough for the needle",
    unit="mm to spare",
    limit="not under 0 mm",
    not_modelled="The height of hubs and stops is left out. The probe's shaft length is assumed, not a maker's figure.",
    source="Geometry: shaft length less needle length less what stands out of the needle.",
    find=_find,
)
