"""Sentences to the user, in the window and never over it; and the bar of slow work with its stop button."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QToolButton, QWidget

from app import theme
from app.panels.widgets import button, label, named


class MessageBar(QFrame):
    """One sentence with, where it helps, one button. It stays until it is closed or another one comes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 8, 6)
        self.text = label(name="message_text")
        self._action: QPushButton | None = None
        self._layout = layout
        self._lasts = False
        close = named(QToolButton(), "message_close")
        close.setIcon(theme.icon("close"))
        close.setToolTip("Close this message")
        close.setProperty("role", "corner")
        close.clicked.connect(self.clear)
        layout.addWidget(self.text, 1)
        layout.addWidget(close)
        self.hide()

    def say(self, text: str, kind: str = "info", action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Show a sentence; `kind` is "info", "done", "look" or "stop"."""
        self._drop_action()
        if action is not None:
            words, run = action
            self._action = button(words, run, name="message_action")
            self._layout.insertWidget(1, self._action)
        self._lasts = kind == "stop" or action is not None
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self.text.setText(text)
        self.setAccessibleName(text)
        self.show()

    def outdate(self) -> None:
        """Take the sentence away if the work that went on has answered it."""
        if not self._lasts:
            self.clear()

    def clear(self) -> None:
        """Take the sentence away."""
        self._drop_action()
        self.text.setText("")
        self.hide()

    def _drop_action(self) -> None:
        if self._action is not None:
            self._layout.removeWidget(self._action)
            self._action.deleteLater()
            self._action = None


class BusyBar(QFrame):
    """What is being done, how far it is, and a button that stops it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("busy")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 4)
        self.text = named(QLabel(), "busy_text")
        self.bar = named(QProgressBar(), "busy_bar")
        self.bar.setRange(0, 1000)
        self.bar.setFixedWidth(220)
        self._stop: Callable[[], object] = lambda: None
        self.stop = button("Stop", lambda: self._stop(), icon="stop", name="busy_stop")
        layout.addWidget(self.text, 1)
        layout.addWidget(self.bar)
        layout.addWidget(self.stop)
        self.hide()

    def start(self, text: str, stop: Callable[[], object]) -> None:
        """Show that something began."""
        self._stop = stop
        self.stop.setEnabled(True)
        self.text.setText(text)
        self.bar.setValue(0)
        self.show()

    def advance(self, fraction: float, text: str) -> None:
        """Show how far it is."""
        self.bar.setValue(round(fraction * 1000))
        if text:
            self.text.setText(text)

    def finish(self) -> None:
        """Take the bar away."""
        self._stop = lambda: None
        self.hide()
