"""Bad input with unsaved work open: each gives a sentence that helps, and nothing that is open is lost."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QToolButton

from app.dialogs import Answer
from app.panels.rail import Step
from cvt_planner.plan.history import History
from cvt_planner.plan.model import Plan
from cvt_planner.storage.plan_file import save_plan
from cvt_planner.workspace import State
from tests.app.window.hand import Hand, Small

CONTROL = Qt.KeyboardModifier.ControlModifier


@dataclass(frozen=True, eq=False)
class Before:
    """What was open, as the very objects."""

    hand: Hand
    state: State
    history: History
    plan: Plan
    hu: np.ndarray

    def assert_same(self) -> None:
        """Check that every object is still the same one, and that it is shown."""
        workspace = self.hand.built.workspace
        assert workspace.state is self.state
        assert workspace.state.history is self.history and workspace.plan is self.plan
        assert workspace.volume.hu is self.hu and self.hand.built.desk.volume is self.state.volume
        assert workspace.state.unsaved and self.hand.window.grid.isVisible()
        assert not self.hand.window.busy.isVisible()

    def assert_kept(self) -> None:
        """Check that every object is still the same one, that it is shown, and that undo still works."""
        self.assert_same()
        self.hand.step(Step.LESIONS)
        assert len(self.hand.table("lesions_table")) == 2
        self.hand.key(Qt.Key.Key_Z, CONTROL)
        assert len(self.hand.plan.lesions) == 1
        self.hand.key(Qt.Key.Key_Z, CONTROL | Qt.KeyboardModifier.ShiftModifier)
        assert self.hand.plan is self.plan


@pytest.fixture
def busy(hand: Hand, small: Small) -> Before:
    """Return a window with a study and two unsaved edits; asked about them, the user says to discard them."""
    hand.drop(small.folder)
    hand.zoom(small.lesion)
    for radius_mm, away in ((8.0, 0.0), (5.0, 22.0)):
        hand.mark_sphere(small.lesion + np.array([0.0, away, 0.0]), radius_mm)
    hand.answers.unsaved_answer = Answer.DISCARD  # the hardest case: only what was read whole may replace the plan
    dismiss(hand)
    state = hand.built.workspace.state
    assert state.history is not None and state.volume is not None and len(hand.plan.lesions) == 2
    return Before(hand, state, state.history, hand.plan, state.volume.hu)


def dismiss(hand: Hand) -> None:
    """Close the sentence that is shown, so that the next one is known to be new."""
    close = hand.window.findChild(QToolButton, "message_close")
    if hand.message:
        hand.qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert not hand.message


def assert_said(hand: Hand, *words: str) -> None:
    """Check the sentence: its key words, and that it speaks to a physician."""
    said = hand.message
    for word in words:
        assert word in said, f"{word!r} is not in: {said}"
    assert said.rstrip().endswith(".") and 30 < len(said) < 700
    for slang in ("Traceback", "Error", "fault in the program", "None", "--"):
        assert slang not in said, said


# --- studies


def copy_series(source: Path, target: Path, **changes: str) -> str:
    """Copy a series with other identities; return its UID."""
    target.mkdir(exist_ok=True)
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    for path in sorted(source.rglob("*.dcm")):
        data = pydicom.dcmread(path)
        data.SeriesInstanceUID, data.StudyInstanceUID, data.FrameOfReferenceUID = series, study, frame
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        for keyword, value in changes.items():
            setattr(data, keyword, value)
        data.save_as(target / f"{data.SOPInstanceUID}.dcm")
    return str(series)


def empty_folder(folder: Path, _small: Small) -> tuple[str, ...]:
    folder.mkdir()
    return folder.name, "is empty", "Choose the folder"


def texts(folder: Path, _small: Small) -> tuple[str, ...]:
    folder.mkdir()
    for n in range(3):
        (folder / f"report {n}.txt").write_text("Findings: none.", encoding="utf-8")
    return folder.name, "3 files", "none of them a DICOM image", "Choose the folder"


def cut_pixels(folder: Path, small: Small) -> tuple[str, ...]:
    return _cut(folder, small, 0.6), folder.name, "truncated", "again"


def _cut(folder: Path, small: Small, part: float) -> str:
    """Cut one slice in the middle of a good series; return its name."""
    folder.mkdir()
    for path in small.folder.rglob("*.dcm"):
        shutil.copy(path, folder)
    by_height = sorted(folder.glob("*.dcm"), key=lambda p: float(pydicom.dcmread(p).ImagePositionPatient[2]))
    middle = by_height[len(by_height) // 2]
    content = middle.read_bytes()
    middle.write_bytes(content[: int(part * len(content))])
    return middle.name


@pytest.mark.parametrize("make", [empty_folder, texts, cut_pixels])
def test_a_folder_that_is_no_study_is_named_and_nothing_is_lost(
    busy: Before, small: Small, tmp_path: Path, make: Callable[[Path, Small], tuple[str, ...]]
) -> None:
    words = make(tmp_path / "dropped", small)
    busy.hand.drop(tmp_path / "dropped")
    assert_said(busy.hand, *words)
    assert busy.hand.answers.asked == 0  # nothing can be opened: no need to ask about the unsaved work
    busy.assert_kept()


def test_a_study_with_a_slice_that_cannot_be_read_opens_with_its_gap_said(
    busy: Before, small: Small, tmp_path: Path
) -> None:
    hand = busy.hand
    name = _cut(tmp_path / "dropped", small, 0.005)
    hand.drop(tmp_path / "dropped")
    assert hand.answers.asked == 1  # it can be opened, so the unsaved work is asked about
    assert_said(hand, name, "1 slice is missing", "damaged", "nothing may be planned across it")
    volume = hand.built.workspace.volume
    assert len(volume.gaps) == 1 and "missing" in hand.window.images._notices.text()


def test_two_studies_in_a_folder_are_offered_and_none_is_taken(busy: Before, small: Small, tmp_path: Path) -> None:
    hand, both = busy.hand, tmp_path / "both"
    copy_series(small.folder, both, SeriesDescription="In June", StudyDescription="June")
    wanted = copy_series(small.folder, both, SeriesDescription="In July", StudyDescription="July", PatientID="OTHER-2")
    hand.drop(both)
    assert_said(hand, both.name, "2 studies", "Choose the series")
    assert hand.answers.asked == 0
    assert sorted(info.description for info in hand.window.images.series.infos) == ["In July", "In June"]
    assert hand.window.browser.isVisible()
    hand.key(Qt.Key.Key_Escape, where=hand.window.browser.rows)
    busy.assert_same()
    hand.step(Step.IMAGES)
    hand.choose_series("In July")
    hand.answers.unsaved_answer = Answer.CANCEL
    hand.click("open_series")
    hand.settle()
    assert hand.answers.asked == 1
    busy.assert_same()
    hand.answers.unsaved_answer = Answer.DISCARD
    hand.click("open_series")
    hand.settle()
    assert hand.built.workspace.volume.series.series_uid == wanted
    assert "OTHER-2" in hand.window.banner.patient.whole


# --- plans


@pytest.fixture
def good_plan(busy: Before, tmp_path: Path) -> Path:
    """Return a plan file of what is open."""
    path = tmp_path / "plans" / "good.cvtplan"
    path.parent.mkdir()
    save_plan(busy.plan, (), path)
    return path


def rewritten(plan: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the document in a plan file."""
    with zipfile.ZipFile(plan) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(parts["plan.json"])
    change(document)
    parts["plan.json"] = json.dumps(document).encode()
    with zipfile.ZipFile(plan, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("damage", ["cut short", "garbage", "nothing", "no document", "not JSON"])
def test_a_damaged_plan_is_named_and_nothing_is_lost(busy: Before, good_plan: Path, damage: str) -> None:
    content = good_plan.read_bytes()
    if damage == "cut short":
        good_plan.write_bytes(content[: len(content) // 2])
    elif damage == "garbage":
        good_plan.write_bytes(np.random.default_rng(1).bytes(5000))
    elif damage == "nothing":
        good_plan.write_bytes(b"")
    else:
        with zipfile.ZipFile(good_plan, "w") as archive:
            archive.writestr("other.json" if damage == "no document" else "plan.json", '{"format": ')
    busy.hand.drop(good_plan)
    assert_said(busy.hand, "good.cvtplan", "damaged", "another copy")
    busy.assert_kept()


def test_a_plan_of_a_newer_version_says_so(busy: Before, good_plan: Path) -> None:
    rewritten(good_plan, lambda document: document.update(schema_version=document["schema_version"] + 1))
    busy.hand.drop(good_plan)
    assert_said(busy.hand, "good.cvtplan", "newer version", "update")
    assert "damaged" not in busy.hand.message
    busy.assert_kept()


def test_a_plan_whose_place_holds_another_ct_names_both_series(
    busy: Before, good_plan: Path, small: Small, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other_uid = copy_series(small.folder, other, SeriesDescription="Another day")

    def moved(document: dict[str, Any]) -> None:
        document["plan"]["volumes"][0].update(source=str(other), source_relative=None)

    rewritten(good_plan, moved)
    busy.hand.drop(good_plan)
    reference = busy.plan.planning_volume
    assert_said(busy.hand, reference.series_uid, reference.description, other_uid, "Another day", "belongs to")
    assert busy.hand.button("message_action").isVisible()  # a way on: to say where the right CT is
    busy.assert_kept()


def test_a_plan_whose_ct_has_other_pixels_under_the_same_name_is_not_used(
    busy: Before, good_plan: Path, small: Small, tmp_path: Path
) -> None:
    same_name = tmp_path / "same name"
    same_name.mkdir()
    for path in small.folder.rglob("*.dcm"):
        shutil.copy(path, same_name)
    changed = next(same_name.glob("*.dcm"))
    data = pydicom.dcmread(changed)
    pixels = data.pixel_array.copy()
    pixels[0, 0] += 1
    data.PixelData = pixels.tobytes()
    data.save_as(changed)
    rewritten(
        good_plan,
        lambda document: document["plan"]["volumes"][0].update(source=str(same_name), source_relative=None),
    )
    busy.hand.drop(good_plan)
    assert_said(busy.hand, busy.plan.planning_volume.series_uid, same_name.name, "other slices or pixels", "changed")
    busy.assert_kept()


def test_a_plan_whose_ct_is_gone_asks_for_it_and_refuses_an_empty_folder(
    busy: Before, good_plan: Path, tmp_path: Path
) -> None:
    rewritten(
        good_plan,
        lambda document: document["plan"]["volumes"][0].update(source=str(tmp_path / "gone"), source_relative=None),
    )
    busy.hand.drop(good_plan)
    assert_said(busy.hand, busy.plan.planning_volume.series_uid, "gone", "Give the folder")
    busy.assert_same()
    (tmp_path / "empty").mkdir()
    busy.hand.answers.folder = tmp_path / "empty"
    busy.hand.click("message_action")
    busy.hand.settle()
    assert_said(busy.hand, "empty")
    busy.assert_kept()


# --- marks and needles


def test_an_entry_at_its_target_makes_no_needle(busy: Before, small: Small) -> None:
    hand = busy.hand
    hand.step(Step.NEEDLES)
    hand.click("add_left")
    hand.hover(small.lesion)
    hand.key(Qt.Key.Key_T)
    hand.key(Qt.Key.Key_E)
    assert_said(hand, "entry", "target", "no direction", "Choose an entry on the skin")
    hand.key(Qt.Key.Key_Escape)
    busy.assert_kept()


def test_a_lesion_drawn_outside_the_ct_is_not_kept(busy: Before, small: Small) -> None:
    hand = busy.hand
    low, high = hand.built.workspace.volume.grid.bounds_lps_mm()
    outside = np.array([small.lesion[0], small.lesion[1], low[2] - 15.0])
    hand.zoom(outside + np.array([0.0, 0.0, 15.0]))
    hand.built.desk.go_to(tuple(small.lesion))
    for view, place in (("sagittal", outside), ("coronal", outside)):
        hand.step(Step.LESIONS)
        hand.click("tool_sphere")
        hand.drag(hand.at(place, view), hand.at(place, view) + QPoint(20, 0), view)
        assert_said(hand, "lesion", "outside the CT", "inside the picture")
        hand.key(Qt.Key.Key_Escape)
    beside = np.array([high[0] + 15.0, small.lesion[1], small.lesion[2]])
    hand.zoom(beside, 0.7)
    hand.built.desk.go_to(tuple(small.lesion))
    hand.step(Step.LESIONS)
    hand.click("tool_grow")
    hand.press_at(beside)
    assert_said(hand, "outside the CT", "Click")
    hand.key(Qt.Key.Key_Escape)
    hand.settle()
    busy.assert_kept()


def test_a_target_outside_the_ct_makes_no_needle(busy: Before, small: Small) -> None:
    hand = busy.hand
    _, high = hand.built.workspace.volume.grid.bounds_lps_mm()
    outside = np.array([high[0] + 15.0, small.lesion[1], small.lesion[2]])
    hand.step(Step.NEEDLES)
    hand.click("add_left")
    hand.zoom(outside, 0.7)
    hand.built.desk.go_to(tuple(small.lesion))
    hand.hover(outside)
    hand.key(Qt.Key.Key_T)
    assert_said(hand, "target", "outside the CT", "inside the picture")
    hand.press_at(outside)  # by a click, as by the key
    assert hand.built.desk.aim is not None and hand.built.desk.aim.target_lps_mm is None
    hand.key(Qt.Key.Key_E)
    assert_said(hand, "Set the target first")
    hand.key(Qt.Key.Key_Escape)
    busy.assert_kept()


def test_a_needle_dragged_out_of_the_ct_stays_inside(busy: Before, small: Small) -> None:
    hand = busy.hand
    hand.step(Step.NEEDLES)
    hand.click("add_left")
    hand.hover(small.lesion)
    hand.key(Qt.Key.Key_T)
    hand.hover(small.lesion + np.array([20.0, 40.0, 0.0]))
    hand.key(Qt.Key.Key_E)
    hand.settle()
    laid = hand.plan.assemblies[0]
    low, _ = hand.built.workspace.volume.grid.bounds_lps_mm()
    hand.zoom(np.array([small.lesion[0], small.lesion[1], low[2]]), 0.9)
    hand.built.desk.go_to(tuple(small.lesion))
    start = hand.at(laid.probe_tip_lps_mm, "sagittal")
    hand.drag(start, hand.at(np.array([small.lesion[0], small.lesion[1], low[2] - 20.0]), "sagittal"), "sagittal", 20)
    assert_said(hand, "target", "outside the CT")
    assert hand.built.workspace.volume.grid.contains(np.array(hand.plan.assemblies[0].probe_tip_lps_mm))
    hand.key(Qt.Key.Key_Z, CONTROL)
    assert hand.plan.assemblies[0] == laid  # the drag is one step
