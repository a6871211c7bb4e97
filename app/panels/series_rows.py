"""The list of series: a row each with a thumbnail, what it is, and the verdict in words, colour and shape."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFont, QFontMetrics, QImage, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from app import theme
from app.panels.fitted_text import broken, tip
from app.panels.widgets import paint_verdict
from cvt_planner.imaging.kinds import CAPTURE, DERIVED, IMAGE, LOCALISER, OTHER, REPORT
from cvt_planner.imaging.series import REFUSED, USABLE, SeriesInfo, SeriesListing, rank_of

ROW_PX, HEADING_PX, THUMBNAIL_PX = 92, 30, 80
VERDICT_LINES = 2
LEAST_ROWS = 2.5  # half a row says that there are more
KIND_WORDS = {
    IMAGE: "CT slices",
    DERIVED: "CT computed from other slices",
    LOCALISER: "Localiser (scout view)",
    CAPTURE: "Captured screen",
    REPORT: "Report or document",
    OTHER: "Not a CT",
}
_ROW = Qt.ItemDataRole.UserRole


@dataclass(eq=False)
class Row:
    """One row: a series, a heading, or the line that folds what is set apart."""

    info: SeriesInfo | None = None
    heading: str = ""
    folds: bool = False
    apart: bool = False  # whether it belongs to what is set apart
    best: bool = False
    is_open: bool = False
    thumbnail: QImage | None = None


def verdict_of(info: SeriesInfo, best: bool = False) -> tuple[str, str]:
    """Return the mark of a series and its verdict in words, the reasons included; files are named from what was
    opened."""
    if info.kind == LOCALISER:
        return "not judged", "Shows where the slices lie. Not a CT to plan on."
    reasons = " ".join(info.reasons).replace(f"{info.source}{os.sep}", "")
    if info.kind in (CAPTURE, REPORT, OTHER):
        return "not judged", f"Not for planning. {reasons}"
    if info.verdict == REFUSED:
        return "stop", f"Refused: {reasons}"
    words = "Best choice" if best else "Usable"
    if info.verdict == USABLE:
        return "ok", words
    return "look", f"{words}, with a warning: {reasons}"


def figures_of(info: SeriesInfo, brief: bool = False) -> str:
    """Return what is to be known of a series at a glance; in brief without the size of its pixels."""
    count = info.slice_count
    if info.slice_distance_mm is not None:
        words = [f"{count} × {info.slice_distance_mm:.3g} mm"]
    else:
        thing = "object" if info.kind in (REPORT, OTHER) else "image"
        words = [f"{count} {thing}{'s' if count != 1 else ''}"]
    words += [word for word in (info.orientation, info.identity.kernel) if word]
    if info.pixel_spacing_mm is not None and not brief:
        words.append(f"pixel {info.pixel_spacing_mm[0]:.2g} mm")
    return " · ".join(words)


def name_of(info: SeriesInfo) -> str:
    """Return what to call a series."""
    return info.description or f"{KIND_WORDS[info.kind]}, without description"


class SeriesList(QListWidget):
    """The series of a listing; what is not for planning is folded away at the end."""

    picked = Signal(object)  # SeriesInfo or None
    wanted = Signal(object)  # SeriesInfo, by double click or Enter

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("series_list")
        self.setItemDelegate(_RowPainter(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(False)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys to the views
        self.folded = True
        self._rows: list[Row] = []
        self.currentItemChanged.connect(lambda _new, _old: self.picked.emit(self.chosen))
        self.itemDoubleClicked.connect(lambda _item: self._open())
        self.itemClicked.connect(self._clicked)

    def show_listing(self, listing: SeriesListing | None) -> None:
        """Show the series of a listing and choose the best one; none between several patients or studies."""
        self._rows = _rows(listing) if listing is not None else []
        self.folded = any(row.info for row in self._rows if not row.apart)
        self.blockSignals(True)
        self.clear()
        for row in self._rows:
            item = QListWidgetItem()
            item.setData(_ROW, row)
            item.setSizeHint(QSize(100, ROW_PX if row.info else HEADING_PX))
            if row.info is None and not row.folds:
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.addItem(item)
            self._tell_words(row, item)
        self._fold()
        shown = [n for n, row in enumerate(self._rows) if row.info and not self.isRowHidden(n)]
        best = [n for n in shown if self._rows[n].best]
        several = listing is not None and len(listing.studies) > 1
        self.setCurrentRow(-1 if several else next(iter((*best, *shown)), -1))
        self.blockSignals(False)
        self.picked.emit(self.chosen)

    @property
    def chosen(self) -> SeriesInfo | None:
        """Return the series of the chosen row."""
        row = self._row(self.currentItem())
        return row.info if row else None

    @property
    def infos(self) -> tuple[SeriesInfo, ...]:
        """Return all series in the order of their rows."""
        return tuple(row.info for row in self._rows if row.info)

    def choose(self, info: SeriesInfo) -> None:
        """Choose the row of a series, unfolding it where it is folded away."""
        row = next((n for n, row in enumerate(self._rows) if row.info is info), -1)
        if row >= 0 and row != self.currentRow():
            if self._rows[row].apart and self.folded:
                self._set_folded(False)
            self.setCurrentRow(row)

    def mark_open(self, info: SeriesInfo | None) -> None:
        """Mark the series that is open, and choose it."""
        for n, row in enumerate(self._rows):
            row.is_open = info is not None and row.info is info
            self._tell_words(row, self.item(n))
        if info is not None:
            self.choose(info)
        self.viewport().update()

    @property
    def without_thumbnail(self) -> tuple[SeriesInfo, ...]:
        """Return the series that have no picture yet, the chosen one first, then in the order of their rows."""
        left = [row.info for row in self._rows if row.info and row.thumbnail is None]
        return tuple(sorted(left, key=lambda info: info is not self.chosen))

    def put_thumbnail(self, info: SeriesInfo, image: QImage) -> None:
        """Show the picture of a series."""
        for n, row in enumerate(self._rows):
            if row.info is info:
                row.thumbnail = image
                self.viewport().update(self.visualItemRect(self.item(n)))

    def is_best(self, info: SeriesInfo) -> bool:
        """Return whether a series is the best of its study."""
        return any(row.best for row in self._rows if row.info is info)

    def is_open(self, info: SeriesInfo) -> bool:
        """Return whether a series is the open one."""
        return any(row.is_open for row in self._rows if row.info is info)

    def row_of(self, info: SeriesInfo) -> int:
        """Return the row of a series."""
        return next(n for n, row in enumerate(self._rows) if row.info is info)

    def sizeHint(self) -> QSize:
        """Return the least height; what more there is to give, up to all rows, comes by the layout's stretch."""
        return QSize(240, self.minimumHeight())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open with Enter; fold with Enter, left and right on the folding line."""
        row = self._row(self.currentItem())
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if row is not None and row.folds and (enter or event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right)):
            self._set_folded(event.key() == Qt.Key.Key_Left or (enter and not self.folded))
        elif enter:
            self._open()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Take the keyboard without choosing a row for the user."""
        nothing = self.currentRow() < 0
        self.blockSignals(True)
        super().focusInEvent(event)
        if nothing:
            self.setCurrentRow(-1)
        self.blockSignals(False)

    def _clicked(self, item: QListWidgetItem) -> None:
        row = self._row(item)
        if row is not None and row.folds:
            self._set_folded(not self.folded)

    def _set_folded(self, folded: bool) -> None:
        self.folded = folded
        self._fold()

    def _fold(self) -> None:
        for n, row in enumerate(self._rows):
            self.setRowHidden(n, row.apart and self.folded)
        heights = [self.item(n).sizeHint().height() for n in range(self.count()) if not self.isRowHidden(n)]
        whole = sum(heights) + 2 * self.frameWidth()
        self.setMinimumHeight(min(whole, round(LEAST_ROWS * ROW_PX)))
        self.setMaximumHeight(whole)
        self.updateGeometry()
        self.viewport().update()

    def _open(self) -> None:
        if self.chosen is not None:
            self.wanted.emit(self.chosen)

    @staticmethod
    def _tell_words(row: Row, item: QListWidgetItem) -> None:
        words = _words(row)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, ". ".join(words))
        item.setToolTip(tip("\n".join(words)) if row.info is not None else "")

    @staticmethod
    def _row(item: QListWidgetItem | None) -> Row | None:
        row = item.data(_ROW) if item is not None else None
        return row if isinstance(row, Row) else None


def _rows(listing: SeriesListing) -> list[Row]:
    best = _best_of_studies(listing)
    apart = [info for info in listing.series if _is_apart(info, best)]
    main = [info for info in listing.series if info not in apart]
    owners = list(dict.fromkeys(info.owner for info in main))
    rows = []
    for owner in owners:
        if len(owners) > 1:
            rows.append(Row(heading=owner[:1].upper() + owner[1:]))
        own = sorted((info for info in main if info.owner == owner), key=_order)
        rows.extend(Row(info, best=info is best.get(owner)) for info in own)
    if apart:
        rows.append(Row(heading=f"Reports, captures and computed pictures ({len(apart)})", folds=True))
        rows.extend(Row(info, apart=True) for info in sorted(apart, key=_order))
    return rows


def _best_of_studies(listing: SeriesListing) -> dict[str, SeriesInfo]:
    """Return the best series of each patient and study that has a usable one."""
    best: dict[str, SeriesInfo] = {}
    for info in sorted(listing.readable, key=rank_of):
        best.setdefault(info.owner, info)
    return best


def _is_apart(info: SeriesInfo, best: dict[str, SeriesInfo]) -> bool:
    """Return whether a series is set apart; computed slices are not, where a study has nothing better."""
    if info.kind != DERIVED:
        return info.kind in (CAPTURE, REPORT, OTHER)
    better = best.get(info.owner)
    return better is not None and better.kind != DERIVED


def _order(info: SeriesInfo) -> tuple[object, ...]:
    return (info.kind == LOCALISER, not info.can_be_read, rank_of(info))


def _words(row: Row) -> Sequence[str]:
    """Return all that a row says: heading, or name, figures and verdict."""
    if row.info is None:
        return (row.heading,)
    return (name_of(row.info), figures_of(row.info), _verdict_words(row, row.info))


def _verdict_words(row: Row, info: SeriesInfo) -> str:
    words = verdict_of(info, row.best)[1]
    return f"Open now. {words}" if row.is_open else words


class _RowPainter(QStyledItemDelegate):
    def __init__(self, rows: SeriesList) -> None:
        super().__init__(rows)
        self._list = rows

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw one row."""
        row = index.data(_ROW)
        if not isinstance(row, Row):
            return
        painter.save()
        box: QRect = option.rect
        state: QStyle.StateFlag = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, theme.colour("accent_deep"))
        if row.info is None:
            self._heading(painter, box, row)
        else:
            self._series(painter, box, row, row.info)
        painter.setPen(theme.colour("line"))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        painter.restore()

    def _heading(self, painter: QPainter, box: QRect, row: Row) -> None:
        mark = ("▸ " if self._list.folded else "▾ ") if row.folds else ""
        painter.setFont(theme.ui_font(bold=True))
        painter.setPen(theme.colour("dim"))
        text = QFontMetrics(painter.font()).elidedText(
            mark + row.heading, Qt.TextElideMode.ElideRight, box.width() - 16
        )
        painter.drawText(box.adjusted(8, 0, -8, 0), Qt.AlignmentFlag.AlignVCenter, text)

    def _series(self, painter: QPainter, box: QRect, row: Row, info: SeriesInfo) -> None:
        side = THUMBNAIL_PX
        frame = QRect(box.left() + 6, box.top() + (box.height() - side) // 2, side, side)
        paint_thumbnail(painter, frame, row.thumbnail, info)
        left, width = frame.right() + 10, box.right() - frame.right() - 18
        line = QFontMetrics(theme.ui_font()).height() + 3
        mark = verdict_of(info)[0]
        said = broken(_verdict_words(row, info), theme.ui_font(), width - 20, VERDICT_LINES)
        top = box.top() + (box.height() - (2 + len(said)) * line) // 2
        _line(painter, QRect(left, top, width, line), name_of(info), theme.ui_font(bold=True), "text")
        _line(painter, QRect(left, top + line, width, line), figures_of(info, brief=True), theme.ui_font(), "dim")
        ink = theme.VERDICT_COLOURS[mark] if mark != "not judged" else "dim"
        paint_verdict(painter, QRectF(left, top + 2 * line + 3, 14, 14), mark)
        for n, words in enumerate(said, start=2):
            _line(painter, QRect(left + 20, top + n * line, width - 20, line), words, theme.ui_font(), ink)


def paint_thumbnail(painter: QPainter, frame: QRect, image: QImage | None, info: SeriesInfo) -> None:
    """Draw a series' picture in its frame; the kind of the series in words where it has none."""
    painter.fillRect(frame, Qt.GlobalColor.black)
    if image is not None:
        size = image.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(frame.topLeft(), size)
        place.moveCenter(frame.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, image)
    elif info.kind in (CAPTURE, REPORT, OTHER):
        painter.setPen(theme.colour("faint"))
        words = {CAPTURE: "Screen", REPORT: "Report"}.get(info.kind, info.modality or "?")
        painter.setFont(theme.ui_font())
        painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, words)
    painter.setPen(QPen(theme.colour("line"), 1))
    painter.drawRect(frame.adjusted(0, 0, -1, -1))


def _line(painter: QPainter, box: QRect, text: str, font: QFont, ink: str) -> None:
    painter.setFont(font)
    painter.setPen(theme.colour(ink))
    shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, shown)
