"""The list of all keys, in place of the views and not over them; and what the program is."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

import cvt_planner
from app.actions import key_rows
from app.panels.banner import TITLE_NOTICE
from app.panels.widgets import button, label


def about_text() -> str:
    """Return what the program is, its version, and what it is not."""
    return (
        f"CVT Planner {cvt_planner.__version__}: planning of cryoablation and vertebroplasty of painful spinal "
        f"metastases on CT. It is {TITLE_NOTICE}."
    )


class KeysPage(QScrollArea):
    """All keys and what the mouse does."""

    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("keys_page")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        holder = QWidget()
        outer = QVBoxLayout(holder)
        outer.setContentsMargins(28, 18, 28, 18)
        head = QHBoxLayout()
        head.addWidget(label("All keys", "title"), 1)
        head.addWidget(button("Back to the pictures (F1)", self.closed.emit, name="keys_close"))
        outer.addLayout(head)
        outer.addLayout(_columns(key_rows()))
        outer.addWidget(label(about_text(), "hint"))
        outer.addStretch(1)
        self.setWidget(holder)


def _columns(rows: list[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(14)
    grid.setVerticalSpacing(3)
    half = (len(rows) + 1) // 2
    for n, (keys, words) in enumerate(rows):
        row, column = n % half, 3 * (n // half)
        name = QLabel(keys)
        name.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        grid.addWidget(name, row, column)
        grid.addWidget(label(words, "hint"), row, column + 1, Qt.AlignmentFlag.AlignTop)
    grid.setColumnStretch(1, 1)
    grid.setColumnStretch(4, 1)
    return grid
