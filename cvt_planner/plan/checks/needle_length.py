"""Is the bone needle long enough?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_needle

LEAST_OUTSIDE_MM = 10.0  # assumed: hub and fingers need so much outside the skin


def _find(context: CheckContext) -> Iterator[Finding]:
    for assembly in context.plan.assemblies:
        name = context.needle_name(assembly)
        figures = context.assemblies.get(assembly.id)
        if figures is None or figures.needle_outside_mm is None or figures.needle_needed_mm is None:
            text = f"The length needed for {name} is not known, because the CT does not show the skin there."
            yield about_needle(context, assembly, "not judged", text)
            continue
        needed, outside = figures.needle_needed_mm, figures.needle_outside_mm
        has = f"{name} needs {needed:.0f} mm of needle and has {assembly.needle.length_mm:.0f} mm"
        if outside < 0.0:
            text = f"The needle is {-outside:.0f} mm too short: {has}."
            yield about_needle(context, assembly, "stop", text, outside)
        elif outside < assembly.needle_retraction_mm:
            text = (
                f"The needle ends {assembly.needle_retraction_mm - outside:.0f} mm short of the target when advanced "
                f"to its hub, so the probe must find its own way through the last of the bone: {has} when drawn back."
            )
            yield about_needle(context, assembly, "look", text, outside)
        elif outside < LEAST_OUTSIDE_MM:
            text = f"Only {outside:.0f} mm of the needle stay outside the skin: {has}."
            yield about_needle(context, assembly, "look", text, outside)
        else:
            yield about_needle(context, assembly, "ok", f"The needle is long enough: {has}.", outside)


CHECK = Check(
    key="needle-length",
    title="Needle long enough",
    unit="mm outside the skin",
    limit=f"reaches the target; drawn back at least {LEAST_OUTSIDE_MM:g} mm outside the skin; under 0 mm: stop",
    not_modelled="Skin moves and is pressed in; the height of hub and stop is left out. Depth is good to about 2 mm.",
    source="assumed",
    find=_find,
)
