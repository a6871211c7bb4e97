"""The brush's own fields: size, one slice or 3-D, and the HU band it keeps to."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.brushing import Brushing
from app.panels.lesion_growth import labelled_slider
from app.panels.widgets import button, label, named
from app.panels.words import minus
from cvt_planner.anatomy.lesion.brush import LARGEST_MM, SMALLEST_MM

_HU_SPAN = (-200, 1500)
_MARGIN_HU = 10
_PER_MM = 2  # the size slider has half millimetres


class BrushFields(QWidget):
    """Seen while the brush or the eraser is in the hand."""

    def __init__(self, brushing: Brushing) -> None:
        super().__init__()
        self.brushing = brushing
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        self.onto = label("", "figure", "brush_onto")
        layout.addWidget(self.onto)
        ends = (int(SMALLEST_MM * _PER_MM), int(LARGEST_MM * _PER_MM))
        self.radius, row = labelled_slider("brush_size", "Radius", ends)
        self.radius.valueChanged.connect(lambda value: brushing.set_radius(value / _PER_MM))
        self._size = _value(row)
        layout.addLayout(row)
        self.in_3d = _tick("3-D: a ball instead of a disc in one slice", "brush_in_3d")
        self.in_3d.toggled.connect(brushing.set_3d)
        layout.addWidget(self.in_3d)
        self.banded = _tick("Only where the HU lie in a band", "brush_banded")
        self.banded.toggled.connect(lambda _on: self._band())
        layout.addWidget(self.banded)
        self.low, low_row = labelled_slider("brush_low", "From", _HU_SPAN)
        self.high, high_row = labelled_slider("brush_high", "To", _HU_SPAN)
        self._values = (_value(low_row), _value(high_row))
        self._rows = QWidget()
        rows = QVBoxLayout(self._rows)
        rows.setContentsMargins(0, 0, 0, 0)
        for slider, line in ((self.low, low_row), (self.high, high_row)):
            rows.addLayout(line)
            slider.valueChanged.connect(lambda _v: self._band())
        layout.addWidget(self._rows)
        self.new = button(
            "Draw a new lesion", self._begin_new, name="brush_new", tip="The next stroke starts a lesion of its own"
        )
        layout.addWidget(self.new, 0, Qt.AlignmentFlag.AlignLeft)

    def refresh(self) -> None:
        """Show what the brush is."""
        desk, brushing = self.brushing.desk, self.brushing
        self.setVisible(desk.tool in ("brush", "eraser"))
        lesion = desk.lesion
        verb = "Erasing from" if desk.tool == "eraser" else "Drawing on"
        self.onto.setText(f"{verb} {lesion.name}" if lesion else "The next stroke starts a new lesion")
        self.new.setVisible(lesion is not None and desk.tool == "brush")
        values = (brushing.radius_mm * _PER_MM, *brushing.band_hu)
        for slider, value in zip((self.radius, self.low, self.high), values, strict=True):
            slider.blockSignals(True)
            slider.setValue(round(value))
            slider.blockSignals(False)
        for box, on in ((self.in_3d, brushing.in_3d), (self.banded, brushing.banded)):
            box.blockSignals(True)
            box.setChecked(on)
            box.blockSignals(False)
        self._size.setText(f"{brushing.radius_mm:g} mm")
        for text, hu in zip(self._values, brushing.band_hu, strict=True):
            text.setText(minus(f"{hu:.0f} HU"))
        self._rows.setVisible(brushing.banded)

    def _band(self) -> None:
        low, high = self.low.value(), self.high.value()
        if low > high - _MARGIN_HU:
            if self.sender() is self.low:
                high = low + _MARGIN_HU
            else:
                low = high - _MARGIN_HU
        self.brushing.set_band(self.banded.isChecked(), float(low), float(high))

    def _begin_new(self) -> None:
        self.brushing.desk.choose_lesion("")
        self.brushing.desk.tell()


def _tick(text: str, name: str) -> QCheckBox:
    box = named(QCheckBox(text), name)
    box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return box


def _value(row: QHBoxLayout) -> QLabel:
    text = QLabel()
    text.setMinimumWidth(64)
    text.setAlignment(Qt.AlignmentFlag.AlignRight)
    row.addWidget(text)
    return text
