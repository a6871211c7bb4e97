"""The banner: whose CT is open, which one, which level, and that this is for planning, research and training only."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.panels.fitted_text import tip
from app.panels.widgets import named
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.level_state import DOUBT, mark_of, standing
from cvt_planner.plan.model import Plan

GAP = "   "
_HEIGHT_PX = 40  # room for two lines of the smallest type
_MARGIN_PX, _SPACING_PX = 12, 18
NOTICE = "planning, research and training only"
TITLE_NOTICE = "for planning, research and training; not a cleared medical device"


def patient_words(volume: Volume) -> tuple[str, str]:
    """Return who the patient is: name with sex and age, and the patient ID; what is missing is said."""
    patient = volume.patient
    if not (patient.name or patient.patient_id):
        return "no identity in the images", ""
    words = [patient.name or "no name", " ".join(w for w in (patient.sex, patient.age) if w)]
    return GAP.join(w for w in words if w), patient.patient_id or "no patient ID"


def study_words(volume: Volume) -> str:
    """Return which series is open: description, date and time, distance between slices."""
    series = volume.series
    when = series.acquired_at.replace("T", " ")[:16]
    described = " · ".join(w for w in (series.study_description, series.series_description) if w)
    words = [series.modality or "CT", when, f"{volume.slice_distance_mm:.3g} mm slices", described]
    return GAP.join(w for w in words if w)


def level_and_state(plan: Plan, level: str) -> str:
    """Return a level with how it stands: "L2 (counted from L5)", "L2? (not confirmed)"."""
    mark, stands = mark_of(plan, level), standing(plan, level)
    if stands == "confirmed":
        return f"{level} (confirmed)"
    if stands == "counted" and mark is not None and mark.count is not None:
        return f"{level} (counted from {mark.count.counted_from})"
    return f"{level}{DOUBT} ({'not marked' if stands == 'unmarked' else 'not confirmed'})"


class _Elided(QLabel):
    """A label that shortens its text instead of widening the window."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._whole = ""

    def say(self, text: str) -> None:
        """Show a text, shortened where there is no room."""
        self._whole = text
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


class _Identity(QLabel):
    """Who the patient is. Never shortened: a cut name or number could be another patient's.

    Where one line is too long for the window, the patient ID goes to a second line of the banner.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("patient")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self._parts = ("", "")

    def say(self, who: str, patient_id: str) -> None:
        """Show name, sex and age, and the patient ID."""
        self._parts = (who, patient_id)
        self.setAccessibleName(self.whole)

    @property
    def whole(self) -> str:
        """Return the text as one line."""
        return GAP.join(part for part in self._parts if part)

    def fit(self, room_px: int) -> None:
        """Take one line where it fits into so much room, else two."""
        line = self.fontMetrics().horizontalAdvance(self.whole) <= room_px
        self.setText(self.whole if line else "\n".join(part for part in self._parts if part))


class Banner(QFrame):
    """One line over everything, always there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setFixedHeight(_HEIGHT_PX)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(_MARGIN_PX, 0, _MARGIN_PX, 0)
        layout.setSpacing(_SPACING_PX)
        self.patient = _Identity()
        self.study = _Elided("study")
        self.level = named(QLabel(), "banner_level")
        self.notice = named(QLabel(NOTICE), "banner_notice")
        layout.addWidget(self.patient)
        layout.addWidget(self.study, 1)
        layout.addWidget(self.level)
        layout.addWidget(self.notice)
        self.show_volume(None)

    def show_volume(self, volume: Volume | None) -> None:
        """Say whose CT is open."""
        self.patient.say(*(patient_words(volume) if volume else ("No study is open", "")))
        self.study.say(study_words(volume) if volume else "")
        self._arrange()

    def show_level(self, level: str, plan: Plan | None) -> None:
        """Say which level is worked on, and whether the operator confirmed it or it was counted from there."""
        words = level_and_state(plan, level) if plan is not None and level else ""
        self.level.setText(words or ("no level yet" if self.study.whole else ""))
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the patient's identity its room first."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        others = self.level.sizeHint().width() + self.notice.sizeHint().width()
        self.patient.fit(self.width() - 2 * _MARGIN_PX - 3 * _SPACING_PX - others)
        words = (self.patient.whole, self.study.whole, self.level.text(), f"CVT Planner is {TITLE_NOTICE}.")
        self.setToolTip(tip("\n".join(word for word in words if word)))
