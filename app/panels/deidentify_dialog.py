"""Exporting what is open without whose it is: the options, and the export beside the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.desk import Desk
from app.dialogs import Dialogs
from app.panels.widgets import button, form, label, named
from cvt_planner.imaging.deid_file import KEPT, REMOVED, SHIFTED
from cvt_planner.imaging.deidentify import DEFAULT_LABEL, NOTICE, DeidOptions, DeidReport
from cvt_planner.imaging.isolation import deidentify
from cvt_planner.imaging.volume import Volume

_DATES = (
    (REMOVED, "Remove dates and times"),
    (SHIFTED, "Shift dates by one random span (the time between studies stays)"),
    (KEPT, "Keep dates and times"),
)
_FOLDER = "deidentified"


def ask_deidentify(desk: Desk, dialogs: Dialogs, parent: QWidget, password: str = "") -> None:
    """Ask how to export the open study without whose it is, and do it in the background."""
    volume = desk.volume
    if volume is None:
        return

    def run(out: Path, options: DeidOptions) -> None:
        desk.run(
            "deidentify",
            "Exporting de-identified images",
            lambda progress: deidentify(volume.source, out, options, progress, password),
            lambda report: desk.say(_words(report), "done"),
        )

    dialog = DeidentifyDialog(volume, dialogs, parent)
    dialog.wanted.connect(run)
    dialog.open()


class DeidentifyDialog(QDialog):
    """Which series, what becomes of dates and UIDs, what stands for the name, and where the copies go."""

    wanted = Signal(object, object)  # Path of the folder to make, DeidOptions

    def __init__(self, volume: Volume, dialogs: Dialogs, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("deidentify")
        self.setWindowTitle("Export de-identified")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(600)
        self._volume = volume
        self._dialogs = dialogs
        self._out: Path | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 14, 18, 14)
        column.setSpacing(6)
        column.addWidget(label("Export without name and number of the patient", "title"))
        known = bool(volume.series.series_uid)
        which = (("one", "The open series only"), ("all", "Every CT series of the opened folder or ZIP"))
        self._which = self._group(column, "Images", which, "one" if known else "all")
        self._which["one"].setEnabled(known)
        self._dates = self._group(column, "Dates", _DATES, REMOVED)
        self.keep_uids = named(
            QCheckBox("Keep the UIDs (the images can then be found again in the archive)"), "keep_uids"
        )
        column.addWidget(self.keep_uids)
        self.label_field = named(QLineEdit(DEFAULT_LABEL), "deid_label")
        self.label_field.setMaxLength(32)
        column.addWidget(form(("In place of the name", self.label_field)))
        row = QHBoxLayout()
        self._place = label("No folder is chosen yet.", "hint", "deid_place")
        row.addWidget(self._place, 1)
        row.addWidget(button("Choose a folder…", self._choose, name="deid_choose"))
        column.addLayout(row)
        column.addWidget(label(NOTICE, "look"))
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(button("Cancel", self.reject, name="deid_cancel"))
        self.export = button("Export", self._export, role="primary", name="deid_export")
        self.export.setEnabled(False)
        buttons.addWidget(self.export)
        column.addLayout(buttons)

    def _group(
        self, column: QVBoxLayout, title: str, choices: tuple[tuple[str, str], ...], chosen: str
    ) -> dict[str, QRadioButton]:
        column.addWidget(label(title, "section"))
        group = QButtonGroup(self)
        made = {}
        for key, words in choices:
            made[key] = named(QRadioButton(words), f"deid_{key}")
            made[key].setChecked(key == chosen)
            group.addButton(made[key])
            column.addWidget(made[key])
        return made

    def _choose(self) -> None:
        folder = self._dialogs.study_folder("Where should the copies go?")
        if folder is not None:
            self._out = free_folder(folder)
            self._place.setText(f"To {self._out}")
            self.export.setEnabled(True)

    def _export(self) -> None:
        if self._out is None:
            return
        options = DeidOptions(
            series_uid=self._volume.series.series_uid if self._which["one"].isChecked() else "",
            dates=next(key for key, made in self._dates.items() if made.isChecked()),
            keep_uids=self.keep_uids.isChecked(),
            label=self.label_field.text().strip() or DEFAULT_LABEL,
        )
        self.accept()
        self.wanted.emit(self._out, options)


def free_folder(parent: Path) -> Path:
    """Return a folder in `parent` that does not exist yet."""
    number = 1
    while (parent / f"{_FOLDER}_{number}").exists():
        number += 1
    return parent / f"{_FOLDER}_{number}"


def _words(report: DeidReport) -> str:
    return f"De-identified: {report.words}"
