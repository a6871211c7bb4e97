"""Small widgets that every panel is made of: headings, buttons, figure tables, verdict marks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QIcon,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPixmapCache,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app import theme
from app.panels.fitted_text import broken

_Widget = TypeVar("_Widget", bound=QWidget)
_Layout = TypeVar("_Layout", bound=QBoxLayout)
ROW_PX = 28
MOST_LINES = 3  # of a text in a table
BESIDE_TEXT_PX = 16  # a cell's padding and Qt's own margins, left and right together


def label(text: str = "", role: str = "", name: str = "") -> QLabel:
    """Return a wrapping label of a role the style sheet knows."""
    made = QLabel(text)
    made.setWordWrap(True)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setIndent(0)
    if role:
        made.setProperty("role", role)
    if name:
        made.setObjectName(name)
    made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return made


def named(widget: _Widget, name: str) -> _Widget:
    """Return the widget, found by this name in the style sheet and by tests."""
    widget.setObjectName(name)
    return widget


def tight(layout: _Layout) -> _Layout:
    """Return the layout, without margins and gaps."""
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    return layout


def beside(*widgets: QWidget, stretch: bool = False) -> QWidget:
    """Return a widget that holds others beside each other, equally wide, or at the left with room behind them."""
    holder = QWidget()
    line = QHBoxLayout(holder)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(6)
    for widget in widgets:
        line.addWidget(widget, 1)
    if stretch:
        line.addStretch(1)
    return holder


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget another role and let the style sheet see it."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def button(
    text: str,
    run: Callable[[], object],
    *,
    icon: str = "",
    role: str = "",
    tip: str = "",
    name: str = "",
    checkable: bool = False,
) -> QPushButton:
    """Return a push button; it takes the keyboard focus by Tab only, so that keys stay with the views."""
    made = QPushButton(text)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setCheckable(checkable)
    if icon:
        made.setIcon(theme.icon(icon))
    if role:
        made.setProperty("role", role)
    if tip:
        made.setToolTip(tip)
    made.setObjectName(name or text.lower().replace(" ", "_"))
    made.clicked.connect(lambda _checked=False: run())
    return made


class Choice(QComboBox):
    """A list to choose from; the wheel does not change it by accident, and it may be narrower than its longest text."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the chosen text; where there is no room it ends in an ellipsis."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self).width()
        option.currentText = self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the scroll area."""
        event.ignore()

    def fill(self, items: Sequence[tuple[str, object]], chosen: object) -> None:
        """Show these (text, value) items with one chosen, without telling anybody."""
        self.blockSignals(True)
        if [(self.itemText(n), self.itemData(n)) for n in range(self.count())] != list(items):
            self.clear()
            for text, value in items:
                self.addItem(text, value)
        self.choose(chosen)
        self.blockSignals(False)

    def choose_quietly(self, value: object) -> None:
        """Show one value as chosen, unless its list is open, without telling anybody."""
        if not self.view().isVisible():
            self.blockSignals(True)
            self.choose(value)
            self.blockSignals(False)

    def choose(self, value: object) -> None:
        """Show one value as chosen."""
        for n in range(self.count()):
            if self.itemData(n) == value:
                self.setCurrentIndex(n)
                return
        self.setCurrentIndex(-1)


class FigureTable(QTableWidget):
    """A table of texts, one row per thing; rows carry a key, and only their user's click is told.

    Where a text of the stretched column finds no room on one line its row takes more, `MOST_LINES` at most.
    """

    def __init__(self, name: str, headings: Sequence[str], stretch: int = 0) -> None:
        super().__init__(0, len(headings))
        self.setObjectName(name)
        self.setHorizontalHeaderLabels(list(headings))
        self.verticalHeader().hide()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setWordWrap(True)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        for column in range(len(headings)):
            mode = QHeaderView.ResizeMode.Stretch if column == stretch else QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(column, mode)
            align = Qt.AlignmentFlag.AlignLeft if column == stretch else Qt.AlignmentFlag.AlignRight
            heading = self.horizontalHeaderItem(column)
            if heading is not None:
                heading.setTextAlignment(align | Qt.AlignmentFlag.AlignVCenter)
        header.setMinimumSectionSize(24)
        self._stretch = stretch
        self._filling = False  # its columns change with every text that is put
        header.sectionResized.connect(lambda column, _old, _new: self._fit() if column == stretch else None)
        self._keys: list[str] = []
        self._fit()

    def explain(self, column: int, words: str) -> None:
        """Let a column's heading say what it means where the pointer rests on it."""
        heading = self.horizontalHeaderItem(column)
        if heading is not None:
            heading.setToolTip(words)

    def show_rows(self, rows: Sequence[tuple[str, Sequence[str]]], chosen: str = "") -> None:
        """Show (key, texts) rows with one chosen; texts that have not changed are left alone."""
        self.blockSignals(True)
        self._filling = True
        self._keys = [key for key, _ in rows]
        self.setRowCount(len(rows))
        for n, (_, texts) in enumerate(rows):
            for column, text in enumerate(texts):
                self._put(n, column, text)
        if chosen in self._keys:
            self.selectRow(self._keys.index(chosen))
        else:
            self.clearSelection()
        self._filling = False
        self.blockSignals(False)
        self._fit()

    def choose_quietly(self, key: str) -> None:
        """Choose the row of a key without telling anybody."""
        if key in self._keys:
            self.blockSignals(True)
            self.selectRow(self._keys.index(key))
            self.blockSignals(False)

    def mark(self, key: str, column: int, icon: QIcon, tip: str = "") -> None:
        """Put a mark before a text."""
        item = self.item(self._keys.index(key), column)
        if item is not None:
            item.setIcon(icon)
            item.setToolTip(tip)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a row; a click on the one that is chosen already tells so again, and the views go there once more."""
        before = self.chosen
        super().mousePressEvent(event)
        if before and self.chosen == before and self.itemAt(event.position().toPoint()) is not None:
            self.itemSelectionChanged.emit()

    def key_at(self, row: int) -> str:
        """Return the key of a row."""
        return self._keys[row] if 0 <= row < len(self._keys) else ""

    @property
    def chosen(self) -> str:
        """Return the key of the chosen row; empty when there is none."""
        rows = self.selectionModel().selectedRows()
        return self.key_at(rows[0].row()) if rows else ""

    def _put(self, row: int, column: int, text: str) -> None:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            side = Qt.AlignmentFlag.AlignLeft if column == self._stretch else Qt.AlignmentFlag.AlignRight
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, column, item)
        if item.text() != text:
            item.setText(text)
        item.setToolTip(text if column == self._stretch else "")

    def _fit(self) -> None:
        """Give every row the height of its text, and the table that of its rows."""
        if self._filling:
            return
        for row in range(self.rowCount()):
            self.setRowHeight(row, ROW_PX + (self._lines(row) - 1) * self.fontMetrics().lineSpacing())
        header = 0 if self.horizontalHeader().isHidden() else self.horizontalHeader().sizeHint().height()
        rows = sum(self.rowHeight(row) for row in range(self.rowCount()))
        self.setFixedHeight(header + max(rows, ROW_PX) + 4)

    def _lines(self, row: int) -> int:
        item = self.item(row, self._stretch)
        if item is None:
            return 1
        icon_px = 0 if item.icon().isNull() else self.iconSize().width()
        room = self.columnWidth(self._stretch) - BESIDE_TEXT_PX - icon_px
        if self.fontMetrics().horizontalAdvance(item.text()) <= room:
            return 1
        return len(broken(item.text(), self.font(), room, MOST_LINES))

    def sizeHint(self) -> QSize:
        """Return a size whose width the panel decides."""
        return QSize(240, self.height())

    def minimumSizeHint(self) -> QSize:
        """Return a size that never widens the panel."""
        return QSize(120, self.height())


def form(*rows: tuple[str, QWidget]) -> QWidget:
    """Return labelled fields under each other, labels on the left; a label has its field's tool tip."""
    holder = QWidget()
    grid = QGridLayout(holder)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(8)
    grid.setVerticalSpacing(5)
    for n, (text, field) in enumerate(rows):
        words = QLabel(text)
        words.setProperty("role", "hint")
        words.setBuddy(field)
        words.setToolTip(field.toolTip())
        grid.addWidget(words, n, 0)
        grid.addWidget(field, n, 1)
    grid.setColumnStretch(1, 1)
    return holder


VERDICT_WORDS = {"ok": "ok", "look": "look", "stop": "stop", "not judged": "not judged"}


def verdict_icon(verdict: str, size: int = 16) -> QIcon:
    """Return the mark of a verdict: its shape says it as well as its colour. It is drawn once: lists show dozens."""
    key, picture = f"verdict {verdict} {size}", QPixmap(size * 2, size * 2)
    if QPixmapCache.find(key, picture):
        return QIcon(picture)
    picture.setDevicePixelRatio(2.0)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    paint_verdict(painter, QRectF(1, 1, size - 2, size - 2), verdict)
    painter.end()
    QPixmapCache.insert(key, picture)
    return QIcon(picture)


def paint_verdict(painter: QPainter, box: QRectF, verdict: str) -> None:
    """Draw the mark of a verdict: tick in a circle, triangle, octagon, or an empty circle."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    ink = theme.colour(theme.VERDICT_COLOURS.get(verdict, "faint"))
    painter.setPen(QPen(ink, 1.6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if verdict == "ok":
        painter.drawEllipse(box)
        painter.drawPolyline(_inside(box, ((0.28, 0.52), (0.45, 0.70), (0.74, 0.33))))
    elif verdict == "look":
        painter.setBrush(ink)
        painter.drawPolygon(_inside(box, ((0.5, 0.04), (0.98, 0.94), (0.02, 0.94))))
        _exclaim(painter, box, 0.38, 0.66, 0.82)
    elif verdict == "stop":
        painter.setBrush(ink)
        edge = 0.29
        corners = (
            (edge, 0),
            (1 - edge, 0),
            (1, edge),
            (1, 1 - edge),
            (1 - edge, 1),
            (edge, 1),
            (0, 1 - edge),
            (0, edge),
        )
        painter.drawPolygon(_inside(box, corners))
        _exclaim(painter, box, 0.2, 0.58, 0.8)
    else:
        painter.setPen(QPen(ink, 1.6, Qt.PenStyle.DotLine))
        painter.drawEllipse(box)


def _inside(box: QRectF, corners: Sequence[tuple[float, float]]) -> QPolygonF:
    return QPolygonF([QPointF(box.left() + x * box.width(), box.top() + y * box.height()) for x, y in corners])


def _exclaim(painter: QPainter, box: QRectF, top: float, bottom: float, dot: float) -> None:
    painter.setPen(QPen(QColor(theme.COLOURS["window"]), 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawPolyline(_inside(box, ((0.5, top), (0.5, bottom))))
    painter.drawPoint(_inside(box, ((0.5, dot),)).at(0))
