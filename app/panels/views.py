"""The four views: two by two, or one of them alone."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout, QWidget

from app.panels.widgets import named


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
