"""The chosen series large: its middle slice, or a localiser with lines where the slices of a CT cross it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from cvt_planner.base.errors import GeometryMismatch, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.isolation import picture
from cvt_planner.imaging.kinds import LOCALISER
from cvt_planner.imaging.localiser import LevelLine, level_lines
from cvt_planner.imaging.series import SeriesInfo
from cvt_planner.imaging.thumbnails import Picture, pictured, window_of

LARGE_PX = 640
MOST_PICTURES = 2  # a localiser has a frontal and a lateral view


@dataclass(frozen=True, eq=False)
class Large:
    """What the preview shows of a series: pictures, each with its lines, and a sentence about them."""

    info: SeriesInfo
    pictures: tuple[tuple[Picture, tuple[LevelLine, ...]], ...]
    sentence: str


def large_of(info: SeriesInfo, ct: SeriesInfo | None, progress: Progress, password: str = "") -> Large:
    """Return the large pictures of a series; with the lines of `ct` where it is a localiser. Runs off the window's
    thread."""
    shown = []
    sentence = ""
    for header in pictured(info)[:MOST_PICTURES]:
        progress.check()
        try:
            made = picture(header, LARGE_PX, window_of(info), progress, password)
        except InputRefused as refusal:
            sentence = str(refusal)
            continue
        lines: tuple[LevelLine, ...] = ()
        if info.kind == LOCALISER and ct is not None:
            try:
                lines = level_lines(header, ct.slices)
                sentence = "" if lines else "The slices do not cross this localiser."
            except GeometryMismatch as fault:
                sentence = str(fault)
        shown.append((made, lines))
    if not shown and not sentence:
        sentence = "There is no picture to show."
    return Large(info, tuple(shown), sentence)


def image_of(grey: NDArray[np.uint8]) -> QImage:
    """Return a copy of a grey array as Qt's image."""
    rows, columns = grey.shape
    return QImage(grey.tobytes(), columns, rows, columns, QImage.Format.Format_Grayscale8).copy()


class SeriesPreview(QWidget):
    """Draws what `large_of` made, as large as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("series_preview")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 160)
        self.large: Large | None = None
        self._images: list[QImage] = []

    def show_large(self, large: Large | None) -> None:
        """Show the pictures of a series, or nothing."""
        self.large = large
        self._images = [image_of(made.grey) for made, _ in large.pictures] if large else []
        self.update()

    def sizeHint(self) -> QSize:
        """Return a size that leaves the rest of the page its room."""
        return QSize(360, 320)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the pictures side by side."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        if self.large is None or not self._images:
            painter.setPen(theme.colour("faint"))
            painter.setFont(theme.ui_font())
            words = self.large.sentence if self.large else "Choose a series to see it."
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(12, 12, -12, -12), int(flags), words)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        count = len(self._images)
        for n, (made, lines) in enumerate(self.large.pictures):
            cell = QRect(n * self.width() // count, 0, self.width() // count, self.height()).adjusted(2, 2, -2, -2)
            self._one(painter, cell, self._images[n], made, lines)

    def _one(self, painter: QPainter, cell: QRect, image: QImage, made: Picture, lines: tuple[LevelLine, ...]) -> None:
        size = image.size().scaled(cell.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(cell.topLeft(), size)
        place.moveCenter(cell.center())
        painter.drawImage(place, image)
        _letters(painter, place, made)
        for line in lines:
            self._line(painter, QRectF(place), made, line)

    def _line(self, painter: QPainter, place: QRectF, made: Picture, line: LevelLine) -> None:
        ends = []
        for column, row in (line.start, line.end):
            right, down = made.place(column, row)
            ends.append(QPointF(place.left() + right * place.width(), place.top() + down * place.height()))
        level = abs(ends[0].y() - ends[1].y()) < 1.0  # a level line is drawn sharp, on whole pixels
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, not level)
        ink = theme.colour("look" if line.is_end else "accent")
        painter.setPen(QPen(ink, 2.0 if line.is_end else 1.0))
        painter.drawLine(*ends)
        if line.is_end:
            painter.setFont(theme.ui_font())
            words = f"slice {line.slice_index + 1}"
            width = QFontMetrics(painter.font()).horizontalAdvance(words) + 4
            x = min(max(end.x() for end in ends) - width, place.right() - width)
            upper = ends[0].y() < place.center().y()
            y = ends[0].y() - 4 if upper else ends[0].y() + QFontMetrics(painter.font()).ascent() + 3
            painter.drawText(QPointF(max(x, place.left()), y), words)


def _letters(painter: QPainter, place: QRect, made: Picture) -> None:
    """Draw which side of the patient lies at the picture's left and top, readable on any grey."""
    painter.setFont(theme.ui_font(bold=True))
    left, top = made.edge_letters
    for offset, ink in ((1, theme.colour("window")), (0, theme.colour("text"))):
        painter.setPen(ink)
        box = place.translated(offset, offset)
        painter.drawText(box.adjusted(5, 0, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, left)
        painter.drawText(box.adjusted(0, 3, 0, 0), Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, top)
