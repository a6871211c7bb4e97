"""The preview of the ice while needles move, and the full ice after it, with real mouse and key events."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.render import colours
from tests.app.window.hand import Hand, Small
from tests.app.window.ice_seen import changed_px, ice_chip, ice_of, levels, notice, picture, words

CONTROL = Qt.KeyboardModifier.ControlModifier
LONG_MS = 20_000


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
    hand.qtbot.waitUntil(
        lambda: view.ice_preview is not None and view.ice_preview.inputs == reading.wanted(view.lesion_id),
        timeout=LONG_MS,
    )
    hand.qtbot.wait(150)  # the panels look more rarely while something is dragged


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


def test_esc_on_the_very_place_where_the_needle_lay_leaves_no_preview(frozen: Hand) -> None:
    plan = frozen.plan
    start = hold_tip(frozen)
    move(frozen, start, start + QPoint(10, 10))
    move(frozen, start + QPoint(10, 10), start)
    wait_for_preview_of_present_needles(frozen)
    frozen.key(Qt.Key.Key_Escape)
    let_go(frozen, start)
    frozen.settle()
    assert frozen.plan == plan and frozen.built.desk.view_state.ice_preview is None and notice(frozen) == ""


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
    moved = frozen.built.desk.assembly
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
