"""Parts of the window by themselves: commands and keys, theme, settings, words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QColor, QKeySequence
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QSlider, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.actions import ACTIONS, MENUS, PRESETS, key_rows
from app.aiming import needle_axes
from app.keys import keeps
from app.panels.banner import Banner
from app.panels.widgets import VERDICT_WORDS
from app.panels.words import celsius, gap, mm, span
from app.settings import DEFAULT_WINDOW_HU, Settings
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume
from cvt_planner.plan.checks import VERDICTS
from cvt_planner.workspace import new_plan


def test_every_key_stands_for_one_command() -> None:
    keys = [QKeySequence(keys).toString() for spec in ACTIONS for keys in spec.shortcuts]
    assert all(keys) and len(keys) == len(set(keys))
    assert {spec.menu for spec in ACTIONS} == set(MENUS)
    assert len({spec.key for spec in ACTIONS}) == len(ACTIONS)


@pytest.mark.parametrize(
    "keys",
    [
        *("T", "E", "N", "Tab", "Space", "1", "2", "3", "4", "5", "I", "M", "Esc", "P", "V", "F1", "F11"),
        *("Ctrl+Z", "Ctrl+Shift+Z", "Ctrl+S", "Ctrl+Shift+S", "Ctrl+O", "Left", "Right", "Up", "Down"),
    ],
)
def test_the_promised_keys_are_there(keys: str) -> None:
    assert any(keys in spec.shortcuts for spec in ACTIONS)
    assert len(PRESETS) == 5


def test_the_list_of_keys_leaves_none_out() -> None:
    text = " ".join(keys for keys, _ in key_rows())
    for spec in ACTIONS:
        gathered = spec.key.startswith(("nudge_", "step_", "preset_"))
        assert gathered or all(QKeySequence(k).toString(QKeySequence.SequenceFormat.NativeText) in text
                               for k in spec.shortcuts)  # fmt: skip


def test_controls_keep_the_keys_they_need_and_no_others(qtbot: QtBot) -> None:
    made: list[QWidget] = [QLineEdit(), QComboBox(), QSlider(), QPushButton(), QWidget()]
    for widget in made:
        qtbot.addWidget(widget)
    line, box, slider, button, plain = made
    assert keeps(line, Qt.Key.Key_Left) and keeps(line, Qt.Key.Key_Tab) and keeps(line, Qt.Key.Key_Delete)
    assert keeps(box, Qt.Key.Key_Down) and keeps(slider, Qt.Key.Key_Left) and keeps(button, Qt.Key.Key_Space)
    assert not any(keeps(widget, Qt.Key.Key_T) for widget in (box, slider, button, plain))
    assert not keeps(plain, Qt.Key.Key_Tab) and not keeps(button, Qt.Key.Key_Left)


def luminance(colour: QColor) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(v) for v in (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("ground", ["window", "panel", "raised", "field"])
@pytest.mark.parametrize("ink", ["text", "dim", "look", "stop", "ok", "accent"])
def test_words_stand_out_from_their_ground(ink: str, ground: str) -> None:
    light, dark = luminance(theme.colour(ink)), luminance(theme.colour(ground))
    assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2.1, 1.4.3, level AA
    assert theme.colour(ink) != QColor("white")


def test_the_style_sheet_names_only_colours_that_exist_and_no_small_type() -> None:
    sheet = theme.style_sheet()
    assert "@" not in sheet and "%icons%" not in sheet
    assert all(float(part.split("pt")[0]) >= 11 for part in sheet.split("font-size:")[1:])
    for spec in ACTIONS:
        assert not spec.icon or theme.resource("icons", f"{spec.icon}.svg").exists()


def test_the_type_is_never_small_and_figures_are_of_equal_width(qtbot: QtBot) -> None:
    assert theme.ui_font(6).pointSizeF() >= 11
    assert VERDICT_WORDS.keys() == set(VERDICTS) == theme.VERDICT_COLOURS.keys()


def test_settings_survive_a_restart_and_damage(tmp_path: Path) -> None:
    file = tmp_path / "s.ini"
    one = Settings(QSettings(str(file), QSettings.Format.IniFormat))
    assert one.window_hu == DEFAULT_WINDOW_HU and one.recent == () and not one.procedure_view
    study = tmp_path / "Études"
    study.mkdir()
    one.add_recent(study, "Müller, Eva")
    one.add_recent(tmp_path / "gone", "gone")
    one.window_hu = (50.0, 350.0)
    one.procedure_view = True
    again = Settings(QSettings(str(file), QSettings.Format.IniFormat))
    assert [(item.label, item.path.name) for item in again.recent] == [("Müller, Eva", "Études")]
    assert again.window_hu == (50.0, 350.0) and again.procedure_view
    store = QSettings(str(file), QSettings.Format.IniFormat)
    store.setValue("recent", "{]")
    store.setValue("window_hu", "x")
    assert again.recent == () and again.window_hu == DEFAULT_WINDOW_HU


def test_figures_as_words() -> None:
    assert mm(None) == "—" and mm(-3.26, 1) == "−3.3 mm" and gap(-3.26) == "3.3 mm inside it" and gap(2.0) == "2.0 mm"
    assert celsius(-0.3) == "0 °C" and span(81.2, 99.7, "%") == "81–100 %" and span(-40.2, -27, "°C") == "−40 to −27 °C"
    assert span(5.0, 5.2, "%") == "5 %" and span(-0.2, 19.0, "°C") == "0–19 °C"
    assert span(-10, -2, "°C") == "−10 to −2 °C"


@pytest.mark.parametrize("outward", [(0.0, 1.0, 0.0), (0.4, 0.9, 0.1), (-0.6, 0.7, -0.4), (0.0, 0.6, 0.8), (1.0, 0, 0)])
def test_needle_views_hold_the_needle_and_are_never_mirrored(outward: tuple[float, float, float]) -> None:
    along = np.array(outward) / np.linalg.norm(outward)
    for name, (right, down) in needle_axes(along).items():
        normal = np.cross(right, down)
        assert np.linalg.norm(normal) == pytest.approx(1.0) and np.dot(right, down) == pytest.approx(0.0, abs=1e-9)
        assert abs(normal @ along) == pytest.approx(1.0 if name == "coronal" else 0.0, abs=1e-9)
    axial_right, axial_down = needle_axes(along)["axial"]
    assert axial_right[0] > 0 and np.cross(axial_right, axial_down)[2] > 0  # seen from the feet, as every axial


def test_the_identity_of_the_patient_is_never_shortened(qtbot: QtBot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    name, number = "Papadopoulou-Konstantinidou, Aikaterini Maria", "HOSPITAL-2026-0001234567"
    patient = Patient(name=name, patient_id=number, sex="F", age="54 y")
    series = SeriesIdentity(study_description="CT spine", acquired_at="2026-11-20T10:42:00")
    grid = Grid((2, 2, 2), np.eye(4))
    volume = Volume(np.zeros((2, 2, 2), np.int16), grid, patient, series, "0", "a folder")
    banner.show()
    for width in (1024, 1280, 1920):
        banner.resize(width, banner.height())
        banner.show_volume(volume)
        banner.show_level("T12", new_plan(volume))
        qtbot.wait(1)
        shown = banner.patient
        assert name in shown.text() and number in shown.text()
        assert shown.width() >= shown.sizeHint().width() and shown.geometry().right() < banner.level.x()
        assert shown.sizeHint().height() <= banner.height() and banner.width() == width
        assert banner.notice.geometry().right() <= width
        assert name in banner.toolTip() and "CT spine" in banner.toolTip()
    assert banner.study.text().startswith("CT")
