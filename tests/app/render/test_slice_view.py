"""Slice views: left is left, patient points and pixels belong together, what is drawn lies where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.render import colours
from app.render.slice_view import SliceView
from app.render.tool import Tool, ViewEvent
from app.render.view_state import ORIENTATIONS, Annotation, Axes, Frame, Preview, ViewState, Window
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.plan.results import IceResult
from cvt_planner.workspace import Workspace

BALL = np.array([35.0, -10.0, 10.0])  # the metal ball on the patient's left


@pytest.fixture
def views(qtbot: QtBot, view_state: ViewState, workspace: Workspace) -> Iterator[dict[str, SliceView]]:
    made = {name: SliceView(name, view_state, workspace) for name in ORIENTATIONS}
    for view in made.values():
        qtbot.addWidget(view)
        view.resize(480, 400)
        view.show()
    yield made
    for view in made.values():
        view.close()
    assert not workspace._listeners, "a closed view still listens"


def picture(view: SliceView) -> QImage:
    return view.grab().toImage()


def wheel(view: SliceView, notches: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    at = QPointF(120.0, 90.0)
    event = QWheelEvent(
        at, at, QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def test_views_hang_as_radiologists_expect_and_letters_follow(
    views: dict[str, SliceView], view_state: ViewState
) -> None:
    assert views["axial"].edge_letters() == ("R", "A", "L", "P")
    assert views["sagittal"].edge_letters() == ("A", "S", "P", "I")
    assert views["coronal"].edge_letters() == ("R", "S", "L", "I")
    view_state.set_procedure_view(True)
    assert views["axial"].edge_letters() == ("L", "P", "R", "A")
    assert views["sagittal"].edge_letters() == ("A", "S", "P", "I")
    view_state.set_procedure_view(False)
    view_state.set_axes("axial", Axes((0.8, 0.0, 0.6), (0.0, 1.0, 0.0)))
    assert views["axial"].edge_letters() == ("RI", "A", "LS", "P")


def test_the_patients_left_is_where_the_letter_says(views: dict[str, SliceView], view_state: ViewState) -> None:
    """The ball on the patient's left is bright on the screen's right, and on its left in the procedure view."""
    view_state.set_crosshair(BALL)
    view_state.set_window(Window(1500.0, 1500.0))
    for turned in (False, True):
        view_state.set_procedure_view(turned)
        for name, view in views.items():
            at = view.point_of(BALL)
            shown = picture(view).pixelColor(round(at.x()) + 4, round(at.y()) + 4)
            assert shown.lightness() > 200, (name, turned)
        x = views["axial"].point_of(BALL).x()
        assert (x < 240) == turned
        assert views["coronal"].point_of(BALL).x() > 240


def test_the_procedure_view_turns_and_never_mirrors(views: dict[str, SliceView], view_state: ViewState) -> None:
    view_state.set_frame("axial", Frame(0.25, (0.0, 0.0, 0.0)))
    view_state.set_crosshair((0.0, 0.0, 0.0))
    view = views["axial"]
    plain = view._cut(view.plane())
    view_state.set_procedure_view(True)
    turned = view._cut(view.plane())
    assert plain is not None and turned is not None
    bits = [np.frombuffer(memoryview(i.constBits()), np.uint8).reshape(400, 480, 4).copy() for i in (plain, turned)]
    assert np.abs(bits[0][::-1, ::-1].astype(int) - bits[1]).max() <= 1
    assert np.abs(bits[0].astype(int) - bits[1]).max() > 50


@pytest.mark.parametrize("name", ORIENTATIONS)
@pytest.mark.parametrize("turned", [False, True])
def test_points_and_pixels_are_inverse(
    views: dict[str, SliceView], view_state: ViewState, name: str, turned: bool
) -> None:
    view = views[name]
    view_state.set_procedure_view(turned)
    view_state.set_frame(name, Frame(0.37, (3.3, -4.0, 8.0)))
    for x, y in ((0.0, 0.0), (479.0, 399.0), (133.25, 71.5)):
        lps = view.lps_at(QPointF(x, y))
        back = view.point_of(lps)
        assert (back.x(), back.y()) == pytest.approx((x, y), abs=1e-9)
        assert view.plane().distance_mm(lps) == pytest.approx(0.0, abs=1e-9)
    step = view.lps_at(QPointF(11.0, 10.0)) - view.lps_at(QPointF(10.0, 10.0))
    assert np.linalg.norm(step) == pytest.approx(0.37)


@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
def test_the_cut_places_its_pixels_where_the_widget_does_at_any_pixel_ratio(
    views: dict[str, SliceView], ratio: float
) -> None:
    plane = views["axial"].plane()
    origin, right, down, width, height = plane.pixel_grid(ratio)
    for column, row in ((0, 0), (width - 1, height - 1), (17, 5)):
        lps = origin + column * right + row * down
        at = plane.point_of(lps)
        assert at.x() == pytest.approx((column + 0.5) * 480 / width)
        assert at.y() == pytest.approx((row + 0.5) * 400 / height)


def test_the_lesion_is_outlined_where_it_is(
    views: dict[str, SliceView], view_state: ViewState, has_colour: Callable[..., bool]
) -> None:
    view_state.show_overlay("needles", False)
    view_state.show_overlay("crosshair", False)
    view_state.choose("l1")
    image = picture(views["axial"])
    for x, y in ((13.0, -12.0), (-5.0, -12.0), (4.0, -5.0), (4.0, -19.0)):
        at = views["axial"].point_of(np.array([x, y, 1.0]))
        assert has_colour(image, at.x(), at.y(), colours.LESION)
    inside = views["axial"].point_of(np.array([7.0, -12.0, 1.0]))
    assert not has_colour(image, inside.x(), inside.y(), colours.LESION)
    view_state.set_crosshair((4.0, -12.0, 9.5))  # beyond the lesion's upper end
    at = views["axial"].point_of(np.array([13.0, -12.0, 9.5]))
    assert not has_colour(picture(views["axial"]), at.x(), at.y(), colours.LESION)


def test_needle_and_probe_are_true_to_size(
    views: dict[str, SliceView], view_state: ViewState, workspace: Workspace
) -> None:
    """Across the axis the outer tube's colour is as wide as the tube, 2.413 mm, give or take a pixel."""
    view_state.show_overlay("lesions", False)
    view_state.show_overlay("crosshair", False)
    view_state.set_frame("axial", Frame(0.1, (14.0, 10.0, 1.0)))
    view, needle = views["axial"], workspace.plan.assemblies[0]
    image = picture(view)
    middle, across = np.array(needle.on_axis(35.0)), np.cross(needle.outward, [0.0, 0.0, 1.0])
    coloured = []
    for offset in np.arange(-3.0, 3.0, 0.05):
        at = view.point_of(middle + offset * across)
        pixel = image.pixelColor(int(at.x()), int(at.y()))
        coloured.append(pixel.hsvSaturation() > 60 or pixel.lightness() > 150)
    assert np.sum(coloured) * 0.05 == pytest.approx(needle.needle.outer_diameter_mm, abs=0.35)
    bare = view.point_of(np.array(needle.on_axis(10.0)))
    assert image.pixelColor(int(bare.x()), int(bare.y())).blue() > 180  # the active zone, in front of the tube


def test_a_needle_out_of_the_plane_is_only_dashed(
    views: dict[str, SliceView], view_state: ViewState, workspace: Workspace
) -> None:
    view_state.show_overlay("lesions", False)
    view, needle = views["axial"], workspace.plan.assemblies[0]
    at = np.array(needle.on_axis(35.0))

    def tinted() -> int:
        place = view.point_of(at)
        pixel = picture(view).pixelColor(int(place.x()), int(place.y()))
        return pixel.hsvSaturation() * pixel.lightness()

    near = picture(view).pixelColor(int(view.point_of(at).x()), int(view.point_of(at).y())).lightness()
    view_state.set_crosshair((4.0, -12.0, 8.0))
    far = picture(view).pixelColor(int(view.point_of(at).x()), int(view.point_of(at).y())).lightness()
    assert near > far + 60
    assert tinted() < 255 * 60


def test_isotherms_lie_where_the_field_says_and_grey_when_the_needle_moves(
    views: dict[str, SliceView],
    view_state: ViewState,
    workspace: Workspace,
    ice: IceResult,
    has_colour: Callable[..., bool],
    move_needle: Callable[[float], None],
) -> None:
    for name in ("lesions", "needles", "crosshair"):
        view_state.show_overlay(name, False)
    workspace.put_ice(ice)
    view = views["axial"]
    at = view.point_of(np.array([4.0 - 10.0, -12.0, 1.0]))  # -20 degC at 10 mm from the middle

    image = picture(view)
    assert has_colour(image, at.x(), at.y(), colours.isotherm(-20.0))
    off = view.point_of(np.array([4.0 - 14.0, -12.0, 1.0]))
    assert not has_colour(image, off.x(), off.y(), colours.isotherm(-20.0))
    move_needle(1.0)
    image = picture(view)
    assert not has_colour(image, at.x(), at.y(), colours.isotherm(-20.0))
    ring = [view.point_of(np.array([4.0 - 10 * np.cos(t), -12 + 10 * np.sin(t), 1.0])) for t in np.linspace(0, 6, 60)]
    grey = sum(has_colour(image, p.x(), p.y(), colours.STALE, 1, 40) for p in ring)
    assert 10 < grey < 60  # dashed


def test_the_wheel_turns_whole_slices_and_overlays_stand_back(
    views: dict[str, SliceView], view_state: ViewState, qtbot: QtBot, has_colour: Callable[..., bool]
) -> None:
    z = view_state.crosshair_lps_mm[2]
    wheel(views["axial"], 2)
    assert view_state.crosshair_lps_mm[2] == pytest.approx(z + 3.0)  # two slices of 1.5 mm towards the head
    at = views["axial"].point_of(np.array([4.0, -19.0, 1.0]))
    assert views["axial"].fading
    assert not has_colour(picture(views["axial"]), at.x(), at.y(), colours.LESION, 3)
    wheel(views["axial"], -2)
    assert view_state.crosshair_lps_mm[2] == pytest.approx(z)
    qtbot.waitUntil(lambda: not views["axial"].fading)
    assert has_colour(picture(views["axial"]), at.x(), at.y(), colours.LESION, 3)
    wheel(views["axial"], 500)
    wheel(views["axial"], 500)
    low, high = views["axial"].workspace.volume.grid.bounds_lps_mm()
    assert low[2] - 1.0 <= view_state.crosshair_lps_mm[2] <= high[2] + 1.0


def test_zoom_keeps_the_point_under_the_pointer(views: dict[str, SliceView], view_state: ViewState) -> None:
    view = views["sagittal"]
    before = view.lps_at(QPointF(120.0, 90.0))
    wheel(view, 3, Qt.KeyboardModifier.ControlModifier)
    assert view.plane().mm_per_px < 0.25
    assert view.lps_at(QPointF(120.0, 90.0)) == pytest.approx(before, abs=1e-9)
    assert views["axial"].plane().mm_per_px == 0.25


def test_mouse_without_a_tool(views: dict[str, SliceView], view_state: ViewState, qtbot: QtBot) -> None:
    """Left-drag: window/level. Middle-drag: the patient follows the hand. Right-drag: zoom. Shift+move: crosshair."""
    view = views["coronal"]
    none, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    window = view_state.window
    qtbot.mousePress(view, left, none, QPoint(100, 100))
    qtbot.mouseMove(view, QPoint(160, 100))
    qtbot.mouseRelease(view, left, none, QPoint(160, 100))
    assert view_state.window.width_hu > window.width_hu and view_state.window.centre_hu == window.centre_hu
    under = view.lps_at(QPointF(100, 100))
    qtbot.mousePress(view, Qt.MouseButton.MiddleButton, none, QPoint(100, 100))
    qtbot.mouseMove(view, QPoint(130, 85))
    qtbot.mouseRelease(view, Qt.MouseButton.MiddleButton, none, QPoint(130, 85))
    assert view.lps_at(QPointF(130, 85)) == pytest.approx(under, abs=1e-9)
    zoom = view.plane().mm_per_px
    qtbot.mousePress(view, Qt.MouseButton.RightButton, none, QPoint(100, 100))
    qtbot.mouseMove(view, QPoint(100, 60))
    qtbot.mouseRelease(view, Qt.MouseButton.RightButton, none, QPoint(100, 60))
    assert view.plane().mm_per_px < zoom
    with qtbot.waitSignal(view.maximise_requested):
        qtbot.mouseDClick(view, left, none, QPoint(50, 50))


class Recorder(Tool):
    def __init__(self) -> None:
        self.heard: list[tuple[str, ViewEvent]] = []

    def press(self, event: ViewEvent) -> bool:
        self.heard.append(("press", event))
        return True

    def move(self, event: ViewEvent) -> bool:
        self.heard.append(("move", event))
        return True

    def release(self, event: ViewEvent) -> bool:
        self.heard.append(("release", event))
        return True

    def hover(self, event: ViewEvent) -> bool:
        self.heard.append(("hover", event))
        return True

    def key(self, event: ViewEvent) -> bool:
        self.heard.append(("key", event))
        return True


def test_a_tool_hears_patient_points(views: dict[str, SliceView], view_state: ViewState, qtbot: QtBot) -> None:
    view, tool = views["axial"], Recorder()
    view.tool = tool
    window = view_state.window
    none, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    qtbot.mouseMove(view, QPoint(90, 80))
    qtbot.mousePress(view, left, none, QPoint(100, 100))
    qtbot.mouseMove(view, QPoint(108, 104))
    qtbot.mouseRelease(view, left, none, QPoint(108, 104))
    qtbot.keyClick(view, Qt.Key.Key_T)
    assert [kind for kind, _ in tool.heard] == ["hover", "press", "move", "release", "key"]
    moved = tool.heard[2][1]
    assert moved.lps_mm == pytest.approx(view.lps_at(QPointF(108, 104)))
    assert (moved.delta.x(), moved.delta.y()) == (8.0, 4.0)
    assert tool.heard[4][1].key == Qt.Key.Key_T
    assert view_state.window == window


def test_preview_and_annotations_are_drawn(
    views: dict[str, SliceView], view_state: ViewState, has_colour: Callable[..., bool]
) -> None:
    view_state.set_preview(Preview(Ellipsoid((-10.0, 10.0, 1.0), (6.0, 6.0, 6.0)), "1.2 mL"))
    view_state.set_annotations((Annotation(((-20.0, -20.0, 1.0),), "target", "#00ff00"),))
    image = picture(views["axial"])
    inside = views["axial"].point_of(np.array([-10.0, 10.0, 1.0]))
    assert image.pixelColor(round(inside.x()) + 3, round(inside.y()) + 3).hsvSaturation() > 15
    cross = views["axial"].point_of(np.array([-20.0, -20.0, 1.0]))
    assert image.pixelColor(round(cross.x()) - 4, round(cross.y())).green() > 150


def test_an_unchanged_plane_is_not_cut_again(views: dict[str, SliceView], view_state: ViewState) -> None:
    view = views["axial"]
    first = view._cut(view.plane())
    view_state.set_crosshair((10.0, 3.0, 1.0))  # moves within the plane
    assert view._cut(view.plane()) is first
    view_state.set_window(Window(0.0, 400.0))
    assert view._cut(view.plane()) is not first


def test_an_empty_view_draws_and_takes_events(qtbot: QtBot, view_state: ViewState) -> None:
    view = SliceView("axial", view_state, Workspace())
    qtbot.addWidget(view)
    view.resize(200, 160)
    view.show()
    wheel(view, 1)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert picture(view).pixelColor(5, 5).lightness() < 40
