"""What must be read at a glance can be read, whatever lies there: seen in pictures of the window after real events."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QTest
from scipy import ndimage

from app.panels.rail import Step
from app.render.slice_view import SliceView
from cvt_planner.planning import ice
from tests.app.window.hand import Hand, Small, pixels


def lower_letter(view: SliceView) -> tuple[QPoint, np.ndarray]:
    """Return the middle of the letter at the lower edge, and (24, 20, 3) what is seen there."""
    at = QPoint(view.width() // 2, view.height() - 14)
    shown = pixels(view.grab().toImage())
    return at, shown[at.y() - 12 : at.y() + 12, at.x() - 10 : at.x() + 10]


def test_a_handle_at_the_edge_leaves_the_orientation_letter_readable(ready: Hand, small: Small) -> None:
    ready.step(Step.NEEDLES)
    view = ready.view()
    at, before = lower_letter(view)
    letter = before.min(axis=2) > 150
    assert 15 < letter.sum() < 200
    entry = np.array(ready.plan.assemblies[-1].entry_lps_mm)
    start = view.point_of(entry).toPoint()
    ready.drag(start, at, moves=8)
    ready.settle()
    assert (view.point_of(np.array(ready.plan.assemblies[-1].entry_lps_mm)).toPoint() - at).manhattanLength() < 8
    QTest.mouseMove(view, QPoint(40, 60))
    ready.key(Qt.Key.Key_F5)  # nothing: the pointer's own marks are drawn anew
    _, after = lower_letter(view)
    assert (after.min(axis=2)[letter] > 140).all()
    around = ndimage.binary_dilation(letter, iterations=3) & ~ndimage.binary_dilation(letter, iterations=1)
    assert after.max(axis=2)[around].max() < 100


def test_what_was_said_of_needles_that_cross_names_them_and_goes_when_it_is_answered(ready: Hand, small: Small) -> None:
    ready.step(Step.NEEDLES)
    ready.zoom(small.lesion, 0.25)
    first, second = ready.plan.assemblies
    tip, target = (ready.view().point_of(np.array(one.probe_tip_lps_mm)).toPoint() for one in (second, first))
    ready.drag(tip, target + QPoint(8, 0), moves=8)
    ready.settle()
    ready.step(Step.ICE)
    ready.click("run_ice")
    ready.settle()
    assert "left and L1? right touch or cross" in ready.message and "move one of them" in ready.message
    assert [chip.said.verdict for chip in ready.window.strip.chips[:2]] == ["stop", "stop"]
    ready.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not ready.message
    assert "stop" not in [chip.said.verdict for chip in ready.window.strip.chips[:2]]


def test_a_lesion_that_was_undone_is_chosen_again_by_redo(ready: Hand) -> None:
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    ready.step(Step.NEEDLES)
    name = ready.window.needles.lesion.currentText()
    for _ in range(8):
        ready.key(Qt.Key.Key_Z, control)
    assert not ready.plan.lesions
    for _ in range(8):
        ready.key(Qt.Key.Key_Z, control | shift)
    assert len(ready.plan.assemblies) == 2
    assert ready.window.needles.lesion.currentText() == name
    assert len(ready.table("needles_table")) == 2


def test_the_hint_and_the_brush_say_what_is_so(opened: Hand, small: Small) -> None:
    opened.mark_sphere(small.lesion)
    assert "Drag a square" in opened.window.line.hint.text()
    opened.key(Qt.Key.Key_B)
    at = opened.at(small.lesion)
    opened.drag(at, at + QPoint(25, 10))
    opened.key(Qt.Key.Key_Escape)
    opened.settle()
    assert "Drag a square" not in opened.window.line.hint.text() and "B: brush" in opened.window.line.hint.text()


def test_the_table_of_lesions_doubts_a_level_as_the_views_do(ready: Hand) -> None:
    ready.step(Step.LESIONS)
    assert [row[1] for row in ready.table("lesions_table")] == ["L1?"]
    ready.step(Step.SESSION)
    assert ready.table("session_table")[0][0].startswith("L1? Lesion 1")


def test_ice_that_comes_takes_old_words_away_and_is_read_whole_in_the_session(ready: Hand) -> None:
    ready.button("run_ice").click()
    ready.built.desk.say("Stopped. Nothing was changed.")
    ready.settle()
    assert ready.built.workspace.state.ice and not ready.message
    ready.step(Step.SESSION)
    ready.settle()
    table = ready.window.session.table
    for column, text in enumerate(ready.table("session_table")[0]):
        room = table.visualItemRect(table.item(0, column)).width()
        assert QFontMetrics(table.font()).horizontalAdvance(text) < room, text
    assert "%" in ready.table("session_table")[0][2]


def test_what_is_asked_of_the_ice_of_a_file_is_computed_beside_the_window(
    frozen: Hand, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen.answers.write_to = tmp_path / "frozen.cvtplan"
    frozen.key(Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    frozen.settle()
    where: list[bool] = []
    plain = ice._figures

    def listening(*given: Any) -> Any:
        where.append(threading.current_thread() is threading.main_thread())
        return plain(*given)

    monkeypatch.setattr(ice, "_figures", listening)
    frozen.drop(tmp_path / "frozen.cvtplan")
    frozen.step(Step.ICE)
    frozen.settle()
    assert frozen.table("ice_isotherms")[0][3].endswith("%")
    assert where and not any(where)
