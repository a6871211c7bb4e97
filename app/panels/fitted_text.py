"""Text that keeps to the room it is given: shortened with an ellipsis, whole in its tip and for screen readers."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import (
    QFont,
    QFontMetrics,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app import theme

_TIP_MS = 60_000


def tip(text: str) -> str:
    """Return a text as a tool tip whose lines wrap."""
    return f"<p>{escape(text).replace(chr(10), '<br>')}</p>" if text else ""


class FittedText(QWidget):
    """A few lines of text in the height of the widget's parent; it never asks for more room than it has.

    A click shows a shortened text whole, over the window.
    """

    def __init__(self, name: str, lines: int = 2, ink: str = "text", bold: bool = False) -> None:
        super().__init__()
        self.setObjectName(name)
        self._most = lines
        self._ink = ink
        self._whole = ""
        self._lines: list[str] = []
        self.setFont(theme.ui_font(bold=bold))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def setText(self, text: str) -> None:
        """Show a text."""
        if text == self._whole:
            return
        self._whole = text
        self.setAccessibleName(text)
        self._fit()

    def text(self) -> str:
        """Return the whole text."""
        return self._whole

    @property
    def shortened(self) -> bool:
        """Whether there is more text than room."""
        return bool(self._lines) and self._lines[-1].endswith("…") and not self._whole.endswith("…")

    def sizeHint(self) -> QSize:
        """Return the room of the text on one line."""
        return QSize(self.fontMetrics().horizontalAdvance(self._whole) + 2, self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        """Return next to nothing: what does not fit is shortened."""
        return QSize(24, self.fontMetrics().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the lines anew."""
        super().resizeEvent(event)
        self._fit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Show the whole text where it was shortened."""
        if self.shortened:
            QToolTip.showText(event.globalPosition().toPoint(), self.toolTip(), self, self.rect(), _TIP_MS)
        super().mousePressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines, centred in the height."""
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(theme.colour(self._ink))
        metrics = self.fontMetrics()
        y = (self.height() - len(self._lines) * metrics.height()) / 2.0 + metrics.ascent()
        for n, line in enumerate(self._lines):
            painter.drawText(QPointF(0.0, y + n * metrics.height()), line)
        painter.end()

    def _fit(self) -> None:
        self._lines = broken(self._whole, self.font(), self.width() - 2, self._most)
        self.setToolTip(tip(self._whole) if self.shortened else "")
        self.setCursor(Qt.CursorShape.PointingHandCursor if self.shortened else Qt.CursorShape.ArrowCursor)
        self.update()


def broken(text: str, font: QFont, width: int, most: int) -> list[str]:
    """Return a text as at most so many lines of a width in pixels, the last one shortened where there is more."""
    flat, width = " ".join(text.split()), max(width, 1)
    layout = QTextLayout(flat, font)
    layout.setTextOption(QTextOption())
    lines: list[str] = []
    layout.beginLayout()
    while (line := layout.createLine()).isValid():
        if len(lines) == most - 1:
            rest = flat[line.textStart() :]
            lines.append(QFontMetrics(font).elidedText(rest, Qt.TextElideMode.ElideRight, width))
            break
        line.setLineWidth(width)
        lines.append(flat[line.textStart() : line.textStart() + line.textLength()].rstrip())
    layout.endLayout()
    return lines
