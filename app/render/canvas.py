"""A widget that shows what VTK drew off screen: no native window, so it works everywhere Qt does."""

from __future__ import annotations

import logging
import time
from typing import Any, cast

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.render import colours
from app.render.gl_environment import prepare_opengl
from cvt_planner.base.arrays import Vec3, vec3

prepare_opengl()

import vtkmodules.vtkRenderingFreeType  # noqa: E402  (registers itself)
import vtkmodules.vtkRenderingOpenGL2  # noqa: E402, F401  (registers itself)
from vtkmodules.vtkCommonCore import vtkOutputWindow, vtkStringOutputWindow, vtkUnsignedCharArray  # noqa: E402
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow  # noqa: E402

_LOG = logging.getLogger(__name__)

SLOW_MS = 40.0  # a picture that takes longer is drawn at half resolution while the hand moves
SHARE = 3.0  # of the time, the canvas takes one part in so many while something else is worked on; assumed
SETTLE_MS = 180  # the sharp picture follows so long after the hand rests
DEGREES_PER_PX = 0.5
RAY_MM = 1000.0  # from where the camera looks at to either end of a line of sight
CLICK_PX = 3  # a press that moves no farther is a click
NO_OPENGL = (
    "The 3-D picture cannot be drawn: this computer offers no OpenGL 3.2. "
    "Everything else works; the slices show the whole plan."
)


def quiet_vtk() -> vtkStringOutputWindow:
    """Return the place where VTK's warnings go instead of the terminal or a window of its own."""
    sink = vtkStringOutputWindow()
    vtkOutputWindow.SetInstance(sink)
    return sink


def off_screen_window() -> vtkRenderWindow | None:
    """Return a render window that is never shown; None where OpenGL cannot be used."""
    prepare_opengl()
    quiet_vtk()
    window = vtkRenderWindow()
    window.SetShowWindow(False)
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(64, 64)
    if not window.SupportsOpenGL():
        _LOG.warning("VTK finds no usable OpenGL.")
        window.Finalize()
        return None
    return window


def read_picture(window: vtkRenderWindow) -> QImage:
    """Return what a render window shows, upper line first."""
    width, height = window.GetSize()
    pixels = vtkUnsignedCharArray()
    window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 1, pixels, 0)
    lines = np.frombuffer(memoryview(cast(Any, pixels)), dtype=np.uint8).reshape(height, width, 4)
    data = np.ascontiguousarray(lines[::-1])
    return QImage(data.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBX8888).copy()


class VtkCanvas(QWidget):
    """Shows one VTK renderer. Left-drag turns, wheel and right-drag zoom, middle-drag moves.

    A render is asked for by `request_render` and done once for many such wishes. Where OpenGL cannot be used
    `renderer` still exists and the widget shows a sentence. `shutdown` frees everything of VTK.
    """

    rendered = Signal()
    maximise_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.renderer = vtkRenderer()
        self.renderer.SetBackground(*colours.rgb(colours.BACKGROUND))
        self._window = off_screen_window()
        self._picture: QImage | None = None
        self._last_ms = 0.0  # how long the last picture took, read-back included
        self._drawn_at = 0.0
        self._coarse = False
        self._button = Qt.MouseButton.NoButton
        self._last = QPointF()
        self._pressed_at = QPointF()
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.setInterval(0)
        self._due.timeout.connect(self.render_due)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._sharpen)
        if self._window is not None:
            self._window.AddRenderer(self.renderer)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    @property
    def usable(self) -> bool:
        """Whether OpenGL works and the canvas is not shut down."""
        return self._window is not None

    @property
    def held(self) -> bool:
        """Whether the mouse turns, zooms or moves the camera just now."""
        return self._button != Qt.MouseButton.NoButton

    def sizeHint(self) -> QSize:
        """Return a size at which four views fit a small screen."""
        return QSize(480, 360)

    def minimumSizeHint(self) -> QSize:
        """Return the smallest size worth drawing in."""
        return QSize(180, 140)

    def request_render(self) -> None:
        """Draw again soon, once however often it is asked.

        While the camera is turned that is the end of this turn of the event loop. A scene that changes because
        something is dragged in another view waits, so that the slices under the hand get most of the time.
        """
        if self.usable and self.isVisible() and not self._due.isActive():
            rest_ms = 0.0
            if not self.held:
                rest_ms = (SHARE - 1.0) * self._last_ms - 1e3 * (time.perf_counter() - self._drawn_at)
            self._due.start(max(round(rest_ms), 0))

    def picture(self) -> QImage | None:
        """Return the picture shown, drawn now if it is out of date; None where OpenGL cannot be used."""
        if self.usable and (self._picture is None or self._due.isActive() or self._coarse):
            self._due.stop()
            self._settle.stop()
            self._coarse = False
            self._render_now()
        return self._picture

    def shutdown(self) -> None:
        """Stop the timers and free all of VTK; the canvas shows nothing afterwards. Called when it is closed."""
        self._due.stop()
        self._settle.stop()
        if self._window is not None:
            self._window.RemoveRenderer(self.renderer)
            self.renderer.RemoveAllViewProps()
            self._window.Finalize()
            self._window = None
        self._picture = None

    def before_render(self, window: vtkRenderWindow) -> None:
        """Hook: settle what depends on the camera just before a picture is drawn."""

    def render_due(self) -> None:
        """Draw what was asked for; a hook for who wants to draw a little later."""
        self._render_now()

    def _render_now(self) -> None:
        if self._window is None:
            return
        begin = time.perf_counter()
        ratio = self.devicePixelRatioF() * (0.5 if self._coarse else 1.0)
        size = max(round(self.width() * ratio), 2), max(round(self.height() * ratio), 2)
        if self._window.GetSize() != size:
            self._window.SetSize(*size)
        self.before_render(self._window)
        self.renderer.ResetCameraClippingRange()
        self._window.Render()
        self._picture = read_picture(self._window)
        self._drawn_at = time.perf_counter()
        self._last_ms = 1e3 * (self._drawn_at - begin)
        self.update()
        self.rendered.emit()

    def _sharpen(self) -> None:
        if self._coarse:
            self._coarse = False
            self.request_render()

    def _moving(self, slow_ms: float = SLOW_MS) -> None:
        """The hand moves: draw soon, coarsely if the machine is slow, and sharply when the hand rests."""
        if self._last_ms > slow_ms:
            self._coarse = True
        self._settle.start()
        self.request_render()

    # Events

    def paintEvent(self, event: QPaintEvent) -> None:
        """Show the picture, or the sentence that there is none."""
        painter = QPainter(self)
        if self._picture is None:
            painter.fillRect(self.rect(), colours.BACKGROUND)
            if not self.usable:
                painter.setPen(colours.TEXT)
                room = QRectF(self.rect()).adjusted(24, 24, -24, -24)
                painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, NO_OPENGL)
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(self.rect(), self._picture)
        self.paint_over(painter)
        painter.end()

    def paint_over(self, painter: QPainter) -> None:
        """Hook: draw texts on top, in logical pixels."""

    def showEvent(self, event: QShowEvent) -> None:
        """Draw for the first time."""
        super().showEvent(event)
        self.request_render()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw in the new size."""
        super().resizeEvent(event)
        self.request_render()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start to turn, zoom or move."""
        if self._button == Qt.MouseButton.NoButton:
            self._button, self._last = event.button(), event.position()
            self._pressed_at = event.position()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn, zoom or move the camera."""
        delta = event.position() - self._last
        self._last = event.position()
        if self._button == Qt.MouseButton.LeftButton:
            self.turn(-delta.x() * DEGREES_PER_PX, delta.y() * DEGREES_PER_PX)
        elif self._button == Qt.MouseButton.RightButton:
            self.zoom(1.0 - delta.y() * 0.008)
        elif self._button == Qt.MouseButton.MiddleButton:
            self.shift(delta)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag."""
        if event.button() == self._button:
            self._button = Qt.MouseButton.NoButton
            still = (event.position() - self._pressed_at).manhattanLength() <= CLICK_PX
            if still and event.button() == Qt.MouseButton.LeftButton:
                self.clicked(event.position())
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ask to fill the window."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.maximise_requested.emit()
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        self.zoom(1.12 ** (event.angleDelta().y() / 120.0))
        event.accept()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Free what VTK holds."""
        self.shutdown()
        super().closeEvent(event)

    def clicked(self, pos: QPointF) -> None:
        """Hook: the left button was pressed and let go of at a place, in logical pixels."""

    # Camera

    def ray_at(self, pos: QPointF) -> tuple[Vec3, Vec3, float]:
        """Return where the line of sight through a place starts, its unit direction, and its length, LPS mm."""
        camera = self.renderer.GetActiveCamera()
        focal, place = np.array(camera.GetFocalPoint()), np.array(camera.GetPosition())
        ahead = (focal - place) / np.linalg.norm(focal - place)
        right = np.cross(ahead, np.array(camera.GetViewUp()))
        right /= np.linalg.norm(right)
        mm_per_px = 2.0 * camera.GetParallelScale() / max(self.height(), 1)
        across, down = pos.x() - self.width() / 2.0, pos.y() - self.height() / 2.0
        start = focal - RAY_MM * ahead + mm_per_px * (across * right - down * np.cross(right, ahead))
        return vec3(start), vec3(ahead), 2.0 * RAY_MM

    def turn(self, azimuth_deg: float, elevation_deg: float) -> None:
        """Turn the camera about what it looks at, as a trackball."""
        camera = self.renderer.GetActiveCamera()
        camera.Azimuth(azimuth_deg)
        camera.Elevation(elevation_deg)
        camera.OrthogonalizeViewUp()
        self._moving()

    def zoom(self, factor: float) -> None:
        """Come nearer (factor over 1) or go farther."""
        camera = self.renderer.GetActiveCamera()
        factor = min(max(factor, 0.2), 5.0)
        if camera.GetParallelProjection():
            camera.SetParallelScale(min(max(camera.GetParallelScale() / factor, 2.0), 1000.0))
        else:
            camera.Dolly(factor)
        self._moving()

    def shift(self, delta_px: QPointF) -> None:
        """Move the picture with the hand."""
        camera = self.renderer.GetActiveCamera()
        focal, place = np.array(camera.GetFocalPoint()), np.array(camera.GetPosition())
        up = np.array(camera.GetViewUp())
        ahead = (focal - place) / np.linalg.norm(focal - place)
        right = np.cross(ahead, up)
        if camera.GetParallelProjection():
            tall_mm = 2.0 * camera.GetParallelScale()
        else:
            tall_mm = 2.0 * np.linalg.norm(focal - place) * np.tan(np.deg2rad(camera.GetViewAngle() / 2.0))
        mm_per_px = tall_mm / max(self.height(), 1)
        move = mm_per_px * (-delta_px.x() * right + delta_px.y() * up)
        camera.SetFocalPoint(*(focal + move))
        camera.SetPosition(*(place + move))
        self._moving()
