"""The off-screen canvas draws, the 3-D scene shows the plan, and nothing of it stays behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from app.bridge.jobs import JobRunner
from app.render import canvas as canvas_module
from app.render import scene3d
from app.render.canvas import VtkCanvas
from app.render.scene3d import Scene3D
from app.render.selftest import draw_scene
from app.render.view_state import ViewState
from cvt_planner.anatomy.organs.drawn import organ_fields
from cvt_planner.anatomy.organs.find import find_organs
from cvt_planner.anatomy.organs.model import Aorta
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.results import IceResult
from cvt_planner.workspace import Workspace


def _pixels(image: QImage | None) -> np.ndarray:
    assert image is not None
    plain = image.convertToFormat(QImage.Format.Format_RGBA8888)
    data = np.frombuffer(memoryview(plain.constBits()), np.uint8)
    return data.reshape(plain.height(), plain.width(), 4)[..., :3].astype(int)


def _magenta(pixels: np.ndarray) -> int:
    return int(((pixels[..., 0] - pixels[..., 1] > 40) & (pixels[..., 2] - pixels[..., 1] > 30)).sum())


@pytest.fixture
def scene(qtbot: QtBot, view_state: ViewState, workspace: Workspace) -> Scene3D:
    jobs = JobRunner()
    view = Scene3D(view_state, workspace, jobs)
    qtbot.addWidget(view, before_close_func=lambda _: jobs.close())
    view.resize(320, 260)
    view.show()
    assert jobs.wait_all(20_000)
    return view


def test_the_scene_shows_bone_lesion_and_needle_and_the_widget_paints_it(scene: Scene3D) -> None:
    assert scene.usable
    pixels = _pixels(scene.picture())
    assert pixels.shape == (260, 320, 3)
    assert (pixels.max(axis=-1) > 60).mean() > 0.05
    assert _magenta(pixels) > 50
    shown = _pixels(scene.grab().toImage())
    assert np.abs(shown[100:, 60:] - pixels[100:, 60:]).mean() < 2.0


@pytest.mark.parametrize("turned", [False, True])
def test_left_is_left_in_the_scene(scene: Scene3D, view_state: ViewState, turned: bool) -> None:
    """The metal ball in the patient's left, seen from behind or as the prone patient lies, is on the screen's left."""
    view_state.set_procedure_view(turned)
    for name in ("needles", "lesions", "levels"):
        view_state.show_overlay(name, False)
    pixels = _pixels(scene.picture())
    scene.renderer.SetWorldPoint(35.0, -10.0, 10.0, 1.0)
    scene.renderer.WorldToDisplay()
    x, y, _ = scene.renderer.GetDisplayPoint()
    assert x < 130
    assert pixels[259 - round(y), round(x)].min() > 45
    assert pixels[259 - round(y) - 30, round(x) - 30].max() < 30


def test_the_aorta_is_a_tube_that_its_switch_takes_away(
    scene: Scene3D, view_state: ViewState, workspace: Workspace
) -> None:
    for name in ("needles", "lesions", "bone", "levels"):
        view_state.show_overlay(name, False)
    without = _pixels(scene.picture())
    volume = workspace.state.volume
    assert volume is not None
    heights = np.arange(-24.0, 25.0, 2.0)
    line = np.column_stack([np.full_like(heights, 4.0), np.full_like(heights, -30.0), heights])
    found = replace(find_organs(volume), aorta=Aorta(line, np.full(len(heights), 9.0), 180.0))
    organ_fields(found)
    workspace.put_organs(found)
    tube = np.abs(_pixels(scene.picture()) - without).max(axis=-1) > 25
    assert tube.sum() > 400
    rows = np.flatnonzero(tube.any(axis=1))
    per_px = 2.0 * scene.renderer.GetActiveCamera().GetParallelScale() / tube.shape[0]
    assert 40.0 < np.ptp(rows) * per_px < 60.0  # 48 mm long, seen a little from above
    view_state.show_overlay("aorta", False)
    assert np.abs(_pixels(scene.picture()) - without).max() <= 2


def test_the_picture_of_a_ct_that_was_closed_is_not_shown_for_another(scene: Scene3D, workspace: Workspace) -> None:
    assert (_pixels(scene.grab().toImage())[60:].max(axis=-1) > 60).mean() > 0.04
    volume = workspace.state.volume
    assert volume is not None
    workspace.open_volume(replace(volume, content_hash="of another patient"))
    assert (_pixels(scene.grab().toImage())[60:].max(axis=-1) > 60).mean() < 0.01


def test_a_moved_needle_is_drawn_anew_and_the_bone_is_not(
    scene: Scene3D, move_needle: Callable[[float], None], workspace: Workspace, ice: IceResult
) -> None:
    bone = scene._bone
    before = _pixels(scene.picture())
    workspace.put_ice(ice)
    frozen = _pixels(scene.picture())
    assert np.abs(frozen - before).max() > 30
    move_needle(3.0)
    after = _pixels(scene.picture())
    assert np.abs(after - frozen).max() > 30
    assert scene._bone is bone


def test_the_hand_turns_and_zooms(scene: Scene3D, qtbot: QtBot) -> None:
    camera = scene.renderer.GetActiveCamera()
    place, scale = np.array(camera.GetPosition()), camera.GetParallelScale()
    qtbot.mousePress(scene, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    qtbot.mouseMove(scene, QPoint(140, 100))
    qtbot.mouseRelease(scene, Qt.MouseButton.LeftButton, pos=QPoint(140, 100))
    assert np.linalg.norm(np.array(camera.GetPosition()) - place) > 20.0
    scene.zoom(2.0)
    assert camera.GetParallelScale() == pytest.approx(scale / 2.0)
    focal = np.array(camera.GetFocalPoint())
    scene.shift(QPointF(10.0, 0.0))
    assert np.linalg.norm(np.array(camera.GetFocalPoint()) - focal) == pytest.approx(10 * scale / 260.0, rel=1e-3)


def test_renders_are_done_once_per_turn(scene: Scene3D, qtbot: QtBot) -> None:
    scene.picture()
    count = []
    scene.rendered.connect(lambda: count.append(1))
    for _ in range(10):
        scene.request_render()
    qtbot.waitUntil(lambda: bool(count), timeout=5000)
    qtbot.wait(60)
    assert len(count) == 1


def test_what_is_dragged_elsewhere_is_drawn_small_until_it_is_let_go_of(
    scene: Scene3D,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    move_needle: Callable[[float, str], None],
    workspace: Workspace,
) -> None:
    monkeypatch.setattr(scene3d, "IN_HAND_SLOW_MS", 0.0)
    scene.picture()
    widths: list[int] = []
    scene.rendered.connect(lambda: widths.append(scene._window.GetSize()[0]))
    for _ in range(6):
        move_needle(0.5, "drag")
        qtbot.wait(150)
    assert set(widths) == {160}
    workspace.end_gesture()
    qtbot.waitUntil(lambda: widths[-1] == 320, timeout=5000)


def test_a_closed_scene_lets_go(qtbot: QtBot, view_state: ViewState, workspace: Workspace) -> None:
    view = Scene3D(view_state, workspace)
    view.resize(200, 150)
    view.show()
    view.close()
    assert not view.usable and not workspace._listeners
    view_state.choose("l1", "a1")
    view_state.set_procedure_view(True)
    view.shutdown()
    assert not view._due.isActive() and not view._settle.isActive()
    view.deleteLater()


def test_where_opengl_is_missing_a_sentence_is_shown(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, view_state: ViewState, workspace: Workspace
) -> None:
    monkeypatch.setattr(canvas_module, "off_screen_window", lambda: None)
    view = Scene3D(view_state, workspace)
    qtbot.addWidget(view)
    view.resize(400, 200)
    view.show()
    assert not view.usable and view.picture() is None
    assert (_pixels(view.grab().toImage()).max(axis=-1) > 120).sum() > 200
    view_state.choose("l1")


def test_a_bare_canvas_draws_its_background(qtbot: QtBot) -> None:
    canvas = VtkCanvas()
    qtbot.addWidget(canvas)
    canvas.renderer.SetBackground(0.0, 0.5, 0.0)
    canvas.resize(120, 90)
    canvas.show()
    image = canvas.picture()
    assert image is not None and image.size() == canvas.size()
    assert QColor(image.pixel(60, 45)).green() == pytest.approx(128, abs=2)


def test_the_scene_is_drawn_without_a_window(
    small_volume: Volume, workspace: Workspace, ice: IceResult, tmp_path: Path
) -> None:
    target = tmp_path / "scene é.png"
    draw_scene(small_volume, workspace.plan, (ice,), target)
    pixels = _pixels(QImage(str(target)))
    assert pixels.shape[1] == 960 and pixels.shape[0] > 720  # a caption stands beneath
    assert _magenta(pixels) > 200
