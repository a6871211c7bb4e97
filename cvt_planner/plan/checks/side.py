"""Does each needle enter on the side it is named by?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_needle
from cvt_planner.plan.mid_line import mid_line_x_mm
from cvt_planner.plan.model import Assembly, Plan, Side

NEAR_MIDDLE_MM = 5.0  # assumed: nearer to the mid-line than this a side is not sure


def _find(context: CheckContext) -> Iterator[Finding]:
    for assembly in context.plan.assemblies:
        name = context.needle_name(assembly)
        aside = _to_the_left_mm(context.plan, assembly)
        on = Side.LEFT if aside >= 0.0 else Side.RIGHT
        partners = [o for o in context.plan.assemblies_of(assembly.lesion_id) if o.id != assembly.id]
        if abs(aside) < NEAR_MIDDLE_MM:
            text = f"The needle {name} enters {abs(aside):.0f} mm from the mid-line: look whether its side is right."
            yield about_needle(context, assembly, "look", text, abs(aside))
        elif on is not assembly.side:
            text = f"The needle {name} enters on the patient's {on.value}, {abs(aside):.0f} mm from the mid-line."
            yield about_needle(context, assembly, "stop", text, abs(aside))
        elif any(other.side is assembly.side for other in partners):
            text = f"Two needles of this lesion enter on the patient's {on.value}."
            yield about_needle(context, assembly, "look", text, abs(aside))
        else:
            text = f"The needle {name} enters {abs(aside):.0f} mm to the patient's {on.value} of the mid-line."
            yield about_needle(context, assembly, "ok", text, abs(aside))


def _to_the_left_mm(plan: Plan, assembly: Assembly) -> float:
    """Return how far left of the mid-line the skin entry, or the entry, lies, mm."""
    entry = assembly.skin_entry_lps_mm or assembly.entry_lps_mm
    return entry[0] - mid_line_x_mm(plan, plan.lesion(assembly.lesion_id))


CHECK = Check(
    key="side",
    title="Left and right",
    unit="mm from the mid-line",
    limit=f"on the side it is named by, at least {NEAR_MIDDLE_MM:g} mm from the mid-line, one needle a side",
    not_modelled="The mid-line is that of the marked canal or level, taken upright; a rotated spine is not corrected.",
    source="Geometry: left is +x in DICOM's patient axes. Distance: assumed.",
    find=_find,
)
