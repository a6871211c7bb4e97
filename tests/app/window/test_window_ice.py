"""The ice step of the window: isotherms, time, preview and the full ice after it, with real mouse and key events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QSlider, QSpinBox

from app import reading
from app.panels.rail import Step
from app.panels.widgets import FigureTable
from app.render import colours
from app.render.ice_state import IceView, notice_words
from cvt_planner.plan.results import ISOTHERMS_C, OF_CT, SOFT_TISSUE, IceResult

if TYPE_CHECKING:
    from conftest import Hand, Small

CONTROL = Qt.KeyboardModifier.ControlModifier
BACK = np.array([24.0, 60.0, 0.0])
LONG_MS = 20_000
EDGE_PX = 44


@pytest.fixture
def ready(hand: Hand, small: Small, monkeypatch: pytest.MonkeyPatch) -> Hand:
    """Return the hand in the ice step, with two needles in one lesion; the ice is solved on 2 mm, in a tenth the time.

    The ice on the window's own 1 mm is in the tests of the whole job.
    """
    monkeypatch.setattr(reading, "ICE_SPACING_MM", 2.0)
    hand.drop(small.folder)
    hand.zoom(small.lesion + np.array([0.0, 25.0, 0.0]), 0.4)
    hand.built.desk.go_to(tuple(small.lesion))
    hand.step(Step.LESIONS)
    hand.click("tool_sphere")
    hand.drag(hand.at(small.lesion), hand.at(small.lesion + np.array([8.0, 0.0, 0.0])))
    hand.step(Step.NEEDLES)
    for name, side in (("add_left", 1.0), ("add_right", -1.0)):
        hand.click(name)
        hand.hover(small.lesion + np.array([6.0 * side, 0.0, 0.0]))
        hand.key(Qt.Key.Key_T)
        hand.hover(small.lesion + BACK * np.array([side, 1.0, 1.0]))
        hand.key(Qt.Key.Key_E)
    hand.settle()
    hand.step(Step.ICE)
    return hand


@pytest.fixture
def frozen(ready: Hand) -> Hand:
    """Return the hand with the ice of both needles computed."""
    ready.click("run_ice")
    ready.settle()
    assert ready.built.workspace.state.ice
    return ready


def ice_of(hand: Hand) -> IceResult:
    (result,) = hand.built.workspace.state.ice
    return result


def words(hand: Hand, name: str) -> str:
    found: QLabel | None = hand.window.findChild(QLabel, name)
    assert found is not None
    return str(found.text())


def notice(hand: Hand) -> str:
    """Return what every view says of the ice that is drawn."""
    view = hand.built.desk.view_state
    return notice_words(hand.built.workspace.state, IceView.of(view), view.lesion_id)


def picture(hand: Hand, view: str = "axial") -> np.ndarray:
    """Return (rows, columns, 3) what a view shows, without the pointer's texts at its lower edge."""
    image = hand.view(view).grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)[:-EDGE_PX].astype(int)


def changed_px(one: np.ndarray, other: np.ndarray) -> int:
    return int((np.abs(one - other).max(axis=2) > 40).sum())


def levels(hand: Hand) -> list[str]:
    return [row[0] for row in hand.table("ice_isotherms")]


def ice_chip(hand: Hand) -> str:
    return str(next(chip.said.figures for chip in hand.window.strip.chips if chip.said.key == "ice"))


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


def hold_tip(hand: Hand) -> QPoint:
    """Press on the chosen needle's target and return where."""
    chosen = hand.built.desk.assembly
    assert chosen is not None
    start = hand.at(chosen.probe_tip_lps_mm)
    QTest.mousePress(hand.view(), Qt.MouseButton.LeftButton, pos=start)
    return start


def move(hand: Hand, start: QPoint, end: QPoint, moves: int = 6) -> None:
    for n in range(1, moves + 1):
        QTest.mouseMove(hand.view(), start + (end - start) * n / moves)
        hand.qtbot.wait(5)


def let_go(hand: Hand, at: QPoint) -> None:
    QTest.mouseRelease(hand.view(), Qt.MouseButton.LeftButton, pos=at)
    hand.qtbot.wait(1)


def wait_for_preview_of_present_needles(hand: Hand) -> None:
    view, reading = hand.built.desk.view_state, hand.window.reading

    def shown() -> None:
        wanted = reading.wanted(view.lesion_id)
        assert view.ice_preview is not None and view.ice_preview.inputs == wanted

    hand.qtbot.waitUntil(lambda: _holds(shown), timeout=LONG_MS)
    hand.qtbot.wait(150)  # the panels look more rarely while something is dragged


def _holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except AssertionError:
        return False
    return True


# --- isotherms


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


# --- time


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


# --- preview


def test_a_dragged_needle_shows_a_preview_and_the_full_ice_when_let_go(frozen: Hand) -> None:
    state, old, before = frozen.built.desk.view_state, ice_of(frozen), picture(frozen)
    frozen.window.playing.go_to(300.0)
    start = hold_tip(frozen)
    move(frozen, start, start + QPoint(14, 6))
    wait_for_preview_of_present_needles(frozen)
    assert notice(frozen) == "Ice: preview" and state.ice_time_s is None
    assert levels(frozen)[0] == "0 °C preview" and ice_chip(frozen) == "preview"
    assert all(cell == "—" for row in frozen.table("ice_isotherms") for cell in row[1:])
    assert all(row[1] == "—" for row in frozen.table("ice_canal"))
    during = picture(frozen)
    assert changed_px(before, during) > 200
    assert not frozen.window.freezing.running  # the full ice waits for the hand
    let_go(frozen, start + QPoint(14, 6))
    assert frozen.window.freezing.running and state.ice_preview is not None
    frozen.settle()
    assert state.ice_preview is None and ice_of(frozen) is not old and notice(frozen) == ""
    assert frozen.window.reading.ice(state.lesion_id).current
    assert "Up to date" in words(frozen, "ice_state") and levels(frozen)[0] == "0 °C"
    ice = colours.isotherm(0.0)
    pale = np.abs(picture(frozen) - np.array([ice.red(), ice.green(), ice.blue()])).max(axis=2) < 40
    assert pale.sum() > 30


def test_a_needle_that_is_dragged_again_and_again_never_piles_up_runs(ready: Hand) -> None:
    jobs, most = ready.built.desk.jobs, 0
    for n in range(5):
        start = hold_tip(ready)
        move(ready, start, start + QPoint(4, 1 if n % 2 else -1), 3)
        let_go(ready, start + QPoint(4, 1 if n % 2 else -1))
        most = max(most, sum(1 for purpose in jobs._running if purpose == "ice") + len(jobs._waiting))
    ready.settle()
    assert most <= 2
    result = ice_of(ready)
    assert result.inputs == ready.window.reading.wanted(result.inputs.lesion_id)
    assert ready.built.desk.view_state.ice_preview is None and not ready.window.freezing.running


def test_esc_puts_a_held_needle_back_and_leaves_no_preview(frozen: Hand) -> None:
    plan, old, before = frozen.plan, ice_of(frozen), picture(frozen)
    start = hold_tip(frozen)
    move(frozen, start, start + QPoint(10, 10))
    wait_for_preview_of_present_needles(frozen)
    assert frozen.plan != plan
    frozen.key(Qt.Key.Key_Escape)
    assert frozen.plan == plan and frozen.built.desk.view_state.ice_preview is None
    # The button is still down, but nothing is held any more.
    move(frozen, start + QPoint(10, 10), start + QPoint(30, 30), 3)
    let_go(frozen, start + QPoint(30, 30))
    frozen.settle()
    assert frozen.plan == plan and ice_of(frozen) is old and frozen.built.desk.view_state.ice_preview is None
    assert frozen.window.reading.ice(old.inputs.lesion_id).current and notice(frozen) == ""
    assert changed_px(before, picture(frozen)) < 20


def test_undo_while_the_full_ice_is_computed_brings_the_old_ice_back(frozen: Hand) -> None:
    plan, old = frozen.plan, ice_of(frozen)
    start = hold_tip(frozen)
    move(frozen, start, start + QPoint(8, 4))
    let_go(frozen, start + QPoint(8, 4))
    assert frozen.window.freezing.running
    frozen.key(Qt.Key.Key_Z, CONTROL)
    assert frozen.plan == plan and not frozen.window.freezing.running
    frozen.settle()
    assert ice_of(frozen) is old and frozen.built.desk.view_state.ice_preview is None
    assert "Up to date" in words(frozen, "ice_state")


def test_probes_that_are_made_to_cross_have_no_preview_and_say_so(frozen: Hand) -> None:
    state = frozen.built.desk.view_state
    moved, other = frozen.built.desk.assembly, None
    assert moved is not None
    other = next(a for a in frozen.plan.assemblies if a.id != moved.id)
    start = hold_tip(frozen)
    end = start + (frozen.at(other.probe_tip_lps_mm) - start) * 1.4  # beyond the other's tip: their axes cross
    move(frozen, start, start + (end - start) / 3, 4)
    wait_for_preview_of_present_needles(frozen)
    move(frozen, start + (end - start) / 3, end, 6)
    frozen.qtbot.waitUntil(lambda: "cross or touch" in frozen.message, timeout=LONG_MS)
    assert state.ice_preview is None and notice(frozen) == ""
    let_go(frozen, end)
    frozen.settle()
    assert "cross or touch" in frozen.message and state.ice_preview is None
    assert levels(frozen)[0] == "0 °C old" and "Out of date" in words(frozen, "ice_state")
    frozen.key(Qt.Key.Key_Z, CONTROL)
    assert levels(frozen)[0] == "0 °C" and frozen.window.reading.ice(state.lesion_id).current


def test_a_needle_dragged_out_of_the_ct_stays_at_its_last_place_inside(frozen: Hand) -> None:
    low, _ = frozen.built.workspace.volume.grid.bounds_lps_mm()
    chosen = frozen.built.desk.assembly
    assert chosen is not None
    frozen.zoom([chosen.probe_tip_lps_mm[0], low[1] + 30.0, chosen.probe_tip_lps_mm[2]], 0.9)
    frozen.built.desk.go_to(chosen.probe_tip_lps_mm)
    start = hold_tip(frozen)
    outside = frozen.at([chosen.probe_tip_lps_mm[0], low[1] - 12.0, chosen.probe_tip_lps_mm[2]])
    move(frozen, start, outside, 12)
    assert "outside the CT" in frozen.message
    last = frozen.plan.assembly(chosen.id)
    assert frozen.built.workspace.volume.grid.contains(np.array(last.probe_tip_lps_mm))
    let_go(frozen, outside)
    run = frozen.window.freezing._run
    assert run is not None and run.inputs == frozen.window.reading.wanted(chosen.lesion_id)  # of the place it kept
    frozen.click("busy_stop")  # so far from the other needle the full ice would take long
    frozen.settle()
    assert frozen.built.desk.view_state.ice_preview is None and levels(frozen)[0] == "0 °C old"


def test_arrow_keys_show_a_preview_and_then_the_full_ice(ready: Hand) -> None:
    state = ready.built.desk.view_state
    for _ in range(4):
        ready.key(Qt.Key.Key_Right)
    ready.qtbot.waitUntil(lambda: state.ice_preview is not None, timeout=LONG_MS)
    assert notice(ready) == "Ice: preview" and not ready.built.workspace.state.ice
    ready.qtbot.waitUntil(lambda: bool(ready.built.workspace.state.ice), timeout=LONG_MS)
    ready.settle()
    assert state.ice_preview is None and ready.window.reading.ice(state.lesion_id).current


def test_the_key_t_moves_a_needle_and_its_ice_follows(frozen: Hand, small: Small) -> None:
    state, old = frozen.built.desk.view_state, ice_of(frozen)
    previews: list[object] = []
    state.ice_changed.connect(lambda: previews.append(state.ice_preview))
    frozen.hover(small.lesion + np.array([-5.0, 3.0, 0.0]))
    frozen.key(Qt.Key.Key_T)
    frozen.settle()
    assert any(preview is not None for preview in previews) and state.ice_preview is None
    assert ice_of(frozen) is not old and frozen.window.reading.ice(state.lesion_id).current
    undone = frozen.built.workspace.plan
    frozen.key(Qt.Key.Key_Z, CONTROL)
    assert frozen.built.workspace.plan != undone  # one step of its own


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


def test_a_stopped_run_after_a_drag_leaves_no_preview(ready: Hand) -> None:
    start = hold_tip(ready)
    move(ready, start, start + QPoint(6, 3))
    wait_for_preview_of_present_needles(ready)
    let_go(ready, start + QPoint(6, 3))
    ready.click("busy_stop")
    ready.settle()
    assert ready.built.desk.view_state.ice_preview is None and not ready.built.workspace.state.ice
    assert "Stopped" in ready.message and ready.button("run_ice").isEnabled()


def test_the_preview_follows_the_tissue_that_is_drawn(ready: Hand) -> None:
    start = hold_tip(ready)
    move(ready, start, start + QPoint(6, 3))
    wait_for_preview_of_present_needles(ready)
    state = ready.built.desk.view_state
    first = state.ice_preview
    assert first is not None
    ready.choose("ice_tissue", "Soft tissue (larger)")
    ready.qtbot.waitUntil(
        lambda: state.ice_preview is not None and state.ice_preview.drawn.tissue == state.ice_tissue, timeout=LONG_MS
    )
    assert state.ice_preview is not None
    assert state.ice_preview.drawn.volume_ml(0.0) > first.drawn.volume_ml(0.0) + 1.0
    let_go(ready, start + QPoint(6, 3))
    ready.settle()
