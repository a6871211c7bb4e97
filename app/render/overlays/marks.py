"""Marks that belong to no plan: a pending target, a measured distance."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QColor, QPainter

from app.render.overlays.ink import faded, pen, stroke, write
from app.render.overlays.labels import around, put
from app.render.overlays.overlay import Overlay, Scene
from app.render.view_state import Annotation

ARM_PX = 7.0
NEAR_MM = 3.0  # a mark farther from the plane is drawn fainter


class Marks(Overlay):
    """Points as small crosses, lines with ticks at their ends, each with its label."""

    name = "crosshair"
    kept = False

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Draw every annotation."""
        for mark in scene.view.annotations:
            self._draw(painter, scene, mark)

    def _draw(self, painter: QPainter, scene: Scene, mark: Annotation) -> None:
        points = np.array(mark.points_lps_mm)
        near = all(abs(scene.plane.distance_mm(point)) <= NEAR_MM for point in points)
        colour = faded(QColor(mark.colour), 1.0 if near else 0.45)
        pixels = scene.plane.px_of(points)
        if len(pixels) > 1:
            stroke(painter, [pixels], pen(colour, 1.5))
        painter.setPen(pen(colour, 1.5))
        for x, y in pixels:
            painter.drawLine(QLineF(x - ARM_PX, y, x + ARM_PX, y))
            painter.drawLine(QLineF(x, y - ARM_PX, x, y + ARM_PX))
        x, y = pixels[-1]
        places = around(QRectF(x - ARM_PX, y - ARM_PX, 2 * ARM_PX, 2 * ARM_PX), gap_px=3.0)
        if not near and len(pixels) == 1:
            return  # its label would stand beside what it does not speak of
        if mark.label and not put(painter, scene, places, mark.label, colour, now=True):
            write(painter, places[0][0], mark.label, colour)
