"""The four views: two by two, or one of them alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout, QWidget

from app.panels.widgets import named
from app.render.slice_view import SliceView
from app.render.view_state import Frame, ViewState

_EDGE_PX = 24  # so far from a view's edge a place that was gone to is seen
_THUMBNAIL_PX = 320


class ViewsGrid(QWidget):
    """Views in frames, two by two; one of them can fill the place of all."""

    def __init__(self, views: list[QWidget]) -> None:
        super().__init__()
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self._frames: list[QFrame] = []
        self.alone: int | None = None
        for n, view in enumerate(views):
            frame = named(QFrame(), "view_frame")
            inside = QVBoxLayout(frame)
            inside.setContentsMargins(1, 1, 1, 1)
            inside.addWidget(view)
            self._layout.addWidget(frame, n // 2, n % 2)
            self._frames.append(frame)
        for n in (0, 1):
            self._layout.setRowStretch(n, 1)
            self._layout.setColumnStretch(n, 1)

    def toggle(self, n: int) -> None:
        """Let one view fill the place of all, or show all again."""
        self.show_alone(None if self.alone == n else n)

    def show_alone(self, n: int | None) -> None:
        """Show one view alone; None shows all."""
        self.alone = n
        for at, frame in enumerate(self._frames):
            frame.setVisible(n is None or at == n)
        for at in (0, 1):
            self._layout.setRowStretch(at, 1 if n is None or n // 2 == at else 0)
            self._layout.setColumnStretch(at, 1 if n is None or n % 2 == at else 0)


def bring_into_view(views: Mapping[str, SliceView], state: ViewState) -> None:
    """Move the picture of each view in which the crosshair lies beyond the edge."""
    for name, view in views.items():
        inside = QRectF(view.rect()).adjusted(_EDGE_PX, _EDGE_PX, -_EDGE_PX, -_EDGE_PX)
        plane = view.plane()
        if not inside.contains(plane.point_of(np.array(state.crosshair_lps_mm))):
            state.set_frame(name, Frame(plane.mm_per_px, state.crosshair_lps_mm))


def thumbnail_png(view: SliceView) -> bytes:
    """Return a small picture of a view as PNG, for the plan's file."""
    picture = view.grab().scaledToWidth(_THUMBNAIL_PX, Qt.TransformationMode.SmoothTransformation)
    packed = QByteArray()
    buffer = QBuffer(packed)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")
    return bytes(packed.data())
