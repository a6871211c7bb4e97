"""Colours of drawn things; line styles tell them apart too, for colour-blind eyes and grey print."""

from __future__ import annotations

from PySide6.QtGui import QColor

from cvt_planner.plan.model import Side

BACKGROUND = QColor(14, 15, 17)
TEXT = QColor(205, 209, 214)
DIM_TEXT = QColor(150, 155, 162)
SHADOW = QColor(0, 0, 0, 190)

PLANE = {"axial": QColor(208, 84, 78), "sagittal": QColor(216, 190, 74), "coronal": QColor(96, 176, 104)}
LESION = QColor(255, 64, 220)
PREVIEW = QColor(255, 150, 236)
NEEDLE = {Side.LEFT: QColor(38, 198, 186), Side.RIGHT: QColor(255, 152, 40)}
PROBE = QColor(226, 230, 236)
ACTIVE_ZONE = QColor(120, 205, 255)
CANAL = QColor(236, 226, 196)
LEVEL = QColor(178, 186, 198)
STALE = QColor(150, 150, 154)
CEMENT = QColor(204, 142, 53)
MEASURE = QColor(232, 214, 110)
BONE = QColor(224, 211, 188)

# Isotherm in degC: the contour's colour. 0 is dashed everywhere.
ISOTHERM = {0.0: QColor(176, 220, 255), -20.0: QColor(64, 140, 255), -40.0: QColor(176, 106, 255)}


def isotherm(temperature_c: float) -> QColor:
    """Return the colour of an isotherm; one that has none of its own takes the nearest one's."""
    return ISOTHERM[min(ISOTHERM, key=lambda known: abs(known - temperature_c))]


def rgb(colour: QColor) -> tuple[float, float, float]:
    """Return red, green and blue, 0 to 1, as VTK wants them."""
    return colour.redF(), colour.greenF(), colour.blueF()
