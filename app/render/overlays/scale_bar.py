"""The scale bar: a round length at the right edge."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QPainter

from app.render import colours
from app.render.overlays.ink import dark_pen, pen, text_box, write
from app.render.overlays.overlay import Overlay, Scene

LENGTHS_MM = (1, 2, 5, 10, 20, 50, 100, 200, 500)
LARGEST_SHARE = 0.33  # of the view's height
INSET_PX = 30.0
TICK_PX = 5.0


def bar_length_mm(height_px: float, mm_per_px: float) -> int:
    """Return the longest round length that takes at most a third of the view's height, mm."""
    fitting = [mm for mm in LENGTHS_MM if mm / mm_per_px <= LARGEST_SHARE * height_px]
    return fitting[-1] if fitting else LENGTHS_MM[0]


def bar_label(length_mm: int) -> str:
    """Return the length in words: "5 mm" below a centimetre, "2 cm" from there."""
    return f"{length_mm} mm" if length_mm < 10 else f"{length_mm // 10} cm"


class ScaleBar(Overlay):
    """A vertical bar in the lower right, away from the corner texts."""

    name = "scale"
    kept = False
    at_edge = True

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Draw the bar with its ticks and its length."""
        draw_bar(painter, *_measures(scene))


def draw_bar(painter: QPainter, size: QSizeF, mm_per_px: float) -> None:
    """Draw the bar of a picture of that size in logical pixels."""
    x, top, bottom, words = _bar(size, mm_per_px)
    lines = [QLineF(x, top, x, bottom), QLineF(x - TICK_PX, top, x, top), QLineF(x - TICK_PX, bottom, x, bottom)]
    for chosen in (dark_pen(3.5), pen(colours.TEXT, 1.5)):
        painter.setPen(chosen)
        painter.drawLines(lines)
    write(painter, _label_at(x, top, bottom), words, align=Qt.AlignmentFlag.AlignRight)


def box(painter: QPainter, scene: Scene) -> QRectF:
    """Return the room of the bar and its label."""
    x, top, bottom, words = _bar(*_measures(scene))
    label = text_box(painter, _label_at(x, top, bottom), words, Qt.AlignmentFlag.AlignRight)
    return QRectF(x - TICK_PX, top, TICK_PX, bottom - top).united(label)


def _measures(scene: Scene) -> tuple[QSizeF, float]:
    return QSizeF(scene.plane.width_px, scene.plane.height_px), scene.plane.mm_per_px


def _bar(size: QSizeF, mm_per_px: float) -> tuple[float, float, float, str]:
    """Return where the bar stands, its upper and lower end, px, and its label."""
    length = bar_length_mm(size.height(), mm_per_px)
    bottom = size.height() - 2.0 * INSET_PX
    return size.width() - INSET_PX, bottom - length / mm_per_px, bottom, bar_label(length)


def _label_at(x: float, top: float, bottom: float) -> QPointF:
    return QPointF(x - TICK_PX - 4.0, bottom if bottom - top > 60 else (top + bottom) / 2)
