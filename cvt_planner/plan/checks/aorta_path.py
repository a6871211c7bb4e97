"""Does a needle come near the aorta?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_needle
from cvt_planner.plan.figures import Nearness
from cvt_planner.plan.model import Assembly

LEAST_GAP_MM = 5.0  # assumed: the wall lies 1 to 2 mm outside the lumen, which is good to about 2 mm


def _find(context: CheckContext) -> Iterator[Finding]:
    if not context.plan.assemblies:
        return
    known = [(a, context.ways[a.id]) for a in context.plan.assemblies if a.id in context.ways]
    if all(way.aorta is None for _, way in known):  # one answer on the CT; each needle would say the same
        if context.aorta_words:
            yield Finding("CT", "not judged", context.aorta_words)
        return
    for assembly, way in known:
        if way.aorta is not None:
            yield _near(context, assembly, way.aorta)
        if not way.aorta_everywhere:
            name = context.needle_name(assembly)
            yield Finding(name, "not judged", f"The aorta is not known at all heights that the needle {name} passes.")


def _near(context: CheckContext, assembly: Assembly, aorta: Nearness) -> Finding:
    name, gap, place = context.needle_name(assembly), aorta.gap_mm, aorta.place_lps_mm
    if gap < 0.0:
        text = f"The needle {name} enters the aorta, {-gap:.0f} mm deep."
        return about_needle(context, assembly, "stop", text, gap, place)
    if gap - context.axial_band_mm < LEAST_GAP_MM:
        text = f"The needle {name} comes within {gap:.0f} mm of the aorta."
        return about_needle(context, assembly, "look", text, gap, place)
    text = f"The needle {name} stays {gap:.0f} mm from the aorta."
    return about_needle(context, assembly, "ok", text, gap, place)


CHECK = Check(
    key="aorta-path",
    title="Needle clear of the aorta",
    unit="mm from the aorta's lumen",
    limit=f"at least {LEAST_GAP_MM:g} mm from the lumen; inside: stop",
    not_modelled=(
        "A tube about the bright lumen, seen with contrast medium only: a thickened wall, other vessels, and the ice's "
        "reach towards them are not judged. The aorta moves with its pulse and with position."
    ),
    source="assumed",
    find=_find,
)
