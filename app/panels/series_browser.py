"""The page on which a series is chosen: the one chosen in the list beside it, large and in words."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from app.desk import Desk
from app.panels.series_preview import Large, SeriesPreview, large_of
from app.panels.series_rows import KIND_WORDS, SeriesList, figures_of, name_of, verdict_of
from app.panels.widgets import button, label, set_role
from cvt_planner.imaging.kinds import LOCALISER
from cvt_planner.imaging.series import SeriesInfo, SeriesListing

_LARGE = "series picture"
_HINT = "Choose at the right, also with the arrows; Enter or a double click opens, Esc goes back."


class SeriesBrowser(QFrame):
    """Lets the user see and choose; opening is done by whoever hears `series_wanted`."""

    series_wanted = Signal(object)  # SeriesInfo
    closed = Signal()

    def __init__(self, desk: Desk, rows: SeriesList) -> None:
        super().__init__()
        self.setObjectName("series_browser")
        self.desk = desk
        self._listing: SeriesListing | None = None
        self._ct: SeriesInfo | None = None  # whose slices are drawn on a localiser
        self._password = ""
        self.rows = rows
        self.preview = SeriesPreview()
        self._title = label("Choose the series to plan on", "title", "browser_title")
        self._subtitle = label("", "hint", "browser_subtitle")
        self._name = label("", "figure", "browser_name")
        self._figures = label("", "hint", "browser_figures")
        self._verdict = label("", "ok", "browser_verdict")
        self._note = label("", "look", "browser_note")
        self.open_button = button("Open this series", self._open, role="primary", name="browser_open")
        self._arrange()
        self.rows.picked.connect(self._picked)
        self.rows.wanted.connect(lambda _info: self._open())
        desk.bridge.volume_changed.connect(self.stop)

    def show_listing(self, listing: SeriesListing | None, password: str = "") -> None:
        """Say what was found, before the list tells which series is chosen; `password` of a ZIP."""
        self.stop()
        self._password = password
        self._listing, self._ct = listing, listing.preferred if listing else None
        if listing is None:
            return
        readable = len(listing.readable)
        words = [f"{len(listing.series)} series, {readable} usable"]
        if listing.skipped_files:
            words.append(f"{_files(listing.skipped_files, 'other')} left aside")
        if listing.broken_files:
            words.append(_files(len(listing.broken_files), "damaged"))
        if len(listing.studies) > 1:
            self._title.setText(f"Choose among {len(listing.studies)} patients or studies")
        else:
            self._title.setText("Choose the series to plan on" if readable else "No series here can be planned on")
        self._subtitle.setText(f"{', '.join(words)}. {_HINT}")

    def stop(self) -> None:
        """Stop fetching the picture."""
        self.desk.jobs.cancel(_LARGE)

    def showEvent(self, event: QShowEvent) -> None:
        """Show what was chosen meanwhile."""
        super().showEvent(event)
        self._picked(self.rows.chosen)

    def _arrange(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(14, 10, 14, 10)
        outer.setSpacing(8)
        head = QHBoxLayout()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._subtitle)
        head.addLayout(words, 1)
        back = button("Back (Esc)", self.closed.emit, name="browser_back")
        head.addWidget(back, 0, Qt.AlignmentFlag.AlignTop)
        outer.addLayout(head)
        outer.addWidget(self.preview, 1)
        said = QVBoxLayout()
        said.setSpacing(4)
        for widget in (self._name, self._figures, self._verdict, self._note):
            said.addWidget(widget)
        foot = QHBoxLayout()
        foot.addLayout(said, 1)
        self.open_button.setMinimumWidth(180)
        foot.addWidget(self.open_button, 0, Qt.AlignmentFlag.AlignBottom)
        outer.addLayout(foot)

    # --- what is chosen

    def _picked(self, info: SeriesInfo | None) -> None:
        is_open = info is not None and self.rows.is_open(info)
        self.open_button.setEnabled(info is not None and info.can_be_read and not is_open)
        self.open_button.setText("This series is open" if is_open else "Open this series")
        if info is None:  # the folding line
            self._empty()
            return
        if info.can_be_read and not info.is_research:
            self._ct = info
        mark, words = verdict_of(info, self.rows.is_best(info))
        self._name.setText(name_of(info))
        owner = info.owner[:1].upper() + info.owner[1:]
        self._figures.setText(f"{figures_of(info)} · {KIND_WORDS[info.kind]}\n{owner}")
        self._verdict.setText(words)
        set_role(self._verdict, mark if mark in ("ok", "look", "stop") else "hint")
        self._say("")
        if not self.isVisible():
            return
        ct = self._ct_for(info)
        password = self._password
        self.desk.run(
            _LARGE,
            "Fetching the picture",
            lambda progress: large_of(info, ct, progress, password),
            lambda large: self._show(large, ct),
            failed=lambda _error: None,
            shown=False,
        )

    def _empty(self) -> None:
        self.desk.jobs.cancel(_LARGE)
        self.preview.show_large(None)
        for words in (self._name, self._figures, self._verdict):
            words.setText("")
        self._say("")

    def _ct_for(self, info: SeriesInfo) -> SeriesInfo | None:
        """Return the CT whose slices are drawn on a localiser: the one chosen last, if it lies in the same frame."""
        if info.kind != LOCALISER or self._listing is None:
            return None
        frames = {header.frame_of_reference_uid for header in info.images}
        candidates = [*([self._ct] if self._ct else []), *self._listing.readable]
        alike = (ct for ct in candidates if ct.slices and ct.slices[0].frame_of_reference_uid in frames)
        return next(alike, self._ct)

    def _show(self, large: Large, ct: SeriesInfo | None) -> None:
        if large.info is not self.rows.chosen:
            return
        self.preview.show_large(large)
        drawn = any(lines for _, lines in large.pictures)
        if drawn and ct is not None:
            self._say(f"Lines: first, last and every 10th slice of “{name_of(ct)}”.", "hint")
        else:
            self._say(large.sentence if large.pictures else "")

    def _say(self, sentence: str, role: str = "look") -> None:
        set_role(self._note, role)
        self._note.setText(sentence)
        self._note.setVisible(bool(sentence))

    def _open(self) -> None:
        info = self.rows.chosen
        if info is None:
            return
        if self.rows.is_open(info):
            self.closed.emit()
        elif info.can_be_read:
            self.series_wanted.emit(info)
        else:
            self.desk.say(f"{name_of(info)} cannot be planned on. {' '.join(info.reasons)}", "look")


def _files(count: int, what: str) -> str:
    return f"1 {what} file" if count == 1 else f"{count} {what} files"
