"""Colours of drawn things; line styles tell them apart too, for colour-blind eyes and grey print."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QColor

from cvt_planner.plan.model import Side

BACKGROUND = QColor(14, 15, 17)
TEXT = QColor(205, 209, 214)
DIM_TEXT = QColor(150, 155, 162)
SHADOW = QColor(0, 0, 0, 190)
PLATE = QColor(14, 15, 17, 215)  # beneath what must be read over anything

PLANE = {"axial": QColor(208, 84, 78), "sagittal": QColor(216, 190, 74), "coronal": QColor(96, 176, 104)}
PLANE_TITLE = {"axial": QColor(244, 150, 144), "sagittal": QColor(232, 210, 112), "coronal": QColor(136, 210, 144)}
LESION = QColor(255, 64, 220)
PREVIEW = QColor(255, 150, 236)
NEEDLE = {Side.LEFT: QColor(38, 198, 186), Side.RIGHT: QColor(255, 152, 40)}
PROBE = QColor(226, 230, 236)
ACTIVE_ZONE = QColor(120, 205, 255)
CANAL = QColor(236, 226, 196)
LEVEL = QColor(178, 186, 198)
DOUBTFUL_LEVEL = QColor(224, 166, 60)  # not confirmed: the colour of "look"
NOTICE = QColor(255, 206, 92)  # what is drawn is not what the figures speak of
STALE = QColor(150, 150, 154)
CEMENT = QColor(204, 142, 53)
MEASURE = QColor(232, 214, 110)
BONE = QColor(224, 211, 188)

# Neighbouring vertebrae alternate between yellow and blue, which every eye tells apart; grey values differ too.
VERTEBRAE = (QColor(236, 188, 64), QColor(92, 148, 222))
PEDICLE = QColor(240, 240, 232)
DISC = QColor(150, 170, 160)
CANAL_LABEL = QColor(226, 150, 110)
ORGANS = {  # by the name of the switch that shows them
    "skin": QColor(226, 204, 170),
    "lungs": QColor(132, 204, 164),
    "air": QColor(178, 160, 226),
    "aorta": QColor(230, 122, 140),
}

# Isotherm in degC: the contour's colour; between them it is interpolated. Warmer and colder ones are light.
ISOTHERM = {
    35.0: QColor(250, 240, 176),
    0.0: QColor(176, 220, 255),
    -20.0: QColor(64, 140, 255),
    -40.0: QColor(176, 106, 255),
    -80.0: QColor(226, 192, 255),
    -150.0: QColor(246, 232, 255),
}
_STOPS = sorted(ISOTHERM)

# On and off lengths in widths of the pen. To colour-blind eyes and on grey paper -20 and -40 have the same colour.
_OWN_DASHES: dict[float, tuple[float, ...]] = {0.0: (5.0, 3.0), -20.0: (), -40.0: (8.0, 2.5, 1.5, 2.5)}
_MORE_DASHES = ((1.5, 2.0), (12.0, 3.0), (5.0, 2.0, 1.5, 2.0, 1.5, 2.0))


def isotherm(temperature_c: float) -> QColor:
    """Return the colour of an isotherm: its own, or one between its neighbours'."""
    at = [
        float(np.interp(temperature_c, _STOPS, [channel(ISOTHERM[stop]) for stop in _STOPS]))
        for channel in (QColor.red, QColor.green, QColor.blue)
    ]
    return QColor(*(round(value) for value in at))


def isotherm_dashes(levels_c: tuple[float, ...]) -> dict[float, tuple[float, ...]]:
    """Return the dash pattern of each of up to five isotherms that are shown together; no two are the same."""
    order = sorted(levels_c, reverse=True)
    spare = iter([*_MORE_DASHES, *(dashes for level, dashes in _OWN_DASHES.items() if level not in levels_c)])
    return {level: _OWN_DASHES[level] if level in _OWN_DASHES else next(spare) for level in order}


def rgb(colour: QColor) -> tuple[float, float, float]:
    """Return red, green and blue, 0 to 1, as VTK wants them."""
    return colour.redF(), colour.greenF(), colour.blueF()
