"""The page on which a series is chosen: every series of a folder with its picture, and the chosen one large."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from app.desk import Desk
from app.panels.series_preview import Large, SeriesPreview, image_of, large_of
from app.panels.series_rows import KIND_WORDS, SeriesList, figures_of, name_of, verdict_of
from app.panels.widgets import button, label, named, set_role
from cvt_planner.base.progress import Progress
from cvt_planner.imaging import isolation
from cvt_planner.imaging.kinds import LOCALISER
from cvt_planner.imaging.series import SeriesInfo, SeriesListing
from cvt_planner.imaging.thumbnails import Picture

_THUMBNAILS, _LARGE = "series thumbnails", "series picture"
_SMALL_PX = 160  # twice what is drawn, for screens of fine pixels
_HINT = "Arrows choose, Enter or a double click opens, Esc goes back."


class SeriesBrowser(QFrame):
    """Lets the user see and choose; opening is done by whoever hears `series_wanted`."""

    series_wanted = Signal(object)  # SeriesInfo
    closed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.setObjectName("series_browser")
        self.desk = desk
        self._listing: SeriesListing | None = None
        self._ct: SeriesInfo | None = None  # whose slices are drawn on a localiser
        self._waiting: list[SeriesInfo] = []
        self._password = ""
        self.rows = SeriesList()
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

    def show_listing(self, listing: SeriesListing, password: str = "") -> None:
        """Show what was found, the best series chosen, and begin to fetch the pictures; `password` of a ZIP."""
        self.stop()
        self._password = password
        self._listing, self._ct = listing, listing.preferred
        readable = len(listing.readable)
        words = [f"{len(listing.series)} series, {readable} usable"]
        if listing.skipped_files:
            words.append(f"{listing.skipped_files} other files left aside")
        if listing.broken_files:
            words.append(f"{len(listing.broken_files)} damaged files")
        if len(listing.studies) > 1:
            self._title.setText(f"Choose among {len(listing.studies)} patients or studies")
        else:
            self._title.setText("Choose the series to plan on" if readable else "No series here can be planned on")
        self._subtitle.setText(f"{', '.join(words)}. {_HINT}")
        self.rows.show_listing(listing)
        best = listing.preferred
        self._waiting = sorted(self.rows.infos, key=lambda info: info is not best)
        self._next_thumbnail()

    def stop(self) -> None:
        """Stop fetching pictures."""
        self._waiting = []
        self.desk.jobs.cancel(_THUMBNAILS)
        self.desk.jobs.cancel(_LARGE)

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
        side = named(QWidget(), "browser_side")
        column = QVBoxLayout(side)
        column.setContentsMargins(8, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.preview, 1)
        for widget in (self._name, self._figures, self._verdict, self._note, self.open_button):
            column.addWidget(widget)
        parts = QSplitter(Qt.Orientation.Horizontal)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self.rows)
        parts.addWidget(side)
        parts.setStretchFactor(0, 1)
        parts.setStretchFactor(1, 1)
        self.rows.setMinimumWidth(300)
        side.setMinimumWidth(260)
        parts.setSizes([480, 480])
        outer.addWidget(parts, 1)

    # --- what is chosen

    def _picked(self, info: SeriesInfo | None) -> None:
        self.open_button.setEnabled(info is not None and info.can_be_read)
        if info is None:  # the folding line
            self._empty()
            return
        if info.can_be_read and not info.is_research:
            self._ct = info
        mark, words = verdict_of(info, self.rows.is_best(info))
        self._name.setText(name_of(info))
        owner = info.owner[:1].upper() + info.owner[1:]
        self._figures.setText("\n".join(w for w in (figures_of(info), KIND_WORDS[info.kind], owner) if w))
        self._verdict.setText(words)
        set_role(self._verdict, mark if mark in ("ok", "look", "stop") else "hint")
        self._say("")
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
        if info.can_be_read:
            self.series_wanted.emit(info)
        else:
            self.desk.say(f"{name_of(info)} cannot be planned on. {' '.join(info.reasons)}", "look")

    # --- pictures, one after the other, the best series first

    def _next_thumbnail(self) -> None:
        if not self._waiting:
            return
        info = self._waiting.pop(0)

        password = self._password

        def work(progress: Progress) -> Picture | None:
            return isolation.thumbnail(info, _SMALL_PX, progress, password)

        def done(made: Picture | None) -> None:
            if made is not None:
                self.rows.put_thumbnail(info, image_of(made.grey))
            self._next_thumbnail()

        self.desk.run(
            _THUMBNAILS, "Fetching pictures", work, done, failed=lambda _error: self._next_thumbnail(), shown=False
        )
