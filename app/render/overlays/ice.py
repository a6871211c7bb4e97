"""The isotherms of the predicted ice, labelled on the line; grey and dashed when they are out of date."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter

from app.render import colours
from app.render.ice_state import shown_field, still_holds
from app.render.overlays.ink import faded, outline, pen, stroke, write
from app.render.overlays.overlay import Overlay, Scene
from app.render.sections import field_contours
from cvt_planner.base.arrays import FloatArray
from cvt_planner.plan.results import ISOTHERMS_C, IceField, IceResult

BODY_C = 37.0
SHORTEST_LABELLED_PX = 70.0
_DASHES: dict[float, tuple[float, ...]] = {0.0: (5.0, 3.0)}
_STALE_DASHES = (2.0, 3.0)
_LABEL_DEG = {
    0.0: -150.0,
    -20.0: 55.0,
    -40.0: 125.0,
}  # clockwise from the screen's right; names of lesions are upper right


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
            for level, lines in zip(ISOTHERMS_C, self._contours(result, field, scene), strict=True):
                if lines:
                    _isotherm(painter, scene, level, lines, stale)
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


def _isotherm(painter: QPainter, scene: Scene, level: float, lines: list[FloatArray], stale: bool) -> None:
    colour = colours.STALE if stale else colours.isotherm(level)
    dashes = _STALE_DASHES if stale else _DASHES.get(level, ())
    stroke(painter, outline(lines), pen(faded(colour, 0.8) if stale else colour, 1.6, dashes))
    if max(_length_px(line) for line in lines) >= SHORTEST_LABELLED_PX:
        text = f"{level:.0f} °C".replace("-", "\N{MINUS SIGN}") + (" out of date" if stale and level == 0.0 else "")
        _label(painter, scene, level, np.concatenate(lines), text, colour)


def _label(painter: QPainter, scene: Scene, level: float, points: FloatArray, text: str, colour: QColor) -> None:
    """Write the temperature on one of its lines, each isotherm in a direction of its own so that they do not meet."""
    angle = np.deg2rad(_LABEL_DEG.get(level, 90.0))
    towards = np.array([np.cos(angle), np.sin(angle)])
    visible = points[
        (points[:, 0] > 20)
        & (points[:, 0] < scene.plane.width_px - 40)
        & (points[:, 1] > 15)
        & (points[:, 1] < scene.plane.height_px - 15)
    ]
    if len(visible):
        x, y = visible[int(np.argmax(visible @ towards))]
        write(painter, QPointF(float(x), float(y)), text, colour, Qt.AlignmentFlag.AlignHCenter)


def _length_px(line: FloatArray) -> float:
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())
