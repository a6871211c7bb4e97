"""What lies around the spine on a slice: the skin's line, lungs, air and aorta let through, each with its name."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter

from app.render import colours
from app.render.overlays.ink import box_of, faded, outline, pen
from app.render.overlays.labels import MIDDLE, around, put
from app.render.overlays.overlay import Overlay, Scene
from app.render.sections import field_contours
from app.render.view_state import ORGANS
from cvt_planner.anatomy.organs.drawn import SURFACE, known_fields
from cvt_planner.anatomy.organs.model import Organs as FoundOrgans
from cvt_planner.base.arrays import FloatArray

SWITCH = {"skin": "skin", "right lung": "lungs", "left lung": "lungs", "air": "air", "aorta": "aorta"}
RIM_OPACITY = 0.85
SMALLEST_NAMED_PX = 24.0
_Lines = list[list[FloatArray]]


class Organs(Overlay):
    """Structures that are switched on; lines cut off by a picture along the canal are not filled."""

    name = "anatomy"

    def __init__(self) -> None:
        self._kept: tuple[FoundOrgans, tuple[object, ...], _Lines] | None = None

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Draw their sections with the plane."""
        organs = scene.state.organs
        wanted = frozenset(ORGANS) & scene.view.overlays
        if organs is None or not wanted:
            return
        fields = [one for one in known_fields(organs) if SWITCH[one.name] in wanted]
        key: tuple[object, ...] = (scene.plane.key, *(one.name for one in fields))
        if self._kept is None or self._kept[0] is not organs or self._kept[1] != key:
            cut = [field_contours(one.values, one.grid, scene.plane, (SURFACE,), 0.0)[0] for one in fields]
            self._kept = (organs, key, cut)
        for one, lines in zip(fields, self._kept[2], strict=True):
            if lines:
                colour = colours.ORGANS[SWITCH[one.name]]
                _draw(painter, lines, colour, 0.0 if one.name == "skin" else scene.view.anatomy_opacity)
                _label(painter, scene, lines, one.name, colour)


def _draw(painter: QPainter, lines: list[FloatArray], colour: QColor, opacity: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(faded(colour, opacity))
    painter.drawPath(outline(line for line in lines if np.array_equal(line[0], line[-1])))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(faded(colour, RIM_OPACITY), 1.2))
    painter.drawPath(outline(lines))


def _label(painter: QPainter, scene: Scene, lines: list[FloatArray], name: str, colour: QColor) -> None:
    """Write the name in the largest section, or beside it where it is small."""
    largest = max(lines, key=lambda line: float(np.prod(np.ptp(line, axis=0))))
    box = box_of([largest])
    if max(box.width(), box.height()) < SMALLEST_NAMED_PX:
        return
    if not scene.sides_named:
        name = name.removeprefix("right ").removeprefix("left ")
    if name == "skin":
        places = [(QPointF(*point), MIDDLE) for point in largest[:: max(len(largest) // 12, 1)].tolist()]
    elif min(box.width(), box.height()) > 3.0 * SMALLEST_NAMED_PX:
        middle = largest.mean(axis=0).tolist()
        places = [(QPointF(*middle), MIDDLE)]
    else:
        places = around(box)
    put(painter, scene, places, name, colour)
