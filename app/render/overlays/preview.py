"""A lesion that is being marked and not yet in the plan: its outline, dashed, and its interior tinted."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from app.render import colours
from app.render.overlays.ink import box_of, faded, outline, pen, stroke, write
from app.render.overlays.labels import around, put
from app.render.overlays.overlay import Overlay, Scene
from app.render.sections import shape_section


class PreviewOutline(Overlay):
    """The live preview of a growing region or of an ellipsoid under the hand."""

    name = "lesions"
    kept = False

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Draw outline, tint and label."""
        preview = scene.view.preview
        lines = shape_section(preview.shape, scene.plane) if preview is not None else []
        if preview is None or not lines:
            return
        path = outline(lines)
        path.setFillRule(Qt.FillRule.OddEvenFill)
        painter.fillPath(path, faded(colours.PREVIEW, 0.18))
        stroke(painter, lines, pen(colours.PREVIEW, 1.8, (4.0, 2.5)))
        places = sorted(around(box_of(lines)), key=lambda place: -place[0].y())  # names of lesions are above
        if not put(painter, scene, places, preview.label, colours.PREVIEW, now=True):
            write(painter, places[0][0], preview.label, colours.PREVIEW, places[0][1])
