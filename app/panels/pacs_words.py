"""What the PACS dialog says of patients, studies, counts and faults."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTreeWidgetItem

from cvt_planner.base.errors import PlannerError
from cvt_planner.imaging.pacs.found import StudyFound


def error_words(error: Exception) -> str:
    """Return what to say of work that failed."""
    if isinstance(error, PlannerError):
        return str(error)
    return f"This did not work because of a fault in the program ({type(error).__name__}: {error})."


def patient_words(study: StudyFound) -> str:
    """Return who a study is of, in a line."""
    facts = [study.patient or "patient without name", study.patient_id, study.birth_date, study.sex]
    return ",  ".join(one for one in facts if one)


def study_day(study: StudyFound) -> str:
    """Return when a study was made."""
    return f"{study.day} {study.time[:5]}".strip()


def count_words(count: int | None) -> str:
    """Return a count; a question mark where the PACS does not tell it."""
    return "?" if count is None else str(count)


def align_counts(item: QTreeWidgetItem) -> None:
    """Put the counts of a row to the right."""
    for column in (3, 4):
        item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
