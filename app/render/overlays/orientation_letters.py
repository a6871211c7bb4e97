"""The letters at the four edges: which side of the patient lies there, from the plane's real axes."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from app.render import colours
from app.render.overlays.ink import text_box, write
from app.render.overlays.overlay import Overlay, Scene

INSET_PX = 14.0
SIZE_PT = 13.0
PLATE_PX = 3.0  # so much wider than the letter on either side
SIDES_IN_DOUBT = "L/R not confirmed"


class OrientationLetters(Overlay):
    """R, L, A, P, S, I at the edges, two letters where the plane is oblique; none while the sides are in doubt."""

    name = "letters"
    kept = False
    at_edge = True

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Write the four letters, each on a dark plate: whatever ends at the edge must not make an R of a P."""
        ink = colours.TEXT if scene.sides_named else colours.NOTICE
        for at, text, align in _letters(scene):
            room = text_box(painter, at, text, align, SIZE_PT, bold=True)
            painter.fillRect(room.adjusted(-PLATE_PX, 0.0, PLATE_PX, 0.0).toAlignedRect(), colours.PLATE)
            write(painter, at, text, ink, align, SIZE_PT, bold=True)


def boxes(painter: QPainter, scene: Scene) -> list[QRectF]:
    """Return the room of the letters."""
    return [text_box(painter, at, text, align, SIZE_PT, bold=True) for at, text, align in _letters(scene)]


def _letters(scene: Scene) -> list[tuple[QPointF, str, Qt.AlignmentFlag]]:
    plane = scene.plane
    middle, half = plane.width_px / 2.0, plane.height_px / 2.0
    if not scene.sides_named:
        return [(QPointF(middle, plane.height_px - INSET_PX), SIDES_IN_DOUBT, Qt.AlignmentFlag.AlignHCenter)]
    left, top, right, bottom = plane.edge_letters()
    return [
        (QPointF(INSET_PX / 2, half), left, Qt.AlignmentFlag.AlignLeft),
        (QPointF(middle, INSET_PX), top, Qt.AlignmentFlag.AlignHCenter),
        (QPointF(plane.width_px - INSET_PX / 2, half), right, Qt.AlignmentFlag.AlignRight),
        (QPointF(middle, plane.height_px - INSET_PX), bottom, Qt.AlignmentFlag.AlignHCenter),
    ]
