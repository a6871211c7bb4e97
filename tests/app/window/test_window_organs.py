"""Skin, lungs and aorta in the window: found when a CT opens, switched, named, told of at the needle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from app.panels.rail import Step
from app.surroundings import ORGANS_JOB
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.anatomy.organs.aorta import NO_CONTRAST
from cvt_planner.anatomy.organs.drawn import organ_fields
from cvt_planner.anatomy.organs.model import Aorta, Organ, Organs
from cvt_planner.base.arrays import vec3
from cvt_planner.plan import edits
from cvt_planner.plan.model import Lesion, LesionKind
from tests.app.window.hand import Hand, HeldUp, Small, pixels


def organs_of(hand: Hand) -> Organs:
    organs = hand.built.workspace.state.organs
    assert organs is not None
    return organs


def test_the_skin_is_found_beside_the_window_and_drawn_where_it_is_wanted(hand: Hand, small: Small) -> None:
    held = HeldUp()
    hand.drop(small.folder)
    held.stop()
    assert not hand.built.desk.jobs.running(ORGANS_JOB)
    organs = organs_of(hand)
    assert organs.volume_ml(Organ.TISSUE) > 100.0
    hand.step(Step.LEVELS)
    hand.settle()
    about = hand.window.findChild(QLabel, "organs_about")
    assert about is not None and about.text().endswith(NO_CONTRAST)
    view = hand.view("axial")
    before = pixels(view.grab().toImage())
    hand.tick("show_skin")
    assert np.abs(before - pixels(view.grab().toImage())).max(axis=2).astype(bool).sum() > 50
    hand.key(Qt.Key.Key_O)  # all anatomy away
    assert np.array_equal(before, pixels(view.grab().toImage()))


def test_a_needle_near_the_aorta_is_told_of(hand: Hand, small: Small) -> None:
    hand.drop(small.folder)
    workspace, level = hand.built.workspace, small.truth["lesions"][0]["level"]
    centre = vec3(small.lesion)
    lesion = Lesion("a", "Lesion 1", level, LesionKind.LYTIC, Ellipsoid(centre, (8.0, 8.0, 8.0)))
    workspace.apply(edits.mark_level(level, vec3(small.level["centre_lps_mm"])), "level")
    workspace.apply(edits.add_lesion(lesion), "lesion")
    hand.built.desk.choose_lesion("a", go=True)
    hand.step(Step.NEEDLES)
    hand.hover(centre)
    hand.click("add_left")
    hand.hover(centre)
    hand.key(Qt.Key.Key_T)
    hand.hover(small.lesion + np.array([18.0, 40.0, 0.0]))
    hand.key(Qt.Key.Key_E)
    hand.settle()
    chip = hand.window.strip.chips[0].said
    assert "aorta" not in chip.why
    checks = {r.key: r for r in hand.window.reading.checks()}
    assert "aorta-path" not in checks  # said once, beside the organs: else no plan without contrast would be judged
    assert organs_of(hand).aorta_words == NO_CONTRAST
    tip = np.array(hand.plan.assemblies[0].probe_tip_lps_mm)
    z = np.linspace(-80.0, 80.0, 60)
    line = np.column_stack([np.full(60, tip[0]), np.full(60, tip[1] - 14.0), tip[2] + z])
    beside = replace(organs_of(hand), aorta=Aorta(line, np.full(60, 10.0), 170.0), aorta_words="Followed over 160 mm.")
    organ_fields(beside)
    workspace.put_organs(beside)
    hand.settle()
    assert "within 3 mm of the aorta" in hand.window.strip.chips[0].said.why
    assert hand.window.strip.chips[0].said.verdict in ("look", "stop")
    hand.picture("aorta_at_the_needle", large=True)


def test_another_ct_is_looked_at_anew(hand: Hand, small: Small) -> None:
    hand.drop(small.folder)
    first = organs_of(hand)
    hand.built.workspace.close()
    assert hand.built.workspace.state.organs is None
    hand.drop(small.folder)
    assert organs_of(hand).content_hash == first.content_hash
