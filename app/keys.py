"""Who gets a key: the command it stands for, unless the field that has the focus needs it itself."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

_K = Qt.Key
_TAB = frozenset({_K.Key_Tab, _K.Key_Backtab})
_ARROWS = frozenset({_K.Key_Left, _K.Key_Right, _K.Key_Up, _K.Key_Down, _K.Key_PageUp, _K.Key_PageDown})
_EDITING = frozenset({_K.Key_Delete, _K.Key_Backspace, _K.Key_Space})

# Which keys a control keeps for itself; every other key is a command wherever the focus is.
_KEPT: tuple[tuple[tuple[type[QWidget], ...], frozenset[Qt.Key]], ...] = (
    ((QLineEdit, QPlainTextEdit, QAbstractSpinBox), _TAB | _ARROWS | _EDITING),
    ((QComboBox,), _TAB | _ARROWS | {_K.Key_Space}),
    ((QAbstractSlider, QAbstractItemView), _TAB | _ARROWS),
    ((QAbstractButton,), _TAB | {_K.Key_Space}),
)


class KeyGate(QObject):
    """Watches the control that has the focus, and nothing else."""

    def __init__(self, window: QWidget, resting: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._resting = resting  # takes the focus when a field is done with
        self._watched: QWidget | None = None
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._follow)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the control keep its own keys; Return ends typing in a field of one line."""
        if isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride and keeps(watched, Qt.Key(event.key())):
                event.accept()
                return True
            is_return = event.key() in (_K.Key_Return, _K.Key_Enter)
            if event.type() == QEvent.Type.KeyRelease and is_return and isinstance(watched, QLineEdit):
                self._resting.setFocus()
        return False

    def _follow(self, _old: QWidget | None, new: QWidget | None) -> None:
        if self._watched is not None:
            self._watched.removeEventFilter(self)
        self._watched = new if new is not None and new.window() is self._window else None
        if self._watched is not None:
            self._watched.installEventFilter(self)


def keeps(control: QObject, key: Qt.Key) -> bool:
    """Return whether a control needs a key itself."""
    return any(isinstance(control, kinds) and key in kept for kinds, kept in _KEPT)
