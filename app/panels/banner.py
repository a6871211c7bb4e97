"""The banner: whose CT is open, which one, which level, and that this is for planning, research and training only."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from app.panels.widgets import named
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.model import LevelMark

NOTICE = "planning, research and training only"
TITLE_NOTICE = "for planning, research and training; not a cleared medical device"


def patient_words(volume: Volume) -> str:
    """Return who the patient is: name, sex, age, identifier; what is missing is said."""
    patient = volume.patient
    if not (patient.name or patient.patient_id):
        return "no identity in the images"
    words = [patient.name or "no name", " ".join(w for w in (patient.sex, patient.age) if w), patient.patient_id]
    return "   ".join(w for w in words if w)


def study_words(volume: Volume) -> str:
    """Return which series is open: description, date and time, distance between slices."""
    series = volume.series
    when = series.acquired_at.replace("T", " ")[:16]
    described = " · ".join(w for w in (series.study_description, series.series_description) if w)
    words = [series.modality or "CT", when, f"{volume.slice_distance_mm:.3g} mm slices", described]
    return "   ".join(w for w in words if w)


class _Elided(QLabel):
    """A label that shortens its text instead of widening the window; the whole text is its tip."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._whole = ""

    def say(self, text: str) -> None:
        """Show a text, shortened where there is no room."""
        self._whole = text
        self.setToolTip(text)
        self.setAccessibleName(text)
        self._shorten()

    @property
    def whole(self) -> str:
        """Return the text before it was shortened."""
        return self._whole

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shorten anew."""
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, max(self.width() - 2, 0)))


class Banner(QFrame):
    """One line over everything, always there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setFixedHeight(34)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.setSpacing(18)
        self.patient = _Elided("patient")
        self.study = _Elided("study")
        self.level = named(QLabel(), "banner_level")
        self.notice = named(QLabel(NOTICE), "banner_notice")
        self.notice.setToolTip(f"CVT Planner is {TITLE_NOTICE}.")
        for widget in (self.patient, self.study):
            widget.setMinimumWidth(80)
        layout.addWidget(self.patient, 3)
        layout.addWidget(self.study, 4)
        layout.addWidget(self.level)
        layout.addWidget(self.notice)
        self.show_volume(None)

    def show_volume(self, volume: Volume | None) -> None:
        """Say whose CT is open."""
        self.patient.say(patient_words(volume) if volume else "No study is open")
        self.study.say(study_words(volume) if volume else "")

    def show_level(self, level: str, marks: tuple[LevelMark, ...]) -> None:
        """Say which level is worked on, and whether the operator confirmed it."""
        if not level:
            self.level.setText("no level yet" if self.study.whole else "")
            return
        mark = next((m for m in marks if m.level == level), None)
        state = "not marked" if mark is None else "confirmed" if mark.confirmed else "not confirmed"
        self.level.setText(f"{level} ({state})")
