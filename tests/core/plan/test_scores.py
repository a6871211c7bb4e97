"""SINS, ESCC and eligibility notes against the published tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cvt_planner.anatomy.lesion.defects import Defects
from cvt_planner.anatomy.lesion.figures import LesionFigures
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.plan.eligibility import eligibility
from cvt_planner.plan.model import Lesion, LesionKind
from cvt_planner.plan.scores import Alignment, Collapse, Escc, LesionScores, Pain, Posterior, sins

ALL = LesionScores(Pain.MECHANICAL, Alignment.SUBLUXATION, Collapse.OVER_HALF, Posterior.BOTH, Escc.BONE)
SEEN = LesionFigures(
    3.0, 24.0, (20.0, 20.0, 16.0), 40.0, 28.0, body_share=0.3, arch_left_ml=0.4, arch_right_ml=0.0, canal_mm=0.0,
    height_lost=0.3, defects=Defects(posterior_wall_mm2=90.0),
)  # fmt: skip


@pytest.mark.parametrize(
    ("level", "points"),
    [("C2", 3), ("C5", 2), ("C7", 3), ("T2", 3), ("T3", 1), ("T10", 1), ("T11", 3), ("L1", 3), ("L3", 2), ("S1", 3)],
)
def test_the_location_has_the_published_points(level: str, points: int) -> None:
    assert sins(level, "blastic", LesionScores(), None).items[0].points == points


def test_the_highest_and_the_lowest_score() -> None:
    worst = sins("L1", "lytic", ALL, None)
    assert worst.complete and worst.low == worst.high == 18
    assert "unstable" in worst.words
    none = LesionScores(Pain.NONE, Alignment.NORMAL, Collapse.NONE, Posterior.NONE)
    best = sins("T6", "blastic", none, None)
    assert (best.low, best.words) == (1, "1 of 18: stable")


def test_what_ct_shows_counts_until_something_is_entered_and_the_rest_is_a_range() -> None:
    score = sins("L2", "lytic", LesionScores(), SEEN)
    by_name = {item.name: item for item in score.items}
    assert (by_name["Collapse"].points, by_name["Collapse"].origin) == (2, "CT")
    assert (by_name["Posterior parts"].points, by_name["Posterior parts"].origin) == (1, "CT")
    assert (score.low, score.high) == (7, 14)  # pain 0 to 3 and alignment 0 to 4 are not known
    assert not score.complete and "7 to 14" in score.words
    entered = sins("L2", "lytic", LesionScores(collapse=Collapse.NONE), SEEN)
    assert {item.name: item.points for item in entered.items}["Collapse"] == 0
    involved = sins("L2", "lytic", LesionScores(), replace(SEEN, height_lost=0.05, body_share=0.6))
    assert {item.name: item.points for item in involved.items}["Collapse"] == 1


def test_notes_follow_the_published_criteria_and_name_them() -> None:
    lesion = Lesion("a", "A", "L2", LesionKind.LYTIC, Ellipsoid((0.0, 0.0, 0.0), (9.0, 9.0, 9.0)), 3)
    notes = eligibility(replace(lesion, scores=replace(ALL, escc=Escc.CORD_PRESSED)), SEEN)
    answers = {note.answer for note in notes}
    assert answers == {"look", "ok", "stop"}
    texts = " ".join(note.text for note in notes)
    assert "below 4" in texts and "within 1 to 11 cm" in texts and "without stabilisation" in texts
    assert "decompression" in texts and "posterior wall" in texts
    assert all(note.source for note in notes)
    fine = eligibility(replace(lesion, vas=8, scores=LesionScores(escc=Escc.EPIDURAL)), None)
    assert [note.answer for note in fine if "Pain" in note.text or "ESCC" in note.text] == ["ok", "ok"]
