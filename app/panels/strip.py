"""The safety strip: a chip per needle, one for the ice, one for the cement; a click goes to what it speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QLabel, QScrollArea, QWidget

from app import theme
from app.panels.widgets import VERDICT_WORDS, paint_verdict
from cvt_planner.base.arrays import Vec3


@dataclass(frozen=True)
class ChipText:
    """What one chip says, and where it leads."""

    key: str
    head: str  # "L2 left"
    figures: str  # "13 G  84 mm"
    verdict: str  # ok, look, stop, not judged
    why: str  # the sentence behind the verdict
    place_lps_mm: Vec3 | None = None
    tint: str = "text"


_GAP_PX = 6
_HEIGHT_PX = 44
_WITH_BAR_PX = 58


class Chip(QAbstractButton):
    """Head, figures, the verdict's mark and its words."""

    def __init__(self, text: ChipText) -> None:
        super().__init__()
        self.said = text
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.say(text)

    def say(self, text: ChipText) -> None:
        """Show another text."""
        self.said = text
        self.setObjectName(f"chip_{text.key}")
        words = f"{text.head}: {text.figures}. {VERDICT_WORDS.get(text.verdict, text.verdict)}."
        self.setAccessibleName(words)
        self.setToolTip(f"{words}\n{text.why}" if text.why else words)
        self.updateGeometry()
        self.update()

    def _parts(self) -> tuple[str, str, str]:
        return self.said.head, self.said.figures, VERDICT_WORDS.get(self.said.verdict, self.said.verdict)

    def sizeHint(self) -> QSize:
        """Return room for the whole text."""
        head, figures, verdict = self._parts()
        bold = QFontMetrics(theme.ui_font(bold=True))
        plain = QFontMetrics(theme.ui_font())
        wide = bold.horizontalAdvance(head) + plain.horizontalAdvance(figures) + plain.horizontalAdvance(verdict)
        return QSize(wide + 14 + 2 * _GAP_PX + 16 + 6 + 6, 34)

    def minimumSizeHint(self) -> QSize:
        """Return the same: a chip is never cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the chip."""
        head, figures, verdict = self._parts()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 1.5, -0.5, -1.5)
        lit = self.underMouse() or self.hasFocus()
        painter.setPen(QPen(theme.colour("accent" if lit else "edge"), 1))
        painter.setBrush(theme.colour("raised"))
        painter.drawRoundedRect(box, 5, 5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(self.said.tint))
        painter.drawRoundedRect(QRectF(box.left() + 3, box.top() + 6, 4, box.height() - 12), 2, 2)
        x = box.left() + 14
        x = self._write(painter, x, head, "text", bold=True) + _GAP_PX
        x = self._write(painter, x, figures, "text") + _GAP_PX
        paint_verdict(painter, QRectF(x, box.center().y() - 8, 16, 16), self.said.verdict)
        self._write(painter, x + 22, verdict, theme.VERDICT_COLOURS.get(self.said.verdict, "dim"))
        painter.end()

    def _write(self, painter: QPainter, x: float, text: str, ink: str, bold: bool = False) -> float:
        font = theme.ui_font(bold=bold)
        painter.setFont(font)
        painter.setPen(theme.colour(ink))
        wide = QFontMetrics(font).horizontalAdvance(text)
        painter.drawText(QRectF(x, 0, wide + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, text)
        return x + wide


class _Sideways(QScrollArea):
    """A scroll area whose wheel moves it sideways."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll sideways."""
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - event.angleDelta().y())
        event.accept()


class Strip(QFrame):
    """The chips side by side, always there; it scrolls sideways where they do not fit."""

    place_wanted = Signal(object)  # ChipText

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("strip")
        self.setFixedHeight(_HEIGHT_PX)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self._scroll = scroll = _Sideways()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        holder = QWidget()
        self._row = QHBoxLayout(holder)
        self._row.setContentsMargins(6, 4, 6, 4)
        self._row.setSpacing(6)
        self._row.addStretch(1)
        scroll.setWidget(holder)
        outer.addWidget(scroll)
        self.chips: list[Chip] = []
        self._hint = QLabel("Needles, ice and cement appear here, each with its verdict.")
        self._hint.setProperty("role", "hint")
        self._row.insertWidget(0, self._hint)
        bar = scroll.horizontalScrollBar()
        bar.rangeChanged.connect(lambda _low, high: self.setFixedHeight(_WITH_BAR_PX if high else _HEIGHT_PX))

    def show_chips(self, texts: Sequence[ChipText]) -> None:
        """Show one chip per text, using again those that are there."""
        self._hint.setVisible(not texts)
        while len(self.chips) > len(texts):
            gone = self.chips.pop()
            self._row.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for n, text in enumerate(texts):
            if n < len(self.chips):
                if self.chips[n].said != text:
                    self.chips[n].say(text)
                continue
            chip = Chip(text)
            chip.clicked.connect(lambda _checked=False, made=chip: self.place_wanted.emit(made.said))
            self._row.insertWidget(n, chip)
            self.chips.append(chip)
