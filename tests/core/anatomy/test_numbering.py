"""The proposal of names: what is seen beside a vertebra, and what follows from it. Never sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cvt_planner.anatomy.level_evidence import SideEvidence, VertebraEvidence
from cvt_planner.anatomy.levels import LevelScheme
from cvt_planner.anatomy.numbering import MOST_SURE, Numbering, propose, weigh
from cvt_planner.anatomy.spine.model import Spine, Vertebra
from cvt_planner.anatomy.vertebra_reference import body_reference
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.research import read_research
from tests.spines import box_vertebra

PLAIN = SideEvidence(rib=False, ala=False, ilium=False)
RIB, SACRUM = replace(PLAIN, rib=True), SideEvidence(rib=False, ala=True, ilium=True)
CREST = replace(PLAIN, ilium=True)
UNSEEN = SideEvidence(None, None, None)


def bodies(names: list[str], person: float = 1.0) -> tuple[Vertebra, ...]:
    """Return bodies of the usual sizes of these levels, in a person so much larger."""
    made = []
    for number, name in enumerate(names, start=1):
        usual = body_reference(name)
        size = (person * usual.width_mm, person * usual.depth_mm, person * usual.height_mm)
        made.append(box_vertebra(number, np.array([0.0, 0.0, -30.0 * number]), size_mm=size))
    return tuple(made)


def seen(*sides: SideEvidence) -> tuple[VertebraEvidence, ...]:
    return tuple(VertebraEvidence(number, side, side) for number, side in enumerate(sides, start=1))


def named(proposal: Numbering) -> list[str]:
    return list(proposal.names.values())


WHOLE = ["T11", "T12", "L1", "L2", "L3", "L4", "L5", "S1"]


@pytest.mark.parametrize("person", [0.85, 1.0, 1.2])
def test_ribs_and_sacrum_name_a_whole_lumbar_spine(person: float) -> None:
    proposal = weigh(bodies(WHOLE, person), seen(RIB, RIB, *[PLAIN] * 5, SACRUM))
    assert named(proposal) == WHOLE
    assert 0.8 < proposal.confidence <= MOST_SURE
    assert "Ribs are seen at T11?, T12?." in proposal.votes
    assert not any("do not tell" in vote for vote in proposal.votes)


def test_six_between_last_rib_and_sacrum_are_said() -> None:
    proposal = weigh(bodies([*WHOLE[:-1], "L5", "S1"]), seen(RIB, RIB, *[PLAIN] * 5, CREST, SACRUM))
    assert any("6 vertebrae lie between the last rib seen and the sacrum" in vote for vote in proposal.votes)
    assert proposal.confidence < 0.8
    assert any(one.scheme == LevelScheme(12, 6) for one in proposal.hypotheses[:3])


def test_without_landmarks_it_does_not_pretend() -> None:
    proposal = weigh(bodies(["L2", "L3", "L4"]), seen(*[UNSEEN] * 3))
    assert proposal.confidence < 0.6
    assert len(proposal.hypotheses) > 2
    assert sum(one.probability for one in proposal.hypotheses) <= 1.0 + 1e-9
    cervical = weigh(bodies(["C4", "C5", "C6"]), seen(*[UNSEEN] * 3))
    assert named(cervical)[0].startswith("C")


def test_where_the_names_may_be_any_of_many_it_says_from_where_to_where() -> None:
    """Ribs at every vertebra in view: a chest without its ends."""
    proposal = weigh(bodies(["T8", "T9", "T10", "T11"]), seen(*[RIB] * 4))
    assert proposal.confidence < 0.5
    assert any("the uppermost is any from T" in vote for vote in proposal.votes)
    assert not any("Next probable" in vote for vote in proposal.votes)


def test_no_vertebra_no_names() -> None:
    labels = np.zeros((2, 2, 2), dtype=np.uint8)
    spine = Spine(Grid((2, 2, 2), np.eye(4)), labels, labels.copy(), np.zeros((0, 3)), (), "")
    assert propose(_Ct(labels.astype(np.int16), spine.grid), spine).names == {}


class _Ct:
    """Voxels and where they lie."""

    def __init__(self, hu: np.ndarray, grid: Grid) -> None:
        self.hu, self.grid = hu, grid


@pytest.mark.real_ct
def test_a_real_lumbar_spine(real_ct: Callable[[str], Path]) -> None:
    """The labelled 3 mm CT: T12 has ribs, L1 to L5 have none, S1 is the sacrum."""
    hu, grid, _ = read_research(real_ct("ts_example_ct_lumbar_3mm.nii"), Progress())
    vertebrae = read_research(real_ct("vertebrae_T11_S1"), Progress())[0]
    bodies_of = read_research(real_ct("vertebral_bodies_discs"), Progress())[0] == 1
    centres, sizes = [], []
    for label in (32, 31, 30, 29, 28, 27, 26):  # T12 to S1
        points = grid.lps_of(np.argwhere((vertebrae == label) & bodies_of))
        centres.append(points.mean(axis=0))
        sizes.append(np.ptp(points, axis=0))
    found = []
    for n, (centre, size) in enumerate(zip(centres, sizes, strict=True)):
        up = centres[max(n - 1, 0)] - centres[min(n + 1, 6)]
        up /= np.linalg.norm(up)
        back = np.cross(up, [1.0, 0.0, 0.0])
        back /= np.linalg.norm(back)
        axes = np.array([np.cross(back, up), back, up])
        found.append(box_vertebra(n + 1, centre, axes, (float(size[0]), float(size[1]), float(size[2]))))
    labels = np.zeros(grid.shape_kji, dtype=np.uint8)
    spine = Spine(grid, labels, labels.copy(), np.zeros((0, 3)), tuple(found), "")
    proposal = propose(_Ct(hu, grid), spine)
    assert [any(bool(side.rib) for side in one.sides) for one in proposal.evidence] == [True, *[False] * 6]
    assert [all(bool(side.ala) for side in one.sides) for one in proposal.evidence] == [*[False] * 6, True]
    assert named(proposal) == ["T12", "L1", "L2", "L3", "L4", "L5", "S1"]
    assert 0.6 < proposal.confidence <= MOST_SURE
