"""The menu bar with its corner of small buttons, and which commands are to be had at the moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QMenu, QToolButton, QWidget

from app import actions
from app.desk import Desk
from app.documents import Documents
from app.panels.widgets import named

_CORNER = ("undo", "redo", "save", "", "measure", "invert", "procedure_view", "needle_views", "layout")
_CORNER_WORDS = {"procedure_view": " Procedure view", "needle_views": " Needle views"}


class Menus:
    """Every command as a `QAction` of the window, in its menu."""

    def __init__(
        self,
        window: QMainWindow,
        desk: Desk,
        documents: Documents,
        handlers: dict[str, Callable[[], None]],
        switches: Callable[[], dict[str, bool]],
    ) -> None:
        self._desk = desk
        self._switches = switches  # which of the commands that can be on are on
        self._documents = documents
        self.actions: dict[str, QAction] = actions.make_actions(window, handlers)
        bar = window.menuBar()
        menus = {name: bar.addMenu(name) for name in actions.MENUS}
        for spec in actions.ACTIONS:
            if spec.separator_before:
                menus[spec.menu].addSeparator()
            menus[spec.menu].addAction(self.actions[spec.key])
            if spec.key == "open_sample":
                recent = menus[spec.menu].addMenu("Recent")
                recent.aboutToShow.connect(partial(self._fill_recent, recent))
        self._box = self._corner()  # the menu bar does not keep it alive
        bar.setCornerWidget(self._box)
        self._box.show()

    def refresh(self) -> None:
        """Dim what cannot be done now, and show what is switched on."""
        desk, made = self._desk, self.actions
        is_open = desk.volume is not None
        for spec in actions.ACTIONS:
            if spec.needs_study:
                made[spec.key].setEnabled(is_open)
        history = desk.workspace.state.history
        for key, word, label, possible in (
            ("undo", "Undo", history.undo_label if history else "", bool(history and history.past)),
            ("redo", "Redo", history.redo_label if history else "", bool(history and history.future)),
        ):
            made[key].setEnabled(possible)
            made[key].setText(f"{word} {label.lower()}" if label else word)
            made[key].setIconText(word)
        for key, on in self._switches().items():
            made[key].setChecked(on)

    def _corner(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 2, 8, 2)
        row.setSpacing(2)
        for key in _CORNER:
            if not key:
                row.addSpacing(14)
                continue
            tool = named(QToolButton(), f"corner_{key}")
            tool.setDefaultAction(self.actions[key])
            tool.setProperty("role", "corner")
            tool.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            if key in _CORNER_WORDS:
                tool.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
                self.actions[key].setIconText(_CORNER_WORDS[key])
            row.addWidget(tool)
        return holder

    def _fill_recent(self, menu: QMenu) -> None:
        menu.clear()
        for entry in self._desk.settings.recent:
            action = QAction(entry.label, menu)
            action.setToolTip(str(entry.path))
            action.triggered.connect(partial(self._open, entry.path))
            menu.addAction(action)
        if menu.isEmpty():
            menu.addAction("Nothing yet").setEnabled(False)

    def _open(self, path: Path, _checked: bool = False) -> None:
        self._documents.open_path(path)
