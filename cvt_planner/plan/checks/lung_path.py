"""Does a needle's way cross lung, or other air within the body?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_needle
from cvt_planner.plan.figures import Nearness
from cvt_planner.plan.model import Assembly

LEAST_GAP_MM = 5.0  # assumed: lung is known on cells of 3 mm, and moves with every breath


def _find(context: CheckContext) -> Iterator[Finding]:
    for assembly in context.plan.assemblies:
        way = context.ways.get(assembly.id)
        if way is None:
            text = f"Where the lungs lie is not known, so the way of the needle {context.needle_name(assembly)} is not"
            yield about_needle(context, assembly, "not judged", f"{text} judged. They are looked for in the open CT.")
        elif way.air is None:
            text = f"No lung and no bowel gas is near the needle {context.needle_name(assembly)}."
            yield about_needle(context, assembly, "ok", text)
        else:
            yield _near(context, assembly, way.air)


def _near(context: CheckContext, assembly: Assembly, air: Nearness) -> Finding:
    name, gap, place = context.needle_name(assembly), air.gap_mm, air.place_lps_mm
    organ = "air in the body (airway or bowel)" if air.words == "air" else f"the {air.words}"
    if gap < 0.0:
        text = f"The needle {name} crosses {organ} over {air.through_mm:.0f} mm."
        return about_needle(context, assembly, "look", text, gap, place)
    if gap - context.axial_band_mm < LEAST_GAP_MM:
        text = f"The needle {name} passes {organ} at only {gap:.0f} mm."
        return about_needle(context, assembly, "look", text, gap, place)
    return about_needle(context, assembly, "ok", f"The needle {name} passes {organ} at {gap:.0f} mm.", gap, place)


CHECK = Check(
    key="lung-path",
    title="Needle outside lung and bowel",
    unit="mm from lung or gas",
    limit=f"at least {LEAST_GAP_MM:g} mm from lung, airway and bowel gas",
    not_modelled=(
        "Cells of about 3 mm: good to 2 mm. Lung moves by centimetres with breath and position; the pleura's empty "
        "recess below it, collapsed lung and bowel without gas are not seen."
    ),
    source="assumed",
    find=_find,
)
