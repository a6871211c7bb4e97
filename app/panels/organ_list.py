"""What was found around the spine, in words, and what of it is drawn."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.desk import Desk
from app.panels.switches import Switches
from app.panels.widgets import label
from cvt_planner.anatomy.organs.model import organs_words

_SWITCHES = (("skin", "Skin"), ("lungs", "Lungs"), ("air", "Air"), ("aorta", "Aorta"))


class FoundOrgans(QWidget):
    """Lungs and air in view, how the aorta stands, and their switches."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        inside = QVBoxLayout(self)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        self.switches = Switches(desk, _SWITCHES)
        self.about = label("", "hint", "organs_about")
        inside.addWidget(self.switches)
        inside.addWidget(self.about)
        desk.changed.connect(self._changed)
        self.refresh()

    def refresh(self) -> None:
        """Show what was found."""
        organs = self.desk.workspace.state.organs
        self.switches.setVisible(organs is not None)
        self.switches.refresh()
        if organs is not None:
            self.about.setText(f"{organs_words(organs)} {organs.aorta_words}")
        else:
            self.about.setText("Open a CT first." if self.desk.volume is None else "Skin and lungs are looked for.")

    def _changed(self) -> None:
        if self.isVisible():
            self.refresh()

    def showEvent(self, event: object) -> None:
        """Look again when entered."""
        self.refresh()
