"""The line over the safety strip: a sentence to the user, else what mouse and keys do now; and slow work with Stop.

It is always there and always as high, so that nothing it says ever moves a picture under the hand.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QWidget,
)

from app import theme
from app.panels.fitted_text import FittedText
from app.panels.widgets import button, named, verdict_icon

LINE_PX = 42  # two lines of the smallest type
_BUSY_PX = 470
_MARKS = {"done": "ok", "look": "look", "stop": "stop"}


class MessageBar(QFrame):
    """One sentence with, where it helps, one button. It stays until it is closed or another one comes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 0, 8, 0)
        layout.setSpacing(8)
        self.text = FittedText("message_text")
        self._mark = QLabel()
        self._action: QPushButton | None = None
        self._layout = layout
        self._lasts = False
        self.gone: Callable[[], object] = lambda: None  # told when there is no sentence any more
        close = named(QToolButton(), "message_close")
        close.setIcon(theme.icon("close"))
        close.setToolTip("Close this message (Esc)")
        close.setProperty("role", "corner")
        close.clicked.connect(self.clear)
        layout.addWidget(self._mark)
        layout.addWidget(self.text, 1)
        layout.addWidget(close)

    def say(self, text: str, kind: str = "info", action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Show a sentence; `kind` is "info", "done", "look" or "stop"."""
        self._drop_action()
        if action is not None:
            words, run = action
            self._action = button(words, run, name="message_action")
            self._layout.insertWidget(2, self._action)
        self._lasts = kind == "stop" or action is not None
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self._mark.setPixmap(verdict_icon(_MARKS[kind], 18).pixmap(QSize(18, 18)) if kind in _MARKS else QPixmap())
        self._mark.setVisible(kind in _MARKS)
        self.text.setText(text)
        self.setAccessibleName(text)

    def outdate(self) -> None:
        """Take the sentence away if the work that went on has answered it."""
        if not self._lasts:
            self.clear()

    def clear(self) -> None:
        """Take the sentence away."""
        self._drop_action()
        self.text.setText("")
        self.gone()

    def _drop_action(self) -> None:
        if self._action is not None:
            self._layout.removeWidget(self._action)
            self._action.hide()
            self._action.deleteLater()
            self._action = None


class BusyBar(QFrame):
    """What is being done, how far it is, and a button that stops it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("busy")
        self.setFixedWidth(_BUSY_PX)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 8, 0)
        layout.setSpacing(10)
        self.text = FittedText("busy_text")
        self.bar = named(QProgressBar(), "busy_bar")
        self.bar.setRange(0, 1000)
        self.bar.setFixedWidth(130)
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


class NoticeLine(QFrame):
    """Hint or sentence on the left, slow work on the right, in one line of fixed height."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice_line")
        self.setFixedHeight(LINE_PX)
        self.message = MessageBar()
        self.busy = BusyBar()
        self.hint = FittedText("hint_text", ink="dim")
        resting = QWidget()
        inside = QHBoxLayout(resting)
        inside.setContentsMargins(14, 0, 12, 0)
        inside.addWidget(self.hint)
        self._left = QStackedWidget()
        self._left.addWidget(resting)
        self._left.addWidget(self.message)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 1, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._left, 1)
        row.addWidget(self.busy)
        self.message.gone = lambda: self._left.setCurrentIndex(0)

    def say(self, text: str, kind: str = "info", action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Show a sentence in place of the hint."""
        self.message.say(text, kind, action)
        self._left.setCurrentWidget(self.message)

    def show_hint(self, text: str) -> None:
        """Say what mouse and keys do now; seen while there is no sentence."""
        self.hint.setText(text)
