"""The shared crosshair: where the other two planes cut this one, in their colours, open in the middle."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter

from app.render import colours
from app.render.overlays.ink import faded
from app.render.overlays.overlay import Overlay, Scene

GAP_PX = 14
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
        upright_ink, level_ink = (faded(colours.PLANE[name], 0.75) for name in (upright, level))
        x, y = round(at.x()), round(at.y())
        # As rectangles: Qt draws lines that let through three times slower.
        beyond_x, beyond_y = x + GAP_PX, y + GAP_PX
        painter.fillRect(QRect(x, 0, 1, max(y - GAP_PX, 0)), upright_ink)
        painter.fillRect(QRect(x, beyond_y, 1, max(plane.height_px - beyond_y, 0)), upright_ink)
        painter.fillRect(QRect(0, y, max(x - GAP_PX, 0), 1), level_ink)
        painter.fillRect(QRect(beyond_x, y, max(plane.width_px - beyond_x, 0), 1), level_ink)
