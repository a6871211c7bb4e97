"""The rail of steps: where the work stands, by a mark whose shape says it as well as its colour."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame, QVBoxLayout, QWidget

from app import theme


class Step(IntEnum):
    """The steps in the order of the procedure."""

    IMAGES = 1
    LEVELS = 2
    LESIONS = 3
    NEEDLES = 4
    ICE = 5
    CEMENT = 6
    SESSION = 7

    @property
    def title(self) -> str:
        """Return the step's name."""
        return self.name.capitalize()


class Mark(StrEnum):
    """How far a step has come."""

    EMPTY = "nothing yet"
    UNDER_WAY = "under way"
    DONE = "done"
    OUT_OF_DATE = "out of date"


class RailButton(QAbstractButton):
    """One step: its number, its name and its mark."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step
        self.mark = Mark.EMPTY
        self.setText(step.title)
        self.setCheckable(True)
        self.setObjectName(f"step_{step.value}")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(46)
        self._describe()

    def set_mark(self, mark: Mark) -> None:
        """Show another mark."""
        if mark is not self.mark:
            self.mark = mark
            self._describe()
            self.update()

    def _describe(self) -> None:
        words = f"{self.step.value} {self.step.title}: {self.mark.value}"
        self.setAccessibleName(words)
        self.setToolTip(f"{words} (Alt+{self.step.value})")

    def sizeHint(self) -> QSize:
        """Return room for the longest name."""
        return QSize(self.fontMetrics().horizontalAdvance("7 Needles") + 46, 46)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw number, name and mark."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self.isChecked() or self.underMouse():
            painter.fillRect(area, theme.colour("raised"))
        if self.isChecked():
            painter.fillRect(QRectF(0, 0, 4, area.height()), theme.colour("accent"))
        if self.hasFocus():
            painter.setPen(QPen(theme.colour("accent"), 1))
            painter.drawRect(area.adjusted(1, 1, -2, -2))
        paint_mark(painter, QRectF(14, area.center().y() - 8, 16, 16), self.mark)
        ink = "text" if self.isChecked() or self.mark is not Mark.EMPTY else "dim"
        painter.setPen(theme.colour(ink))
        painter.drawText(
            area.adjusted(40, 0, -4, 0), Qt.AlignmentFlag.AlignVCenter, f"{self.step.value} {self.step.title}"
        )
        painter.end()


def paint_mark(painter: QPainter, box: QRectF, mark: Mark) -> None:
    """Draw a mark: ring, half disc, ticked disc, or a triangle with an exclamation mark."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if mark is Mark.EMPTY:
        painter.setPen(QPen(theme.colour("edge"), 1.6))
        painter.drawEllipse(box)
    elif mark is Mark.UNDER_WAY:
        painter.setPen(QPen(theme.colour("accent"), 1.6))
        painter.drawEllipse(box)
        painter.setBrush(theme.colour("accent"))
        painter.drawChord(box, 90 * 16, 180 * 16)
    elif mark is Mark.DONE:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("ok"))
        painter.drawEllipse(box)
        painter.setPen(QPen(theme.colour("window"), 2.0))
        painter.drawPolyline(_points(box, ((0.26, 0.52), (0.44, 0.70), (0.76, 0.32))))
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("look"))
        painter.drawPolygon(_points(box, ((0.5, 0.0), (1.04, 0.96), (-0.04, 0.96))))
        painter.setPen(QPen(theme.colour("window"), 2.0))
        painter.drawPolyline(_points(box, ((0.5, 0.34), (0.5, 0.64))))
        painter.drawPoint(_points(box, ((0.5, 0.82),)).at(0))


def _points(box: QRectF, places: tuple[tuple[float, float], ...]) -> QPolygonF:
    return QPolygonF([QPointF(box.left() + x * box.width(), box.top() + y * box.height()) for x, y in places])


class Rail(QFrame):
    """The steps under each other; any of them can be entered at any time."""

    step_wanted = Signal(object)  # Step

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 6)
        layout.setSpacing(2)
        self._group = QButtonGroup(self)
        self.buttons: dict[Step, RailButton] = {}
        for step in Step:
            made = RailButton(step)
            made.clicked.connect(lambda _checked=False, wanted=step: self.step_wanted.emit(wanted))
            self._group.addButton(made)
            layout.addWidget(made)
            self.buttons[step] = made
        layout.addStretch(1)

    def choose(self, step: Step) -> None:
        """Show which step is entered."""
        self.buttons[step].setChecked(True)

    def show_marks(self, marks: dict[Step, Mark]) -> None:
        """Show how far each step has come."""
        for step, mark in marks.items():
            self.buttons[step].set_mark(mark)
