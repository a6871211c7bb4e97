"""Does the cement estimate stay under the level's cap?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_lesion

_ROUNDING_ML = 1e-9


def _find(context: CheckContext) -> Iterator[Finding]:
    for lesion in context.plan.lesions:
        cement = context.cement.get(lesion.id)
        if cement is None:
            yield about_lesion(lesion, "not judged", f"The cement for {lesion.name} has not been estimated.")
            continue
        together = [
            context.cement[o.id] for o in context.plan.lesions if o.level == lesion.level and o.id in context.cement
        ]
        sum_ml = sum(other.estimate_ml for other in together)
        figures = f"{cement.estimate_ml:.1f} mL (range {cement.low_ml:.1f} to {cement.high_ml:.1f} mL)"
        level = f"{lesion.level} should take at most {cement.cap_ml:.1f} mL"
        if sum_ml > cement.cap_ml + _ROUNDING_ML:
            text = f"{figures} for {lesion.name}: with the {lesion.level}'s other lesions {sum_ml:.1f} mL; {level}."
            yield about_lesion(lesion, "look", text, sum_ml)
        elif cement.is_capped:
            text = f"The cement for {lesion.name} is held to the cap: {figures}; {level}."
            yield about_lesion(lesion, "look", text, cement.estimate_ml)
        else:
            text = f"The cement for {lesion.name} is estimated at {figures}; {level}."
            yield about_lesion(lesion, "ok", text, cement.estimate_ml)


CHECK = Check(
    key="cement-cap",
    title="Cement under the level's cap",
    unit="mL",
    limit="the estimates of all of a level's lesions together under the level's cap",
    not_modelled="First estimate: a reference vertebra of the level (25 % from person to person); no leak paths; "
    "a defect of the posterior wall is not looked for.",
    source="Cap: the cement estimate's own sources; its coefficients are assumed.",
    find=_find,
)
