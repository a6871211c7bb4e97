"""The page on which a hospital types the card of its own probe, fits the probe to it and reads the misfit."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.desk import Desk
from app.dialogs import Dialogs
from app.panels.card_form import CardForm, first_column
from app.panels.widgets import Choice, FigureTable, button, form, label, named, set_role, verdict_icon
from app.panels.words import celsius
from app.probes import DefaultSizes, Probes
from cvt_planner.base.errors import Cancelled, PlannerError
from cvt_planner.devices.cryoprobe import CryoprobeModel, ProbeOrigin
from cvt_planner.planning.probe_card import ProbeCard
from cvt_planner.planning.probe_fit import REPRODUCED_MM, ProbeFit
from cvt_planner.planning.probe_isotherms import COMPUTED_WORDS, Bench, IsothermSize
from cvt_planner.storage.probe_card_json import read_card

_LOOK_MM = 1.0  # a difference that is marked, below the one that fails the card; assumed
_LAID_OUT_MS = 30  # after which the misfit has its height
_EXPLAINS = (
    "Type the isotherms that your probe's instructions for use print. The probe's cooling is fitted to them, and what "
    "is left between card and computed ice is shown."
)


class ProbeCardPage(QFrame):
    """The card's fields, Fit and Stop, the misfit, and Add to catalogue; stands in place of the views."""

    closed = Signal()

    def __init__(self, desk: Desk, probes: Probes, dialogs: Dialogs) -> None:
        super().__init__()
        self.setObjectName("probe_card_page")
        self.desk = desk
        self.probes = probes
        self.dialogs = dialogs
        self._stop_work: Callable[[], None] = lambda: None
        self._fit: ProbeFit | None = None
        self.form = CardForm()
        self._build()
        probes.changed.connect(self._show_choices)
        desk.busy_advanced.connect(self._advanced)
        self.form.edited.connect(self._outdate)
        self.form.begin_with(probes.all[0])
        self._show_choices()
        self._running(False)

    # --- building

    def _build(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(14, 12, 4, 10)
        outer.setSpacing(8)
        outer.addLayout(self._head())
        self.start = Choice("card_start")
        self.start.activated.connect(lambda _n: self._begin_with_chosen())
        area = named(QScrollArea(), "card_area")
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 6, 0)
        column.addWidget(label(_EXPLAINS, "hint"))
        column.addWidget(self.form)
        column.addStretch(1)
        area.setWidget(inside)
        outer.addWidget(area, 1)
        self.area = area
        self._build_defaults()
        self._build_fit()

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.addWidget(label("Probe card", "title"), 1)
        head.addWidget(button("Open card file…", self._open, icon="open", name="card_open"))
        head.addWidget(button("Back to the pictures", self.closed.emit, name="card_close"))
        return head

    def _build_defaults(self) -> None:
        left = self.form.left
        self.remove = button("Remove from catalogue", self._remove, icon="trash", name="card_remove")
        begin = form(("Begin with", self.start))
        first_column(begin)
        left.insertWidget(0, begin)
        self.defaults = FigureTable("card_defaults", ("Ice", "Soft tissue", "Gel"))
        self.defaults.setSelectionMode(FigureTable.SelectionMode.NoSelection)
        self._defaults_words = label("", "section", "card_defaults_words")
        self._source = label("", "hint", "card_source")
        for part in (self._defaults_words, self.defaults, self._source, self.remove):
            left.addWidget(part)
        left.addStretch(1)

    def _build_fit(self) -> None:
        right = self.form.right
        self.fit = button("Fit", self._run, icon="play", role="primary", name="card_fit")
        self.stop = button("Stop", lambda: self._stop_work(), icon="stop", name="card_stop")
        self.add = button("Add to catalogue", self._add, icon="plus", name="card_add")
        row = QHBoxLayout()
        for made in (self.fit, self.stop, self.add):
            row.addWidget(made)
        row.addStretch(1)
        right.addLayout(row)
        self.state = label("", "hint", "card_state")
        right.addWidget(self.state)
        self.misfit = FigureTable("card_misfit", ("", "Card", "Computed", "Off by"))
        self.misfit.setSelectionMode(FigureTable.SelectionMode.NoSelection)
        right.addWidget(self.misfit)
        self.notes = label("", "hint", "card_notes")
        right.addWidget(self.notes)
        right.addStretch(1)

    # --- the card

    def showEvent(self, event: QShowEvent) -> None:
        """Begin with the chosen needle's probe, unless a card is being typed; compute its default isotherms."""
        super().showEvent(event)
        assembly = self.desk.assembly
        if assembly is not None and not self.form.touched and self.probes.find(assembly.probe.key) is not None:
            self.start.choose_quietly(assembly.probe.key)
            self._begin_with_chosen()
        self._show_defaults()

    def _begin_with_chosen(self) -> None:
        probe = self._chosen()
        if probe is not None:
            self.form.begin_with(probe)
            self._show_defaults()

    def _chosen(self) -> CryoprobeModel | None:
        return self.probes.find(str(self.start.currentData()))

    def _show_choices(self) -> None:
        chosen = self.start.currentData() or self.probes.all[0].key
        self.start.fill(self.probes.choices(), chosen)
        if self._chosen() is None:
            self.start.choose_quietly(self.probes.all[0].key)
        self._show_defaults()

    def _show_defaults(self) -> None:
        probe = self._chosen()
        if probe is None or not self.isVisible():
            return
        self._defaults_words.setText(f"{probe.choice_text}: ice after 10 min, {COMPUTED_WORDS}")
        own = probe.origin is ProbeOrigin.HOSPITAL_CARD
        assumed = f" Assumed: {probe.assumed_text}." if own and probe.assumed else ""
        self._source.setText(f"{probe.source}{assumed}")
        self.remove.setVisible(own)
        self.defaults.show_rows([(str(n), (celsius(iso_c), "…", "…")) for n, iso_c in enumerate((0.0, -20.0, -40.0))])
        self.probes.sizes(probe, partial(self._put_defaults, probe.key))

    def _put_defaults(self, key: str, sizes: DefaultSizes) -> None:
        if str(self.start.currentData()) != key:
            return
        rows = []
        for n, size in enumerate(sizes[0][1]):
            texts = (celsius(size.temperature_c), *(_size_words(one[1][n]) for one in sizes))
            rows.append((str(n), texts))
        self.defaults.setHorizontalHeaderLabels(["Ice", *(_heading(bench) for bench, _ in sizes)])
        self.defaults.show_rows(rows)

    def _open(self) -> None:
        path = self.dialogs.card_file()
        if path is not None:
            self.open_card(path)

    def open_card(self, path: Path) -> None:
        """Show the card of a file."""
        self.desk.run("card", f"Reading {path.name}", lambda _progress: read_card(path), self._show_card, shown=False)

    def _show_card(self, card: ProbeCard) -> None:
        self.form.show_card(card)
        self._forget_fit()
        self.state.setText("The card is read. Press Fit.")

    # --- the fit

    def _run(self) -> None:
        self.fit.setFocus()  # a field that is still being typed in gives its text away
        try:
            card = self.form.card()
        except PlannerError as refused:
            self._say(str(refused), "stop")
            return
        self._forget_fit()
        self._running(True)
        self._say("Fitting…", "hint")
        self._stop_work = self.probes.fit(card, self._fitted, self._failed)

    def _fitted(self, fit: ProbeFit) -> None:
        self._running(False)
        self._fit = fit
        self.add.setEnabled(True)
        if not self.isVisible():
            self.desk.say(f"The card of {fit.card.probe.name} is fitted: see Tools, Probe card….", "done")
        self._say(fit.notes[0], "ok" if fit.reproduced else "stop")
        self.notes.setText(_minus(" ".join(fit.notes[1:])))
        self.notes.show()
        several = len({misfit.card.at_s for misfit in fit.misfits}) > 1
        rows = []
        for misfit in fit.misfits:
            after = f" after {misfit.card.at_s / 60.0:g} min" if several else ""
            for what, card, computed in misfit.figures:
                name = f"{celsius(misfit.card.temperature_c)} {what}{after}"
                rows.append((name, (name, f"{card:.1f} mm", f"{computed:.1f} mm", _signed(computed - card))))
        self.misfit.show_rows(rows)
        self.misfit.show()
        for misfit in fit.misfits:
            after = f" after {misfit.card.at_s / 60.0:g} min" if several else ""
            for what, card, computed in misfit.figures:
                verdict = _verdict(abs(computed - card))
                name = f"{celsius(misfit.card.temperature_c)} {what}{after}"
                self.misfit.mark(name, 0, verdict_icon(verdict), f"{verdict}: off by {_signed(computed - card)}")
        QTimer.singleShot(_LAID_OUT_MS, self, self._show_whole_fit)

    def _show_whole_fit(self) -> None:
        for part in (self.fit, self.notes):
            self.area.ensureWidgetVisible(part, 0, 8)

    def _failed(self, error: Exception) -> None:
        self._running(False)
        stopped = isinstance(error, Cancelled)
        self._say("Stopped. Nothing was fitted." if stopped else str(error), "hint" if stopped else "stop")

    def _advanced(self, fraction: float, text: str) -> None:
        if self.stop.isEnabled() and text.startswith("Fitting"):
            self._say(f"{text}, about {100.0 * fraction:.0f} %", "hint")

    def _outdate(self) -> None:
        """A card that was changed is not the one that was fitted."""
        if self._fit is not None:
            self._forget_fit()
            self._say("The card was changed. Press Fit again.", "look")

    def _forget_fit(self) -> None:
        self._fit = None
        self.misfit.show_rows([])
        self.misfit.hide()
        self.notes.hide()
        self.add.setEnabled(False)

    def _running(self, on: bool) -> None:
        self.fit.setEnabled(not on)
        self.stop.setEnabled(on)
        if self._fit is None:
            self._forget_fit()

    def _say(self, text: str, role: str) -> None:
        self.state.setText(_minus(text))
        set_role(self.state, role)

    def _add(self) -> None:
        if self._fit is not None:
            self.probes.add(self._fit)
            self.add.setEnabled(False)

    def _remove(self) -> None:
        self.probes.remove(str(self.start.currentData()))


def _heading(bench: Bench) -> str:
    words = bench.name.replace("soft tissue", "soft")
    return words[0].upper() + words[1:]


def _minus(text: str) -> str:
    """Return a sentence of the core with a true minus before its figures."""
    return re.sub(r"(?<![\w-])-(?=\d)", "−", text)


def _size_words(size: IsothermSize) -> str:
    if size.width_mm == 0.0:
        return "none"
    return f"{size.width_mm:.0f} × {size.length_mm:.0f} mm"


def _signed(difference_mm: float) -> str:
    sign = "+" if difference_mm >= 0.05 else "−" if difference_mm <= -0.05 else ""
    return f"{sign}{abs(difference_mm):.1f} mm"


def _verdict(difference_mm: float) -> str:
    if difference_mm > REPRODUCED_MM:
        return "stop"
    return "look" if difference_mm > _LOOK_MM else "ok"
