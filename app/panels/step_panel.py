"""What the panels of the steps have in common: a title, a scrolling body, and a refresh when something changed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from app.desk import Desk
from app.panels.rail import Step
from app.panels.widgets import beside, label


class StepPanel(QScrollArea):
    """One step's panel. It looks again whenever the desk has changed while it is shown; it never computes."""

    step: Step
    explains = ""  # one sentence under the title

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.setObjectName(f"panel_{self.step.name.lower()}")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        holder = _Body(self)
        self.body = QVBoxLayout(holder)
        self.body.setContentsMargins(12, 10, 8, 14)
        self.body.setSpacing(8)
        self.body.addWidget(label(f"{self.step.value} {self.step.title}", "title"))
        if self.explains:
            self.body.addWidget(label(self.explains, "hint"))
        self.build()
        self.body.addStretch(1)
        self.setWidget(holder)
        desk.changed.connect(self._changed)
        desk.bridge.volume_changed.connect(lambda: self.verticalScrollBar().setValue(0))  # another case from its top

    def build(self) -> None:
        """Put the widgets into `body`."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Show what is."""
        raise NotImplementedError

    def section(self, text: str) -> None:
        """Add a heading."""
        self.body.addWidget(label(text, "section"))

    def row(self, *widgets: QWidget, stretch: bool = False) -> QWidget:
        """Add widgets beside each other and return what holds them."""
        holder = beside(*widgets, stretch=stretch)
        self.body.addWidget(holder)
        return holder

    def showEvent(self, event: QShowEvent) -> None:
        """Look again when entered."""
        super().showEvent(event)
        self.refresh()

    def _changed(self) -> None:
        if self.isVisible():
            self.refresh()


class _Body(QWidget):
    """The inside of the scroll area; it is never wider than what is seen of it."""

    def __init__(self, area: QScrollArea) -> None:
        super().__init__()
        self._area = area
        area.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the width of the scroll area."""
        if event.type() == QEvent.Type.Resize:
            self.setMaximumWidth(self._area.viewport().width())
        return False
