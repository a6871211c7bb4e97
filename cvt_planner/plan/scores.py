"""The clinical scores of a lesion: SINS, Bilsky's ESCC grade; what CT cannot tell is entered by the operator.

Sources: SINS, Fisher et al., Spine 2010;35:E1221, doi 10.1097/BRS.0b013e3181e16ae2; ESCC, Bilsky et al., J Neurosurg
Spine 2010;13:324, doi 10.3171/2010.3.SPINE09459.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cvt_planner.anatomy.lesion.figures import LesionFigures, is_involved

SINS_SOURCE = "SINS: Fisher et al., Spine 2010;35:E1221"
ESCC_SOURCE = "ESCC: Bilsky et al., J Neurosurg Spine 2010;13:324"
_NOTABLE_LOSS = 0.15  # vertebrae differ from their neighbours by this much in health; assumed


class Pain(StrEnum):
    """Whether the pain is mechanical: better lying down, worse with movement or load."""

    MECHANICAL = "mechanical"
    OTHER = "not mechanical"
    NONE = "no pain"


class Alignment(StrEnum):
    """Of the spine at the lesion."""

    SUBLUXATION = "subluxation"
    DEFORMITY = "new kyphosis or scoliosis"
    NORMAL = "normal"


class Collapse(StrEnum):
    """Of the vertebral body."""

    OVER_HALF = "over 50 %"
    UNDER_HALF = "under 50 %"
    INVOLVED = "none, over 50 % involved"
    NONE = "none"


class Posterior(StrEnum):
    """Facets, pedicles or costovertebral joints that are broken or replaced by tumour."""

    BOTH = "both sides"
    ONE = "one side"
    NONE = "none"


class Escc(StrEnum):
    """Epidural spinal cord compression after Bilsky, read on MR by the operator."""

    BONE = "0"
    EPIDURAL = "1a"
    THECAL = "1b"
    CORD_TOUCHED = "1c"
    CORD_PRESSED = "2"
    NO_FLUID = "3"

    @property
    def words(self) -> str:
        """Return what the grade means."""
        return _ESCC_WORDS[self]

    @property
    def high(self) -> bool:
        """Return whether the grade is a high one, to be decompressed or irradiated first."""
        return self in (Escc.CORD_PRESSED, Escc.NO_FLUID)


_ESCC_WORDS = {
    Escc.BONE: "bone only",
    Escc.EPIDURAL: "epidural, thecal sac not deformed",
    Escc.THECAL: "thecal sac deformed, cord not touched",
    Escc.CORD_TOUCHED: "cord touched",
    Escc.CORD_PRESSED: "cord compressed, CSF seen",
    Escc.NO_FLUID: "cord compressed, no CSF seen",
}


@dataclass(frozen=True)
class LesionScores:
    """What the operator entered; None where nothing was. Collapse and posterior parts overrule what CT shows."""

    pain: Pain | None = None
    alignment: Alignment | None = None
    collapse: Collapse | None = None
    posterior: Posterior | None = None
    escc: Escc | None = None


NOT_SCORED = LesionScores()


@dataclass(frozen=True)
class SinsItem:
    """One of the six parts of SINS: points, None where it is not known, and from where."""

    name: str
    points: int | None
    most: int
    words: str
    origin: str  # "CT", "entered", "level", "type" or "" where not known


@dataclass(frozen=True)
class Sins:
    """The Spinal Instability Neoplastic Score, 0 to 18; a range while parts of it are not known."""

    items: tuple[SinsItem, ...]

    @property
    def low(self) -> int:
        """Return the points with everything not known at 0."""
        return sum(item.points or 0 for item in self.items)

    @property
    def high(self) -> int:
        """Return the points with everything not known at its most."""
        return sum(item.most if item.points is None else item.points for item in self.items)

    @property
    def complete(self) -> bool:
        """Return whether all six parts are known."""
        return all(item.points is not None for item in self.items)

    @property
    def words(self) -> str:
        """Return the score and its class as words, in which "to" is a range."""
        points = f"{self.low}" if self.complete else f"{self.low} to {self.high}"
        low, high = _class(self.low), _class(self.high)
        return f"{points} of 18: {low}" if low == high else f"{points} of 18: {low} to {high}"


def _class(points: int) -> str:
    if points <= 6:
        return "stable"
    return "potentially unstable" if points <= 12 else "unstable"


_JUNCTIONAL = frozenset({"C1", "C2", "C7", "T1", "T2", "T11", "T12", "T13", "L1", "L5", "L6", "S1"})
_MOBILE = frozenset({"C3", "C4", "C5", "C6", "L2", "L3", "L4"})
_KIND_POINTS = {"lytic": 2, "mixed": 1, "blastic": 0}
_PAIN_POINTS = {Pain.MECHANICAL: 3, Pain.OTHER: 1, Pain.NONE: 0}
_ALIGNMENT_POINTS = {Alignment.SUBLUXATION: 4, Alignment.DEFORMITY: 2, Alignment.NORMAL: 0}
_COLLAPSE_POINTS = {Collapse.OVER_HALF: 3, Collapse.UNDER_HALF: 2, Collapse.INVOLVED: 1, Collapse.NONE: 0}
_POSTERIOR_POINTS = {Posterior.BOTH: 3, Posterior.ONE: 1, Posterior.NONE: 0}


def sins(level: str, kind: str, scores: LesionScores, figures: LesionFigures | None) -> Sins:
    """Return the SINS of a lesion.

    Parameters
    ----------
    level
        As named in the plan; a wrong level gives wrong points.
    kind
        "lytic", "mixed" or "blastic".
    figures
        Collapse and posterior parts are read from them unless entered; None: not known.

    Notes
    -----
    Collapse from CT compares the middle height of the body with its neighbours'; a wedge in front is not seen in that.
    A spine with four or six lumbar vertebrae is scored by names.
    """
    place, place_words = _location(level)
    collapse = scores.collapse or (None if figures is None else collapse_of(figures))
    posterior = scores.posterior or (None if figures is None else posterior_of(figures))
    return Sins(
        (
            SinsItem("Location", place, 3, place_words, "level"),
            _item("Pain", _PAIN_POINTS, scores.pain, "entered"),
            SinsItem("Bone lesion", _KIND_POINTS[kind], 2, kind, "type"),
            _item("Alignment", _ALIGNMENT_POINTS, scores.alignment, "entered"),
            _item("Collapse", _COLLAPSE_POINTS, collapse, "entered" if scores.collapse else "CT"),
            _item("Posterior parts", _POSTERIOR_POINTS, posterior, "entered" if scores.posterior else "CT"),
        )
    )


def _item(name: str, table: Mapping[Any, int], value: StrEnum | None, origin: str) -> SinsItem:
    most = max(table.values())
    if value is None:
        return SinsItem(name, None, most, "not known", "")
    return SinsItem(name, table[value], most, value.value, origin)


def _location(level: str) -> tuple[int, str]:
    if level in _JUNCTIONAL:
        return 3, f"{level}, junctional"
    if level in _MOBILE:
        return 2, f"{level}, mobile"
    return 1, f"{level}, semirigid"


def collapse_of(figures: LesionFigures) -> Collapse | None:
    """Return the collapse that CT shows; None where the neighbours are not whole."""
    if figures.height_lost is None or figures.body_share is None:
        return None
    if figures.height_lost > 0.5:
        return Collapse.OVER_HALF
    if figures.height_lost > _NOTABLE_LOSS:
        return Collapse.UNDER_HALF
    return Collapse.INVOLVED if figures.body_share > 0.5 else Collapse.NONE


def posterior_of(figures: LesionFigures) -> Posterior | None:
    """Return on which sides the outline reaches into pedicle and posterior elements; None without a spine."""
    if figures.arch_left_ml is None:
        return None
    sides = sum(is_involved(part) for part in (figures.arch_left_ml, figures.arch_right_ml))
    return (Posterior.NONE, Posterior.ONE, Posterior.BOTH)[sides]
