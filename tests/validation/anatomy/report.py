"""Writes docs/anatomy.md from scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tests.validation.anatomy import lesions
from tests.validation.anatomy.lesions import LesionScore, SoundScore
from tests.validation.anatomy.scoring import PedicleScore, Score
from tests.validation.anatomy.speed import Cost
from tests.validation.checks import markdown_table

HEAD = """# How well the anatomy is found

Written by `make validate-anatomy` from the runs themselves; do not edit. A figure that misses its limit says
**NOT MET**.

Phantoms are synthetic (`cvt-planner phantom --case spine --seed N`) and know their truth to a fraction of a millimetre.
They have no degenerative change, no contrast medium, no metal and no real metastases. The labels of real CTs were made
by networks (TotalSegmentator, TPTBox), not by people; they say how far two methods agree. On 3 mm slices moving such a
label's surface by one voxel alone brings its Dice to 0.77. Levels are counted from one vertebra, as after one click of
the operator; found levels are never named by themselves."""

STROKES = """Where the lesion is drawn too small on the whole, a stroke goes to the largest region that is missing, else
to the largest that is too much; in one slice, with a ball whose radius suits that region. It keeps to the true lesion
as far as half a voxel: an operator who sees the lesion's edge. No stroke is made where the volume is within the limit
already; a refused click is drawn from nothing."""

NAN = float("nan")


def text(
    phantoms: Sequence[Score],
    grown: Sequence[LesionScore],
    reals: Sequence[Score],
    harder: Sequence[Harder],
    seen: Sequence[str],
    cost: Cost | None,
    mode: str,
    commit: str,
    sound: Sequence[SoundScore] = (),
) -> str:
    """Return the whole document."""
    parts = [HEAD, f"Run: {mode}; commit {commit}; {len(phantoms)} phantoms, {len(reals)} labelled CTs."]
    if phantoms:
        parts += ["## Phantoms", limits(phantoms), "### Case by case", _cases(phantoms), _worst_vertebrae(phantoms)]
        parts += ["### Pedicles", _pedicles(phantoms)]
    if grown:
        parts += ["### Lesions from one click", lesions.table(grown)]
        parts += ["### Lesions after at most two strokes of the brush", STROKES, lesions.corrected_table(grown)]
    if reals:
        parts += ["## Real CTs with labels", _real_limits(reals), _cases(reals), _vertebrae(reals)]
    if harder:
        parts += ["## The same CTs made harder", _harder(harder)]
    if seen:
        parts += ["## Real CTs without labels", "For looking at; nothing is scored.", "\n".join(seen)]
    if sound:
        parts += ["## Clicks into sound bone", lesions.sound_table(sound)]
    if cost is not None:
        parts += ["## Time and memory", cost.words]
    return "\n\n".join(parts) + "\n"


class Harder:
    """A changed CT beside the unchanged one."""

    def __init__(self, base: Score, changed: Score, struck: tuple[str, ...] = ()) -> None:
        self.base, self.changed, self.struck = base, changed, struck

    @property
    def lost(self) -> float:
        """Return the largest loss of Dice of a complete vertebra that was left alone."""
        before = {v.level: v.dice for v in self.base.scored}
        losses = [
            before[v.level] - v.dice for v in self.changed.scored if v.level in before and v.level not in self.struck
        ]
        return max(losses, default=NAN)


def _met(holds: bool) -> str:
    return "met" if holds else "**NOT MET**"


def _number(value: float, digits: int = 2) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"


def limits(scores: Sequence[Score]) -> str:
    """Return the table of acceptance limits over the phantoms."""
    dice = np.array([v.dice for s in scores for v in s.scored])
    worst = min(((v.dice, f"{s.name} {v.level}") for s in scores for v in s.scored), default=(NAN, "-"))
    canal = np.array([s.canal_dice for s in scores])
    centre = np.array([s.centre_mean_mm for s in scores])
    far = np.array([s.centre_worst_mm for s in scores])
    wrong = sum(len(s.misnumbered) for s in scores)
    invented = sum(s.invented for s in scores)
    thin = [p for s in scores if s.slice_mm <= 1.5 for p in s.pedicles if not p.struck]
    judged = [p for p in thin if p.judged]
    rows = [
        ("vertebra Dice, mean", "at least 0.93", _number(dice.mean(), 3), _met(dice.mean() >= 0.93)),
        ("vertebra Dice, worst", "at least 0.85", f"{worst[0]:.3f} ({worst[1]})", _met(worst[0] >= 0.85)),
        ("canal Dice, mean over cases", "at least 0.90", _number(canal.mean(), 3), _met(canal.mean() >= 0.9)),
        ("canal Dice, worst case", "at least 0.90", _number(canal.min(), 3), _met(canal.min() >= 0.9)),
        ("canal centre, mean of the worst case", "at most 1.0 mm", _number(centre.max()), _met(centre.max() <= 1.0)),
        ("canal centre, worst point", "at most 2.5 mm", _number(far.max()), _met(far.max() <= 2.5)),
        ("complete vertebrae misnumbered or missed", "0", f"{wrong} of {dice.size}", _met(wrong == 0)),
        ("vertebrae invented", "0", str(invented), _met(invented == 0)),
        ("pedicles judged, slices up to 1.5 mm, sound vertebrae", "all", f"{len(judged)} of {len(thin)}",
         _met(len(judged) == len(thin))),
    ]  # fmt: skip
    for words, unit, limit, of in _PEDICLE_LIMITS:
        errors = np.abs([of(p) for p in judged])
        if errors.size:
            inside = float((errors <= limit).mean())
            found = f"{100 * inside:.0f} % within; median {np.median(errors):.2f}, worst {errors.max():.2f} {unit}"
            rows.append((words, f"at most {limit:g} {unit}", found, _met(inside == 1.0)))
    return markdown_table(("figure", "limit", "found", ""), rows)


_PEDICLE_LIMITS: tuple[tuple[str, str, float, Callable[[PedicleScore], float]], ...] = (
    ("pedicle axis, distance at the isthmus", "mm", 1.0, lambda p: p.axis_mm),
    ("pedicle axis, angle", "°", 3.0, lambda p: p.angle_deg),
    ("isthmus width", "mm", 0.6, lambda p: p.width_mm),
    ("isthmus height", "mm", 1.5, lambda p: p.height_mm),
)


def _real_limits(scores: Sequence[Score]) -> str:
    dice = np.array([v.dice for s in scores for v in s.scored])
    wrong = sum(len(s.misnumbered) for s in scores)
    rows = [
        (
            "vertebra Dice, mean (complete, sacrum apart)",
            "at least 0.90",
            _number(dice.mean(), 3),
            _met(dice.mean() >= 0.9),
        ),
        ("levels right after one anchor", "all", f"{dice.size - wrong} of {dice.size}", _met(wrong == 0)),
    ]
    return markdown_table(("figure", "limit", "found", ""), rows)


def _cases(scores: Sequence[Score]) -> str:
    rows = []
    for s in scores:
        dice = [v.dice for v in s.scored]
        rows.append((
            s.name, s.words, _number(float(np.mean(dice)) if dice else NAN, 3), _number(min(dice, default=NAN), 3),
            _number(s.canal_dice, 3), _number(s.centre_mean_mm), _number(s.centre_worst_mm),
            ", ".join(s.misnumbered) or "-", str(s.invented), f"{s.seconds:.1f}",
        ))  # fmt: skip
    head = ("case", "what it is", "Dice mean", "worst", "canal Dice", "centre mean, mm", "worst, mm", "misnumbered",
            "invented", "time, s")  # fmt: skip
    return markdown_table(head, rows)


def _worst_vertebrae(scores: Sequence[Score]) -> str:
    low = sorted((v.dice, s.name, v.level, v.confidence, v.doubts) for s in scores for v in s.scored if v.dice < 0.9)
    if not low:
        return ""
    rows = [(name, level, f"{d:.3f}", f"{sure:.2f}", doubts or "-") for d, name, level, sure, doubts in low]
    return "Complete vertebrae below 0.90:\n\n" + markdown_table(
        ("case", "level", "Dice", "confidence", "doubts"), rows
    )


def _vertebrae(scores: Sequence[Score]) -> str:
    rows = [
        (s.name, v.level, f"{v.dice:.3f}", _number(v.centre_mm, 1), "whole" if v.complete else "cut off",
         "apart" if v.apart else "", f"{v.confidence:.2f}")
        for s in scores for v in s.vertebrae
    ]  # fmt: skip
    return markdown_table(("case", "level", "Dice", "centre off, mm", "in view", "", "confidence"), rows)


def _pedicles(scores: Sequence[Score]) -> str:
    rows = []
    for s in scores:
        judged = [p for p in s.pedicles if p.judged]
        if not s.pedicles:
            continue
        figures = [f"{np.median(np.abs([of(p) for p in judged])):.2f} / {np.abs([of(p) for p in judged]).max():.2f}"
                   if judged else "-" for _, _, _, of in _PEDICLE_LIMITS]  # fmt: skip
        rows.append((s.name, f"{s.slice_mm:g}", f"{len(judged)} of {len(s.pedicles)}", *figures))
    head = ("case", "slices, mm", "judged", "axis, mm", "angle, °", "width, mm", "height, mm")
    return "Median / worst of the judged ones, struck vertebrae included:\n\n" + markdown_table(head, rows)


def _harder(harder: Iterable[Harder]) -> str:
    rows = []
    for h in harder:
        order = not h.changed.misnumbered and not h.changed.invented
        lost = h.lost
        struck = ", ".join(f"{v.level} {v.dice:.2f}" for v in h.changed.scored if v.level in h.struck)
        rows.append((
            h.changed.name, f"{len(h.changed.scored)}", ", ".join(h.changed.misnumbered) or "-",
            str(h.changed.invented), _number(lost, 3), struck or "-", _met(order and (np.isnan(lost) or lost <= 0.05)),
        ))  # fmt: skip
    head = (
        "case",
        "complete",
        "misnumbered",
        "invented",
        "Dice lost at most",
        "struck",
        "order kept, at most 0.05 lost",
    )
    return markdown_table(head, rows)
