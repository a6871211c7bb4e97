"""Levels in the window: a proposal with question marks, one click or key that names all, and all moved at once."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel

from app.panels.rail import Mark, Step
from cvt_planner.planning.level_guard import level_doubts
from tests.app.window.hand import Hand, Small
from tests.spines import truth_spine

CONTROL = Qt.KeyboardModifier.ControlModifier
NAMES = ["T12", "L1", "L2"]  # of the small phantom; the uppermost is cut off


@pytest.fixture
def found(hand: Hand, small: Small) -> Hand:
    """Return the hand with the phantom open, its spine found, its lesion marked, in the step of levels."""
    hand.drop(small.folder)
    hand.zoom(small.lesion, 0.6)
    hand.mark_sphere(small.lesion)
    volume = hand.built.workspace.volume
    hand.built.workspace.put_spine(truth_spine(small.truth, volume.grid, volume.content_hash))
    hand.settle()
    hand.step(Step.LEVELS)
    return hand


def said(hand: Hand, name: str) -> str:
    label = hand.window.findChild(QLabel, name)
    assert label is not None and label.isVisible()
    return str(label.text())


def column(hand: Hand, which: int) -> list[str]:
    return [row[which] for row in hand.table("levels_table")]


def centre(small: Small, name: str) -> np.ndarray:
    return np.array(next(row for row in small.truth["levels"] if row["name"] == name)["centre_lps_mm"])


def click_row(hand: Hand, row: int) -> None:
    table = hand.window.panels[Step.LEVELS].table
    hand.qtbot.mouseClick(
        table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualItemRect(table.item(row, 0)).center()
    )
    hand.qtbot.wait(1)


def test_names_are_proposed_in_doubt_and_one_click_confirms_all(found: Hand, small: Small) -> None:
    assert all(name.endswith("?") for name in column(found, 0)) and set(column(found, 1)) == {"proposed"}
    assert "CT-room sheet are withheld" in said(found, "level_state")
    assert "probable" in said(found, "level_votes")
    assert level_doubts(found.plan)
    found.picture("levels_proposed")
    click_row(found, 2)
    assert np.linalg.norm(np.array(found.built.desk.view_state.crosshair_lps_mm) - centre(small, "L2")) < 0.5
    found.choose("level_choice", "L2")
    found.choose("counted_from", "S1, the sacrum")
    found.choose("counted_on", "its localiser")
    assert found.button("confirm_level").text() == "Confirm L2 here"
    found.click("confirm_level")
    assert column(found, 0) == NAMES
    assert column(found, 1) == ["counted", "counted", "confirmed"]
    assert "L2 is confirmed: counted from S1 on the localiser of this CT, by" in said(found, "level_state")
    assert [mark.level for mark in found.plan.levels] == NAMES
    assert found.plan.lesions[0].level == "L2"
    assert level_doubts(found.plan) == ()
    assert found.window.rail.buttons[Step.LEVELS].mark is Mark.DONE
    assert "L2 (confirmed)" in found.window.banner.level.text()
    found.picture("levels_confirmed")
    found.key(Qt.Key.Key_Z, CONTROL)
    assert set(column(found, 1)) == {"proposed"} and level_doubts(found.plan)


def test_a_key_confirms_the_vertebra_under_the_pointer(found: Hand, small: Small) -> None:
    proposed = column(found, 0)[1].rstrip("?")
    found.zoom(centre(small, "L1"), 0.6)
    found.hover(centre(small, "L1"), "sagittal")
    found.key(Qt.Key.Key_L, where=found.view("sagittal"))
    assert f"{proposed} is confirmed" in found.message
    assert column(found, 1)[1] == "confirmed" and column(found, 0)[1] == proposed
    assert found.button("confirm_level").text() == f"Not {proposed} after all"
    found.click("confirm_level")
    assert column(found, 1)[1] != "confirmed" and level_doubts(found.plan)


def test_all_names_move_together_and_needles_say_so(found: Hand, small: Small) -> None:
    click_row(found, 2)
    found.choose("level_choice", "L2")
    found.click("confirm_level")
    found.click("renumber_down")
    assert column(found, 0) == ["L1", "L2", "L3"]
    assert found.plan.lesions[0].level == "L3"
    assert "lies in L3 now, not L2" in found.message
    assert "renumbered since by one vertebra towards the feet" in said(found, "level_state")
    found.click("renumber_up")
    assert column(found, 0) == NAMES
    found.choose("level_scheme", "13 thoracic, 5 lumbar")
    assert column(found, 0) == ["T13", "L1", "L2"]
    found.step(Step.NEEDLES)
    found.click("add_left")
    found.zoom(small.lesion + np.array([0.0, 25.0, 0.0]), 0.6)
    found.hover(small.lesion)
    found.key(Qt.Key.Key_T)
    found.hover(small.lesion + np.array([24.0, 60.0, 0.0]))
    found.key(Qt.Key.Key_E)
    found.settle()
    assert found.window.strip.chips[0].said.head == "L2 left"
    found.picture("levels_needle")


def test_a_spine_that_was_corrected_is_counted_again(found: Hand, small: Small) -> None:
    click_row(found, 2)
    found.choose("level_choice", "L2")
    found.click("confirm_level")
    volume = found.built.workspace.volume
    found.built.workspace.put_spine(truth_spine(small.truth, volume.grid, volume.content_hash, missing=("L1",)))
    found.settle()
    assert "not counted over the vertebrae that are found now" in found.message
    assert column(found, 0) == ["L1", "T12", "L2"]  # as counted now, and the mark that is in its place still
    found.click("message_action")
    assert column(found, 0) == ["L1", "L2"]


def test_one_button_takes_the_found_canal(found: Hand) -> None:
    found.step(Step.LEVELS)
    found.click("confirm_level")
    assert not any(mark.canal for mark in found.plan.levels)
    found.click("take_found_canal")
    found.settle()
    assert any(mark.canal for mark in found.plan.levels) and "Look whether its outline" in found.message
    found.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not any(mark.canal for mark in found.plan.levels)


def test_the_ice_step_offers_the_found_canal_until_it_is_the_plans(found: Hand) -> None:
    found.step(Step.ICE)
    assert "name the level in step 2" in said(found, "ice_canal_offer")
    found.click("ice_name_level")
    assert found.built.desk.step == Step.LEVELS.value
    found.click("confirm_level")
    found.step(Step.ICE)
    assert "is not taken over" in said(found, "ice_canal_offer")
    found.picture("ice_canal_offer")
    found.click("ice_take_canal")
    found.settle()
    assert any(mark.canal for mark in found.plan.levels) and "Look whether its outline" in found.message
    label = found.window.findChild(QLabel, "ice_canal_offer")
    assert label is not None and not label.isVisible()
    found.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert "is not taken over" in said(found, "ice_canal_offer")


def test_the_button_speaks_of_the_vertebra_it_confirms(found: Hand) -> None:
    found.step(Step.LEVELS)
    spine = found.built.workspace.state.spine
    assert spine is not None
    for vertebra in (*spine.found, *reversed(spine.found)):
        found.built.desk.go_to(vertebra.centre_lps_mm)
        found.qtbot.wait(120)
        level = found.window.findChild(QComboBox, "level_choice").currentText()
        assert found.button("confirm_level").text() == f"Confirm {level} here"
