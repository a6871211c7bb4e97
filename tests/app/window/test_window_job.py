"""The job in the window, on the small phantom, with real mouse and key events."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QSlider

from app.panels.rail import Mark, Step
from cvt_planner.anatomy.lesion_shape import Ellipsoid, Region
from cvt_planner.plan.model import Side
from tests.app.window.hand import Hand, Small

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


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
    opened.mark_sphere(small.lesion)
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
    opened.mark_sphere(small.lesion)
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
    opened.mark_sphere(small.lesion)
    opened.lay_needles(small.lesion)
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
    opened.mark_sphere(small.lesion)
    opened.lay_needles(small.lesion)
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


def test_an_entry_at_the_target_and_a_lesion_outside_are_refused(opened: Hand, small: Small) -> None:
    opened.mark_sphere(small.lesion)
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


def test_stop_ends_the_ice_and_leaves_the_plan(opened: Hand, small: Small) -> None:
    opened.mark_sphere(small.lesion)
    opened.lay_needles(small.lesion)
    opened.step(Step.ICE)
    opened.click("run_ice")
    opened.click("busy_stop")
    opened.settle()
    assert not opened.built.workspace.state.ice and not opened.window.busy.isVisible()
    assert "Stopped" in opened.message
    opened.click("run_ice")
    opened.settle()
    assert len(opened.built.workspace.state.ice) == 1
