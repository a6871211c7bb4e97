"""The ice step of the window: isotherms, time and tissues, with real mouse and key events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QSlider, QSpinBox

from app.panels.rail import Step
from app.panels.widgets import FigureTable
from app.render import colours
from cvt_planner.plan.results import ISOTHERMS_C, OF_CT, SOFT_TISSUE
from tests.app.window.hand import Hand
from tests.app.window.ice_seen import changed_px, ice_chip, ice_of, levels, notice, picture, words

CONTROL = Qt.KeyboardModifier.ControlModifier
LONG_MS = 20_000


def type_level(hand: Hand, degrees: str) -> None:
    box: QSpinBox | None = hand.window.findChild(QSpinBox, "isotherm_c")
    assert box is not None
    box.setFocus()
    box.selectAll()
    hand.qtbot.keyClicks(box, degrees)
    hand.key(Qt.Key.Key_Return, where=box)


def choose_row(hand: Hand, row: int) -> None:
    table: FigureTable | None = hand.window.findChild(FigureTable, "ice_isotherms")
    assert table is not None
    at = table.visualItemRect(table.item(row, 1)).center()
    hand.qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    hand.qtbot.wait(1)


def test_isotherms_are_added_changed_and_removed(frozen: Hand) -> None:
    state, before = frozen.built.desk.view_state, picture(frozen)
    chip = ice_chip(frozen)
    assert levels(frozen) == ["0 °C", "−20 °C", "−40 °C"]
    type_level(frozen, "10")
    frozen.click("isotherm_add")
    assert levels(frozen) == ["10 °C", "0 °C", "−20 °C", "−40 °C"] and state.isotherms_c == (10.0, 0.0, -20.0, -40.0)
    volumes = [float(row[1].split()[0]) for row in frozen.table("ice_isotherms")]
    assert volumes == sorted(volumes, reverse=True) and volumes[0] > volumes[1] + 1.0
    assert all(row[3].endswith("%") for row in frozen.table("ice_isotherms"))
    assert changed_px(before, picture(frozen)) > 100  # its line is drawn
    choose_row(frozen, 2)
    type_level(frozen, "-25")
    frozen.click("isotherm_change")
    assert levels(frozen) == ["10 °C", "0 °C", "−25 °C", "−40 °C"]
    choose_row(frozen, 3)
    frozen.click("isotherm_remove")
    assert levels(frozen) == ["10 °C", "0 °C", "−25 °C"]
    assert ice_chip(frozen) == chip and "−20 °C" in chip  # the figures of record have levels of their own
    assert frozen.built.desk.settings.isotherms_c == (10.0, 0.0, -25.0)


def test_at_most_five_isotherms_and_never_none(frozen: Hand, open_hand: Callable[..., Hand]) -> None:
    for level in ("-150", "35"):
        type_level(frozen, level)
        frozen.click("isotherm_add")
    assert len(levels(frozen)) == 5
    type_level(frozen, "-10")
    assert not frozen.button("isotherm_add").isEnabled()
    for _ in range(4):
        choose_row(frozen, 0)
        frozen.click("isotherm_remove")
    choose_row(frozen, 0)
    assert levels(frozen) == ["−150 °C"] and not frozen.button("isotherm_remove").isEnabled()
    again = open_hand()
    assert again.built.desk.view_state.isotherms_c == (-150.0,)  # remembered from one start to the next


def test_no_two_isotherms_have_the_same_dashes_and_lines_differ_in_grey_or_dashes() -> None:
    for shown in (ISOTHERMS_C, (35.0, 10.0, 0.0, -20.0, -40.0), (30.0, 5.0, -10.0, -60.0, -150.0), (-20.0, -30.0)):
        dashes = colours.isotherm_dashes(shown)
        assert len(set(dashes.values())) == len(shown)
    assert colours.isotherm_dashes(ISOTHERMS_C)[-20.0] == () != colours.isotherm_dashes(ISOTHERMS_C)[-40.0]
    for level, own in colours.ISOTHERM.items():
        assert colours.isotherm(level) == own
    assert colours.isotherm(-10.0) not in colours.ISOTHERM.values()


def test_the_slider_shows_the_ice_of_another_moment_and_says_which(frozen: Hand) -> None:
    state = frozen.built.desk.view_state
    slider: QSlider | None = frozen.window.findChild(QSlider, "ice_time")
    assert slider is not None and slider.isEnabled() and slider.maximum() == 180
    assert slider.value() == 150 and notice(frozen) == ""
    assert words(frozen, "ice_moment") == "Freeze 2, 10:00 of 10:00"
    record, before, chip = frozen.table("ice_isotherms"), picture(frozen), ice_chip(frozen)
    checks = frozen.window.reading.checks()
    slider.setFocus()
    frozen.key(Qt.Key.Key_Home, where=slider)
    for _ in range(20):
        frozen.key(Qt.Key.Key_Right, where=slider)
    assert state.ice_time_s == 200.0 and words(frozen, "ice_moment") == "Freeze 1, 3:20 of 10:00"
    assert notice(frozen) == "Ice: freeze 1, 3:20 of 10:00"
    assert "freeze 1, 3:20 of 10:00" in words(frozen, "ice_heading")
    rows = frozen.table("ice_isotherms")
    assert float(rows[0][1].split()[0]) < 0.6 * float(record[0][1].split()[0])
    assert [row[3] for row in rows] == ["—"] * 3  # coverage is said of the moment of record only
    for view in ("axial", "coronal"):
        frozen.view(view).repaint()
    assert changed_px(before, picture(frozen)) > 200
    assert ice_chip(frozen) == chip and frozen.window.reading.checks() == checks
    frozen.click("ice_record_moment")
    assert state.ice_time_s is None and frozen.table("ice_isotherms") == record
    assert changed_px(before, picture(frozen)) < 20


def test_the_curve_takes_the_views_to_a_moment(frozen: Hand) -> None:
    frozen.settle()
    curve = frozen.window.ice.timeline.curve
    frozen.window.ice.ensureWidgetVisible(curve)
    frozen.qtbot.mouseClick(curve, Qt.MouseButton.LeftButton, pos=QPoint(curve.width() // 2, 20))
    assert frozen.built.desk.view_state.ice_time_s == pytest.approx(900.0, abs=20.0)
    assert notice(frozen).startswith(("Ice: thaw", "Ice: freeze 2"))


def test_the_key_k_plays_and_pauses(frozen: Hand) -> None:
    state = frozen.built.desk.view_state
    frozen.key(Qt.Key.Key_K)
    assert frozen.window.playing.playing and frozen.button("play_ice").text() == "Pause"
    frozen.qtbot.waitUntil(lambda: (state.ice_time_s or 0.0) > 60.0, timeout=LONG_MS)
    assert notice(frozen).startswith("Ice: freeze 1")
    frozen.click("play_ice")
    at = state.ice_time_s
    frozen.qtbot.wait(200)
    assert state.ice_time_s == at and not frozen.window.playing.playing
    frozen.window.playing.go_to(1790.0)
    frozen.key(Qt.Key.Key_K)
    frozen.qtbot.waitUntil(lambda: not frozen.window.playing.playing, timeout=LONG_MS)
    assert state.ice_time_s == 1800.0 and notice(frozen) == "Ice: warming, 5:00 of 5:00"


def test_a_reopened_plan_shows_its_ice_and_asks_for_a_run_before_it_is_played(
    frozen: Hand, tmp_path: Path, open_hand: Callable[..., Hand]
) -> None:
    frozen.answers.write_to = tmp_path / "one.cvtplan"
    frozen.key(Qt.Key.Key_S, CONTROL)
    frozen.settle()
    record = frozen.table("ice_isotherms")
    again = open_hand()
    again.drop(tmp_path / "one.cvtplan")
    again.step(Step.ICE)
    assert again.table("ice_isotherms") == record and "Up to date" in words(again, "ice_state")
    assert "Run the ice again to play it" in words(again, "ice_moment")
    slider: QSlider | None = again.window.findChild(QSlider, "ice_time")
    assert slider is not None and not slider.isVisible()
    again.key(Qt.Key.Key_K)
    assert not again.window.playing.playing and "Run the ice again to play it" in again.message
    assert again.button("run_ice").isEnabled()
    again.click("run_ice")
    again.settle()
    assert slider.isVisible() and slider.isEnabled()


def test_the_tissues_of_this_ct_are_solved_where_asked_for(frozen: Hand) -> None:
    state = frozen.built.desk.view_state
    assert not frozen.button("run_ice").isEnabled()
    before = frozen.table("ice_isotherms")
    frozen.choose("ice_solved", "Those and this CT's own")
    frozen.settle()
    assert "not in this CT's own tissues" in words(frozen, "ice_state")
    frozen.choose("ice_tissue", "This CT, least ice")
    assert {cell for row in frozen.table("ice_isotherms") for cell in row[1:3]} == {"—"}
    frozen.click("run_ice")
    frozen.settle()
    assert {one.tissue for one in ice_of(frozen).fields} >= set(OF_CT)
    table = frozen.window.findChild(FigureTable, "ice_isotherms")
    heads = [table.horizontalHeaderItem(n).text() for n in range(4)]
    assert heads == ["Isotherm", "CT least", "CT most", "Lesion"]
    after = frozen.table("ice_isotherms")
    assert float(after[0][1].split()[0]) < float(after[0][2].split()[0])
    assert "this CT" in words(frozen, "ice_first_version")
    least = picture(frozen)
    frozen.choose("ice_tissue", "This CT, most ice")
    frozen.settle()
    assert changed_px(least, picture(frozen)) > 100
    frozen.choose("ice_solved", "Two uniform tissues")
    frozen.settle()
    assert state.ice_tissue == SOFT_TISSUE and frozen.window.reading.ice(state.lesion_id).current
    assert [row[1:3] for row in frozen.table("ice_isotherms")] == [row[1:3] for row in before]
