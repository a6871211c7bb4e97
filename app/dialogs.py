"""The few questions that need an answer at once: which file, and what to do with unsaved work."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QInputDialog, QLineEdit, QMessageBox, QWidget

from app.settings import Settings

CARD_FILTER = "Probe cards (*.json);;All files (*)"
PLAN_FILTER = "CVT plan (*.cvtplan)"
SEGMENTATION_FILTER = "Label maps, DICOM SEG and RTSTRUCT (*.nii *.nii.gz *.nrrd *.nhdr *.dcm);;All files (*)"
OPEN_FILTER = "Plans, ZIPs and volumes (*.cvtplan *.zip *.nii *.nii.gz *.nrrd *.nhdr *.dcm DICOMDIR);;All files (*)"


class Answer(Enum):
    """What to do with unsaved work."""

    SAVE = "save"
    DISCARD = "discard"
    CANCEL = "cancel"


class Dialogs:
    """Asks the user. A test puts its own answers in the place of the file dialogs."""

    def __init__(self, settings: Settings) -> None:
        self.parent: QWidget | None = None  # the window, once it is there
        self._settings = settings

    def study_folder(self, title: str = "Open a study folder") -> Path | None:
        """Return the chosen folder; None when the user thought better of it."""
        return self._remember(QFileDialog.getExistingDirectory(self.parent, title, self._settings.last_folder))

    def files(self) -> list[Path]:
        """Return the chosen plan, ZIP, volume or slices; none when the user thought better of it."""
        chosen, _ = QFileDialog.getOpenFileNames(
            self.parent, "Open a plan, ZIP, volume or slices", self._settings.last_folder, OPEN_FILTER
        )
        return [path for path in map(self._remember, chosen) if path is not None]

    def zip_password(self, name: str, wrong: bool) -> str | None:
        """Return the password of a ZIP, which is kept nowhere; None when the user thought better of it."""
        first = "That password does not open it. " if wrong else ""
        words = f"{first}{name} is protected. Its password, which is not kept:"
        password, given = QInputDialog.getText(self.parent, "Password", words, QLineEdit.EchoMode.Password)
        return password if given and password else None

    def card_file(self) -> Path | None:
        """Return the chosen probe card."""
        chosen, _ = QFileDialog.getOpenFileName(
            self.parent, "Open a probe card", self._settings.last_folder, CARD_FILTER
        )
        return self._remember(chosen)

    def segmentation_file(self) -> Path | None:
        """Return the chosen segmentation of the open CT."""
        chosen, _ = QFileDialog.getOpenFileName(
            self.parent, "Import a segmentation of this CT", self._settings.last_folder, SEGMENTATION_FILTER
        )
        return self._remember(chosen)

    def plan_to_write(self, suggested: str) -> Path | None:
        """Return where to write the plan."""
        start = str(Path(self._settings.last_folder) / suggested)
        chosen, _ = QFileDialog.getSaveFileName(self.parent, "Save the plan", start, PLAN_FILTER)
        path = self._remember(chosen)
        return path if path is None or path.suffix.lower() == ".cvtplan" else path.with_name(path.name + ".cvtplan")

    def unsaved(self, name: str) -> Answer:
        """Return what to do with the unsaved work on a plan."""
        box = QMessageBox(self.parent)
        box.setObjectName("unsaved")
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Unsaved work")
        box.setText(f"The plan {name} has changes that are not saved.")
        box.setInformativeText("Save them first? Discarded work cannot be brought back.")
        kind = QMessageBox.StandardButton
        box.setStandardButtons(kind.Save | kind.Discard | kind.Cancel)
        box.setDefaultButton(kind.Save)
        return {kind.Save: Answer.SAVE, kind.Discard: Answer.DISCARD}.get(kind(box.exec()), Answer.CANCEL)

    def _remember(self, chosen: str) -> Path | None:
        if not chosen:
            return None
        path = Path(chosen)
        self._settings.last_folder = str(path if path.is_dir() else path.parent)
        return path
