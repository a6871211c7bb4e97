"""The volume of the ice over time: one line per isotherm, the phases behind them, the moment that is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.panels.words import ml
from app.render import colours
from app.render.overlays.ink import pen, polygon
from cvt_planner.base.arrays import FloatArray
from cvt_planner.plan.timeline import Stretch

HEIGHT_PX = 84
INSET_PX = 8  # so that a moment stands under the middle of the slider's handle
_BOTTOM_PX = 18
_TICKS_S = (60.0, 300.0, 600.0, 1200.0, 3600.0)  # between times that are written under the lines
_MOST_TICKS = 4


@dataclass(frozen=True, eq=False)
class Curve:
    """What is drawn."""

    parts: tuple[Stretch, ...]
    times_s: tuple[float, ...]
    levels_c: tuple[float, ...]
    volumes_ml: FloatArray | None = field(repr=False)  # (isotherms, times); None: not computed yet
    now_s: float
    record_s: float
    tissue: str
    stale: bool


class IceCurve(QWidget):
    """Painted from a `Curve`; a press or a drag on it asks for another moment."""

    moment_wanted = Signal(float)  # s from the start

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("ice_curve")
        self.setFixedHeight(HEIGHT_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._curve: Curve | None = None

    def show_curve(self, curve: Curve | None) -> None:
        """Draw other volumes, or none."""
        self._curve = curve
        self.update()

    def sizeHint(self) -> QSize:
        """Return a size whose width the panel decides."""
        return QSize(240, HEIGHT_PX)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Ask for the moment under the pointer."""
        self._ask(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Ask for the moment under the pointer while the button is held."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._ask(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw phases, lines and the moment."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), theme.colour("field"))
        curve = self._curve
        if curve is None or not curve.parts:
            return
        painter.setFont(_small(painter.font()))
        self._phases(painter, curve)
        if curve.volumes_ml is not None:
            self._lines(painter, curve, curve.volumes_ml)
        self._moment(painter, curve.record_s, QPen(theme.colour("dim"), 1.0, Qt.PenStyle.DotLine))
        self._moment(painter, curve.now_s, QPen(theme.colour("text"), 1.5))

    def _ask(self, event: QMouseEvent) -> None:
        curve = self._curve
        if curve is not None and curve.parts:
            share = (event.position().x() - INSET_PX) / max(self.width() - 2 * INSET_PX, 1)
            self.moment_wanted.emit(round(min(max(share, 0.0), 1.0) * curve.parts[-1].end_s, -1))

    def _x(self, time_s: float) -> float:
        end = self._curve.parts[-1].end_s if self._curve is not None and self._curve.parts else 1.0
        return INSET_PX + (self.width() - 2 * INSET_PX) * time_s / end

    def _phases(self, painter: QPainter, curve: Curve) -> None:
        floor = self.height() - _BOTTOM_PX
        for part in curve.parts:
            if part.name.startswith("freeze"):
                box = QRectF(QPointF(self._x(part.start_s), 0.0), QPointF(self._x(part.end_s), floor))
                painter.fillRect(box, theme.colour("raised"))
        painter.setPen(QPen(theme.colour("line"), 1.0))
        painter.drawLine(QPointF(0, floor), QPointF(self.width(), floor))
        painter.setPen(theme.colour("dim"))
        end = curve.parts[-1].end_s
        metrics = QFontMetricsF(painter.font())
        every = next((step for step in _TICKS_S if end / step < _MOST_TICKS), _TICKS_S[-1])
        for tick in np.arange(0.0, end + 1.0, every).tolist():
            text = f"{tick / 60:.0f}" if tick + every <= end else f"{tick / 60:.0f} min"
            wide = metrics.horizontalAdvance(text)
            left = min(max(self._x(tick) - wide / 2.0, 1.0), self.width() - wide - 1.0)
            painter.drawText(QPointF(left, self.height() - 5.0), text)

    def _lines(self, painter: QPainter, curve: Curve, volumes_ml: FloatArray) -> None:
        most = float(volumes_ml.max()) if volumes_ml.size else 0.0
        if most <= 0.0:
            return
        floor, top = self.height() - _BOTTOM_PX, 16.0
        x = np.array([self._x(t) for t in curve.times_s])
        dashes = colours.isotherm_dashes(curve.levels_c)
        for level, row in zip(curve.levels_c, volumes_ml, strict=True):
            points = np.stack([x, floor - (floor - top) * row / most], axis=1)
            colour = colours.STALE if curve.stale else colours.isotherm(level)
            painter.setPen(pen(colour, 1.6, dashes[level]))
            painter.drawPolyline(polygon(points))
        painter.setPen(theme.colour("dim"))
        words = f"out of date, up to {ml(most)}" if curve.stale else f"up to {ml(most)} in {curve.tissue}"
        painter.drawText(QPointF(INSET_PX, 12.0), words)

    def _moment(self, painter: QPainter, time_s: float, line: QPen) -> None:
        painter.setPen(line)
        painter.drawLine(QPointF(self._x(time_s), 0.0), QPointF(self._x(time_s), self.height() - _BOTTOM_PX))


def _small(font: QFont) -> QFont:
    font.setPointSizeF(theme.SMALLEST_PT)
    return font
