"""The shared crosshair: where the other two planes cut this one, in their colours, open in the middle."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF
from PySide6.QtGui import QPainter

from app.render import colours
from app.render.overlays.ink import faded, pen
from app.render.overlays.overlay import Overlay, Scene

GAP_PX = 14.0
# The planes whose cut is the upright and the level line of each view.
_CUTS = {"axial": ("sagittal", "coronal"), "sagittal": ("coronal", "axial"), "coronal": ("sagittal", "axial")}


class Crosshair(Overlay):
    """Two thin lines through the crosshair."""

    name = "crosshair"
    kept = False

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Draw both lines."""
        plane = scene.plane
        at = plane.point_of(np.array(scene.view.crosshair_lps_mm))
        upright, level = _CUTS[scene.orientation]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(pen(faded(colours.PLANE[upright], 0.75), 1.0))
        painter.drawLine(QLineF(QPointF(at.x(), 0), QPointF(at.x(), at.y() - GAP_PX)))
        painter.drawLine(QLineF(QPointF(at.x(), at.y() + GAP_PX), QPointF(at.x(), plane.height_px)))
        painter.setPen(pen(faded(colours.PLANE[level], 0.75), 1.0))
        painter.drawLine(QLineF(QPointF(0, at.y()), QPointF(at.x() - GAP_PX, at.y())))
        painter.drawLine(QLineF(QPointF(at.x() + GAP_PX, at.y()), QPointF(plane.width_px, at.y())))
