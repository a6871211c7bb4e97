"""The found spine on a slice: vertebrae in two alternating colours, canal, pedicles and discs, let through."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from app.render import colours
from app.render.overlays.overlay import Overlay, Scene
from app.render.view_state import ANATOMY
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.anatomy.spine.picture import CANAL, DISC, MOST_VERTEBRAE, PEDICLE, LabelStyle, label_picture

RIM_OPACITY = 0.85
CHOSEN = 1.6  # the chosen vertebra's inside is so much denser
DOUBTFUL = 0.5  # a vertebra of lower confidence is hatched


class Anatomy(Overlay):
    """Structures that are switched on; doubtful vertebrae hatched, the chosen one denser."""

    name = "anatomy"

    def __init__(self) -> None:
        self._kept: tuple[Spine, tuple[object, ...], QImage] | None = None  # needles may move over it meanwhile

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Cut the labels at the picture's own pixels and lay them over it."""
        spine = scene.state.spine
        wanted = frozenset(ANATOMY) & scene.view.overlays
        if spine is None or not spine.found or not wanted:
            return
        plane, ratio = scene.plane, painter.device().devicePixelRatioF()
        width, height = max(round(plane.width_px * ratio), 1), max(round(plane.height_px * ratio), 1)
        look = (wanted, scene.view.anatomy_opacity, scene.view.vertebra, max(round(ratio), 1))
        key: tuple[object, ...] = (plane.key, width, height, *look)
        if self._kept is None or self._kept[0] is not spine or self._kept[1] != key:
            pixels = label_picture(spine, label_style(spine, *look), *plane.rows(width, height), width)
            image = QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
            self._kept = (spine, key, image.copy())
        painter.drawImage(QRectF(0, 0, plane.width_px, plane.height_px), self._kept[2])


def label_style(
    spine: Spine, wanted: frozenset[str], opacity: float, chosen: int | None, line_px: int = 1
) -> LabelStyle:
    """Return how the codes of `anatomy.spine.picture` are drawn when some of `ANATOMY` are switched on."""
    shown = np.zeros(256, dtype=np.uint8)
    fill, line = np.zeros(256, dtype=np.uint32), np.zeros(256, dtype=np.uint32)
    hatched = np.zeros(256, dtype=np.bool_)

    def draw(code: int, colour: QColor, dense: float = 1.0) -> None:
        shown[code] = code
        fill[code] = premultiplied(colour, min(opacity * dense, 1.0))
        line[code] = premultiplied(colour, RIM_OPACITY)

    for vertebra in spine.found[:MOST_VERTEBRAE]:
        number = vertebra.number
        dense = CHOSEN if number == chosen else 1.0
        if "vertebrae" in wanted:
            draw(number, colours.VERTEBRAE[number % 2], dense)
            hatched[number] = vertebra.confidence < DOUBTFUL
            shown[PEDICLE + number] = number
        if "pedicles" in wanted:
            draw(PEDICLE + number, colours.PEDICLE, dense)
    if "discs" in wanted:
        draw(DISC, colours.DISC)
    if "canal" in wanted:
        draw(CANAL, colours.CANAL_LABEL)
    return LabelStyle(shown, fill, line, hatched, line_px)


def premultiplied(colour: QColor, opacity: float) -> int:
    """Return a colour let through as Qt's premultiplied ARGB32."""
    red, green, blue = (round(v * opacity) for v in (colour.red(), colour.green(), colour.blue()))
    return (round(255 * opacity) << 24) | (red << 16) | (green << 8) | blue
