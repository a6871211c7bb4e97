"""How cold does the canal's wall get, and how near does the ice come?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, Verdict, about_lesion, ice_missing
from cvt_planner.plan.figures import IceFigures
from cvt_planner.plan.results import ice_words

# Dog cord, 10 min freeze: epidural minimum of -8 degC or colder left deficits in 4 of 4, -3 degC or warmer in 0 of 10
# (AJNR 2024). Nerves are to stay between 10 and 45 degC: Sag & Husain 2022, PMC9246484.
LOOK_BELOW_C = 10.0
STOP_BELOW_C = 0.0


def _find(context: CheckContext) -> Iterator[Finding]:
    for lesion in context.plan.lesions:
        ice = context.ice.get(lesion.id)
        if ice is None:
            yield ice_missing(context, lesion)
        elif ice.canal_minimum_c is None:
            text = f"No spinal canal is marked at {lesion.name}, so the cold in it is not judged. Mark the canal."
            yield about_lesion(lesion, "not judged", text)
        else:
            coldest = ice.canal_minimum_c
            verdict, text = _verdict(coldest), _sentence(ice, coldest, lesion.name, context.axial_band_mm)
            if verdict == "ok" and ice.canal_to_0c_mm is not None and ice.canal_to_0c_mm < context.axial_band_mm:
                verdict = "look"
            if not ice.canal_marked:  # warm where it is known says nothing about where it is not
                verdict = "not judged" if verdict == "ok" else verdict
                text += " The canal is not marked all along the probes and may be colder there: mark it there too."
            yield about_lesion(lesion, verdict, text, coldest)


def _verdict(coldest_c: float) -> Verdict:
    if coldest_c >= LOOK_BELOW_C:
        return "ok"
    return "look" if coldest_c >= STOP_BELOW_C else "stop"


def _sentence(ice: IceFigures, coldest_c: float, name: str, band_mm: float) -> str:
    warmest = ice.canal_minimum_high_c
    figures = f"{round(coldest_c)}" if warmest is None else f"{round(coldest_c)} to {round(warmest)}"
    span = f"{figures} °C".replace("-", "−")
    if ice.canal_coldest_in is not None:
        span += f" (coldest in {ice_words(ice.canal_coldest_in)})"
    distance = ice.canal_to_0c_mm
    unsure = f" (± {band_mm:.1f} mm: slices lie {2.0 * band_mm:.1f} mm apart)" if band_mm else ""
    if distance is None:
        return f"Beside {name} the canal's wall gets no colder than {span}."
    if distance < 0.0:
        return f"The ice of {name} reaches {-distance:.1f} mm into the canal{unsure}; its wall gets as cold as {span}."
    return f"The ice of {name} ends {distance:.1f} mm from the canal{unsure}; its wall gets as cold as {span}."


CHECK = Check(
    key="canal-ice",
    title="Cold at the spinal canal",
    unit="°C",
    limit=f"not under {LOOK_BELOW_C:g} °C at the canal's bony wall, in the larger ice; under {STOP_BELOW_C:g} °C: stop",
    not_modelled=(
        "Cortex and the fluid in the canal, unless this CT's tissues were solved too; injected gas or saline. The wall "
        "is the bone's, not the dura's, as marked, within 15 mm of a mark. Nerve roots are not modelled. No threshold "
        "for the human cord is known. Counted is the coldest moment until 5 min after the last freeze. The probes of "
        "other lesions frozen at the same time are not added."
    ),
    source="Dog cord: AJNR 2024. Band 10 to 45 °C: Sag & Husain 2022, PMC9246484.",
    find=_find,
)
