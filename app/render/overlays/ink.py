"""Pens and lettering that stay readable on black lung and on white bone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPolygonF

from app.render import colours
from cvt_planner.base.arrays import FloatArray

LABEL_PT = 10.0
SOLID = Qt.PenStyle.SolidLine
# Opaque: Qt draws what lets through ten times slower.
DARK = QColor(0, 0, 0)
EDGE_PX = 2  # around letters: their dark edge, and what slants out of its box


def pen(colour: QColor, width_px: float = 1.5, dashes: tuple[float, ...] = ()) -> QPen:
    """Return a pen that keeps its width at any zoom; dashes are on and off lengths in units of its width."""
    result = QPen(colour, width_px)
    result.setCapStyle(Qt.PenCapStyle.FlatCap)
    result.setJoinStyle(Qt.PenJoinStyle.BevelJoin)  # on lines this thin as good as round, and quicker
    if dashes:
        result.setDashPattern(list(dashes))
    return result


def dark_pen(width_px: float) -> QPen:
    """Return the pen of the dark line beneath a bright one."""
    return pen(DARK, width_px)


def polygon(points_px: FloatArray) -> QPolygonF:
    """Return (n, 2) logical pixels as a polygon."""
    return QPolygonF(list(map(QPointF, points_px[:, 0].tolist(), points_px[:, 1].tolist())))


def outline(lines_px: Iterable[FloatArray]) -> QPainterPath:
    """Return one path of several lines, each (n, 2) logical pixels."""
    path = QPainterPath()
    for line in lines_px:
        path.addPolygon(polygon(line))
    return path


def box_of(lines_px: Sequence[FloatArray]) -> QRectF:
    """Return the box around lines, each (n, 2) logical pixels."""
    points = np.concatenate(lines_px)
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return QRectF(QPointF(left, top), QPointF(right, bottom))


def segments(line_px: FloatArray) -> list[QLineF]:
    """Return a line (n, 2), logical pixels, piece by piece: thick opaque pieces are drawn far quicker than one path."""
    return [QLineF(*ends) for ends in np.concatenate([line_px[:-1], line_px[1:]], axis=1).tolist()]


def stroke(painter: QPainter, lines_px: Sequence[FloatArray], bright: QPen) -> None:
    """Draw lines, each (n, 2) logical pixels, with a dark line beneath."""
    pieces = [piece for line in lines_px for piece in segments(line)]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(dark_pen(bright.widthF() + 1.6))
    painter.drawLines(pieces)
    painter.setPen(bright)
    if bright.style() == SOLID and bright.color().alpha() == 255:  # dashes run on, and what overlaps must not show
        painter.drawLines(pieces)
    else:
        painter.drawPath(outline(lines_px))


def fill(painter: QPainter, shape_px: FloatArray, colour: QColor, alpha: float) -> None:
    """Fill a shape, (n, 2) logical pixels, and draw its edge; the filling lets through, `alpha` 0 to 1.

    Only the edge is smoothed: it covers the steps of the filling, and smooth filling takes five times as long.
    """
    smooth = painter.testRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(faded(colour, alpha))
    painter.drawPolygon(polygon(shape_px))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, smooth)
    painter.setPen(pen(colour, 1.0))
    painter.drawLines(segments(closed(shape_px)))


def closed(shape_px: FloatArray) -> FloatArray:
    """Return the edge of a shape as a line that ends where it began."""
    return np.concatenate([shape_px, shape_px[:1]])


def label_font(painter: QPainter, points: float = LABEL_PT, bold: bool = False) -> QFont:
    """Return the font for lettering on a picture, figures of equal width."""
    font = QFont(painter.font())
    font.setPointSizeF(points)
    font.setBold(bold)
    return font


def write(
    painter: QPainter,
    at: QPointF,
    text: str,
    colour: QColor = colours.TEXT,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    points: float = LABEL_PT,
    bold: bool = False,
) -> QRectF:
    """Write one line beside a point, with a dark edge, and return the room it takes.

    `at` is the middle of the line's height at its left end (AlignLeft), its right end, or its middle.
    """
    font_key = label_font(painter, points, bold).key()
    box = _box(at, align, *_size_of(text, font_key))
    device = painter.device()
    ratio = device.devicePixelRatioF() if device is not None else 1.0
    corner = QPointF(round(box.left() * ratio) / ratio, round(box.top() * ratio) / ratio)
    painter.drawImage(corner - QPointF(EDGE_PX, EDGE_PX), _lettering(text, font_key, colour.rgba(), ratio))
    return box


def text_box(
    painter: QPainter,
    at: QPointF,
    text: str,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    points: float = LABEL_PT,
    bold: bool = False,
) -> QRectF:
    """Return the room that `write` takes for the same arguments."""
    return _box(at, align, *_size_of(text, label_font(painter, points, bold).key()))


def _box(at: QPointF, align: Qt.AlignmentFlag, width: float, height: float) -> QRectF:
    left = at.x() - {Qt.AlignmentFlag.AlignRight: width, Qt.AlignmentFlag.AlignHCenter: width / 2.0}.get(align, 0.0)
    return QRectF(left, at.y() - height / 2.0, width, height)


@lru_cache(maxsize=1024)
def _size_of(text: str, font_key: str) -> tuple[float, float]:
    font = QFont()
    font.fromString(font_key)
    metrics = QFontMetricsF(font)
    return metrics.horizontalAdvance(text), metrics.height()


@lru_cache(maxsize=512)
def _lettering(text: str, font_key: str, rgba: int, ratio: float) -> QImage:
    """Return a line of text with its dark edge, ready to be put down: writing it each time takes ten times as long."""
    font = QFont()
    font.fromString(font_key)
    metrics = QFontMetricsF(font)
    width, height = _size_of(text, font_key)
    size = QSize(*(math.ceil((length + 2 * EDGE_PX) * ratio) for length in (width, height)))
    picture = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    base = EDGE_PX + height / 2.0 + (metrics.ascent() - metrics.descent()) / 2.0
    painter = QPainter(picture)
    painter.setFont(font)
    painter.setPen(colours.SHADOW)
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        painter.drawText(QPointF(EDGE_PX + dx, base + dy), text)
    painter.setPen(QColor.fromRgba(rgba))
    painter.drawText(QPointF(EDGE_PX, base), text)
    painter.end()
    return picture


def faded(colour: QColor, alpha: float) -> QColor:
    """Return the colour let through, 0 to 1."""
    result = QColor(colour)
    result.setAlphaF(alpha)
    return result
