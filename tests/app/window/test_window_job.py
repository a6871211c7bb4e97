"""The job in the window, on the small phantom, with real mouse and key events."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMessageBox, QSlider, QToolButton

from app.dialogs import Answer, Dialogs
from app.panels.rail import Mark, Step
from app.panels.widgets import FigureTable
from cvt_planner.anatomy.lesion_shape import Ellipsoid, Region
from cvt_planner.plan.model import Side

if TYPE_CHECKING:
    from conftest import Hand, Small

SAMPLE = Path(__file__).resolve().parents[3] / "sample_dicom" / "standard"

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
BACK = np.array([24.0, 60.0, 0.0])  # from a lesion to a point behind it, half-way to the skin


def lay_needles(hand: Hand, lesion: np.ndarray) -> None:
    """Lay a left and a right needle through the keys T and E."""
    hand.step(Step.NEEDLES)
    for name, side in (("add_left", 1.0), ("add_right", -1.0)):
        hand.click(name)
        hand.hover(lesion + np.array([6.0 * side, 0.0, 0.0]))
        hand.key(Qt.Key.Key_T)
        hand.hover(lesion + BACK * np.array([side, 1.0, 1.0]))
        hand.key(Qt.Key.Key_E)
    hand.settle()


def mark_sphere(hand: Hand, lesion: np.ndarray, radius_mm: float = 8.0) -> None:
    """Mark a sphere by a drag in the axial view."""
    hand.step(Step.LESIONS)
    hand.click("tool_sphere")
    hand.drag(hand.at(lesion), hand.at(lesion + np.array([radius_mm, 0.0, 0.0])))


@pytest.fixture
def opened(hand: Hand, small: Small) -> Hand:
    """Return the hand with the phantom open, its lesion large in every view."""
    hand.drop(small.folder)
    assert hand.built.desk.volume is not None
    hand.zoom(small.lesion + np.array([0.0, 25.0, 0.0]))
    hand.built.desk.go_to(tuple(small.lesion))
    return hand


def test_an_empty_window_teaches_and_names_its_purpose(hand: Hand) -> None:
    assert hand.window.empty.isVisible() and hand.button("open_sample").isEnabled()
    assert "not a cleared medical device" in hand.window.windowTitle()
    assert "planning, research and training only" in hand.window.banner.notice.text()
    assert all(button.mark is Mark.EMPTY for button in hand.window.rail.buttons.values())
    corner = hand.window.findChild(QToolButton, "corner_procedure_view")
    assert corner is not None and corner.isVisible()


def test_a_dropped_folder_is_shown_with_its_patient(opened: Hand) -> None:
    assert opened.window.grid.isVisible()
    assert "Phantom" in opened.window.banner.patient.whole and "CVT-SMALL" in opened.window.banner.patient.whole
    assert "2 mm" in opened.window.banner.study.whole
    assert "2.0 mm apart" in opened.message  # thick slices are said
    assert opened.window.rail.buttons[Step.IMAGES].mark is Mark.DONE
    assert not opened.built.workspace.state.unsaved


def test_a_level_is_marked_confirmed_and_its_canal_measured(opened: Hand, small: Small) -> None:
    opened.step(Step.LEVELS)
    opened.choose("level_choice", small.level["name"])
    opened.click("mark_level")
    assert "not confirmed" in opened.window.banner.level.text()
    opened.click("confirm_level")
    assert f"{small.level['name']} (confirmed)" in opened.window.banner.level.text()
    z_mm = small.level["pedicles"]["left"]["isthmus_lps_mm"][2]
    opened.built.desk.go_to(tuple(small.canal(z_mm)))
    opened.click("mark_canal")
    opened.press_at(opened.built.desk.view_state.crosshair_lps_mm)
    canal = opened.plan.levels[0].canal
    assert canal is not None and len(canal.wall_lps_mm) >= 12
    assert opened.built.desk.tool == "navigate"
    assert np.hypot(*(np.array(canal.centre_lps_mm) - small.canal(z_mm))[:2]) < 4.0


def test_a_sphere_by_drag_becomes_an_ellipsoid_by_its_handles(opened: Hand, small: Small) -> None:
    mark_sphere(opened, small.lesion)
    shape = opened.plan.lesions[0].shape
    assert isinstance(shape, Ellipsoid)
    assert shape.semi_axes_mm == pytest.approx((8.0, 8.0, 8.0), abs=0.7)
    right = np.array(shape.centre_lps_mm) + np.array([shape.semi_axes_mm[0], 0.0, 0.0])
    opened.drag(opened.at(right), opened.at(right + np.array([5.0, 0.0, 0.0])))
    wider = opened.plan.lesions[0].shape
    assert isinstance(wider, Ellipsoid)
    assert wider.semi_axes_mm[0] == pytest.approx(13.0, abs=1.0) and wider.semi_axes_mm[1:] == shape.semi_axes_mm[1:]
    opened.drag(opened.at(wider.centre_lps_mm), opened.at(np.array(wider.centre_lps_mm) + np.array([0.0, 6.0, 0.0])))
    moved = opened.plan.lesions[0].shape
    assert isinstance(moved, Ellipsoid)
    assert moved.centre_lps_mm[1] - wider.centre_lps_mm[1] == pytest.approx(6.0, abs=1.0)
    assert moved.centre_lps_mm[2] == pytest.approx(wider.centre_lps_mm[2])
    opened.key(Qt.Key.Key_Z, CONTROL)
    opened.key(Qt.Key.Key_Z, CONTROL)
    assert opened.plan.lesions[0].shape == shape  # each drag was one step


def test_a_lesion_grows_from_a_click_and_follows_the_sliders(opened: Hand, small: Small) -> None:
    opened.step(Step.LESIONS)
    opened.click("tool_grow")
    opened.press_at(small.lesion)
    first = opened.window.growing.region
    assert first is not None and opened.built.desk.view_state.preview is not None
    assert first.volume_ml == pytest.approx(small.truth["lesions"][0]["volume_ml"], rel=0.2)
    radius: QSlider | None = opened.window.findChild(QSlider, "grow_radius")
    assert radius is not None
    radius.setFocus()
    for _ in range(12):
        opened.key(Qt.Key.Key_Left, where=radius)
    opened.settle()
    assert opened.window.growing.region.volume_ml < first.volume_ml
    opened.click("grow_accept")
    assert isinstance(opened.plan.lesions[0].shape, Region)
    assert opened.built.desk.view_state.preview is None
    assert opened.table("lesions_table")[0][0] == "Lesion 1"


def test_fields_of_a_lesion_take_letters_that_are_commands_elsewhere(opened: Hand, small: Small) -> None:
    mark_sphere(opened, small.lesion)
    name: QLineEdit | None = opened.window.findChild(QLineEdit, "lesion_name")
    assert name is not None
    opened.qtbot.mouseClick(name, Qt.MouseButton.LeftButton)
    name.selectAll()
    opened.qtbot.keyClicks(name, "tempt 12")
    opened.key(Qt.Key.Key_Return, where=name)
    assert opened.plan.lesions[0].name == "tempt 12"
    assert QApplication.focusWidget() is opened.view()
    opened.choose("lesion_vas", "8")
    assert opened.plan.lesions[0].vas == 8
    opened.choose("lesion_level", "T12")
    assert opened.plan.lesions[0].level == "T12"


def test_needles_by_keys_and_by_drag_and_the_ice_that_goes_stale(opened: Hand, small: Small) -> None:
    mark_sphere(opened, small.lesion)
    lay_needles(opened, small.lesion)
    assert [a.side for a in opened.plan.assemblies] == [Side.LEFT, Side.RIGHT]
    chosen = opened.built.desk.assembly
    assert chosen is not None and chosen.skin_entry_lps_mm is not None
    figures = dict(opened.table("needle_figures"))
    assert figures["Depth from skin"].endswith("mm") and figures["Cranio-caudal angle"].endswith("°")
    assert float(figures["Between the tips"].split()[0]) == pytest.approx(12.0, abs=1.0)

    opened.step(Step.ICE)
    opened.click("run_ice")
    assert opened.window.busy.isVisible()
    opened.settle()
    assert opened.window.rail.buttons[Step.ICE].mark is Mark.DONE
    volumes = opened.table("ice_isotherms")
    assert volumes[0][0] == "0 °C" and float(volumes[0][1].split()[0]) > float(volumes[0][2].split()[0]) > 1.0

    opened.step(Step.NEEDLES)
    before = opened.plan
    start = opened.at(chosen.probe_tip_lps_mm)
    QTest.mousePress(opened.view(), Qt.MouseButton.LeftButton, pos=start)
    for n in range(1, 7):
        QTest.mouseMove(opened.view(), start + QPoint(12, 8) * n / 6)
        opened.qtbot.wait(1)
    opened.qtbot.waitUntil(lambda: opened.built.desk.view_state.ice_preview is not None, timeout=60_000)
    QTest.mouseRelease(opened.view(), Qt.MouseButton.LeftButton, pos=start + QPoint(12, 8))
    opened.qtbot.wait(1)
    moved = opened.plan.assembly(chosen.id)
    assert moved.probe_tip_lps_mm != chosen.probe_tip_lps_mm and moved.entry_lps_mm == chosen.entry_lps_mm
    assert opened.window.rail.buttons[Step.ICE].mark is Mark.OUT_OF_DATE
    opened.step(Step.ICE)
    assert "Preview" in opened.window.ice.state.text() and opened.table("ice_isotherms")[0][0] == "0 °C preview"
    assert any(chip.said.figures == "preview" for chip in opened.window.strip.chips)
    opened.click("busy_stop")  # the full ice had begun by itself
    opened.settle()
    assert "Out of date" in opened.window.ice.state.text() and opened.table("ice_isotherms")[0][0] == "0 °C old"
    assert any(chip.said.figures == "out of date" for chip in opened.window.strip.chips)
    opened.key(Qt.Key.Key_Z, CONTROL)
    assert opened.plan == before  # the whole drag is one step
    assert opened.window.rail.buttons[Step.ICE].mark is Mark.DONE  # and the ice holds again
    opened.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    assert opened.plan.assembly(chosen.id) == moved


def test_a_shaft_is_dragged_whole_and_nudged(opened: Hand, small: Small) -> None:
    mark_sphere(opened, small.lesion)
    lay_needles(opened, small.lesion)
    chosen = opened.built.desk.assembly
    assert chosen is not None
    middle = (np.array(chosen.probe_tip_lps_mm) + np.array(chosen.entry_lps_mm)) / 2.0
    start = opened.at(middle)
    opened.drag(start, start + QPoint(0, 10))
    moved = opened.plan.assembly(chosen.id)
    by = np.array(moved.probe_tip_lps_mm) - np.array(chosen.probe_tip_lps_mm)
    assert by[1] == pytest.approx(4.5, abs=0.5)
    assert np.array(moved.entry_lps_mm) - np.array(chosen.entry_lps_mm) == pytest.approx(by)
    opened.key(Qt.Key.Key_Right)
    opened.key(Qt.Key.Key_Right)
    nudged = opened.plan.assembly(chosen.id)
    assert nudged.probe_tip_lps_mm[0] - moved.probe_tip_lps_mm[0] == pytest.approx(1.0)  # right is the patient's left
    opened.key(Qt.Key.Key_Z, CONTROL)
    assert opened.plan.assembly(chosen.id) == moved  # nudges in quick succession are one step


def test_keys_reach_their_commands_wherever_the_focus_is(opened: Hand, small: Small) -> None:
    state = opened.built.desk.view_state
    table = opened.window.images.series
    table.setFocus()
    opened.key(Qt.Key.Key_2, where=table)
    assert (state.window.centre_hu, state.window.width_hu) == (40.0, 400.0)
    opened.key(Qt.Key.Key_I, where=opened.window.scene)
    assert state.inverted
    opened.key(Qt.Key.Key_P)
    assert state.procedure_view and opened.view().edge_letters() == ("L", "P", "R", "A")  # turned, never mirrored
    opened.key(Qt.Key.Key_V)
    assert not state.procedure_view and opened.view().edge_letters() == ("R", "A", "L", "P")
    opened.key(Qt.Key.Key_F1)
    assert opened.window.keys.isVisible()
    opened.key(Qt.Key.Key_Escape, where=opened.window)
    assert opened.window.grid.isVisible()
    opened.key(Qt.Key.Key_M)
    opened.drag(opened.at(small.lesion), opened.at(small.lesion + np.array([20.0, 0.0, 0.0])))
    assert state.annotations[-1].label == "20.0 mm" or abs(float(state.annotations[-1].label.split()[0]) - 20.0) < 0.5
    opened.key(Qt.Key.Key_Escape)
    assert not state.annotations and opened.built.desk.tool == "navigate"


def test_tab_and_n_walk_through_lesions_and_needles(opened: Hand, small: Small) -> None:
    mark_sphere(opened, small.lesion)
    mark_sphere(opened, small.lesion + np.array([0.0, 30.0, 0.0]), 4.0)
    first, second = (lesion.id for lesion in opened.plan.lesions)
    assert opened.built.desk.view_state.lesion_id == second
    opened.key(Qt.Key.Key_Tab)
    assert opened.built.desk.view_state.lesion_id == first
    lay_needles(opened, small.lesion)
    ids = [a.id for a in opened.plan.assemblies]
    opened.key(Qt.Key.Key_N)
    assert opened.built.desk.view_state.assembly_id == ids[0]
    opened.key(Qt.Key.Key_Space)
    right, _top, _left, _bottom = opened.view("coronal").edge_letters()
    assert opened.window.commands.needle_views and right
    assert abs(opened.view("coronal").plane().normal @ opened.plan.assemblies[0].outward) == pytest.approx(1.0)
    assert abs(opened.view("axial").plane().normal @ opened.plan.assemblies[0].outward) < 1e-9
    opened.key(Qt.Key.Key_Space)
    assert opened.view("axial").edge_letters() == ("R", "A", "L", "P")


def test_save_and_reopen_bring_the_same_plan_back(
    opened: Hand, small: Small, tmp_path: Path, open_hand: Callable[..., Hand]
) -> None:
    mark_sphere(opened, small.lesion)
    lay_needles(opened, small.lesion)
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


def test_closing_with_unsaved_work_asks(opened: Hand, small: Small) -> None:
    mark_sphere(opened, small.lesion)
    assert opened.built.workspace.state.unsaved
    opened.answers.unsaved_answer = Answer.CANCEL
    assert not opened.window.close() and opened.window.isVisible() and opened.answers.asked == 1
    opened.drop(small.folder)  # another study would replace it: asks as well, and cancel keeps the plan
    assert opened.answers.asked == 2 and len(opened.plan.lesions) == 1
    opened.answers.unsaved_answer = Answer.DISCARD
    assert opened.window.close()


def test_the_question_about_unsaved_work_has_three_answers(opened: Hand, small: Small) -> None:
    mark_sphere(opened, small.lesion)
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
    mark_sphere(opened, small.lesion)
    before = opened.built.workspace.state
    opened.answers.unsaved_answer = Answer.DISCARD
    path = bad_drops(tmp_path, small)[name]
    opened.drop(path)
    assert path.name in opened.message and len(opened.message) > 30
    assert "Error" not in opened.message and "fault in the program" not in opened.message
    assert opened.built.workspace.state is before


def test_an_entry_at_the_target_and_a_lesion_outside_are_refused(opened: Hand, small: Small) -> None:
    mark_sphere(opened, small.lesion)
    opened.step(Step.NEEDLES)
    opened.click("add_left")
    opened.hover(small.lesion)
    opened.key(Qt.Key.Key_T)
    opened.key(Qt.Key.Key_E)
    assert "no direction" in opened.message and not opened.plan.assemblies
    opened.key(Qt.Key.Key_Escape)
    opened.step(Step.LESIONS)
    opened.click("tool_sphere")
    low, _ = opened.built.workspace.volume.grid.bounds_lps_mm()
    outside = np.array([small.lesion[0], small.lesion[1], low[2] - 25.0])
    opened.zoom([small.lesion[0], small.lesion[1], low[2] + 5.0])
    opened.drag(opened.at(outside, "sagittal"), opened.at(outside, "sagittal") + QPoint(20, 0), "sagittal")
    assert "outside the CT" in opened.message and len(opened.plan.lesions) == 1


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


def test_no_step_is_cut_off_on_a_small_screen(opened: Hand, small: Small) -> None:
    mark_sphere(opened, small.lesion)
    lay_needles(opened, small.lesion)
    assert opened.window.width() <= 1280 and opened.window.height() <= 800
    for step, panel in opened.window.panels.items():
        opened.step(step)
        inside = panel.widget()
        assert inside.width() <= panel.viewport().width(), step
        assert inside.minimumSizeHint().width() <= panel.viewport().width(), f"{step} needs more width than there is"


def test_stop_ends_the_ice_and_leaves_the_plan(opened: Hand, small: Small) -> None:
    mark_sphere(opened, small.lesion)
    lay_needles(opened, small.lesion)
    opened.step(Step.ICE)
    opened.click("run_ice")
    opened.click("busy_stop")
    opened.settle()
    assert not opened.built.workspace.state.ice and not opened.window.busy.isVisible()
    assert "Stopped" in opened.message
    opened.click("run_ice")
    opened.settle()
    assert len(opened.built.workspace.state.ice) == 1


def test_stop_in_the_middle_of_reading_keeps_what_was_open(opened: Hand) -> None:
    before, busy = opened.built.workspace.volume, opened.window.busy
    opened.window.documents.open_path(SAMPLE)
    opened.qtbot.waitUntil(lambda: "Slice" in busy.text.text(), timeout=60_000)
    opened.click("busy_stop")
    opened.settle()
    assert opened.built.workspace.volume is before and not busy.isVisible()
    assert "Stopped" in opened.message


def test_choosing_a_lesion_shows_it_even_in_a_picture_that_looks_elsewhere(opened: Hand, small: Small) -> None:
    mark_sphere(opened, small.lesion)
    away = small.lesion + np.array([0.0, 60.0, 0.0])
    opened.zoom(away, mm_per_px=0.1)
    lesion = np.array(opened.plan.lesions[0].centre_lps_mm)
    assert not opened.view().rect().contains(opened.view().point_of(lesion).toPoint())
    table: FigureTable | None = opened.window.findChild(FigureTable, "lesions_table")
    assert table is not None and table.chosen  # it is chosen already: the click goes there again
    row = table.visualItemRect(table.item(0, 0)).center()
    opened.qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=row)
    for name in ("axial", "sagittal", "coronal"):
        shown = opened.view(name)
        assert shown.rect().contains(shown.point_of(lesion).toPoint()), name
        assert abs(shown.plane().distance_mm(lesion)) < 1e-6
        assert shown.plane().mm_per_px == pytest.approx(0.1)  # the zoom stays


def test_neither_sentences_nor_slow_work_move_the_pictures(opened: Hand, small: Small) -> None:
    mark_sphere(opened, small.lesion)
    lay_needles(opened, small.lesion)
    opened.step(Step.ICE)
    sizes = [view.size() for view in opened.window.views.values()]
    resting = opened.window.line.hint
    opened.window.message.clear()
    assert resting.isVisible() and "Wheel" in resting.text()
    opened.built.desk.say("A long sentence about what is in the way and what to do now. " * 12, "stop")
    opened.click("run_ice")
    opened.qtbot.wait(20)
    assert opened.window.busy.isVisible() and opened.window.message.isVisible()
    assert [view.size() for view in opened.window.views.values()] == sizes
    text = opened.window.message.text
    assert text.shortened and "what to do now" in text.toolTip()  # the whole is never lost
    opened.click("busy_stop")
    opened.settle()
    assert [view.size() for view in opened.window.views.values()] == sizes


def test_the_chips_of_the_chosen_lesion_fit_and_the_others_are_reached(opened: Hand, small: Small) -> None:
    places = (small.lesion, small.lesion + np.array([0.0, 0.0, 12.0]))
    for place in places:
        mark_sphere(opened, place, 5.0)
        lay_needles(opened, place)
    strip = opened.window.strip
    own = [chip for chip in strip.chips if chip.said.own]
    seen = strip._scroll.viewport().width()
    assert len(own) == 4 and len(strip.chips) == 6
    assert own[-1].geometry().right() <= seen
    assert strip.more.isVisible() and "more" in strip.more.text()
    for _ in range(3):
        opened.qtbot.mouseClick(strip.more, Qt.MouseButton.LeftButton)
    assert not strip.more.isEnabled() and strip.back.isEnabled()
    last = strip.chips[-1]
    assert last.visibleRegion().boundingRect().width() == last.width()
    opened.key(Qt.Key.Key_Tab)  # another lesion: its chips come first, and are seen
    assert strip.chips[0].visibleRegion().boundingRect().width() == strip.chips[0].width()


def test_a_chip_takes_every_view_to_its_place(opened: Hand, small: Small) -> None:
    mark_sphere(opened, small.lesion)
    lay_needles(opened, small.lesion)
    opened.built.desk.go_to(tuple(small.lesion + np.array([5.0, 5.0, 8.0])))
    chip = opened.window.strip.chips[0]
    opened.qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert opened.built.desk.view_state.crosshair_lps_mm == opened.plan.assemblies[0].probe_tip_lps_mm
    assert chip.said.verdict in ("ok", "look", "stop", "not judged")


def test_a_plan_whose_ct_moved_is_found_again_and_another_ct_is_refused(
    opened: Hand, small: Small, tmp_path: Path, open_hand: Callable[..., Hand]
) -> None:
    home = tmp_path / "study"
    shutil.copytree(small.folder, home)
    opened.drop(home)
    opened.zoom(small.lesion)
    mark_sphere(opened, small.lesion)
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
