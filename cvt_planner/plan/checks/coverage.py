"""Does the ice cover the lesion at -20 degC?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_lesion, ice_missing
from cvt_planner.plan.results import ice_words

ISOTHERM_C = -20.0  # lethal to most tissue: Gage & Baust, Cryobiology 1998;37:171 (malignant cells -40 degC)
WANTED_PERCENT = 95.0  # assumed: palliation treats the lesion's border; the outline itself is good to about 1 mm
LEAST_PERCENT = 60.0  # assumed: less is no treatment of this lesion


def _find(context: CheckContext) -> Iterator[Finding]:
    for lesion in context.plan.lesions:
        ice = context.ice.get(lesion.id)
        if ice is None:
            yield ice_missing(context, lesion)
            continue
        figures = ice.isotherm(ISOTHERM_C)
        low, high = figures.covered_percent, figures.covered_high_percent
        inside = f"{low:.0f} % of {lesion.name} lies inside the −20 °C ice"
        text = f"{inside} in {ice_words(figures.covered_in)} ({high:.0f} % in {ice_words(figures.covered_high_in)})."
        if low >= WANTED_PERCENT:
            yield about_lesion(lesion, "ok", text, low)
        elif high >= LEAST_PERCENT:
            yield about_lesion(lesion, "look", text, low)
        else:
            yield about_lesion(lesion, "stop", text + " These probes do not treat it.", low)


CHECK = Check(
    key="coverage",
    title="Lesion inside the −20 °C ice",
    unit="%",
    limit=f"at least {WANTED_PERCENT:g} % in the smaller ice; under {LEAST_PERCENT:g} % even in the larger: stop",
    not_modelled=(
        "Blood flow and warming by the canal, unless this CT's tissues were solved too. Large vessels; no margin is "
        "added."
    ),
    source="−20 °C: Gage & Baust, Cryobiology 1998;37:171. Percentages: assumed.",
    find=_find,
)
