"""What stands in place of the views before a study is open: what to drop, the sample case, the recent files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.panels.banner import TITLE_NOTICE
from app.panels.widgets import button, label, named, set_role
from app.settings import Recent


class EmptyState(QFrame):
    """The first thing a user sees; it teaches what to do, without a dialog."""

    open_folder_wanted = Signal()
    open_file_wanted = Signal()
    pacs_wanted = Signal()
    sample_wanted = Signal()
    recent_wanted = Signal(object)  # Path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("empty")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 24, 16, 24)
        outer.addStretch(1)
        self.drop_area = named(QFrame(), "drop_area")
        self.drop_area.setMaximumWidth(720)
        inside = QVBoxLayout(self.drop_area)
        inside.setContentsMargins(28, 28, 28, 28)
        inside.setSpacing(10)
        title = label("Drop a spine CT here", "title")
        inside.addWidget(title)
        inside.addWidget(
            label(
                "A folder of DICOM files, a ZIP, a DICOMDIR, a NIfTI or NRRD volume, or a saved plan (.cvtplan). "
                "Slices of 1.5 mm or thinner are best: pedicles are not judged on thicker ones.",
                "hint",
            )
        )
        grid = QGridLayout()  # two by two: in one row their words would be cut off in a small window
        ways = (
            button("Open the sample case", self.sample_wanted.emit, role="primary", name="open_sample"),
            button("Open study folder…", self.open_folder_wanted.emit, name="open_folder"),
            button("Open plan, ZIP or volume…", self.open_file_wanted.emit, name="open_file"),
            button("Fetch from PACS…", self.pacs_wanted.emit, name="open_pacs"),
        )
        for n, one in enumerate(ways):
            grid.addWidget(one, n // 2, n % 2)
        inside.addLayout(grid)
        self._recent_title = label("Recent", "section")
        inside.addWidget(self._recent_title)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        inside.addLayout(self._recent)
        inside.addWidget(
            label(
                "Then name the levels, mark the lesions, lay the needles, run the ice, read the cement, save.", "hint"
            )
        )
        notice = label(f"CVT Planner is {TITLE_NOTICE}.", "look", name="startup_notice")
        inside.addWidget(notice)
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(self.drop_area, 10)
        line.addStretch(1)
        outer.addLayout(line)
        outer.addStretch(1)
        self.show_recent(())

    def show_recent(self, recent: Sequence[Recent]) -> None:
        """Offer the files opened last."""
        while (item := self._recent.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        self._recent_title.setVisible(bool(recent))
        for n, entry in enumerate(recent[:5]):
            words = f"{entry.label}   ({entry.path.name})" if entry.label != entry.path.name else entry.label
            link = button(words, partial(self._pick, entry.path), role="link", name=f"recent_{n}")
            link.setToolTip(str(entry.path))
            link.setCursor(Qt.CursorShape.PointingHandCursor)
            self._recent.addWidget(link)

    def show_drag(self, over: bool) -> None:
        """Answer to a file that is held over the window."""
        if self.drop_area.property("over") != over:
            self.drop_area.setProperty("over", over)
            set_role(self.drop_area, "over" if over else "drop")

    def _pick(self, path: Path) -> None:
        self.recent_wanted.emit(path)


def dropped_paths(data: QMimeData) -> list[Path]:
    """Return the local files and folders of a drop."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
