"""Ways about the window: its keys, its chips and rows that lead to a place, and what it shows on a small screen."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton

from app.panels.rail import Mark, Step
from app.panels.widgets import FigureTable
from tests.app.window.hand import Hand, Small


def test_an_empty_window_teaches_and_names_its_purpose(hand: Hand) -> None:
    assert hand.window.empty.isVisible() and hand.button("open_sample").isEnabled()
    assert "not a cleared medical device" in hand.window.windowTitle()
    assert "planning, research and training only" in hand.window.banner.notice.text()
    assert all(button.mark is Mark.EMPTY for button in hand.window.rail.buttons.values())
    corner = hand.window.findChild(QToolButton, "corner_procedure_view")
    assert corner is not None and corner.isVisible()


def test_no_step_is_cut_off_on_a_small_screen(opened: Hand, small: Small) -> None:
    opened.mark_sphere(small.lesion)
    opened.lay_needles(small.lesion)
    assert opened.window.width() <= 1280 and opened.window.height() <= 800
    for step, panel in opened.window.panels.items():
        opened.step(step)
        inside = panel.widget()
        assert inside.width() <= panel.viewport().width(), step
        assert inside.minimumSizeHint().width() <= panel.viewport().width(), f"{step} needs more width than there is"


def test_neither_sentences_nor_slow_work_move_the_pictures(opened: Hand, small: Small) -> None:
    opened.mark_sphere(small.lesion)
    opened.lay_needles(small.lesion)
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
        opened.mark_sphere(place, 5.0)
        opened.lay_needles(place)
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
    opened.mark_sphere(small.lesion)
    opened.lay_needles(small.lesion)
    opened.built.desk.go_to(tuple(small.lesion + np.array([5.0, 5.0, 8.0])))
    chip = opened.window.strip.chips[0]
    opened.qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert opened.built.desk.view_state.crosshair_lps_mm == opened.plan.assemblies[0].probe_tip_lps_mm
    assert chip.said.verdict in ("ok", "look", "stop", "not judged")


def test_choosing_a_lesion_shows_it_even_in_a_picture_that_looks_elsewhere(opened: Hand, small: Small) -> None:
    opened.mark_sphere(small.lesion)
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
    opened.mark_sphere(small.lesion)
    opened.mark_sphere(small.lesion + np.array([0.0, 30.0, 0.0]), 4.0)
    first, second = (lesion.id for lesion in opened.plan.lesions)
    assert opened.built.desk.view_state.lesion_id == second
    opened.key(Qt.Key.Key_Tab)
    assert opened.built.desk.view_state.lesion_id == first
    opened.lay_needles(small.lesion)
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
