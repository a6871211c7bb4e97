"""Is the skin in view, and does the entry lie on or outside it?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_needle

MOST_UNDER_SKIN_MM = 5.0  # assumed: a click that much under the skin was not meant for it


def _find(context: CheckContext) -> Iterator[Finding]:
    for assembly in context.plan.assemblies:
        name = context.needle_name(assembly)
        depth = assembly.depth_from_skin_mm
        if depth is None:
            text = f"The CT does not show the skin where the needle {name} enters: its depth and length are not known."
            yield about_needle(context, assembly, "look", text)
            continue
        under = depth - math.dist(assembly.entry_lps_mm, assembly.probe_tip_lps_mm)
        if under > MOST_UNDER_SKIN_MM:
            text = (
                f"The marked entry of {name} lies {under:.0f} mm under the skin; the needle passes the skin elsewhere."
            )
            yield about_needle(context, assembly, "look", text, under)
        else:
            text = f"The needle {name} enters through the skin {depth:.0f} mm from its target."
            yield about_needle(context, assembly, "ok", text, under)


CHECK = Check(
    key="skin-entry",
    title="Entry on the skin",
    unit="mm under the skin",
    limit=f"skin in view, entry at most {MOST_UNDER_SKIN_MM:g} mm under it",
    not_modelled="The skin moves between this CT and the procedure, most when the patient is turned.",
    source="assumed",
    find=_find,
)
