"""A segmentation made elsewhere comes in through the menu: asked about, named, unconfirmed, undoable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QPushButton, QTableWidget

from app.panels.segmentation_dialog import SegmentationDialog
from tests.app.window.hand import Hand

LEFT = Qt.MouseButton.LeftButton
OUT = Path(__file__).resolve().parents[3] / "out" / "window"


@pytest.fixture
def dialog_of(hand: Hand, real_ct: Callable[[str], Path]) -> Callable[[], SegmentationDialog]:
    """Return a function that opens the import's dialog on the real lumbar case."""
    hand.drop(real_ct("ts_example_ct_lumbar_3mm.nii"))
    hand.settle()

    def make() -> SegmentationDialog:
        hand.answers.segmentation = real_ct("vertebrae_T11_S1")
        hand.window.menus.actions["import_segmentation"].trigger()
        hand.settle()
        found = [d for d in hand.window.findChildren(QDialog, "segmentation") if d.isVisible()]
        assert len(found) == 1 and isinstance(found[0], SegmentationDialog)
        return found[0]

    return make


def test_vertebrae_come_with_their_names_and_can_be_taken_back(
    hand: Hand, dialog_of: Callable[[], SegmentationDialog]
) -> None:
    dialog = dialog_of()
    OUT.mkdir(parents=True, exist_ok=True)
    dialog.grab().save(str(OUT / "segmentation_dialog.png"))
    table = dialog.findChild(QTableWidget, "segmentation_table")
    assert table.rowCount() == 8 and "8 vertebrae" in dialog.findChild(object, "segmentation_summary").text()
    hand.qtbot.mouseClick(dialog.findChild(QPushButton, "segmentation_import"), LEFT)
    hand.settle()
    marks = {mark.level: mark for mark in hand.plan.levels}
    assert {"L1", "L2", "L3", "L4", "L5"} <= set(marks) and not any(mark.confirmed for mark in marks.values())
    spine = hand.built.workspace.state.spine
    assert spine is not None and "T11 to S1" in hand.message
    middle = spine.vertebra_at(marks["L3"].centre_lps_mm)
    assert middle is not None and 38.0 < middle.width_mm < 56.0 and 20.0 < middle.height_mm < 36.0
    hand.window.menus.actions["undo"].trigger()
    assert not any(mark.level == "L3" for mark in hand.plan.levels)


def test_a_file_of_another_ct_and_escape_change_nothing(
    hand: Hand, dialog_of: Callable[[], SegmentationDialog], real_ct: Callable[[str], Path]
) -> None:
    dialog = dialog_of()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    before = hand.plan
    hand.answers.segmentation = real_ct("tptbox_L3_seg-vert")
    hand.window.menus.actions["import_segmentation"].trigger()
    hand.settle()
    assert "tptbox_L3_seg-vert.nii.gz" in hand.message and "outside this CT" in hand.message
    assert hand.plan is before


def test_without_totalsegmentator_the_window_says_what_to_do(
    hand: Hand, real_ct: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    hand.drop(real_ct("ts_example_ct_lumbar_3mm.nii"))
    hand.window.menus.actions["totalsegmentator"].trigger()
    assert "TotalSegmentator is not installed" in hand.message
