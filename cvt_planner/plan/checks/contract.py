"""What a safety check is: its question, its limit and source, and findings a doctor would say.

A check is an answer, never an exception: "stop" is a verdict. What cannot be judged says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from cvt_planner.base.arrays import Vec3
from cvt_planner.imaging.volume import Gap
from cvt_planner.plan.figures import AssemblyFigures, CementFigures, IceFigures, WayFigures
from cvt_planner.plan.level_state import level_words
from cvt_planner.plan.model import Assembly, Lesion, Plan
from cvt_planner.plan.sides import SidesState

Verdict = Literal["ok", "look", "stop", "not judged"]
VERDICTS: tuple[Verdict, ...] = ("ok", "look", "stop", "not judged")
THICK_MM = 1.5  # between slices; assumed: a thoracic pedicle of 5 mm needs three slices across
IceState = Literal["absent", "stale", "current"]


@dataclass(frozen=True, eq=False)
class CheckContext:
    """All that checks look at: the plan and the figures computed from it (by `planning.judge`).

    `ice` holds the figures of current ice only; `ice_states` says for every lesion how its ice stands.
    `slice_distance_mm` is None while the CT is not open.
    """

    plan: Plan
    slice_distance_mm: float | None = None
    assemblies: Mapping[str, AssemblyFigures] = field(default_factory=dict)  # by assembly id
    cement: Mapping[str, CementFigures] = field(default_factory=dict)  # by lesion id
    ice: Mapping[str, IceFigures] = field(default_factory=dict)  # by lesion id
    ice_states: Mapping[str, IceState] = field(default_factory=dict)  # by lesion id
    lesions_in_ct: Mapping[str, bool] = field(default_factory=dict)  # by lesion id; empty while the CT is not open
    sides: SidesState | None = None  # None while the CT is not open
    gaps: tuple[Gap, ...] | None = None  # where slices are missing; None while the CT is not open
    counted_levels: Mapping[str, str] = field(default_factory=dict)  # by lesion id: over the spine as it is found now
    ice_boxes: Mapping[str, tuple[Vec3, Vec3]] = field(default_factory=dict)  # by lesion id: LPS ends of the 0 °C ice
    ways: Mapping[str, WayFigures] = field(default_factory=dict)  # by assembly id; empty while organs are not known
    aorta_words: str = ""  # how far the aorta is known; empty without contrast medium

    @property
    def axial_band_mm(self) -> float:
        """Return by how much clearances are uncertain along the body: half the distance of thick slices."""
        distance = self.slice_distance_mm
        return distance / 2.0 if distance is not None and distance > THICK_MM else 0.0

    def needle_name(self, assembly: Assembly) -> str:
        """Return the words for a needle: "L2 left", with the lesion's name where the level has several.

        While the level is not established it reads "L2? left".
        """
        lesion = self.plan.lesion(assembly.lesion_id)
        several = sum(other.level == lesion.level for other in self.plan.lesions) > 1
        name = f"{level_words(self.plan, lesion.level)} {assembly.side.value}"
        return f"{name} ({lesion.name})" if several else name


@dataclass(frozen=True)
class Finding:
    """What a check found about one needle, lesion or level, before it is put together with the check's own words."""

    subject: str
    verdict: Verdict
    sentence: str
    figure: float | None = None
    lesion_id: str = ""
    assembly_id: str = ""
    place_lps_mm: Vec3 | None = None
    other_assembly_id: str = ""


@dataclass(frozen=True)
class CheckResult:
    """One answer of one check, complete in itself.

    `figure` is in `unit` and None where it is not known; `limit` says in words what is asked for; `place_lps_mm` is
    where to look, LPS; `other_assembly_id` is the second needle of a finding about two.
    """

    key: str
    title: str
    subject: str
    figure: float | None
    unit: str
    limit: str
    verdict: Verdict
    sentence: str
    not_modelled: str
    source: str
    lesion_id: str = ""
    assembly_id: str = ""
    place_lps_mm: Vec3 | None = None
    other_assembly_id: str = ""

    def is_about(self, assembly: Assembly) -> bool:
        """Return whether this speaks of a needle, alone or together with another."""
        return assembly.id in (self.assembly_id, self.other_assembly_id)


@dataclass(frozen=True)
class Check:
    """One safety check.

    Parameters
    ----------
    key, title
        A fixed name for scripts, and words for the list.
    unit, limit
        Of the figure; the limit in words with its numbers.
    not_modelled
        What the figure leaves out, or how uncertain it is.
    source
        Where the limit comes from; "assumed" where it comes from nowhere.
    find
        Yields the findings; it need not raise for a plan that holds nothing to judge.
    """

    key: str
    title: str
    unit: str
    limit: str
    not_modelled: str
    source: str
    find: Callable[[CheckContext], Iterable[Finding]]

    def run(self, context: CheckContext) -> tuple[CheckResult, ...]:
        """Return the answers, one per needle, lesion or level the check speaks of."""
        return tuple(
            CheckResult(
                key=self.key,
                title=self.title,
                subject=found.subject,
                figure=found.figure,
                unit=self.unit,
                limit=self.limit,
                verdict=found.verdict,
                sentence=found.sentence,
                not_modelled=self.not_modelled,
                source=self.source,
                lesion_id=found.lesion_id,
                assembly_id=found.assembly_id,
                place_lps_mm=found.place_lps_mm,
                other_assembly_id=found.other_assembly_id,
            )
            for found in self.find(context)
        )


def about_needle(
    context: CheckContext,
    assembly: Assembly,
    verdict: Verdict,
    sentence: str,
    figure: float | None = None,
    place_lps_mm: Vec3 | None = None,
) -> Finding:
    """Return a finding about one needle; its place is the probe's tip unless another is given, LPS mm."""
    return Finding(
        subject=context.needle_name(assembly),
        verdict=verdict,
        sentence=sentence,
        figure=figure,
        lesion_id=assembly.lesion_id,
        assembly_id=assembly.id,
        place_lps_mm=assembly.probe_tip_lps_mm if place_lps_mm is None else place_lps_mm,
    )


def about_lesion(lesion: Lesion, verdict: Verdict, sentence: str, figure: float | None = None) -> Finding:
    """Return a finding about one lesion; its place is the lesion's centre."""
    return Finding(
        subject=lesion.name,
        verdict=verdict,
        sentence=sentence,
        figure=figure,
        lesion_id=lesion.id,
        place_lps_mm=lesion.centre_lps_mm,
    )


def ice_missing(context: CheckContext, lesion: Lesion) -> Finding:
    """Return the finding that nothing can be judged, because the lesion's ice is absent or out of date."""
    state = context.ice_states.get(lesion.id, "absent")
    words = {"stale": "was computed before the last change and is out of date", "absent": "has not been computed"}
    if not context.plan.assemblies_of(lesion.id):
        return about_lesion(lesion, "not judged", f"{lesion.name} has no needle yet.")
    return about_lesion(lesion, "not judged", f"The ice of {lesion.name} {words.get(state, 'is not known')}. Run it.")
