"""The amber line under the banner while left and right of the CT are in doubt, with the operator's two answers."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel

from app.desk import Desk
from app.panels.fitted_text import FittedText
from app.panels.widgets import button, verdict_icon
from cvt_planner.plan.edits import mark_sides
from cvt_planner.plan.sides import sides_state
from cvt_planner.planning.sides import sides_mark

_HEIGHT_PX = 44  # two lines of the smallest type
_AS_HEADER_TIP = (
    "You looked at the picture: left and right are as the header says. Your name and the time are recorded."
)
_TURNED_TIP = "The header is wrong. Nothing is turned here: the CT must be put right at the scanner. This is recorded."


class SidesBanner(QFrame):
    """Says why left and right may not be named, until the operator has looked; hidden where they are known."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.setObjectName("sides_banner")
        self.setFixedHeight(_HEIGHT_PX)
        self.desk = desk
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.setSpacing(10)
        mark = QLabel()
        mark.setPixmap(verdict_icon("look", 18).pixmap(18, 18))
        self.text = FittedText("sides_text")
        confirm, turned = "Sides are as the header says", "Sides are turned"
        self.as_header = button(confirm, lambda: self._answer(True), name="sides_as_header", tip=_AS_HEADER_TIP)
        self.turned = button(turned, lambda: self._answer(False), name="sides_turned", tip=_TURNED_TIP)
        layout.addWidget(mark)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.as_header)
        layout.addWidget(self.turned)
        desk.changed.connect(self.refresh)
        desk.bridge.volume_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show or hide the doubt."""
        volume = self.desk.volume
        state = None if volume is None else sides_state(self.desk.plan, volume)
        doubt = state is not None and not state.named
        self.setVisible(doubt)
        if state is not None and doubt:
            self.text.setText(state.words)
            self.setAccessibleName(state.words)
            self.turned.setVisible(state.mark is None)

    def _answer(self, as_header: bool) -> None:
        volume = self.desk.volume
        if volume is not None:
            words = "Confirm left and right" if as_header else "Record that left and right are turned"
            self.desk.apply(mark_sides(sides_mark(volume, as_header)), words)
