"""Lettering on the views: nothing is written over anything else, at any size, and what matters most keeps its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from app.render.overlays import make_overlays
from app.render.overlays.labels import LEFT, around, fixed_boxes, put
from app.render.overlays.overlay import Scene
from app.render.slice_view import SliceView
from app.render.view_state import ORIENTATIONS, Frame, ViewState
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.plan.model import LevelMark, Plan
from cvt_planner.plan.results import IceResult
from cvt_planner.workspace import Workspace


def crowd(plan: Plan) -> Plan:
    """Return the plan with a level's mark and a second lesion beside the first."""
    first = plan.lesions[0]
    second = replace(first, id="l2", name="Lesion 2", shape=Ellipsoid((10.0, -8.0, 1.0), (6.0, 6.0, 6.0)))
    return replace(plan, lesions=(first, second), levels=(LevelMark("L2", (3.0, -10.0, 1.0), True),))


def paint(view: SliceView, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[QRectF]]:
    """Paint a view; return the labels that found room, and the room at the edges."""
    written: list[str] = []

    def listening(*arguments: object, **named: object) -> bool:
        found = put(*arguments, **named)  # type: ignore[arg-type]  # the arguments of `put`, passed on
        if found:
            written.append(str(arguments[3]))
        return found

    for module in ("ice", "lesions", "levels", "marks", "needles", "preview"):
        monkeypatch.setattr(f"app.render.overlays.{module}.put", listening)
    image = QImage(view.size(), QImage.Format.Format_ARGB32_Premultiplied)
    painter = QPainter(image)
    painter.setFont(view.font())
    for overlay in make_overlays():
        painter.save()
        overlay.paint(painter, scene)
        painter.restore()
    fixed = fixed_boxes(painter, scene)
    painter.end()
    return written, fixed


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("mm_per_px", [0.9, 0.5, 0.3])
def test_no_label_lies_where_a_handle_of_the_chosen_lesion_is_drawn(
    qtbot: QtBot, view_state: ViewState, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, orientation: str,
    mm_per_px: float,
) -> None:  # fmt: skip
    """A square on the second 1 of T11 makes it T1."""
    workspace.apply(lambda plan: replace(plan, levels=(LevelMark("T11", plan.lesions[0].centre_lps_mm, True),)), "mark")
    shape = workspace.state.plan.lesions[0].shape if workspace.state.plan is not None else None
    assert isinstance(shape, Ellipsoid)
    view = SliceView(orientation, view_state, workspace)
    qtbot.addWidget(view)
    view.resize(396, 320)
    view_state.choose("l1", "a1")
    view_state.set_crosshair(shape.centre_lps_mm)
    view_state.set_frame(orientation, Frame(mm_per_px, shape.centre_lps_mm))
    scene = view.scene()
    written, _ = paint(view, scene, monkeypatch)
    assert any("T11" in text for text in written), written
    assert len(scene.handles) == 4
    assert not any(name.intersects(handle) for name in scene.taken[-len(written) :] for handle in scene.handles)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("mm_per_px", [0.9, 0.3, 0.12])
@pytest.mark.parametrize("width", [300, 396, 700])
def test_no_label_meets_another(
    qtbot: QtBot,
    view_state: ViewState,
    workspace: Workspace,
    ice: IceResult,
    monkeypatch: pytest.MonkeyPatch,
    orientation: str,
    mm_per_px: float,
    width: int,
) -> None:
    workspace.apply(crowd, "crowd")
    workspace.put_ice(ice)
    view = SliceView(orientation, view_state, workspace)
    qtbot.addWidget(view)
    view.resize(width, round(width * 0.8))
    view_state.set_procedure_view(True)
    view_state.choose("l1", "a1")
    view_state.set_frame(orientation, Frame(mm_per_px, (4.0, 0.0, 1.0)))
    view.cursor_lps_mm = np.array([-188.8, 188.8, -888.8])
    scene = view.scene()
    written, fixed = paint(view, scene, monkeypatch)
    for one, other in combinations(fixed, 2):
        assert not one.adjusted(0, 2, 0, -2).intersects(other.adjusted(0, 2, 0, -2)), (one, other)
    for one, other in combinations(scene.taken[len(fixed) :], 2):
        assert not one.intersects(other)
    assert any(text.startswith("Lesion 1") for text in written)  # the chosen lesion's name has the better claim
    assert "0 °C" in written or mm_per_px == 0.9 or width == 300


def test_the_needles_points_are_named_where_asked_for_and_in_the_hand(
    qtbot: QtBot,
    view_state: ViewState,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    move_needle: Callable[[float, str], None],
) -> None:
    view = SliceView("axial", view_state, workspace)
    qtbot.addWidget(view)
    view.resize(700, 560)
    view_state.choose("l1", "a1")

    def names() -> set[str]:
        return set(paint(view, view.scene(), monkeypatch)[0]) & {"probe tip", "needle tip"}

    assert names()
    view_state.name_points(False)
    assert not names()
    move_needle(0.5, "drag")
    assert names()
    workspace.end_gesture()
    assert not names()


def test_a_label_takes_its_next_place_or_stays_away(qtbot: QtBot, view_state: ViewState, workspace: Workspace) -> None:
    view = SliceView("axial", view_state, workspace)
    qtbot.addWidget(view)
    view.resize(500, 400)
    scene = view.scene()
    image = QImage(view.size(), QImage.Format.Format_ARGB32_Premultiplied)
    painter = QPainter(image)
    painter.setFont(view.font())
    places = around(QRectF(150.0, 150.0, 20.0, 20.0))
    before = len(fixed_boxes(painter, scene))
    found = [put(painter, scene, places, "a name", QColor("red")) for _ in range(20)]
    painter.end()
    assert found[0] and not found[-1] and 4 <= sum(found) <= len(places)
    assert len(scene.taken) == before + sum(found)
    assert not put_outside(view, scene)


def put_outside(view: SliceView, scene: Scene) -> bool:
    image = QImage(view.size(), QImage.Format.Format_ARGB32_Premultiplied)
    painter = QPainter(image)
    found = put(painter, scene, [(QPointF(view.width() - 5.0, 60.0), LEFT)], "beyond the edge", QColor("red"))
    painter.end()
    return found
