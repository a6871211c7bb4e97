"""The isotherms of the predicted ice, labelled on the line; grey and dashed when they are out of date."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter

from app.render import colours
from app.render.ice_state import shown_field, still_holds
from app.render.overlays.ink import box_of, faded, outline, pen, stroke
from app.render.overlays.labels import LEFT, MIDDLE, RIGHT, Place, put
from app.render.overlays.overlay import Overlay, Scene
from app.render.sections import field_contours
from cvt_planner.base.arrays import FloatArray
from cvt_planner.plan.results import ISOTHERMS_C, IceField, IceResult

BODY_C = 37.0
SMALLEST_LABELLED_PX = 44.0  # a smaller isotherm carries no label; the others tell which it is
_DASHES: dict[float, tuple[float, ...]] = {0.0: (5.0, 3.0)}
_STALE_DASHES = (2.0, 3.0)
_LABEL_DEG = {
    0.0: -150.0,
    -20.0: 55.0,
    -40.0: 125.0,
}  # clockwise from the screen's right; names of lesions are upper right


_TURNS_DEG = (0.0, 40.0, -40.0, 90.0, -90.0, 140.0, -140.0, 180.0)
_SIDEWAYS = 0.35  # a label stands beside the line, or over and under it where the direction is this steep


class Ice(Overlay):
    """Contours of 0, -20 and -40 degC of every lesion's ice, in the tissue chosen in the view state."""

    name = "ice"

    def __init__(self) -> None:
        self._kept: dict[str, tuple[IceField, bytes, list[list[FloatArray]]]] = {}

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Draw the isotherms of every lesion."""
        for result in scene.state.ice:
            field = shown_field(result, scene.view.ice_tissue)
            stale = not still_holds(scene.state, result)
            named = scene.view.lesion_id in (None, result.inputs.lesion_id)
            for level, lines in zip(ISOTHERMS_C, self._contours(result, field, scene), strict=True):
                if lines:
                    _isotherm(painter, scene, level, lines, stale, named)
        known = {result.inputs.lesion_id for result in scene.state.ice}
        self._kept = {key: kept for key, kept in self._kept.items() if key in known}

    def _contours(self, result: IceResult, field: IceField, scene: Scene) -> list[list[FloatArray]]:
        lesion_id, key = result.inputs.lesion_id, scene.plane.key
        kept = self._kept.get(lesion_id)
        if kept is None or kept[0] is not field or kept[1] != key:
            lines = field_contours(field.temperature_c, field.grid, scene.plane, ISOTHERMS_C, BODY_C)
            kept = (field, key, lines)
            self._kept[lesion_id] = kept
        return kept[2]


def _isotherm(painter: QPainter, scene: Scene, level: float, lines: list[FloatArray], stale: bool, named: bool) -> None:
    colour = colours.STALE if stale else colours.isotherm(level)
    dashes = _STALE_DASHES if stale else _DASHES.get(level, ())
    stroke(painter, outline(lines), pen(faded(colour, 0.8) if stale else colour, 1.6, dashes))
    box = box_of(lines)
    if named and max(box.width(), box.height()) >= SMALLEST_LABELLED_PX:
        text = f"{level:.0f} °C".replace("-", "\N{MINUS SIGN}") + (" out of date" if stale and level == 0.0 else "")
        put(painter, scene, _places(level, np.concatenate(lines)), text, colour)


def _places(level: float, points: FloatArray) -> list[Place]:
    """Return places that touch the line from outside, each isotherm's first one in a direction of its own."""
    first = _LABEL_DEG.get(level, 90.0)
    places: list[Place] = []
    for turn in _TURNS_DEG:
        angle = np.deg2rad(first + turn)
        towards = np.array([np.cos(angle), np.sin(angle)])
        x, y = (points[int(np.argmax(points @ towards))]).tolist()
        if abs(towards[0]) > _SIDEWAYS:
            right = towards[0] > 0
            places.append((QPointF(x + (3.0 if right else -3.0), y), LEFT if right else RIGHT))
        else:
            places.append((QPointF(x, y + (9.0 if towards[1] > 0 else -9.0)), MIDDLE))
    return places
