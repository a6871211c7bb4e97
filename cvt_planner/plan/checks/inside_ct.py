"""Do lesion and probe tip lie in the CT?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_lesion, about_needle


def _find(context: CheckContext) -> Iterator[Finding]:
    for lesion in context.plan.lesions:
        inside = context.lesions_in_ct.get(lesion.id)
        if inside is None:
            yield about_lesion(
                lesion, "not judged", f"The CT is not open, so the place of {lesion.name} is not judged."
            )
        elif inside:
            yield about_lesion(lesion, "ok", f"{lesion.name} lies in the CT.")
        else:
            yield about_lesion(lesion, "stop", f"{lesion.name} lies outside the CT: mark it again on this CT.")
    for assembly in context.plan.assemblies:
        figures = context.assemblies.get(assembly.id)
        name = context.needle_name(assembly)
        if figures is None or figures.tip_in_ct is None:
            yield about_needle(context, assembly, "not judged", f"The CT is not open, so {name} is not judged.")
        elif figures.tip_in_ct:
            yield about_needle(context, assembly, "ok", f"The target of {name} lies in the CT.")
        else:
            yield about_needle(context, assembly, "stop", f"The target of {name} lies outside the CT: choose another.")


CHECK = Check(
    key="inside-ct",
    title="Lesion and target in the CT",
    unit="",
    limit="the lesion's centre and the probe's tip in the scanned volume",
    not_modelled="The lesion's centre only; its rim may still be cut off by the first or last slice.",
    source="Geometry.",
    find=_find,
)
