"""What the structures of a segmentation file are to be taken for, asked before any of them is used."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.panels.widgets import ROW_PX, Choice, button, form, label
from cvt_planner.anatomy.levels import NAMES
from cvt_planner.anatomy.structure_names import NUMBERINGS
from cvt_planner.imaging.segmentation import Segment, Segmentation
from cvt_planner.planning.import_segmentation import Meaning, proposed_meanings

_LEFT_OUT = Meaning("left out")
_CHOICES: tuple[tuple[str, Meaning], ...] = (
    ("Left out", _LEFT_OUT),
    ("Spinal canal or cord", Meaning("canal")),
    ("Lesion", Meaning("lesion")),
    *((f"Vertebra {name}", Meaning("vertebra", name)) for name in NAMES),
)
_COUNTED = (("vertebra", "vertebrae"), ("canal", "canal"), ("lesion", "lesions"))
_EXPLAINS = (
    "Vertebrae take the place of those found by the program, with the names that the file gives them, unconfirmed: "
    "confirm one level afterwards. What another program or person has marked is a proposal, to be looked at."
)


class SegmentationDialog(QDialog):
    """A table of structures: name, volume, what it is taken for."""

    wanted = Signal(object)  # dict: number of a structure -> Meaning

    def __init__(self, made: Segmentation, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("segmentation")
        self.setWindowTitle("Import a segmentation")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(620, 520)
        self._made = made
        self.meanings, numbering = proposed_meanings(made)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 14, 18, 14)
        column.setSpacing(6)
        column.addWidget(label(f"{Path(made.source).name}: {made.kind}, {_count(len(made.segments))}", "title"))
        column.addWidget(label(_EXPLAINS, "hint"))
        for notice in made.notices:
            column.addWidget(label(notice, "look"))
        self.numbering = Choice("segmentation_numbering")
        known = [("As the names say", None)] if any(s.name for s in made.segments) else [("Not recognised", None)]
        self.numbering.fill([*known, *((n, n) for n in NUMBERINGS)], numbering)
        self.numbering.activated.connect(lambda _n: self._renumber())
        column.addWidget(form(("Numbering of the labels", self.numbering)))
        self.table = self._table()
        column.addWidget(self.table, 1)
        self._summary = label("", "hint", "segmentation_summary")
        column.addWidget(self._summary)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(button("Cancel", self.reject, name="segmentation_cancel"))
        self.use = button("Import", self._import, role="primary", name="segmentation_import")
        row.addWidget(self.use)
        column.addLayout(row)
        self._show()

    def _table(self) -> QTableWidget:
        table = QTableWidget(len(self._made.segments), 3)
        table.setObjectName("segmentation_table")
        table.setHorizontalHeaderLabels(["Structure", "Volume", "Taken for"])
        table.verticalHeader().hide()
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.verticalHeader().setDefaultSectionSize(ROW_PX + 4)
        for row, segment in enumerate(self._made.segments):
            table.setItem(row, 0, QTableWidgetItem(segment.name or f"Label {segment.number}"))
            volume = QTableWidgetItem(f"{segment.volume_ml:.2f} mL")
            volume.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            table.setItem(row, 1, volume)
            choice = Choice(f"segmentation_use_{segment.number}")
            choice.activated.connect(partial(self._chosen, segment, choice))
            table.setCellWidget(row, 2, choice)
        table.setColumnWidth(0, 250)
        table.setColumnWidth(1, 110)
        table.horizontalHeader().setStretchLastSection(True)
        return table

    def _chosen(self, segment: Segment, choice: Choice, _n: int) -> None:
        self.meanings[segment.number] = choice.currentData()
        self._show()

    def _renumber(self) -> None:
        self.meanings, _ = proposed_meanings(self._made, self.numbering.currentData())
        self._show()

    def _show(self) -> None:
        for row, segment in enumerate(self._made.segments):
            choice = self.table.cellWidget(row, 2)
            assert isinstance(choice, Choice)
            choice.fill(_CHOICES, self.meanings[segment.number])
        uses = [meaning.use for meaning in self.meanings.values()]
        parts = [f"{uses.count(use)} {words}" for use, words in _COUNTED if use in uses]
        self._summary.setText(f"To be imported: {', '.join(parts)}." if parts else "Nothing is chosen yet.")
        self.use.setEnabled(bool(parts))

    def _import(self) -> None:
        self.accept()
        self.wanted.emit(dict(self.meanings))


def _count(n: int) -> str:
    return "1 structure" if n == 1 else f"{n} structures"
