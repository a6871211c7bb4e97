"""A proposal which vertebrae these are, from what is in view: ribs, sacrum, iliac bones, sizes. Never sure.

The operator confirms one vertebra (`plan.level_edits.confirm_anchor`); until then the names are shown with a question
mark.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cvt_planner.anatomy.level_evidence import SideEvidence, VertebraEvidence, look_beside
from cvt_planner.anatomy.levels import NAMES, SCHEMES, USUAL, LevelScheme, is_level
from cvt_planner.anatomy.spine.model import Spine, Vertebra
from cvt_planner.anatomy.vertebra_reference import body_reference
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.sampling import HuOnGrid

MOST_SURE = 0.95  # no proposal claims more, whatever the votes say; assumed
_MOST_SURE_AT_ODDS = 0.6  # where last rib and sacrum do not fit the usual count: one of them is unusual; assumed
# How often a person has so many thoracic and lumbar vertebrae; rough figures of anatomy books, assumed.
_SHARES = {(12, 5): 0.86, (12, 6): 0.05, (12, 4): 0.04, (11, 5): 0.02, (13, 5): 0.015}
_RARE = 0.004  # each of the others
# How a body's measures scatter about the mean of its level: a person's overall size, and each measure by itself, as
# shares; assumed. The measures of neighbours are not independent: together they count as half as many.
_PERSON, _EACH, _COUNTED = 0.15, 0.10, 0.5
_NEARLY_ALL = 0.9  # names that together are less probable are not the only ones said; assumed
_BACKGROUND = 0.01  # a sign is misread so often at the least; assumed


@dataclass(frozen=True)
class Hypothesis:
    """One way to name the vertebrae: a name for each number, the count of vertebrae behind it, its probability."""

    names: dict[int, str]
    scheme: LevelScheme
    probability: float


@dataclass(frozen=True, eq=False)
class Numbering:
    """The proposal for a spine.

    Parameters
    ----------
    hypotheses
        The most probable first; those under 1 % are left out.
    votes
        What speaks for the first one, as sentences.
    evidence
        What was seen beside each vertebra.
    """

    hypotheses: tuple[Hypothesis, ...]
    votes: tuple[str, ...] = ()
    evidence: tuple[VertebraEvidence, ...] = field(default=(), repr=False)

    @property
    def names(self) -> dict[int, str]:
        """Return the proposed names by number; empty where there is no vertebra."""
        return self.hypotheses[0].names if self.hypotheses else {}

    @property
    def confidence(self) -> float:
        """Return how probable the proposed names are, 0 to `MOST_SURE`; less where the landmarks are at odds."""
        at_odds = _between(self.evidence) not in (None, USUAL.lumbar)
        limit = _MOST_SURE_AT_ODDS if at_odds else MOST_SURE
        return min(self.hypotheses[0].probability, limit) if self.hypotheses else 0.0


def propose(volume: HuOnGrid, spine: Spine, progress: Progress | None = None) -> Numbering:
    """Return which vertebrae these may be.

    Every shift of the names along every scheme is weighed by what is seen: ribs and the sides of the sacrum and the
    iliac bones beside each vertebra (`level_evidence`), and the bodies' sizes. A vertebra that is not complete is not
    measured. About 20 ms per vertebra.

    Notes
    -----
    Not modelled: fused vertebrae, cervical ribs, prostheses. In a short field without ribs or sacrum the sizes alone
    leave two to four names about equally probable; the probabilities say so.
    """
    if not spine.found:
        return Numbering(())
    evidence = []
    for vertebra in spine.found:
        evidence.append(look_beside(volume, vertebra, _spacing(spine, vertebra)))
        if progress is not None:
            progress.report(vertebra.number / len(spine.found), "Looking for ribs and sacrum")
    return weigh(spine.found, tuple(evidence))


def weigh(found: tuple[Vertebra, ...], evidence: tuple[VertebraEvidence, ...]) -> Numbering:
    """Return the proposal for vertebrae, from head to feet, of which this was seen."""
    weights: dict[tuple[str, ...], tuple[float, LevelScheme]] = {}
    for scheme in SCHEMES:
        share = _SHARES.get((scheme.thoracic, scheme.lumbar), _RARE)
        for first in range(len(scheme.names) - len(found) + 1):
            names = scheme.names[first : first + len(found)]
            weight = math.log(share) + _seen_weight(names, evidence) + _size_weight(names, found)
            old = weights.get(names)
            weights[names] = (np.logaddexp(old[0], weight), old[1]) if old else (weight, scheme)
    total = np.logaddexp.reduce([weight for weight, _ in weights.values()])
    hypotheses = [
        Hypothesis({v.number: name for v, name in zip(found, names, strict=True)}, scheme, math.exp(weight - total))
        for names, (weight, scheme) in weights.items()
        if weight - total > math.log(0.01)
    ]
    hypotheses.sort(key=lambda one: -one.probability)
    return Numbering(tuple(hypotheses), _votes(hypotheses, found, evidence), evidence)


def _spacing(spine: Spine, vertebra: Vertebra) -> float:
    centres = [np.array(v.centre_lps_mm) for v in spine.found if abs(v.number - vertebra.number) == 1]
    own = np.array(vertebra.centre_lps_mm)
    return float(np.mean([np.linalg.norm(c - own) for c in centres])) if centres else 1.4 * vertebra.height_mm


# --- what is seen beside the bodies. How often each sign is seen at a level; assumed, see `level_evidence`.


def _rib(name: str) -> float:
    if name.startswith("T"):
        return {"T12": 0.9, "T13": 0.8}.get(name, 0.95)
    return 0.04


def _ala(name: str) -> float:
    return {"S1": 0.9, "L5": 0.08, "L6": 0.08}.get(name, 0.02)


def _ilium(name: str) -> float:
    return {"S1": 0.97, "L6": 0.9, "L5": 0.85, "L4": 0.35, "L3": 0.04}.get(name, 0.015)


_SIGNS: tuple[tuple[Callable[[SideEvidence], bool | None], Callable[[str], float]], ...] = (
    (lambda side: side.rib, _rib),
    (lambda side: side.ala, _ala),
    (lambda side: side.ilium, _ilium),
)


def _seen_weight(names: tuple[str, ...], evidence: tuple[VertebraEvidence, ...]) -> float:
    weight = 0.0
    for name, one in zip(names, evidence, strict=True):
        for side in one.sides:
            for sign, chance in _SIGNS:
                seen, p = sign(side), max(chance(name), _BACKGROUND)
                if seen is not None:
                    weight += 0.7 * math.log(p if seen else 1.0 - p)  # both sides are not quite independent; assumed
    return weight


# --- sizes


def _size_weight(names: tuple[str, ...], found: tuple[Vertebra, ...]) -> float:
    """Return the log-likelihood of the bodies' measures, the person's own size taken out."""
    ratios = []
    for name, vertebra in zip(names, found, strict=True):
        reference = body_reference(name if is_level(name) else "C3")
        if not vertebra.complete or reference.stands_in_for == "S1":
            continue
        pairs = ((vertebra.width_mm, reference.width_mm), (vertebra.depth_mm, reference.depth_mm))
        ratios += [math.log(one / usual) for one, usual in pairs if one > 0.0]
    count = len(ratios)
    if not count:
        return 0.0
    each, person = _EACH**2, _PERSON**2
    mean = sum(ratios) / count
    spread = sum((r - mean) ** 2 for r in ratios) / each
    return -0.5 * _COUNTED * spread - 0.5 * mean**2 / (person + each / (_COUNTED * count))


# --- in words


def _votes(
    hypotheses: list[Hypothesis], found: tuple[Vertebra, ...], evidence: tuple[VertebraEvidence, ...]
) -> tuple[str, ...]:
    if not hypotheses:
        return ()
    names = hypotheses[0].names

    def where(sign: Callable[[SideEvidence], bool | None], least: int) -> list[str]:
        return [names[e.number] for e in evidence if sum(bool(sign(side)) for side in e.sides) >= least]

    ribs, sacrum, ilium = (where(sign, 1) for sign, _ in _SIGNS)
    lines = [f"Ribs are seen at {_run(ribs)}." if ribs else "No rib is seen."]
    lines.append(f"The side parts of the sacrum are seen at {_run(sacrum)}." if sacrum else "The sacrum is not seen.")
    if ilium:
        lines.append(f"The iliac bones are seen at {_run(ilium)}.")
    by_size = _by_size(found)
    if by_size:
        lines.append(f"By size alone the uppermost would be {by_size}.")
    between = _between(evidence)
    if between is not None and between != USUAL.lumbar:
        lines.append(
            f"{between} vertebrae lie between the last rib seen and the sacrum: a transitional vertebra, or a short "
            "last rib. Count from another landmark."
        )
    return (*lines, *_others(hypotheses, found[0].number))


def _others(hypotheses: list[Hypothesis], uppermost: int) -> list[str]:
    """Return in words which other names there may be: the next probable, or from where to where where it is any."""
    together, among = 0.0, set()
    for one in hypotheses:
        if together >= _NEARLY_ALL:
            break
        together += one.probability
        among.add(one.names[uppermost])
    if len(among) > 2:
        ends = min(among, key=NAMES.index), max(among, key=NAMES.index)
        return [
            f"Ribs, sacrum and sizes do not tell: with {100 * together:.0f} % the uppermost is any from {ends[0]} to "
            f"{ends[1]}. Count from another picture."
        ]
    return [
        f"Next probable: uppermost {one.names[uppermost]} ({100 * one.probability:.0f} %)." for one in hypotheses[1:2]
    ]


def _between(evidence: tuple[VertebraEvidence, ...]) -> int | None:
    """Return how many vertebrae lie between the last rib and the sacrum, where both are seen."""
    ribs = [e.number for e in evidence if any(side.rib for side in e.sides)]
    sacrum = [e.number for e in evidence if all(side.ala for side in e.sides)]
    return min(sacrum) - max(ribs) - 1 if ribs and sacrum and min(sacrum) > max(ribs) else None


def _run(names: list[str]) -> str:
    return ", ".join(f"{name}?" for name in names) if len(names) < 4 else f"{names[0]}? to {names[-1]}?"


def _by_size(found: tuple[Vertebra, ...]) -> str:
    usual = SCHEMES[0].names
    rows = range(len(usual) - len(found) + 1)
    if not any(v.complete for v in found):
        return ""
    return max((usual[n : n + len(found)] for n in rows), key=lambda names: _size_weight(names, found), default=("",))[
        0
    ]
