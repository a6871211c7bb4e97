"""What published criteria say about treating a lesion: notes with their sources, no verdict on the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cvt_planner.anatomy.lesion.figures import LesionFigures
from cvt_planner.plan.model import Lesion
from cvt_planner.plan.scores import ESCC_SOURCE, SINS_SOURCE, sins

CALLSTROM = "Callstrom et al., Cancer 2013;119:1033"
MOTION = "MOTION trial, Jennings et al., Radiol Imaging Cancer 2021;3:e200101"
USUAL = "usual practice, no single source"
WORST_PAIN = 4  # of 10 in 24 h, Callstrom 2013
SIZE_MM = (10.0, 110.0)  # Callstrom 2013: 1 to 11 cm
NEAR_CORD_MM = 10.0  # below this epidural tumour with an eaten wall asks for protection; usual practice
STABLE_BELOW, UNSTABLE_FROM = 7, 13

Answer = Literal["ok", "look", "stop", "not judged"]
# What no picture tells and nobody entered here; asked for before treatment. Usual exclusions.
ASK = (
    "Not known to this program: INR (above 1.5), platelets (below 50 per nL), active infection, allergy to bone "
    "cement, life expectancy (below 1 to 3 months), ECOG above 3, whether standard treatment failed or was refused."
)


@dataclass(frozen=True)
class Note:
    """One criterion: how the lesion stands to it, in a sentence, and whose criterion it is."""

    answer: Answer
    text: str
    source: str


def eligibility(lesion: Lesion, figures: LesionFigures | None) -> tuple[Note, ...]:
    """Return the notes of a lesion, those that need a look first among equals in their own order."""
    return (*_pain(lesion), *_size(figures), *_stability(lesion, figures), *_compression(lesion), *_wall(figures))


def _pain(lesion: Lesion) -> tuple[Note, ...]:
    if lesion.vas is None:
        return (Note("not judged", f"Pain is not entered; {WORST_PAIN} of 10 or more was asked for.", CALLSTROM),)
    if lesion.vas < WORST_PAIN:
        return (Note("look", f"Pain {lesion.vas} of 10 is below {WORST_PAIN}.", CALLSTROM),)
    return (Note("ok", f"Pain {lesion.vas} of 10: moderate to severe.", f"{CALLSTROM}; {MOTION}"),)


def _size(figures: LesionFigures | None) -> tuple[Note, ...]:
    if figures is None:
        return ()
    within = SIZE_MM[0] <= figures.longest_mm <= SIZE_MM[1]
    text = f"Longest diameter {figures.longest_mm / 10.0:.1f} cm, {'within' if within else 'outside'} 1 to 11 cm."
    return (Note("ok" if within else "look", text, CALLSTROM),)


def _stability(lesion: Lesion, figures: LesionFigures | None) -> tuple[Note, ...]:
    score = sins(lesion.level, lesion.kind.value, lesion.scores, figures)
    if score.low >= UNSTABLE_FROM:
        return (Note("stop", f"SINS {score.words}: usually excluded without stabilisation.", SINS_SOURCE),)
    if score.high >= STABLE_BELOW:
        verb = "ask" if score.low >= STABLE_BELOW else "may have to ask"
        return (Note("look", f"SINS {score.words}: {verb} a spine surgeon.", SINS_SOURCE),)
    return (Note("ok", f"SINS {score.words}.", SINS_SOURCE),)


def _compression(lesion: Lesion) -> tuple[Note, ...]:
    grade = lesion.scores.escc
    if grade is None:
        return (Note("not judged", "The ESCC grade is not entered; CT alone cannot tell it.", ESCC_SOURCE),)
    text = f"ESCC {grade.value}, {grade.words}"
    if grade.high:
        return (Note("stop", f"{text}: decompression or radiotherapy first.", ESCC_SOURCE),)
    return (Note("ok", f"{text}: low grade." if grade.value != "1c" else f"{text}.", ESCC_SOURCE),)


def _wall(figures: LesionFigures | None) -> tuple[Note, ...]:
    if figures is None or figures.defects is None or figures.canal_mm is None:
        return ()
    wall = figures.defects.posterior_wall_mm2
    if wall <= 0.0 or figures.canal_mm > NEAR_CORD_MM:
        return ()
    text = (
        f"The posterior wall is eaten over about {wall:.0f} mm² and the lesion lies {figures.canal_mm:.1f} mm from the "
        "canal: cement may leak there, and the cord needs protection from cold."
    )
    return (Note("look", text, USUAL),)
