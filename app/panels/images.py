"""Step 1: the series that were found, what is to be known of the open one, and the grey windows."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.actions import PRESETS
from app.panels.rail import Step
from app.panels.series_rows import SeriesList, verdict_of
from app.panels.series_thumbnails import Thumbnails
from app.panels.step_panel import StepPanel
from app.panels.widgets import button, label, tight
from cvt_planner.imaging.series import SeriesInfo, SeriesListing
from cvt_planner.imaging.volume import Volume

_SPARE = 100  # to the list goes what room there is, before the empty end of the panel


class ImagesPanel(StepPanel):
    """The list of series, which stays beside the browser and beside the views, and the geometry of the open one."""

    step = Step.IMAGES
    series_wanted = Signal(object)  # SeriesInfo
    browser_wanted = Signal()
    preset_wanted = Signal(int)  # 1, 2, ...

    def build(self) -> None:
        """Put the widgets into the body."""
        self._listing: SeriesListing | None = None
        self._browsing = False
        self._title = label("Series found", "section")
        self.series = SeriesList()
        self.series.picked.connect(lambda _info: self._show_reasons())
        self.thumbnails = Thumbnails(self.desk, self.series)
        self._reasons = label("", "hint", "series_reasons")
        self.open_button = button("Open this series", self._open, role="primary", name="open_series")
        self.browse = button("Look at its picture", self.browser_wanted.emit, role="link", name="browse_series")
        self._left_out = label("", "hint", "left_out")
        self.body.addWidget(self._title)
        self.body.addWidget(self.series, _SPARE)
        for widget in (self._reasons, self.open_button, self.browse, self._left_out):
            self.body.addWidget(widget)
        self._now = self._open_now()
        self.body.addWidget(self._now)
        self.show_listing(None)

    def _open_now(self) -> QWidget:
        holder = QWidget()
        column = tight(QVBoxLayout(holder))
        column.setSpacing(self.body.spacing())
        self._geometry = label("", name="geometry")
        self._notices = label("", "look", "notices")
        presets = QWidget()
        grid = QGridLayout(presets)
        grid.setContentsMargins(0, 0, 0, 0)
        self._presets = []
        for n, preset in enumerate(PRESETS, start=1):
            tip = f"Centre {preset.centre_hu:g}, width {preset.width_hu:g} HU (key {n})"
            made = button(f"{n} {preset.name}", partial(self.preset_wanted.emit, n), tip=tip, name=f"preset_{n}")
            grid.addWidget(made, (n - 1) // 2, (n - 1) % 2)
            self._presets.append(made)
        self._window = label("", "hint", "window_now")
        headings = label("Open now", "section"), label("Grey window", "section")
        for widget in (headings[0], self._geometry, self._notices, headings[1], presets, self._window):
            column.addWidget(widget)
        return holder

    def show_listing(self, listing: SeriesListing | None, password: str = "") -> None:
        """Show what was found; chosen is the open series, else the best, none between patients or studies.

        `password` of a ZIP, for the pictures. What is shown already keeps its pictures.
        """
        if listing is None or listing is not self._listing:
            self._listing = listing
            self.series.show_listing(listing)
        volume = self.desk.volume
        found = listing.series if listing else ()
        self.series.mark_open(next((s for s in found if volume is not None and s.gave(volume)), None))
        self.thumbnails.fetch(password)
        self._left_out.setText(_left_out(listing) if listing else "")
        self._left_out.setVisible(bool(self._left_out.text()))
        self._show_reasons()

    def set_browsing(self, browsing: bool) -> None:
        """Leave the room to the list while the browser shows all else."""
        self._browsing = browsing
        self._now.setVisible(not browsing)
        self._show_reasons()

    def refresh(self) -> None:
        """Show the open CT and its grey window."""
        volume = self.desk.volume
        self._geometry.setText(_geometry(volume) if volume else "Nothing is open yet.")
        self._notices.setText("\n".join(volume.notices) if volume else "")
        self._notices.setVisible(bool(self._notices.text()))
        now = self.desk.view_state.window
        self._window.setText(
            f"Now: centre {now.centre_hu:.0f}, width {now.width_hu:.0f} HU. Drag with the left button to change it."
        )
        for made in self._presets:
            made.setEnabled(volume is not None)
        self._show_reasons()

    def _show_reasons(self) -> None:
        info = self.series.chosen
        is_open = info is not None and self.desk.volume is not None and info.gave(self.desk.volume)
        self.open_button.setEnabled(info is not None and info.can_be_read and not is_open)
        self.open_button.setText("This series is open" if is_open else "Open this series")
        self._reasons.setText("Choose a series." if info is None else _said(info))
        found = self._listing is not None and bool(self._listing.series)
        self._title.setVisible(found)
        self.series.setVisible(found)
        self.open_button.setVisible(found and not self._browsing)
        self.browse.setVisible(found and not self._browsing)
        self._reasons.setVisible(found and not self._browsing and not is_open)  # of the open one all is said below

    def _open(self) -> None:
        info = self.series.chosen
        if info is not None and info.can_be_read:
            self.series_wanted.emit(info)


def _said(info: SeriesInfo) -> str:
    return f"{verdict_of(info)[1]} {info.owner[:1].upper()}{info.owner[1:]}.".strip()


def _left_out(listing: SeriesListing) -> str:
    words = []
    if listing.skipped_files:
        one = listing.skipped_files == 1
        words.append(
            "One other file was left aside." if one else f"{listing.skipped_files} other files were left aside."
        )
    if listing.broken_files:
        name, reason = listing.broken_files[0]
        more = f" and {len(listing.broken_files) - 1} more" if len(listing.broken_files) > 1 else ""
        words.append(f"Damaged: {name}{more}: {reason}")
    return " ".join(words)


def _geometry(volume: Volume) -> str:
    slices, rows, columns = volume.grid.shape_kji
    k_mm, j_mm, i_mm = volume.grid.spacing_kji_mm
    missing = sum(gap.last - gap.first + 1 for gap in volume.gaps)
    lines = [
        f"{volume.series.series_description or 'Series without description'}",
        f"{slices} slices, {k_mm:.3g} mm apart" + (f"; {missing} of them missing" if missing else ""),
        f"{columns} × {rows} pixels of {i_mm:.3g} × {j_mm:.3g} mm",
    ]
    if volume.series.kernel:
        lines.append(f"Kernel {volume.series.kernel}")
    if volume.series.patient_position:
        lines.append(f"Scanned {volume.series.patient_position}")
    return "\n".join(lines)
