"""What is known of the chosen lesion: its figures, its scores, and what published criteria say."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app import theme
from app.desk import Desk
from app.measuring import Measuring
from app.panels.widgets import Choice, FigureTable, form, label, verdict_icon
from app.panels.words import UNKNOWN, minus, ml, mm, percent
from app.render.view_state import Annotation
from cvt_planner.anatomy.lesion.figures import LesionFigures
from cvt_planner.plan import lesion_edits
from cvt_planner.plan.eligibility import ASK, STABLE_BELOW, UNSTABLE_FROM, eligibility
from cvt_planner.plan.model import Lesion
from cvt_planner.plan.scores import (
    ESCC_SOURCE,
    SINS_SOURCE,
    Alignment,
    Collapse,
    Escc,
    Pain,
    Posterior,
    collapse_of,
    posterior_of,
    sins,
)

_FIELDS: tuple[tuple[str, str, type[StrEnum]], ...] = (
    ("Pain is", "pain", Pain),
    ("Alignment", "alignment", Alignment),
    ("Collapse", "collapse", Collapse),
    ("Posterior parts", "posterior", Posterior),
    ("ESCC (MR)", "escc", Escc),
)
_SINS_TIP = (
    "Spinal Instability Neoplastic Score, 0 to 18 points: "
    f"unstable from {UNSTABLE_FROM}, perhaps unstable from {STABLE_BELOW}. {SINS_SOURCE}"
)
_ESCC_TIP = f"Epidural spinal cord compression, read on MR: 0 (bone only) to 3 (no CSF seen). {ESCC_SOURCE}"


class Findings(QWidget):
    """Figures, scores and notes of the chosen lesion."""

    def __init__(self, desk: Desk, measuring: Measuring) -> None:
        super().__init__()
        self.desk = desk
        self.measuring = measuring
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(label("Figures", "section"))
        self.table = _table("lesion_figures", ("Figure", "Value"))
        layout.addWidget(self.table)
        self.notes = label("", "hint", "lesion_notes")
        layout.addWidget(self.notes)
        layout.addWidget(label("Scores", "section"))
        self.choices = {key: Choice(f"score_{key}") for _, key, _ in _FIELDS}
        for _, key, _ in _FIELDS:
            self.choices[key].activated.connect(lambda _n, changed=key: self._set(changed))
            self.choices[key].setToolTip(_ESCC_TIP if key == "escc" else _SINS_TIP)
        layout.addWidget(form(*((text, self.choices[key]) for text, key, _ in _FIELDS)))
        self.sins = label("", "figure", "lesion_sins")
        self.sins.setToolTip(_SINS_TIP)
        layout.addWidget(self.sins)
        self.items = _table("lesion_sins_items", ("SINS", "Points"))
        self.items.setToolTip(_SINS_TIP)
        layout.addWidget(self.items)
        layout.addWidget(label("Eligibility", "section"))
        self.eligible = _Notes()
        layout.addWidget(self.eligible)
        layout.addWidget(label(ASK, "hint"))

    def refresh(self, lesion: Lesion | None) -> None:
        """Show the chosen lesion."""
        self.setVisible(lesion is not None)
        if lesion is None:
            return
        figures = self.measuring.figures(lesion)
        rows = _rows(figures) if figures else [("Figures", self.measuring.problem or "measuring…")]
        self._show_defects(figures)
        self.table.show_rows([(name, (name, value)) for name, value in rows])
        self.notes.setText(" ".join(figures.notes) if figures else "")
        self.notes.setVisible(bool(figures and figures.notes))
        for _, key, kind in _FIELDS:
            self.choices[key].fill(_offered(key, kind, figures), getattr(lesion.scores, key))
        score = sins(lesion.level, lesion.kind.value, lesion.scores, figures)
        self.sins.setText(f"SINS {score.words}")
        self.items.show_rows(
            [
                (item.name, (f"{item.name}: {item.words}", UNKNOWN if item.points is None else str(item.points)))
                for item in score.items
            ]
        )
        self.eligible.show_notes(
            [(note.answer, f"{note.text} [{note.source}]") for note in eligibility(lesion, figures)]
        )

    def hideEvent(self, event: QHideEvent) -> None:
        """Take the marks of defects off the views with the panel."""
        super().hideEvent(event)
        self.desk.annotate("defects", ())

    def _show_defects(self, figures: LesionFigures | None) -> None:
        """Mark in the views where cortex is missing."""
        defects = figures.defects if figures is not None else None
        marks = []
        for name, area, place in (
            ()
            if defects is None
            else (
                ("posterior wall", defects.posterior_wall_mm2, defects.posterior_wall_lps_mm),
                ("upper endplate", defects.upper_endplate_mm2, defects.upper_endplate_lps_mm),
                ("lower endplate", defects.lower_endplate_mm2, defects.lower_endplate_lps_mm),
                ("cortex", defects.other_cortex_mm2, defects.other_cortex_lps_mm),
            )
        ):
            if place is not None:
                marks.append(Annotation((place,), f"{name} missing, {area:.0f} mm²", theme.COLOURS["look"]))
        self.desk.annotate("defects", tuple(marks))

    def _set(self, key: str) -> None:
        lesion = self.desk.lesion
        if lesion is not None:
            value = self.choices[key].currentData()
            kind = next(kind for _, name, kind in _FIELDS if name == key)
            # Qt gives a member of an enumeration of texts back as the bare text.
            entered: dict[str, Any] = {key: None if value is None else kind(value)}
            scores = replace(lesion.scores, **entered)
            self.desk.apply(lesion_edits.set_lesion_scores(lesion.id, scores), f"Set the {key} score of {lesion.name}")


class _Notes(QWidget):
    """Sentences with a verdict's mark before each."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("lesion_eligibility")
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(5)
        self._shown: list[tuple[str, str]] = []

    def show_notes(self, notes: list[tuple[str, str]]) -> None:
        """Show (verdict, sentence) notes."""
        if notes == self._shown:
            return
        self._shown = notes
        while (item := self._layout.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for verdict, text in notes:
            self._layout.addWidget(_Note(verdict, text))

    @property
    def texts(self) -> list[str]:
        """Return the sentences that are shown."""
        return [text for _, text in self._shown]


class _Note(QWidget):
    def __init__(self, verdict: str, text: str) -> None:
        super().__init__()
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        mark = label("")
        mark.setPixmap(verdict_icon(verdict).pixmap(16, 16))
        mark.setFixedWidth(20)
        mark.setAlignment(Qt.AlignmentFlag.AlignTop)
        line.addWidget(mark)
        line.addWidget(label(text), 1)


def _table(name: str, headings: tuple[str, str]) -> FigureTable:
    table = FigureTable(name, headings)
    table.setSelectionMode(FigureTable.SelectionMode.NoSelection)
    table.horizontalHeader().hide()
    return table


def _offered(key: str, kind: type[StrEnum], figures: LesionFigures | None) -> list[tuple[str, object]]:
    """Return the choices: first that nothing is entered, with what CT says in its place."""
    from_ct = None
    if figures is not None and key in ("collapse", "posterior"):
        found = collapse_of(figures) if key == "collapse" else posterior_of(figures)
        from_ct = None if found is None else f"CT: {found.value}"
    words = [(f"{m.value}: {m.words}" if isinstance(m, Escc) else m.value, m) for m in kind]
    return [(from_ct or "not entered", None), *words]


def _rows(figures: LesionFigures) -> list[tuple[str, str]]:
    x, y, z = figures.across_mm
    hu = f"{figures.mean_hu:.0f} ± {figures.spread_hu:.0f} HU"
    if figures.hu_within:
        hu += f" (up to {figures.hu_within:.0f} HU too high)"
    rows = [
        ("Volume", f"{figures.volume_ml:.2f} mL"),
        ("Longest diameter", mm(figures.longest_mm, 1)),
        ("Across L–R, A–P, H–F", f"{x:.0f} × {y:.0f} × {z:.0f} mm"),
        ("HU, mean ± SD", minus(hu)),
    ]
    if figures.normal_hu is not None:
        rows.append(("Normal bone here", minus(f"{figures.normal_hu:.0f} HU")))
        rows.append(("Type by HU", figures.kind or "not told"))
    if figures.body_share is not None:
        rows.append(("Share of the body", percent(100.0 * figures.body_share)))
    if figures.in_bone_ml is not None:
        rows.append(("In bone", ml(figures.in_bone_ml)))
        rows.append(("Epidural", ml(figures.epidural_ml)))
        rows.append(("Paravertebral", ml(figures.paravertebral_ml)))
    if figures.canal_mm is not None:
        rows.append(("Distance to the canal", mm(figures.canal_mm, 1)))
    if figures.height_lost is not None:
        rows.append(("Height lost", percent(100.0 * figures.height_lost)))
    rows += _defect_rows(figures)
    return rows


def _defect_rows(figures: LesionFigures) -> list[tuple[str, str]]:
    defects = figures.defects
    if defects is None:
        return []
    if not defects.judged:
        return [("Cortical defects", "not judged: cortex not seen")]
    return [
        (name, "none seen" if area <= 0.0 else f"{area:.0f} mm² missing")
        for name, area in (
            ("Posterior wall", defects.posterior_wall_mm2),
            ("Upper endplate", defects.upper_endplate_mm2),
            ("Lower endplate", defects.lower_endplate_mm2),
            ("Other cortex", defects.other_cortex_mm2),
        )
    ]
