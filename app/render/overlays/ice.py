"""The isotherms of the predicted ice, labelled on the line; grey and dashed when they are out of date."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter

from app.render import colours
from app.render.ice_state import IceView, ShownIce, shown_ice
from app.render.overlays.ink import box_of, faded, pen, stroke
from app.render.overlays.labels import LEFT, MIDDLE, RIGHT, Place, put
from app.render.overlays.overlay import Overlay, Scene
from app.render.sections import field_contours
from cvt_planner.base.arrays import FloatArray

SMALLEST_LABELLED_PX = 44.0  # a smaller isotherm carries no label; the others tell which it is
STALE_DASHES = (2.0, 3.0)
# Of the labels, warmest isotherm first; clockwise from the screen's right. Names of lesions are upper right.
_LABEL_DEG = (-150.0, 55.0, 125.0, 180.0, 15.0)
_TURNS_DEG = (0.0, 40.0, -40.0, 90.0, -90.0, 140.0, -140.0, 180.0)
_SIDEWAYS = 0.35  # a label stands beside the line, or over and under it where the direction is this steep
_Lines = list[list[FloatArray]]


class Ice(Overlay):
    """Contours of the chosen isotherms of every lesion's ice, in the tissue and at the moment that are looked at."""

    name = "ice"

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[object, ...], _Lines]] = {}

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Draw the isotherms of every lesion."""
        view = IceView.of(scene.view)
        dashes = colours.isotherm_dashes(view.isotherms_c)
        known = set()
        # Of the chosen lesion first: its temperatures have the better claim to the room.
        for ice in sorted(shown_ice(scene.state, view), key=lambda one: one.lesion_id != scene.view.lesion_id):
            known.add(ice.lesion_id)
            # They stand on the warmest isotherm that is seen; beside a chosen lesion those of others need only say
            # what is wrong with them.
            chosen = scene.view.lesion_id in (None, ice.lesion_id)
            words = ice.words if chosen or ice.stale else ""
            for number, lines in enumerate(self._contours(ice, view.isotherms_c, scene)):
                if lines:
                    level = view.isotherms_c[number]
                    _draw(painter, ice, lines, level, dashes[level])
                    if _label(painter, scene, ice, lines, level, number, words):
                        words = ""
        self._kept = {key: kept for key, kept in self._kept.items() if key in known}

    def _contours(self, ice: ShownIce, levels_c: tuple[float, ...], scene: Scene) -> _Lines:
        drawn = ice.drawn
        key: tuple[object, ...] = (scene.plane.key, levels_c)
        kept = self._kept.get(ice.lesion_id)
        if kept is None or kept[0][0] is not drawn or kept[0][1:] != key:
            levels = tuple(drawn.level(c) for c in levels_c)
            kept = ((drawn, *key), field_contours(drawn.values, drawn.grid, scene.plane, levels, drawn.warm))
            self._kept[ice.lesion_id] = kept
        return kept[1]


def level_words(level_c: float) -> str:
    """Return "−20 °C"."""
    return f"{level_c:.0f} °C".replace("-", "\N{MINUS SIGN}")


def _draw(painter: QPainter, ice: ShownIce, lines: list[FloatArray], level: float, dashes: tuple[float, ...]) -> None:
    colour = faded(colours.STALE, 0.8) if ice.stale else colours.isotherm(level)
    stroke(painter, lines, pen(colour, 1.6, STALE_DASHES if ice.stale else dashes))


def _label(
    painter: QPainter, scene: Scene, ice: ShownIce, lines: list[FloatArray], level: float, number: int, words: str
) -> bool:
    """Write the temperature on the line, and the words; return whether there was room."""
    box = box_of(lines)
    if max(box.width(), box.height()) < SMALLEST_LABELLED_PX:
        return False
    text = f"{level_words(level)}, {words}" if words else level_words(level)
    colour = colours.STALE if ice.stale else colours.isotherm(level)
    return put(painter, scene, _places(_LABEL_DEG[number], np.concatenate(lines)), text, colour)


def _places(first_deg: float, points: FloatArray) -> list[Place]:
    """Return places that touch the line from outside, each isotherm's first one in a direction of its own."""
    places: list[Place] = []
    for turn in _TURNS_DEG:
        angle = np.deg2rad(first_deg + turn)
        towards = np.array([np.cos(angle), np.sin(angle)])
        x, y = (points[int(np.argmax(points @ towards))]).tolist()
        if abs(towards[0]) > _SIDEWAYS:
            right = towards[0] > 0
            places.append((QPointF(x + (3.0 if right else -3.0), y), LEFT if right else RIGHT))
        else:
            places.append((QPointF(x, y + (9.0 if towards[1] > 0 else -9.0)), MIDDLE))
    return places
