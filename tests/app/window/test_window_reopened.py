"""What is seen of a plan that was left and opened again, and names that are longer than the room for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt

from app.desk import NEAR_MM
from app.panels.rail import Mark, Step
from app.panels.widgets import MOST_LINES, ROW_PX, Choice, FigureTable
from cvt_planner.phantom import Phantom
from cvt_planner.plan import edits
from cvt_planner.plan.model import LesionKind
from tests.app.window.hand import Hand, Small, pixels
from tests.truth_spines import truth_spine

LONG = "Lytic metastasis of the left posterior body and pedicle"


def save(hand: Hand, path: Path) -> None:
    hand.answers.write_to = path
    hand.key(Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    hand.settle()
    assert path.exists()


def test_a_plan_opens_at_its_lesion_and_its_session_at_the_top(ready: Hand, small: Small, tmp_path: Path) -> None:
    save(ready, tmp_path / "one.cvtplan")
    ready.step(Step.SESSION)
    bar = ready.window.session.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert bar.value() > 0
    ready.window.commands.fit()
    ready.drop(tmp_path / "one.cvtplan")
    assert bar.value() == 0
    for name, view in ready.window.views.items():
        plane = view.plane()
        assert plane.mm_per_px == pytest.approx(NEAR_MM / min(view.width(), view.height()))
        at = view.point_of(np.array(small.lesion))
        third = QRectF(view.rect()).adjusted(*(0.3 * np.array([1, 1, -1, -1]) * min(view.width(), view.height())))
        assert third.contains(at), name
        assert abs(plane.distance_mm(np.array(small.lesion))) < 1.0


def test_the_vertebrae_alone_stand_in_the_scene_when_the_same_ct_is_opened_again(
    hand: Hand, small: Small, small_phantom: Phantom, tmp_path: Path
) -> None:
    hand.drop(small.folder)
    hand.built.workspace.put_spine(truth_spine(small_phantom, hand.built.workspace.volume.content_hash))
    hand.settle()
    assert "bone" not in hand.built.desk.view_state.overlays
    save(hand, tmp_path / "spine.cvtplan")
    hand.drop(tmp_path / "spine.cvtplan")
    assert hand.built.workspace.state.spine is not None
    assert "bone" not in hand.built.desk.view_state.overlays


def test_cement_is_done_when_its_estimate_was_looked_at(ready: Hand) -> None:
    rail = ready.window.rail.buttons[Step.CEMENT]
    assert rail.mark is Mark.EMPTY
    ready.step(Step.CEMENT)
    ready.settle()
    assert rail.mark is Mark.DONE
    ready.step(Step.LESIONS)
    lesion = ready.plan.lesions[0]
    ready.built.workspace.apply(edits.set_lesion_kind(lesion.id, LesionKind.BLASTIC), "Set type")
    ready.settle()
    assert rail.mark is Mark.OUT_OF_DATE
    ready.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert rail.mark is Mark.DONE
    ready.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    ready.step(Step.CEMENT)
    ready.settle()
    assert rail.mark is Mark.DONE


def test_long_names_are_read_in_tables_and_end_in_an_ellipsis_elsewhere(ready: Hand) -> None:
    lesion = ready.plan.lesions[0]
    for step, name in ((Step.SESSION, "session_table"), (Step.CEMENT, "cement_table")):
        ready.step(step)
        ready.settle()
        table: FigureTable | None = ready.window.findChild(FigureTable, name)
        assert table is not None and table.rowHeight(0) == ROW_PX
        ready.built.workspace.apply(edits.rename_lesion(lesion.id, LONG), "Rename lesion")
        ready.settle()
        line = table.fontMetrics().lineSpacing()
        assert ROW_PX + line <= table.rowHeight(0) <= ROW_PX + (MOST_LINES - 1) * line
        assert table.height() >= table.rowHeight(0)
        assert ready.table(name)[0][0].startswith("L1? Lytic")
        ready.built.workspace.undo()
        ready.settle()
        assert table.rowHeight(0) == ROW_PX


def test_a_list_whose_text_is_too_long_says_so(ready: Hand) -> None:
    box = Choice("narrow")
    box.addItem(LONG)
    box.resize(160, 30)
    whole = pixels(box.grab().toImage())
    box.setItemText(0, box.fontMetrics().elidedText(LONG, Qt.TextElideMode.ElideRight, 160 - 26))
    assert np.abs(whole - pixels(box.grab().toImage())).max() < 60  # the same picture as of a text shortened before
    box.deleteLater()
