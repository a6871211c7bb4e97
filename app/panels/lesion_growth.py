"""What of a lesion that is being found can be adjusted: beyond the bone or not, or an HU band by hand."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from app.growing import Growing
from app.panels.widgets import button, label, named
from app.panels.words import minus, ml
from cvt_planner.plan.model import Lesion

_HU_SPAN = (-200, 1500)
_RADIUS_SPAN_MM = (3, 60)
_MARGIN_HU = 10


class GrowthFields(QWidget):
    """The outline that is being found: its figures, and sliders that grow an HU band in its place."""

    def __init__(self, growing: Growing) -> None:
        super().__init__()
        self.growing = growing
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        self.volume = label("", "figure", "grow_volume")
        layout.addWidget(self.volume)
        self.notes = label("", "look", "grow_notes")
        layout.addWidget(self.notes)
        self.beyond = named(QCheckBox("Follow it beyond the bone"), "grow_beyond")
        self.beyond.setToolTip("Where the cortex is eaten: epidural and paravertebral parts, up to 6 mm")
        self.beyond.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.beyond.toggled.connect(growing.go_beyond)
        layout.addWidget(self.beyond)
        self.band = label("By hand: all voxels of an HU band within a radius of the click", "hint")
        layout.addWidget(self.band)
        self.low, low_row = labelled_slider("grow_low", "From", _HU_SPAN)
        self.high, high_row = labelled_slider("grow_high", "To", _HU_SPAN)
        self.radius, radius_row = labelled_slider("grow_radius", "Within", _RADIUS_SPAN_MM)
        self._values = {self.low: QLabel(), self.high: QLabel(), self.radius: QLabel()}
        for slider, row in ((self.low, low_row), (self.high, high_row), (self.radius, radius_row)):
            self._values[slider].setMinimumWidth(64)
            self._values[slider].setAlignment(Qt.AlignmentFlag.AlignRight)
            row.addWidget(self._values[slider])
            layout.addLayout(row)
            slider.valueChanged.connect(lambda _v, moved=slider: self._moved(moved))
        line = QHBoxLayout()
        self.accept = button("Keep as new lesion", lambda: growing.accept(), role="primary", name="grow_accept")
        self.cancel = button("Cancel", self._cancel, name="grow_cancel")
        line.addWidget(self.accept, 2)
        line.addWidget(self.cancel, 1)
        layout.addLayout(line)
        second = QHBoxLayout()
        self.suggest = button("Found outline", growing.suggest, name="grow_suggest")
        self.replace = button(
            "Replace outline", self._replace, name="grow_replace", tip="The chosen lesion takes this outline"
        )
        second.addWidget(self.suggest)
        second.addWidget(self.replace)
        layout.addLayout(second)
        self._lesion_id = ""

    def refresh(self, lesion: Lesion | None) -> None:
        """Show band, radius and volume; nothing before a seed is set."""
        draft = self.growing.draft
        self.setVisible(draft is not None)
        self._lesion_id = lesion.id if lesion else ""
        if draft is None:
            return
        for slider, value in ((self.low, draft.low_hu), (self.high, draft.high_hu), (self.radius, draft.radius_mm)):
            slider.blockSignals(True)
            slider.setValue(round(value))
            slider.blockSignals(False)
        self._values[self.low].setText(minus(f"{draft.low_hu:.0f} HU"))
        self._values[self.high].setText(minus(f"{draft.high_hu:.0f} HU"))
        self._values[self.radius].setText(f"{draft.radius_mm:.0f} mm")
        region, found = self.growing.region, self.growing.found
        kind = f", {found.kind} against {minus(f'{found.normal.hu:.0f}')} HU of normal bone" if found else ""
        self.volume.setText(self.growing.problem or (f"{ml(region.volume_ml)}{kind}" if region else "Looking…"))
        self.notes.setText(" ".join(found.notes) if found else "")
        self.notes.setVisible(bool(found and found.notes))
        self.beyond.blockSignals(True)
        self.beyond.setChecked(draft.beyond)
        self.beyond.blockSignals(False)
        self.suggest.setEnabled(draft.banded)
        self.accept.setEnabled(region is not None)
        self.replace.setEnabled(region is not None and lesion is not None)
        self.replace.setText(f"Replace {lesion.name}" if lesion else "Replace outline")

    def _moved(self, moved: QSlider) -> None:
        low, high = self.low.value(), self.high.value()
        if low > high - _MARGIN_HU:
            if moved is self.low:
                high = low + _MARGIN_HU
            else:
                low = high - _MARGIN_HU
        self.growing.adjust(low, high, self.radius.value())

    def _cancel(self) -> None:
        self.growing.cancel()
        self.growing.desk.choose_tool("navigate")

    def _replace(self) -> None:
        self.growing.accept(self._lesion_id)


def labelled_slider(name: str, words: str, ends: tuple[int, int]) -> tuple[QSlider, QHBoxLayout]:
    """Return a slider of whole numbers, and the row that holds it behind its words."""
    slider = named(QSlider(Qt.Orientation.Horizontal), name)
    slider.setRange(*ends)
    slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    row = QHBoxLayout()
    text = QLabel(words)
    text.setMinimumWidth(46)
    text.setProperty("role", "hint")
    text.setBuddy(slider)
    row.addWidget(text)
    row.addWidget(slider, 1)
    return slider, row
