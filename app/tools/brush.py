"""The brush and the eraser: a drag draws into the chosen lesion."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPen

from app.brushing import Brushing
from app.render import colours
from app.render.overlays.ink import write
from app.render.slice_view import SliceView
from app.render.tool import Tool, ViewEvent


class BrushTool(Tool):
    """Drag to draw; with Ctrl held, or as the eraser, to take away. Ctrl and the wheel change its size."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, brushing: Brushing, erase: bool = False) -> None:
        self.brushing = brushing
        self.erase = erase

    def press(self, event: ViewEvent) -> bool:
        """Start a stroke."""
        erase = self.erase or bool(event.modifiers & Qt.KeyboardModifier.ControlModifier)
        self.brushing.begin(event.lps_mm, event.view.plane(), erase)
        return True

    def move(self, event: ViewEvent) -> bool:
        """Carry it on."""
        self.brushing.extend(event.lps_mm)
        return True

    def release(self, event: ViewEvent) -> bool:
        """Keep it."""
        self.brushing.finish()
        return True

    def wheel(self, notches: float) -> bool:
        """Change the size."""
        self.brushing.resize(1.0 if notches > 0 else -1.0)
        return True

    def paint(self, painter: QPainter, view: SliceView) -> None:
        """Draw the brush about the pointer; a dashed line erases."""
        if view.cursor_lps_mm is None:
            return
        plane = view.plane()
        radius = self.brushing.radius_mm / plane.mm_per_px
        line = Qt.PenStyle.DashLine if self.erase else Qt.PenStyle.SolidLine
        painter.setBrush(Qt.BrushStyle.NoBrush)
        centre = plane.point_of(view.cursor_lps_mm)
        painter.setPen(QPen(colours.PREVIEW, 1.5, line))
        painter.drawEllipse(centre, radius, radius)
        if self.brushing.in_3d:  # a second, inner line: a ball
            painter.drawEllipse(centre, radius * 0.35, radius)
        words = f"r {self.brushing.radius_mm:g} mm"
        write(painter, centre + QPointF(radius + 6.0, -radius - 6.0), words, colours.PREVIEW)
