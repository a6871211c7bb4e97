"""Choosing which isotherms are drawn and listed: add, change, remove."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPixmap, QValidator
from PySide6.QtWidgets import QHBoxLayout, QSpinBox, QWidget

from app.panels.widgets import button, named
from app.panels.words import celsius
from app.render import colours
from app.render.overlays.ink import pen
from app.render.view_state import COLDEST_ISOTHERM_C, MOST_ISOTHERMS, WARMEST_ISOTHERM_C

SWATCH = QSize(20, 14)


class DegreeBox(QSpinBox):
    """Whole degrees with a true minus sign."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setRange(round(COLDEST_ISOTHERM_C), round(WARMEST_ISOTHERM_C))
        self.setSingleStep(5)
        self.setValue(-10)
        self.setToolTip(f"From {celsius(COLDEST_ISOTHERM_C)} to {celsius(WARMEST_ISOTHERM_C)}")

    def textFromValue(self, val: int) -> str:
        """Return "−20 °C"."""
        return celsius(val)

    def valueFromText(self, text: str) -> int:
        """Return the number in what was typed."""
        return int(_number(text) or "0")

    def validate(self, input: str, pos: int) -> tuple[QValidator.State, str, int]:
        """Take a whole number within the range, with or without its unit."""
        text = _number(input)
        if text in ("", "-"):
            return QValidator.State.Intermediate, input, pos
        if not text.removeprefix("-").isdigit():
            return QValidator.State.Invalid, input, pos
        inside = self.minimum() <= int(text) <= self.maximum()
        return QValidator.State.Acceptable if inside else QValidator.State.Intermediate, input, pos


class IsothermEditor(QWidget):
    """One temperature, and what to do with it."""

    wanted = Signal(object)  # tuple of degC

    def __init__(self) -> None:
        super().__init__()
        self._levels: tuple[float, ...] = ()
        self._chosen: float | None = None
        self.box = DegreeBox("isotherm_c")
        self.box.valueChanged.connect(lambda _n: self._enable())
        self.add = button("Add", self._add, name="isotherm_add", tip="Draw this isotherm too")
        self.change = button("Change", self._change, name="isotherm_change", tip="Give the chosen row this temperature")
        self.remove = button("", self._remove, icon="trash", name="isotherm_remove", tip="Take the chosen row away")
        self.remove.setAccessibleName("Remove the chosen isotherm")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.box, 1)
        for one in (self.add, self.change, self.remove):
            row.addWidget(one)
        named(self, "isotherm_editor")

    def show_levels(self, levels_c: tuple[float, ...], chosen_c: float | None) -> None:
        """Show what can be done to these isotherms, one of them chosen."""
        if chosen_c is not None and chosen_c != self._chosen:
            self.box.setValue(round(chosen_c))
        self._levels, self._chosen = levels_c, chosen_c
        self._enable()

    def _enable(self) -> None:
        new = float(self.box.value()) not in self._levels
        full = len(self._levels) >= MOST_ISOTHERMS
        self.add.setEnabled(new and not full)
        self.add.setToolTip(f"At most {MOST_ISOTHERMS} isotherms" if full else "Draw this isotherm too")
        self.change.setEnabled(new and self._chosen is not None)
        self.remove.setEnabled(self._chosen is not None and len(self._levels) > 1)

    def _add(self) -> None:
        self.wanted.emit((*self._levels, float(self.box.value())))

    def _change(self) -> None:
        others = tuple(level for level in self._levels if level != self._chosen)
        self.wanted.emit((*others, float(self.box.value())))

    def _remove(self) -> None:
        self.wanted.emit(tuple(level for level in self._levels if level != self._chosen))


@lru_cache(maxsize=64)
def swatch(level_c: float, levels_c: tuple[float, ...]) -> QIcon:
    """Return the line of an isotherm as it is drawn on the pictures, for tables."""
    picture = QPixmap(SWATCH * 2)
    picture.setDevicePixelRatio(2.0)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setPen(pen(colours.isotherm(level_c), 1.6, colours.isotherm_dashes(levels_c)[level_c]))
    middle = SWATCH.height() / 2.0
    painter.drawLine(QPointF(0.0, middle), QPointF(SWATCH.width(), middle))
    painter.end()
    return QIcon(picture)


def _number(text: str) -> str:
    return text.replace("−", "-").replace("°C", "").replace("°", "").replace("C", "").strip()
