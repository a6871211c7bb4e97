"""Step 1: which series were found, what is to be known of the open one, and the grey windows."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from app.actions import PRESETS
from app.panels.rail import Step
from app.panels.step_panel import StepPanel
from app.panels.widgets import FigureTable, button, label, verdict_icon
from cvt_planner.imaging.kinds import DERIVED, IMAGE
from cvt_planner.imaging.series import REFUSED, USABLE, SeriesInfo, SeriesListing
from cvt_planner.imaging.volume import Volume

_VERDICTS = {USABLE: ("ok", "usable"), REFUSED: ("stop", "refused")}


class ImagesPanel(StepPanel):
    """The series of what was opened, with a verdict each, and the geometry of the one that is shown."""

    step = Step.IMAGES
    series_wanted = Signal(object)  # SeriesInfo
    browser_wanted = Signal()
    picked = Signal(object)  # SeriesInfo, by the user
    preset_wanted = Signal(int)  # 1, 2, ...

    def build(self) -> None:
        """Put the widgets into the body."""
        self._listing: SeriesListing | None = None
        self._title = label("Series found", "section")
        self.series = FigureTable("series_table", ("Series", "Slices", "Apart"))
        self.series.itemSelectionChanged.connect(self._pick)
        self.series.itemDoubleClicked.connect(lambda _item: self._open())
        self._reasons = label("", "hint", "series_reasons")
        self.open_button = button("Open this series", self._open, role="primary", name="open_series")
        self.browse = button("Show their pictures", self.browser_wanted.emit, role="link", name="browse_series")
        self._left_out = label("", "hint", "left_out")
        for widget in (self._title, self.series, self._reasons, self.open_button, self.browse, self._left_out):
            self.body.addWidget(widget)
        self.section("Open now")
        self._geometry = label("", name="geometry")
        self._notices = label("", "look", "notices")
        self.body.addWidget(self._geometry)
        self.body.addWidget(self._notices)
        self.section("Grey window")
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        self._presets = []
        for n, preset in enumerate(PRESETS, start=1):
            tip = f"Centre {preset.centre_hu:g}, width {preset.width_hu:g} HU (key {n})"
            made = button(f"{n} {preset.name}", partial(self.preset_wanted.emit, n), tip=tip, name=f"preset_{n}")
            grid.addWidget(made, (n - 1) // 2, (n - 1) % 2)
            self._presets.append(made)
        self.body.addWidget(holder)
        self._window = label("", "hint", "window_now")
        self.body.addWidget(self._window)
        self.show_listing(None)

    def show_listing(self, listing: SeriesListing | None) -> None:
        """Show the series of a folder; chosen is the open one, else the best, none between patients or studies."""
        self._listing = listing
        found = listing.series if listing else ()
        several = listing is not None and len(listing.studies) > 1
        rows = [(s.uid, (_name(s, several), str(s.slice_count), _apart(s))) for s in found]
        best = listing.preferred.uid if listing and listing.preferred and not several else ""
        volume = self.desk.volume
        is_open = next((s.uid for s in found if volume is not None and s.gave(volume)), "")
        self.series.show_rows(rows, is_open or best)
        for info in found:
            verdict, words = _verdict(info)
            self.series.mark(info.uid, 0, verdict_icon(verdict), f"{_name(info, several)}: {words}")
        for widget in (self._title, self.series, self._reasons, self.open_button, self.browse):
            widget.setVisible(bool(found))
        self._left_out.setText(_left_out(listing) if listing else "")
        self._left_out.setVisible(bool(self._left_out.text()))
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

    def _chosen(self) -> SeriesInfo | None:
        found = self._listing.series if self._listing else ()
        return next((s for s in found if s.uid == self.series.chosen), None)

    def choose(self, info: SeriesInfo | None) -> None:
        """Show a series as chosen, without telling anybody."""
        if info is not None and info is not self._chosen():
            self.series.choose_quietly(info.uid)
            self._show_reasons()

    def _pick(self) -> None:
        self._show_reasons()
        info = self._chosen()
        if info is not None:
            self.picked.emit(info)

    def _show_reasons(self) -> None:
        info = self._chosen()
        is_open = info is not None and self.desk.volume is not None and info.gave(self.desk.volume)
        self.open_button.setEnabled(info is not None and info.can_be_read and not is_open)
        self.open_button.setText("This series is open" if is_open else "Open this series")
        if info is None:
            self._reasons.setText("Choose a series." if self._listing else "")
            return
        _, words = _verdict(info)
        owner = info.owner[:1].upper() + info.owner[1:]
        self._reasons.setText(f"{words.capitalize()}. {owner}. {' '.join(info.reasons)}".strip())

    def _open(self) -> None:
        info = self._chosen()
        if info is not None and info.can_be_read:
            self.series_wanted.emit(info)


def _verdict(info: SeriesInfo) -> tuple[str, str]:
    """Return the mark and the words of a verdict; what is no CT slice at all is not judged."""
    if info.kind not in (IMAGE, DERIVED):
        return "not judged", "not for planning"
    return _VERDICTS.get(info.verdict, ("look", "usable with care"))


def _name(info: SeriesInfo, several_studies: bool) -> str:
    words = info.description or f"{info.modality or 'series'} without description"
    return f"{words} · {info.owner}" if several_studies else words


def _apart(info: SeriesInfo) -> str:
    return "—" if info.slice_distance_mm is None else f"{info.slice_distance_mm:.3g} mm"


def _left_out(listing: SeriesListing) -> str:
    words = []
    if listing.skipped_files:
        words.append(f"{listing.skipped_files} other files were left aside.")
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
