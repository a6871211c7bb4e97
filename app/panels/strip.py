"""The safety strip: a chip per needle, one for the ice, one for the cement; a click goes to what it speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QLabel, QScrollArea, QToolButton, QWidget

from app import theme
from app.panels.fitted_text import tip
from app.panels.widgets import VERDICT_WORDS, named, paint_verdict, set_role
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
    brief: str = ""  # the figures where there is little room; empty: the same
    own: bool = True  # of the chosen lesion


_GAP_PX = 6
_HEIGHT_PX = 42
_MARGIN_PX = 6
_GRAVITY = ("stop", "look", "not judged", "ok")


class Chip(QAbstractButton):
    """Head, figures, the verdict's mark and its words."""

    def __init__(self, text: ChipText) -> None:
        super().__init__()
        self.said = text
        self.is_brief = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.say(text)

    def say(self, text: ChipText) -> None:
        """Show another text."""
        self.said = text
        self.setObjectName(f"chip_{text.key}")
        words = f"{text.head}: {text.figures}. {VERDICT_WORDS.get(text.verdict, text.verdict)}."
        self.setAccessibleName(words)
        self.setToolTip(tip(f"{words}\n{text.why}" if text.why else words))
        self.updateGeometry()
        self.update()

    def be_brief(self, brief: bool) -> None:
        """Show the short figures, or the full ones."""
        if brief != self.is_brief:
            self.is_brief = brief
            self.updateGeometry()
            self.update()

    def _parts(self, brief: bool) -> tuple[str, str, str]:
        said = self.said
        figures = (said.brief or said.figures) if brief else said.figures
        return said.head, figures, VERDICT_WORDS.get(said.verdict, said.verdict)

    def sizeHint(self) -> QSize:
        """Return room for the text that is shown."""
        return self.size_of(self.is_brief)

    def size_of(self, brief: bool) -> QSize:
        """Return room for the full or the short text."""
        head, figures, verdict = self._parts(brief)
        bold = QFontMetrics(theme.ui_font(bold=True))
        plain = QFontMetrics(theme.ui_font())
        wide = bold.horizontalAdvance(head) + plain.horizontalAdvance(figures) + plain.horizontalAdvance(verdict)
        return QSize(wide + 14 + 2 * _GAP_PX + 16 + 6 + 6, 34)

    def minimumSizeHint(self) -> QSize:
        """Return the same: a chip is never cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the chip."""
        head, figures, verdict = self._parts(self.is_brief)
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
    """A scroll area without bars, whose wheel moves it sideways."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll sideways."""
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - event.angleDelta().y())
        event.accept()


class Strip(QFrame):
    """The chips side by side, always there. Where they do not fit, arrows at the right turn to the others."""

    place_wanted = Signal(object)  # ChipText

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("strip")
        self.setFixedHeight(_HEIGHT_PX)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        self._scroll = scroll = _Sideways()
        holder = QWidget()
        self._row = QHBoxLayout(holder)
        self._row.setContentsMargins(_MARGIN_PX, 3, _MARGIN_PX, 3)
        self._row.setSpacing(_MARGIN_PX)
        self._row.addStretch(1)
        scroll.setWidget(holder)
        outer.addWidget(scroll, 1)
        self.back = self._arrow("chevron-left", "strip_back", -1)
        self.more = self._arrow("chevron-right", "strip_more", 1)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        outer.addWidget(self.back)
        outer.addWidget(self.more)
        self.chips: list[Chip] = []
        self._hint = QLabel("Needles, ice and cement appear here, each with its verdict.")
        self._hint.setProperty("role", "hint")
        self._hint.setIndent(8)
        self._row.insertWidget(0, self._hint)
        bar = scroll.horizontalScrollBar()
        bar.rangeChanged.connect(self._tell_more)
        bar.valueChanged.connect(self._tell_more)

    def show_chips(self, texts: Sequence[ChipText]) -> None:
        """Show one chip per text, using again those that are there."""
        before = [chip.said.key for chip in self.chips]
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
        if [text.key for text in texts] != before:
            self._scroll.horizontalScrollBar().setValue(0)  # the chosen lesion's chips are seen first
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose between full and short figures anew."""
        super().resizeEvent(event)
        self._arrange()

    def _arrow(self, icon: str, name: str, way: int) -> QToolButton:
        made = named(QToolButton(), name)
        made.setIcon(theme.icon(icon))
        made.setProperty("role", "corner")
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.setFixedHeight(_HEIGHT_PX - 6)
        made.clicked.connect(lambda: self._turn(way))
        made.hide()
        return made

    def _arrange(self) -> None:
        """Shorten the figures where the chosen lesion's chips would not fit in full."""
        fitting = self._room(brief=False, own_only=False) <= self.width()
        arrows = 0 if fitting else self.back.sizeHint().width() + self.more.sizeHint().width() + 2
        brief = self._room(brief=False, own_only=True) > self.width() - arrows
        for chip in self.chips:
            chip.be_brief(brief)
        overflows = self._room(brief, own_only=False) > self.width()
        self.back.setVisible(overflows)
        self.more.setVisible(overflows)
        self._tell_more()

    def _room(self, brief: bool, own_only: bool) -> int:
        shown = [chip for chip in self.chips if chip.said.own or not own_only]
        return sum(chip.size_of(brief).width() + _MARGIN_PX for chip in shown) + _MARGIN_PX

    def _tell_more(self) -> None:
        """Say on the arrow how many chips lie beyond the edge, and the gravest verdict among them."""
        bar = self._scroll.horizontalScrollBar()
        self.back.setEnabled(bar.value() > 0)
        self.more.setEnabled(bar.value() < bar.maximum())
        edge = bar.value() + self._scroll.viewport().width()
        beyond = [chip.said for chip in self.chips if chip.geometry().right() > edge]
        self.more.setText(f"{len(beyond)} more" if beyond else "")
        worst = min((text.verdict for text in beyond), key=_GRAVITY.index, default="")
        words = "\n".join(f"{text.head}: {VERDICT_WORDS.get(text.verdict, text.verdict)}" for text in beyond)
        self.more.setToolTip(tip(words))
        set_role(self.more, f"corner_{worst}" if worst in ("look", "stop") else "corner")

    def _turn(self, way: int) -> None:
        bar = self._scroll.horizontalScrollBar()
        bar.setValue(bar.value() + way * round(self._scroll.viewport().width() * 0.8))
