"""Corrections of the found spine: seeds, boundaries and a brush."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from app.desk import Desk
from app.finding import Finding
from app.panels.widgets import Choice, beside, button, form, label, named
from app.panels.words import mm

_STRUCTURES = (("The chosen vertebra", "vertebra"), ("The canal", "canal"), ("Nothing (erase)", "nothing"))
_HINTS = {
    "canal_seed": "Click into the middle of the canal in any view; the search then starts from there.",
    "disc_seed": "Click where a disc was missed: the vertebra is parted there, and those below are renumbered.",
    "join_seed": "Click where a disc was found that is none: the two vertebrae become one.",
    "spine_brush": "Paint with the left button; with Ctrl held it erases. The brush is a ball. Esc leaves it.",
}
_STEPS_A_MM = 2  # of the slider


class SpineCorrections(QWidget):
    """The tools by which the operator stays in charge; each is one undo step."""

    def __init__(self, desk: Desk, finding: Finding) -> None:
        super().__init__()
        self.desk = desk
        self.finding = finding
        inside = QVBoxLayout(self)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        self.canal = self._tool("Canal is here", "canal_seed", "target")
        self.brush = self._tool("Brush", "spine_brush", "sphere")
        self.disc = self._tool("Disc is here", "disc_seed", "plus")
        self.join = self._tool("No disc here", "join_seed", "close")
        inside.addWidget(beside(self.canal, self.brush))
        inside.addWidget(beside(self.disc, self.join))
        self.structure = Choice("brush_structure")
        self.structure.fill(_STRUCTURES, finding.brush.structure)
        self.structure.currentIndexChanged.connect(lambda _n: finding.set_brush(structure=self.structure.currentData()))
        self.radius = named(QSlider(Qt.Orientation.Horizontal), "brush_radius")
        self.radius.setRange(1 * _STEPS_A_MM, 12 * _STEPS_A_MM)
        self.radius.valueChanged.connect(lambda n: finding.set_brush(radius_mm=n / _STEPS_A_MM))
        self._size = QLabel()
        self._options = form(("Paint", self.structure), ("Radius", self.radius), ("", self._size))
        inside.addWidget(self._options)
        self._hint = label("", "hint", "corrections_hint")
        inside.addWidget(self._hint)
        self.back = button("Drop all corrections", finding.take_back, icon="trash", name="drop_corrections")
        inside.addWidget(self.back)
        desk.changed.connect(self._changed)
        self.refresh()

    def refresh(self) -> None:
        """Show what can be done."""
        desk, finding = self.desk, self.finding
        self.canal.setEnabled(desk.volume is not None)
        for tool in (self.brush, self.disc, self.join):
            tool.setEnabled(finding.spine is not None)
        for tool in (self.canal, self.brush, self.disc, self.join):
            tool.setChecked(desk.tool == tool.objectName())
        self._options.setVisible(desk.tool == "spine_brush")
        self.structure.choose_quietly(finding.brush.structure)
        self.radius.blockSignals(True)
        self.radius.setValue(round(finding.brush.radius_mm * _STEPS_A_MM))
        self.radius.blockSignals(False)
        self._size.setText(mm(finding.brush.radius_mm, 1))
        self._hint.setText(self._hint_words())
        self._hint.setVisible(bool(self._hint.text()))
        self.back.setVisible(desk.plan is not None and bool(desk.plan.anatomy))

    def _hint_words(self) -> str:
        if self.desk.tool == "spine_brush" and self.finding.brush.structure == "vertebra" and not self.finding.chosen:
            return "Choose a vertebra in the list first, or paint the canal."
        if self.desk.tool in _HINTS:
            return _HINTS[self.desk.tool]
        if self.finding.spine is None:
            return ""
        return (
            "Drag the line of a disc in the sagittal view to move the boundary of two vertebrae, its ends to tilt it."
        )

    def _tool(self, words: str, name: str, icon: str) -> QPushButton:
        def toggle() -> None:
            self.desk.choose_tool("navigate" if self.desk.tool == name else name)

        return button(words, toggle, icon=icon, checkable=True, name=name)

    def _changed(self) -> None:
        if self.isVisible():
            self.refresh()

    def showEvent(self, event: object) -> None:
        """Look again when entered."""
        self.refresh()
