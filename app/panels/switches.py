"""Switches of what is drawn over the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QSlider, QWidget

from app.desk import Desk
from app.panels.widgets import form, named


class Switches(QWidget):
    """Which structures are drawn, two in a row; with `density` also how dense all of them are."""

    def __init__(self, desk: Desk, switches: Sequence[tuple[str, str]], density: bool = False) -> None:
        super().__init__()
        self.desk = desk
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        self._boxes: dict[str, QCheckBox] = {}
        for n, (name, words) in enumerate(switches):
            box = named(QCheckBox(words), f"show_{name}")
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            box.toggled.connect(partial(desk.view_state.show_overlay, name))
            grid.addWidget(box, n // 2, n % 2)
            self._boxes[name] = box
        self.opacity = named(QSlider(Qt.Orientation.Horizontal), "anatomy_opacity")
        self.opacity.setRange(0, 100)
        self.opacity.valueChanged.connect(lambda percent: desk.view_state.set_anatomy_opacity(percent / 100.0))
        self._percent = QLabel()
        if density:
            grid.addWidget(form(("Density", self.opacity)), (len(switches) + 1) // 2, 0, 1, 1)
            grid.addWidget(self._percent, (len(switches) + 1) // 2, 1)

    def refresh(self) -> None:
        """Show what is switched on."""
        view = self.desk.view_state
        for name, box in self._boxes.items():
            box.blockSignals(True)
            box.setChecked(name in view.overlays)
            box.blockSignals(False)
        self.opacity.blockSignals(True)
        self.opacity.setValue(round(100 * view.anatomy_opacity))
        self.opacity.blockSignals(False)
        self._percent.setText(f"{round(100 * view.anatomy_opacity)} %")
