"""Where the work stands: the mark of each step, and the chips of the safety strip."""

from __future__ import annotations

from app.desk import ICE_JOB, Desk
from app.panels.rail import Mark, Step
from app.panels.strip import ChipText
from app.panels.words import celsius, ml, mm, span
from app.reading import Reading
from cvt_planner.plan.checks import CheckResult, Verdict, worst
from cvt_planner.plan.level_state import anchors, is_established, level_words
from cvt_planner.plan.model import Assembly, Lesion, Plan

_ICE_CHECKS = ("coverage", "canal-ice")
_CEMENT_CHECKS = ("cement-cap",)
_GRAVEST = {"stop": 0, "look": 1, "not judged": 2, "ok": 3}


def step_marks(desk: Desk, reading: Reading) -> dict[Step, Mark]:
    """Return how far each step has come."""
    plan = desk.plan
    if plan is None:
        return dict.fromkeys(Step, Mark.EMPTY)
    with_needles = [bool(plan.assemblies_of(lesion.id)) for lesion in plan.lesions]
    return {
        Step.IMAGES: Mark.DONE,
        Step.LEVELS: _level_mark(plan),
        Step.LESIONS: Mark.DONE if plan.lesions else Mark.UNDER_WAY if desk.tool in ("sphere", "grow") else Mark.EMPTY,
        Step.NEEDLES: _mark(with_needles, started=any(with_needles) or desk.aim is not None),
        Step.ICE: _ice_mark(plan, desk, reading),
        Step.CEMENT: _cement_mark(plan, desk, reading),
        Step.SESSION: _session_mark(desk),
    }


def _level_mark(plan: Plan) -> Mark:
    """Return done where a vertebra is confirmed and every lesion's level follows from one."""
    sure = bool(anchors(plan)) and all(is_established(plan, lesion.level) for lesion in plan.lesions)
    return Mark.DONE if sure else Mark.UNDER_WAY if plan.levels else Mark.EMPTY


def _mark(done: list[bool], started: bool) -> Mark:
    if done and all(done):
        return Mark.DONE
    return Mark.UNDER_WAY if started else Mark.EMPTY


def _ice_mark(plan: Plan, desk: Desk, reading: Reading) -> Mark:
    ices = [reading.ice(lesion.id) for lesion in plan.lesions]
    if any(ice.stale for ice in ices):
        return Mark.OUT_OF_DATE
    return _mark([ice.current for ice in ices], started=any(ice.current for ice in ices) or desk.jobs.running(ICE_JOB))


def _cement_mark(plan: Plan, desk: Desk, reading: Reading) -> Mark:
    """Return done where the operator has seen the estimates as they are now; an estimate alone is nobody's decision."""
    now = {lesion.id: reading.cement(lesion) for lesion in plan.lesions}
    seen = desk.cement_seen
    if any(key in seen and seen[key] != found for key, found in now.items()):
        return Mark.OUT_OF_DATE
    return _mark([key in seen for key in now], started=any(key in seen for key in now))


def _session_mark(desk: Desk) -> Mark:
    state = desk.workspace.state
    if state.path is None:
        return Mark.UNDER_WAY if state.unsaved else Mark.EMPTY
    return Mark.UNDER_WAY if state.unsaved else Mark.DONE


def chips(desk: Desk, reading: Reading) -> list[ChipText]:
    """Return the chips: the chosen lesion's needles, ice and cement, then the other needles, gravest first."""
    plan = desk.plan
    if plan is None or desk.volume is None:
        return []
    results = reading.checks()
    lesion = desk.lesion or (plan.lesions[0] if plan.lesions else None)
    own: list[ChipText] = []
    others: list[ChipText] = []
    for assembly in plan.assemblies:
        mine = lesion is not None and assembly.lesion_id == lesion.id
        chip = _needle_chip(plan, assembly, reading, results, mine)
        (own if mine else others).append(chip)
    if lesion is not None:
        level = level_words(plan, lesion.level)
        own.append(_ice_chip(lesion, level, reading, results))
        own.append(_cement_chip(lesion, level, reading, results))
    return [*own, *sorted(others, key=lambda chip: _GRAVEST[chip.verdict])]


def _needle_chip(
    plan: Plan, assembly: Assembly, reading: Reading, results: tuple[CheckResult, ...], own: bool
) -> ChipText:
    lesion = plan.lesion(assembly.lesion_id)
    figures = reading.assembly(assembly)
    verdict, why = _verdict([r for r in results if r.is_about(assembly)])
    return ChipText(
        key=assembly.id,
        head=f"{level_words(plan, lesion.level)} {assembly.side.value}",
        figures=f"{assembly.needle.gauge}  {mm(figures.depth_from_skin_mm)}",
        verdict=verdict,
        why=why,
        place_lps_mm=assembly.probe_tip_lps_mm,
        tint=assembly.side.value,
        brief=mm(figures.depth_from_skin_mm),
        own=own,
    )


def _ice_chip(lesion: Lesion, level: str, reading: Reading, results: tuple[CheckResult, ...]) -> ChipText:
    ice = reading.ice(lesion.id)
    verdict, why = _verdict([r for r in results if r.lesion_id == lesion.id and r.key in _ICE_CHECKS])
    words, brief = "not run", ""
    if ice.previewed:
        words = "preview"
    elif ice.stale:
        words = "out of date"
    elif ice.figures is not None:
        found = ice.figures.isotherm(-20.0)
        words = brief = f"−20 °C {span(found.covered_percent, found.covered_high_percent, '%')}"
        if ice.figures.canal_marked and ice.figures.canal_minimum_c is not None:
            high = ice.figures.canal_minimum_high_c
            coldest = ice.figures.canal_minimum_c
            words += f"  canal {span(coldest, coldest if high is None else high, '°C')}"
            brief += f"  canal {celsius(coldest)}"
    return ChipText("ice", f"{level} ice", words, verdict, why, lesion.centre_lps_mm, "accent", brief)


def _cement_chip(lesion: Lesion, level: str, reading: Reading, results: tuple[CheckResult, ...]) -> ChipText:
    found = reading.cement(lesion)
    verdict, why = _verdict([r for r in results if r.lesion_id == lesion.id and r.key in _CEMENT_CHECKS])
    words = f"{found.estimate_ml:.1f} ({found.low_ml:.1f}–{found.high_ml:.1f}) mL"
    brief = ml(found.estimate_ml)
    return ChipText("cement", f"{level} cement", words, verdict, why, lesion.centre_lps_mm, "cement", brief)


def _verdict(results: list[CheckResult]) -> tuple[Verdict, str]:
    """Return the gravest verdict, and the sentences of the checks that gave it."""
    if not results:
        return "not judged", ""
    gravest = worst(tuple(results))
    return gravest, "\n".join(r.sentence for r in results if r.verdict == gravest)
