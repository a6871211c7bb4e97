"""Room for lettering on a view: a label takes the first place that is free, or stays away.

Who comes first has the better claim: the letters, corner texts and scale at the edges always keep their room; then the
isotherms, the chosen lesion's first, the names of lesions, of levels, and of a needle's points, in the order of
painting.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from app.render.overlays import corner_texts, orientation_letters, scale_bar
from app.render.overlays.ink import text_box, write
from app.render.overlays.overlay import Overlay, Scene

Place = tuple[QPointF, Qt.AlignmentFlag]
LEFT, RIGHT, MIDDLE = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignHCenter
EDGE_PX = 3.0  # a label keeps so far from the view's edges
SNUG_PX = 2.0  # boxes hold more air above and below the letters than beside them; so much is moved


def put(
    painter: QPainter,
    scene: Scene,
    places: Iterable[Place],
    text: str,
    colour: QColor,
    bold: bool = False,
    now: bool = False,
) -> bool:
    """Write a label at the first of its places that is free; return whether there was one.

    It is written when all kept shapes are drawn, so that no line crosses it; `now` is for what is painted after them.
    """
    if not scene.taken:
        scene.taken.extend(fixed_boxes(painter, scene))
    plane = scene.plane
    inside = QRectF(0, 0, plane.width_px, plane.height_px).adjusted(EDGE_PX, EDGE_PX, -EDGE_PX, -EDGE_PX)
    for at, align in places:
        box = text_box(painter, at, text, align, bold=bold)
        core = box.adjusted(-SNUG_PX, SNUG_PX, SNUG_PX, -SNUG_PX)
        if inside.contains(core) and not any(core.intersects(other) for other in (*scene.taken, *scene.handles)):
            scene.taken.append(core)
            run = partial(write, painter, at, text, colour, align, bold=bold)
            if now:
                run()
            else:
                scene.written.append(run)
            return True
    return False


class Lettering(Overlay):
    """Writes the labels that found room."""

    name = "letters"

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Write them."""
        for run in scene.written:
            run()
        scene.written.clear()


def around(box: QRectF, gap_px: float = 5.0) -> list[Place]:
    """Return places around a box: its upper right first, then the other corners, above and below."""
    high, low, centre = box.top() - 2.0, box.bottom() + 2.0, box.center()
    return [
        (QPointF(box.right() + gap_px, high), LEFT),
        (QPointF(box.left() - gap_px, high), RIGHT),
        (QPointF(box.right() + gap_px, low), LEFT),
        (QPointF(box.left() - gap_px, low), RIGHT),
        (QPointF(box.right() + gap_px, centre.y()), LEFT),
        (QPointF(box.left() - gap_px, centre.y()), RIGHT),
        (QPointF(centre.x(), high - 12.0), MIDDLE),
        (QPointF(centre.x(), low + 12.0), MIDDLE),
    ]


def fixed_boxes(painter: QPainter, scene: Scene) -> list[QRectF]:
    """Return the room of what stands at the edges, whether or not it is shown just now."""
    return [
        *orientation_letters.boxes(painter, scene),
        *corner_texts.boxes(painter, scene),
        scale_bar.box(painter, scene),
    ]
