"""The letters at the four edges: which side of the patient lies there, from the plane's real axes."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter

from app.render import colours
from app.render.overlays.ink import write
from app.render.overlays.overlay import Overlay, Scene

INSET_PX = 14.0
SIZE_PT = 13.0


class OrientationLetters(Overlay):
    """R, L, A, P, S, I at the edges; two letters where the plane is oblique."""

    name = "letters"
    kept = False

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Write the four letters."""
        plane = scene.plane
        middle, half = plane.width_px / 2.0, plane.height_px / 2.0
        left, top, right, bottom = plane.edge_letters()
        for text, x, y, align in (
            (left, INSET_PX / 2, half, Qt.AlignmentFlag.AlignLeft),
            (top, middle, INSET_PX, Qt.AlignmentFlag.AlignHCenter),
            (right, plane.width_px - INSET_PX / 2, half, Qt.AlignmentFlag.AlignRight),
            (bottom, middle, plane.height_px - INSET_PX, Qt.AlignmentFlag.AlignHCenter),
        ):
            write(painter, QPointF(x, y), text, colours.TEXT, align, SIZE_PT, bold=True)
