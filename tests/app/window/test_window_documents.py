"""Opening, saving, reopening and closing in the window, and what is asked and said of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from app.dialogs import Answer, Dialogs
from app.panels.rail import Mark, Step
from tests.app.window.hand import Hand, Small

SAMPLE = Path(__file__).resolve().parents[3] / "sample_dicom" / "standard"

CONTROL = Qt.KeyboardModifier.ControlModifier


def test_save_and_reopen_bring_the_same_plan_back(
    opened: Hand, small: Small, tmp_path: Path, open_hand: Callable[..., Hand]
) -> None:
    opened.mark_sphere(small.lesion)
    opened.lay_needles(small.lesion)
    opened.answers.write_to = tmp_path / "Größe 1.cvtplan"
    opened.key(Qt.Key.Key_S, CONTROL)
    opened.settle()
    assert opened.answers.write_to.exists() and not opened.built.workspace.state.unsaved
    assert opened.message.startswith("Saved as")
    plan = opened.plan
    opened.window.close()
    again = open_hand()
    assert again.window.empty.isVisible()
    recent = again.button("recent_0")
    again.qtbot.mouseClick(recent, Qt.MouseButton.LeftButton)
    again.settle()
    assert again.plan == plan
    assert "Größe 1" in again.window.windowTitle()
    assert again.window.rail.buttons[Step.SESSION].mark is Mark.DONE


def test_a_plan_whose_ct_moved_is_found_again_and_another_ct_is_refused(
    opened: Hand, small: Small, tmp_path: Path, open_hand: Callable[..., Hand]
) -> None:
    home = tmp_path / "study"
    shutil.copytree(small.folder, home)
    opened.drop(home)
    opened.zoom(small.lesion)
    opened.mark_sphere(small.lesion)
    opened.answers.write_to = tmp_path / "plans" / "one.cvtplan"
    opened.answers.write_to.parent.mkdir()
    opened.key(Qt.Key.Key_S, CONTROL)
    opened.settle()
    plan = opened.plan
    opened.window.close()
    moved = tmp_path / "elsewhere" / "deep"
    moved.parent.mkdir()
    home.rename(moved)
    other = tmp_path / "other"
    other.mkdir()
    for n, path in enumerate(sorted(small.folder.rglob("*.dcm"))):
        data = pydicom.dcmread(path)
        data.SeriesInstanceUID += ".9"
        data.save_as(other / f"{n}.dcm")

    again = open_hand()
    again.drop(opened.answers.write_to)
    assert again.built.desk.volume is None and "CT" in again.message and "--ct" not in again.message
    again.answers.folder = other
    again.click("message_action")
    again.settle()
    assert again.built.desk.volume is None and "belongs to the series" in again.message
    again.answers.folder = moved
    again.click("message_action")
    again.settle()
    assert again.plan.lesions == plan.lesions
    assert again.built.workspace.state.unsaved  # the CT's new place is worth saving


def test_closing_with_unsaved_work_asks(opened: Hand, small: Small) -> None:
    opened.mark_sphere(small.lesion)
    assert opened.built.workspace.state.unsaved
    opened.answers.unsaved_answer = Answer.CANCEL
    assert not opened.window.close() and opened.window.isVisible() and opened.answers.asked == 1
    opened.drop(small.folder)  # another study would replace it: asks as well, and cancel keeps the plan
    assert opened.answers.asked == 2 and len(opened.plan.lesions) == 1
    opened.answers.unsaved_answer = Answer.DISCARD
    assert opened.window.close()


def test_the_question_about_unsaved_work_has_three_answers(opened: Hand, small: Small) -> None:
    opened.mark_sphere(small.lesion)
    given: list[Answer] = []
    kind = QMessageBox.StandardButton
    for button, answer in ((kind.Save, Answer.SAVE), (kind.Discard, Answer.DISCARD), (kind.Cancel, Answer.CANCEL)):

        def press(button: QMessageBox.StandardButton = button) -> None:
            box = QApplication.activeModalWidget()
            assert isinstance(box, QMessageBox)
            opened.qtbot.mouseClick(box.button(button), Qt.MouseButton.LeftButton)

        QTimer.singleShot(50, opened.window, press)
        given.append(Dialogs.unsaved(opened.answers, "new plan"))
        assert given[-1] is answer


def bad_drops(tmp_path: Path, small: Small) -> dict[str, Path]:
    """Return things that cannot be opened, by name."""
    empty = tmp_path / "empty"
    empty.mkdir()
    texts = tmp_path / "texts"
    texts.mkdir()
    for n in range(3):
        (texts / f"{n}.txt").write_text("not an image", encoding="utf-8")
    cut = tmp_path / "cut"
    cut.mkdir()
    source = next(small.folder.rglob("*.dcm"))
    (cut / "one.dcm").write_bytes(source.read_bytes()[:4000])
    plan = tmp_path / "damaged.cvtplan"
    plan.write_bytes(b"PK\x03\x04 and then nothing")
    return {"empty": empty, "texts": texts, "cut": cut, "plan": plan, "gone": tmp_path / "gone.nii.gz"}


@pytest.mark.parametrize("name", ["empty", "texts", "cut", "plan", "gone"])
def test_bad_drops_say_a_sentence_and_lose_nothing(opened: Hand, small: Small, tmp_path: Path, name: str) -> None:
    opened.mark_sphere(small.lesion)
    before = opened.built.workspace.state
    opened.answers.unsaved_answer = Answer.DISCARD
    path = bad_drops(tmp_path, small)[name]
    opened.drop(path)
    assert path.name in opened.message and len(opened.message) > 30
    assert "Error" not in opened.message and "fault in the program" not in opened.message
    assert opened.built.workspace.state is before


def test_a_folder_with_two_series_lets_the_user_choose(hand: Hand, small: Small, tmp_path: Path) -> None:
    both = tmp_path / "both"
    both.mkdir()
    for n, path in enumerate(sorted(small.folder.rglob("*.dcm"))):
        data = pydicom.dcmread(path)
        data.save_as(both / f"a{n}.dcm")
        data.SeriesInstanceUID += ".7"
        data.SOPInstanceUID += ".7"
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.SeriesDescription = "The other"
        data.save_as(both / f"b{n}.dcm")
    hand.drop(both)
    assert hand.built.desk.volume is None and "Choose the series" in hand.message
    assert len(hand.window.images.series.infos) == 2
    hand.choose_series("The other")
    hand.click("browser_open")
    hand.settle()
    assert hand.built.workspace.volume.series.series_description == "The other"


def test_stop_in_the_middle_of_reading_keeps_what_was_open(opened: Hand) -> None:
    before, busy = opened.built.workspace.volume, opened.window.busy
    opened.window.documents.open_path(SAMPLE)
    opened.qtbot.waitUntil(lambda: "Slice" in busy.text.text(), timeout=60_000)
    opened.click("busy_stop")
    opened.settle()
    assert opened.built.workspace.volume is before and not busy.isVisible()
    assert "Stopped" in opened.message
