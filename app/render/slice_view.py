"""One slice view: a plane of the CT cut on the CPU, what is drawn on it, and the mouse as patient points."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.render import colours
from app.render.curved_plane import CurvedPlane, curved_plane
from app.render.ice_state import IceView
from app.render.navigation import Navigation
from app.render.overlays import make_overlays
from app.render.overlays.overlay import Overlay, Scene
from app.render.plane import ViewPlane, view_axes, view_plane
from app.render.tool import Tool, ViewEvent
from app.render.view_state import ViewState
from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.base.arrays import Points
from cvt_planner.geometry.reslice import reslice_gray
from cvt_planner.geometry.reslice_rows import reslice_gray_rows
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.model import Plan
from cvt_planner.workspace import State, Workspace

FADE_MS = 250  # overlays come back so long after the wheel's last turn
FADED = 0.22
SLOW_CUT_MS = 14.0  # a picture that takes longer to cut is cut at half resolution while the wheel turns


class SliceView(QWidget):
    """Shows one plane of the workspace's CT through the shared crosshair.

    The left button belongs to `tool` (None, or a tool that leaves the event: window/level by drag); wheel, zoom, pan
    and crosshair to the view itself (`Navigation`). Nothing is repainted more than once per turn of the event loop.
    """

    maximise_requested = Signal()
    hovered = Signal(object)  # (3,) LPS mm under the pointer, or None when it left

    def __init__(
        self, orientation: str, view_state: ViewState, workspace: Workspace, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.orientation = orientation
        self.view_state = view_state
        self.workspace = workspace
        self.cursor_lps_mm: Points | None = None
        self._tool: Tool | None = None
        self._overlays = make_overlays()
        self._navigation = Navigation(self)
        self._picture: tuple[object, QImage] | None = None
        self._cut_ms = 0.0  # how long the last sharp cut took
        # What it was drawn from, the picture, and the room its labels take.
        self._layer: tuple[tuple[object, ...], QImage, tuple[QRectF, ...]] | None = None
        self._fade = QTimer(self)
        self._fade.setSingleShot(True)
        self._fade.setInterval(FADE_MS)
        self._fade.timeout.connect(self.update)
        self._forget = workspace.listen(self._workspace_changed)
        self._open = True
        view_state.changed.connect(self.look_again)
        self.setObjectName(f"view_{orientation}")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.destroyed.connect(self._forget_workspace)

    @property
    def tool(self) -> Tool | None:
        """Return the mouse mode of the left button."""
        return self._tool

    @tool.setter
    def tool(self, tool: Tool | None) -> None:
        self._navigation.drop_drag()
        self._tool = tool
        self.setCursor(tool.cursor if tool is not None else Qt.CursorShape.ArrowCursor)
        self.update()

    def sizeHint(self) -> QSize:
        """Return a size at which four views fit a small screen."""
        return QSize(480, 360)

    def minimumSizeHint(self) -> QSize:
        """Return the smallest size that still shows its texts."""
        return QSize(180, 140)

    def plane(self) -> ViewPlane:
        """Return the plane shown now; before a CT is open an empty 500 mm field around the origin."""
        volume = self.workspace.state.volume
        straight = self.straight
        if straight is not None:
            return curved_plane(straight, self.view_state, self.width(), self.height())
        if volume is not None:
            return view_plane(self.orientation, self.view_state, volume.grid, self.width(), self.height())
        axes = view_axes(self.orientation, self.view_state.procedure_view)
        return ViewPlane(np.zeros(3), np.array(axes.right), np.array(axes.down), 1.0, self.width(), self.height())

    @property
    def straight(self) -> CurvedFrame | None:
        """Return the frame along which this view shows the spine straight; None: it shows a plane."""
        return self.view_state.straight if self.orientation == "sagittal" else None

    def lps_at(self, pos: QPointF) -> Points:
        """Return (3,) the LPS point, mm, under a place of the widget in logical pixels."""
        return self.plane().lps_at(pos)

    def point_of(self, lps_mm: Points) -> QPointF:
        """Return the place of an LPS point, taken straight onto the plane, in logical pixels of the widget."""
        return self.plane().point_of(lps_mm)

    def edge_letters(self) -> tuple[str, str, str, str]:
        """Return the orientation letters at the left, top, right and bottom edges."""
        return self.plane().edge_letters()

    @property
    def fading(self) -> bool:
        """Whether overlays stand back because the wheel turns."""
        return self._fade.isActive()

    def start_fade(self) -> None:
        """Let overlays other than the crosshair stand back for a moment."""
        self._fade.start()

    def page(self, slices: int) -> None:
        """Turn whole slices, as the wheel does: positive towards the head, the front or the left."""
        self._navigation.page(slices)

    def scene(self) -> Scene:
        """Return what the overlays draw from."""
        return Scene(
            plane=self.plane(),
            orientation=self.orientation,
            state=self.workspace.state,
            view=self.view_state,
            cursor_lps_mm=self.cursor_lps_mm,
        )

    def shutdown(self) -> None:
        """Stop listening and stop the timer; the view draws nothing new afterwards. Called when it is closed."""
        if self._open:
            self._open = False
            self._fade.stop()
            self.view_state.turns.drop(self.orientation)
            self._forget_workspace()
            self.view_state.changed.disconnect(self.look_again)

    def _forget_workspace(self) -> None:
        forget, self._forget = self._forget, lambda: None
        forget()

    def _workspace_changed(self, old: State, new: State) -> None:
        if old.volume is not new.volume:
            self._picture = None
            self.cursor_lps_mm = None
        self.look_again()

    def look_again(self) -> None:
        """Paint soon, in a turn of its own: the three views painted in one would hold the window up."""
        under_hand = self._navigation.dragging or self.fading or self.cursor_lps_mm is not None
        self.view_state.turns.ask(self.orientation, self.repaint, first=under_hand)

    # Painting

    def _cut(self, plane: ViewPlane) -> QImage | None:
        """Return the picture of the plane; the last one where nothing of it changed."""
        volume = self.workspace.state.volume
        if volume is None:
            return None
        ratio = self.devicePixelRatioF()
        coarse = self.fading and self._cut_ms > SLOW_CUT_MS
        if coarse:
            ratio *= 0.5
        state = self.view_state
        key = (volume, plane.key, ratio, state.window, state.inverted)
        if self._picture is None or self._picture[0] != key:
            begin = time.perf_counter()
            gray = self._gray(volume, plane, ratio)
            if not coarse:
                self._cut_ms = 1e3 * (time.perf_counter() - begin)
            height, width = gray.shape
            image = QImage(gray.tobytes(), width, height, width, QImage.Format.Format_Grayscale8)
            # Converted once, so that a repaint without a new cut is a plain copy.
            self._picture = (key, image.convertToFormat(QImage.Format.Format_RGB32))
        return self._picture[1]

    def _gray(self, volume: Volume, plane: ViewPlane, ratio: float) -> NDArray[np.uint8]:
        """Return the grey levels of the plane, `ratio` pixels per logical one."""
        state, matrix = self.view_state, volume.grid.index_from_lps
        window = state.window.centre_hu, state.window.width_hu
        flip, outside = state.inverted, colours.BACKGROUND.lightness()
        if isinstance(plane, CurvedPlane):
            width, height = max(round(plane.width_px * ratio), 1), max(round(plane.height_px * ratio), 1)
            return reslice_gray_rows(volume.hu, matrix, *plane.rows(width, height), width, *window, flip, outside)
        return reslice_gray(volume.hu, matrix, *plane.pixel_grid(ratio), *window, flip, outside)

    def _kept_layer(self, scene: Scene) -> QImage:
        """Return the picture of all kept overlays; the last one where nothing they draw from changed."""
        ratio, view = self.devicePixelRatioF(), self.view_state
        state = scene.state
        plan_key = (
            *_drawn_parts(state.plan),
            state.spine,
            state.numbering,
            state.organs,
            state.ice,
            view.lesion_id,
            view.assembly_id,
            view.overlays,
            view.names_points or state.in_hand,
            *IceView.of(view).key,
        )
        spine_key = (view.vertebra, view.anatomy_opacity)
        key: tuple[object, ...] = (scene.plane.key, ratio, self.font(), *plan_key, *spine_key)
        if self._layer is None or not _same(self._layer[0], key):
            size = self.size() * ratio
            layer = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
            layer.setDevicePixelRatio(ratio)
            layer.fill(Qt.GlobalColor.transparent)
            painter = QPainter(layer)
            painter.setFont(self.font())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for overlay in self._overlays:
                if overlay.kept and self._draws(overlay):
                    painter.save()
                    overlay.paint(painter, scene)
                    painter.restore()
            painter.end()
            self._layer = (key, layer, tuple(scene.taken))
        else:
            scene.taken.extend(self._layer[2])
        return self._layer[1]

    def _draws(self, overlay: Overlay) -> bool:
        """Return whether an overlay is wanted, and can be drawn on what the view shows."""
        return overlay.name in self.view_state.overlays and (self.straight is None or overlay.bends)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture, the overlays in their order, and the tool's own marks."""
        painter = QPainter(self)
        scene = self.scene()
        image = self._cut(scene.plane)
        if image is None:
            painter.fillRect(self.rect(), colours.BACKGROUND)
            painter.end()
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, image.width() != self.width())
        painter.drawImage(self.rect(), image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        layer_painted = False
        for overlay in self._overlays:
            if overlay.kept:
                if not layer_painted:
                    painter.setOpacity(FADED if self.fading else 1.0)
                    painter.drawImage(self.rect(), self._kept_layer(scene))
                    painter.setOpacity(1.0)
                layer_painted = True
            elif not overlay.at_edge:
                self._paint_now(painter, scene, overlay)
        if self._tool is not None:
            self._tool.paint(painter, self)
        for overlay in self._overlays:
            if overlay.at_edge:
                self._paint_now(painter, scene, overlay)
        painter.end()

    def _paint_now(self, painter: QPainter, scene: Scene, overlay: Overlay) -> None:
        if self._draws(overlay):
            painter.save()
            overlay.paint(painter, scene)
            painter.restore()

    # Events

    def view_event(self, event: QMouseEvent, button: Qt.MouseButton, delta: QPointF | None = None) -> ViewEvent:
        """Return a mouse event as a patient point."""
        pos = event.position()
        return ViewEvent(self, self.lps_at(pos), pos, button, event.modifiers(), delta or QPointF())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start a drag."""
        if self.workspace.state.volume is not None:
            self._navigation.press(event)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Carry a drag on, or hover."""
        if self.workspace.state.volume is not None:
            self._navigation.move(event)
            self.cursor_lps_mm = self.lps_at(event.position())
            self.hovered.emit(self.cursor_lps_mm)
            self.look_again()
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag."""
        self._navigation.release(event)
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ask to fill the window, unless the tool uses the double-click."""
        if event.button() == Qt.MouseButton.LeftButton:
            used = self._tool is not None and self._tool.double_click(self.view_event(event, event.button()))
            if not used:
                self.maximise_requested.emit()
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn pages; with Ctrl zoom about the pointer."""
        if self.workspace.state.volume is not None:
            self._navigation.wheel(event)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Offer a key to the tool; what it leaves goes on to the window."""
        pos = QPointF(self.mapFromGlobal(self.cursor().pos()))
        tool_event = ViewEvent(
            self, self.lps_at(pos), pos, Qt.MouseButton.NoButton, event.modifiers(), QPointF(), event.key()
        )
        if self._tool is None or not self._tool.key(tool_event):
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the point under the pointer."""
        self.cursor_lps_mm = None
        self.hovered.emit(None)
        self.update()
        super().leaveEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Let go of the workspace."""
        self.shutdown()
        super().closeEvent(event)


def _drawn_parts(plan: Plan | None) -> tuple[object, ...]:
    """Return what overlays draw of a plan: neither its notes nor how the patient lies."""
    if plan is None:
        return ()
    marked = (plan.levels, plan.lesions, plan.assemblies, plan.anatomy)
    return (*marked, plan.volumes, plan.scheme, plan.sides, plan.protocol)


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Return whether two keys hold the same; objects that are one and the same are not compared in depth."""
    return len(one) == len(other) and all(a is b or a == b for a, b in zip(one, other, strict=True))
