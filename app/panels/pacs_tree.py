"""The tree of patients, studies and series that a PACS was found to have."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from app.panels.pacs_words import align_counts, count_words, patient_words, study_day
from cvt_planner.imaging.pacs.found import SeriesFound, StudyFound

STUDY, SERIES = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
COLUMNS = ("Patient, study, series", "Date", "Modality", "Series", "Images")


class StudyTree(QTreeWidget):
    """Shows what was found; a study's item carries its `StudyFound`, a series' item its `SeriesFound`."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("pacs_tree")
        self.setHeaderLabels(list(COLUMNS))
        self.setAlternatingRowColors(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setStretchLastSection(False)
        for column_number in range(1, len(COLUMNS)):
            self.header().setSectionResizeMode(column_number, QHeaderView.ResizeMode.ResizeToContents)

    def show_studies(self, found: Sequence[StudyFound]) -> int:
        """Show studies beneath their patients; return the number of patients."""
        self.clear()
        patients: dict[tuple[str, str, str], QTreeWidgetItem] = {}
        for study in found:
            who = (study.patient_id, study.patient, study.birth_date)
            if who not in patients:
                patients[who] = QTreeWidgetItem([patient_words(study)])
                self.addTopLevelItem(patients[who])
            counts = (count_words(study.series_count), count_words(study.image_count))
            item = QTreeWidgetItem(
                [study.description or "study without name", study_day(study), study.modalities, *counts]
            )
            item.setData(0, STUDY, study)
            item.setToolTip(0, study.study_uid)
            item.setChildIndicatorPolicy(QTreeWidgetItem.ChildIndicatorPolicy.ShowIndicator)
            align_counts(item)
            patients[who].addChild(item)
            patients[who].setExpanded(True)
        return len(patients)

    def show_series(self, study_uid: str, found: Sequence[SeriesFound]) -> None:
        """Show the series of a study beneath it, if it is still shown."""
        item = self.study_item(study_uid)
        if item is None:
            return
        item.takeChildren()
        for series in found:
            name = f"{series.number or '–'}  {series.description or 'series without name'}"
            body = f"  ({series.body_part.lower()})" if series.body_part else ""
            child = QTreeWidgetItem([name + body, "", series.modality, "", count_words(series.image_count)])
            child.setData(0, SERIES, series)
            child.setToolTip(0, series.series_uid)
            align_counts(child)
            item.addChild(child)

    @property
    def chosen_series(self) -> tuple[SeriesFound, ...]:
        """Return the series that are chosen."""
        found = (item.data(0, SERIES) for item in self.selectedItems())
        return tuple(series for series in found if isinstance(series, SeriesFound))

    def study_item(self, study_uid: str) -> QTreeWidgetItem | None:
        """Return the item of a study; None where it is not shown."""
        for n in range(self.topLevelItemCount()):
            patient = self.topLevelItem(n)
            for k in range(patient.childCount() if patient else 0):
                item = patient.child(k) if patient else None
                study = item.data(0, STUDY) if item else None
                if isinstance(study, StudyFound) and study.study_uid == study_uid:
                    return item
        return None
