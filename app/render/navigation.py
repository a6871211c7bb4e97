"""What the mouse does in every slice view: pages, zoom, pan, crosshair, and window/level where no tool acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent

from app.render.view_state import MAX_MM_PER_PX, MIN_MM_PER_PX, Frame, Window
from cvt_planner.base.arrays import Points, vec3

if TYPE_CHECKING:
    from app.render.slice_view import SliceView

WHEEL_STEP = 120  # angle units of one notch of a wheel
ZOOM_PER_NOTCH = 1.15
ZOOM_PER_PX = 1.008
WINDOW_PER_PX = 1.0 / 300.0  # of the window's width; 300 pixels double it
SMALLEST_WINDOW_STEP_HU = 0.5


class Navigation:
    """Turns mouse events of one view into changes of the shared view state.

    Wheel: next slice. Ctrl+wheel and right-drag: zoom about the pointer. Middle-drag: pan. Shift+move: crosshair.
    Left: the tool; window/level where the tool leaves it.
    """

    def __init__(self, view: SliceView) -> None:
        self._view = view
        self._drag: str = ""  # "", "tool", "window", "zoom", "pan"
        self._last = QPointF()
        self._anchor = QPointF()
        self._notches = 0.0

    @property
    def dragging(self) -> bool:
        """Whether a button is held in this view."""
        return bool(self._drag)

    def drop_drag(self) -> None:
        """Forget a drag under way, because the tool changes."""
        self._drag = ""

    def press(self, event: QMouseEvent) -> None:
        """Start what the button does."""
        if self._drag:
            return
        self._last = self._anchor = event.position()
        if event.button() == Qt.MouseButton.RightButton:
            self._drag = "zoom"
        elif event.button() == Qt.MouseButton.MiddleButton:
            self._drag = "pan"
        elif event.button() == Qt.MouseButton.LeftButton:
            tool = self._view.tool
            used = tool is not None and tool.press(self._view.view_event(event, event.button()))
            self._drag = "tool" if used else "window"

    def move(self, event: QMouseEvent) -> None:
        """Carry on with the drag; without one, hover or move the crosshair."""
        delta = event.position() - self._last
        self._last = event.position()
        tool = self._view.tool
        if self._drag == "tool" and tool is not None:
            tool.move(self._view.view_event(event, Qt.MouseButton.LeftButton, delta))
        elif self._drag == "window":
            self._window_level(delta)
        elif self._drag == "zoom":
            self.zoom(ZOOM_PER_PX ** delta.y(), self._anchor)
        elif self._drag == "pan":
            self._pan(delta)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._view.view_state.set_crosshair(self._view.lps_at(event.position()))
        elif tool is not None:
            tool.hover(self._view.view_event(event, Qt.MouseButton.NoButton, delta))

    def release(self, event: QMouseEvent) -> None:
        """End the drag of this button."""
        button = {"tool": Qt.MouseButton.LeftButton, "window": Qt.MouseButton.LeftButton}
        button |= {"zoom": Qt.MouseButton.RightButton, "pan": Qt.MouseButton.MiddleButton}
        if not self._drag or event.button() != button[self._drag]:
            return
        drag, self._drag = self._drag, ""
        if drag == "tool" and self._view.tool is not None:
            delta = event.position() - self._last
            self._view.tool.release(self._view.view_event(event, event.button(), delta))

    def wheel(self, event: QWheelEvent) -> None:
        """Turn pages by whole slices, or zoom with Ctrl; fine wheels and touch pads add up."""
        self._notches += event.angleDelta().y() / WHEEL_STEP
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            tool = self._view.tool
            if tool is not None and tool.wheel(self._notches):
                self._notches = 0.0
                self._view.update()
                return
            self.zoom(ZOOM_PER_NOTCH**-self._notches, event.position())
            self._notches = 0.0
            return
        whole = int(self._notches)
        if whole:
            self._notches -= whole
            self.page(whole)

    def page(self, slices: int) -> None:
        """Move the crosshair by whole slices of this view: positive towards the head, the front or the left."""
        volume = self._view.workspace.state.volume
        if volume is None:
            return
        plane = self._view.plane()
        toward = plane.toward
        step = _slice_step_mm(volume.grid.lps_from_index, toward)
        at = plane.shifted(np.array(self._view.view_state.crosshair_lps_mm), slices * step)
        low, high = volume.grid.bounds_lps_mm()
        reach = np.abs(toward) @ (high - low) / 2.0 + step / 2.0
        away = float((at - volume.grid.centre_lps_mm) @ toward)
        if abs(away) <= reach or away * slices < 0.0:  # within the volume, or coming back to it
            self._view.start_fade()
            self._view.view_state.set_crosshair(at)

    def zoom(self, factor: float, about: QPointF) -> None:
        """Multiply the millimetres per pixel, leaving the patient point under `about` where it is."""
        plane = self._view.plane()
        mm_per_px = min(max(plane.mm_per_px * factor, MIN_MM_PER_PX), MAX_MM_PER_PX)
        middle = QPointF(plane.width_px / 2.0, plane.height_px / 2.0)
        centre = plane.lps_at(about + (middle - about) * (mm_per_px / plane.mm_per_px))
        self._view.view_state.set_frame(self._view.orientation, Frame(mm_per_px, vec3(centre)))

    def _pan(self, delta: QPointF) -> None:
        plane = self._view.plane()
        centre = plane.lps_at(QPointF(plane.width_px / 2.0, plane.height_px / 2.0) - delta)
        self._view.view_state.set_frame(self._view.orientation, Frame(plane.mm_per_px, vec3(centre)))

    def _window_level(self, delta: QPointF) -> None:
        """Right widens, up brightens (lowers the centre)."""
        window = self._view.view_state.window
        step = max(window.width_hu * WINDOW_PER_PX, SMALLEST_WINDOW_STEP_HU)
        wider = max(window.width_hu + step * delta.x(), 2.0)
        self._view.view_state.set_window(Window(window.centre_hu + step * delta.y(), wider))


def _slice_step_mm(lps_from_index: Points, direction: Points) -> float:
    """Return the distance of neighbouring voxel layers along the volume's axis nearest to a direction, mm."""
    steps = lps_from_index[:3, :3]
    lengths = np.linalg.norm(steps, axis=0)
    nearest = int(np.argmax(np.abs(direction @ (steps / lengths))))
    return float(lengths[nearest])
