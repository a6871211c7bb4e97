"""Step 5: run the ice of the chosen lesion and read what it means, with its range and what is not modelled."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QIcon

from app.desk import ICE_JOB, Desk
from app.panels.ice_timeline import IceTimeline
from app.panels.isotherms import SWATCH, IsothermEditor, swatch
from app.panels.rail import Step
from app.panels.step_panel import StepPanel
from app.panels.widgets import Choice, FigureTable, button, form, label, set_role
from app.panels.words import UNKNOWN, celsius, gap, lesion_words, ml, span
from app.playing import Playing
from app.reading import IceReading, Reading
from cvt_planner.plan.figures import FIRST_VERSION_ICE, IceFigures
from cvt_planner.plan.model import FreezePhase, Lesion
from cvt_planner.plan.results import MARROW_BONE, SOFT_TISSUE, IceResult
from cvt_planner.plan.timeline import moment_words
from cvt_planner.planning.ice_course import volumes_ml

_READING = "Lesion inside: from the smaller ice to the larger. Canal: in the larger ice, each place at its coldest."
_AT_THE_END = "Ice at the end of the last freeze"


LARGE_ML = 10.0


class IcePanel(StepPanel):
    """Run, stop, the figures of each isotherm in both tissues, and the ice over time."""

    step = Step.ICE
    run_wanted = Signal(str)  # lesion id

    def __init__(self, desk: Desk, reading: Reading, playing: Playing) -> None:
        self.reading = reading
        self.playing = playing
        super().__init__(desk)

    def build(self) -> None:
        """Put the widgets into the body."""
        self.lesion = Choice("ice_lesion")
        self.lesion.activated.connect(lambda _n: self.desk.choose_lesion(str(self.lesion.currentData()), go=True))
        self.tissue = Choice("ice_tissue")
        self.tissue.fill([("Marrow bone (smaller)", MARROW_BONE), ("Soft tissue (larger)", SOFT_TISSUE)], None)
        self.tissue.activated.connect(lambda _n: self.desk.view_state.set_ice_tissue(str(self.tissue.currentData())))
        self.body.addWidget(form(("Lesion", self.lesion), ("Drawn in", self.tissue)))
        self.run = button("Run the ice", self._run, icon="play", role="primary", name="run_ice")
        self.all = button("Run all", self._run_all, name="run_all_ice", tip="Every lesion whose ice is missing or old")
        self.row(self.run, self.all)
        self.state = label("", "hint", "ice_state")
        self.body.addWidget(self.state)
        self._heading = label(_AT_THE_END, "section", "ice_heading")
        self.body.addWidget(self._heading)
        self.isotherms = FigureTable("ice_isotherms", ("Isotherm", "Soft", "Marrow", "Lesion"))
        self.isotherms.setIconSize(SWATCH)
        self.isotherms.itemSelectionChanged.connect(self._choose_level)
        self.body.addWidget(self.isotherms)
        self.editor = IsothermEditor()
        self.editor.wanted.connect(self._set_levels)
        self.body.addWidget(self.editor)
        self.timeline = IceTimeline(self.playing)
        self.body.addWidget(self.timeline)
        self.section("Spinal canal, wall as marked")
        self.canal = FigureTable("ice_canal", ("Figure", "Value"))
        self.canal.horizontalHeader().hide()
        self.canal.setSelectionMode(FigureTable.SelectionMode.NoSelection)
        self.body.addWidget(self.canal)
        self._canal_hint = label("", "look", "ice_canal_hint")
        self.body.addWidget(self._canal_hint)
        self.body.addWidget(label(f"{FIRST_VERSION_ICE} {_READING}", "look", "ice_first_version"))
        self._protocol = label("", "hint", "ice_protocol")
        self.body.addWidget(self._protocol)

    def refresh(self) -> None:
        """Show the ice of the chosen lesion."""
        plan, lesion = self.desk.plan, self.desk.lesion
        lesions = plan.lesions if plan else ()
        self.lesion.fill([(lesion_words(plan, x), x.id) for x in lesions], lesion.id if lesion else None)
        self.lesion.setEnabled(bool(lesions))
        ice = self.reading.ice(lesion.id) if lesion else IceReading(None, False, None)
        needles = plan.assemblies_of(lesion.id) if plan and lesion else ()
        unplayable = ice.result is not None and any(one.frames is None for one in ice.result.fields)
        self.run.setEnabled(bool(needles) and (not ice.current or unplayable))
        self.run.setText("Run the ice again" if ice.stale or unplayable else "Run the ice")
        self.all.setEnabled(bool(self._waiting()))
        text, role = _state(lesion, len(needles), ice, self.desk.jobs.running(ICE_JOB))
        self.state.setText(text)
        set_role(self.state, role)
        self._show(ice)
        self.timeline.refresh()
        self.tissue.choose_quietly(self.desk.view_state.ice_tissue)
        self._protocol.setText(f"Protocol: {protocol_words(plan.protocol)}. Change it in step 7." if plan else "")

    def _show(self, ice: IceReading) -> None:
        view = self.desk.view_state
        levels, chosen = view.isotherms_c, self.isotherms.chosen
        result, time_s = ice.result, None if ice.previewed else view.ice_time_s
        at = "" if result is None or time_s is None else moment_words(result.inputs.protocol, time_s)
        self._heading.setText("Preview: no figures yet" if ice.previewed else f"Ice at {at}" if at else _AT_THE_END)
        set_role(self._heading, "section_look" if ice.previewed or at else "section")
        volumes = _volumes(None if ice.previewed else result, levels, time_s)
        rows = []
        for number, iso in enumerate(levels):
            name = f"{celsius(iso)}{' preview' if ice.previewed else ' old' if ice.stale else ''}"
            covered = UNKNOWN
            if ice.rows and not at and not ice.previewed:
                found = ice.rows[number]
                covered = span(found.covered_percent, found.covered_high_percent, "%")
            rows.append((f"{iso:g}", (name, *volumes[number], covered)))
        self.isotherms.show_rows(rows, chosen)
        for iso in levels:
            # Old ice is drawn in one grey, and words need the room.
            plain = ice.previewed or ice.stale
            self.isotherms.mark(f"{iso:g}", 0, QIcon() if plain else swatch(iso, levels))
        self.editor.show_levels(levels, float(self.isotherms.chosen) if self.isotherms.chosen else None)
        figures = None if ice.previewed else ice.figures
        self.canal.show_rows(_canal_rows(figures, ", old" if ice.stale and not ice.previewed else ""))
        unmarked = figures is not None and not figures.canal_marked
        self._canal_hint.setText("The canal is not marked along all of the probes (step 2): nothing is said about it.")
        self._canal_hint.setVisible(unmarked)

    def _choose_level(self) -> None:
        chosen = self.isotherms.chosen
        self.editor.show_levels(self.desk.view_state.isotherms_c, float(chosen) if chosen else None)

    def _set_levels(self, levels_c: tuple[float, ...]) -> None:
        with QSignalBlocker(self.isotherms):
            self.isotherms.clearSelection()
        self.desk.view_state.set_isotherms(levels_c)
        self.desk.settings.isotherms_c = self.desk.view_state.isotherms_c

    def _waiting(self) -> list[str]:
        plan = self.desk.plan
        if plan is None:
            return []
        return [x.id for x in plan.lesions if plan.assemblies_of(x.id) and not self.reading.ice(x.id).current]

    def _run(self) -> None:
        if self.desk.lesion is not None:
            self.run_wanted.emit(self.desk.lesion.id)

    def _run_all(self) -> None:
        for lesion_id in self._waiting():
            self.run_wanted.emit(lesion_id)


def protocol_words(protocol: tuple[FreezePhase, ...]) -> str:
    """Return "freeze 10 min, thaw 5 min, freeze 10 min"."""
    return ", ".join(f"{phase.kind} {phase.seconds / 60:g} min" for phase in protocol)


def _state(lesion: Lesion | None, needles: int, ice: IceReading, computing: bool) -> tuple[str, str]:
    if lesion is None:
        return "Mark a lesion first.", "hint"
    if not needles:
        return f"{lesion.name} has no needle yet: lay its needles in step 4.", "hint"
    if ice.previewed:
        return ("Preview; computing the full ice." if computing else "Preview; the full ice follows."), "look"
    if ice.result is None:
        probes = "one probe" if needles == 1 else f"{needles} probes together"
        return f"The ice of {probes} has not been computed yet.", "hint"
    if ice.stale:
        return "Out of date: needles or protocol changed after it was computed. Run it again.", "look"
    return "Up to date with needles and protocol.", "ok"


def _volumes(result: IceResult | None, levels_c: tuple[float, ...], time_s: float | None) -> list[tuple[str, str]]:
    """Return (in soft tissue, in marrow) of each isotherm."""
    if result is None:
        return [(UNKNOWN, UNKNOWN)] * len(levels_c)
    found = [volumes_ml(result.field_of(tissue), levels_c, time_s) for tissue in (SOFT_TISSUE, MARROW_BONE)]
    texts = [[_volume(value) for value in row] if row else [UNKNOWN] * len(levels_c) for row in found]
    return list(zip(*texts, strict=True))


def _volume(value_ml: float) -> str:
    """Return a volume, a large one in whole mL: tissues differ by far more, and isotherms need the room."""
    return ml(value_ml) if value_ml < LARGE_ML else f"{value_ml:.0f} mL"


def _canal_rows(figures: IceFigures | None, old: str) -> list[tuple[str, tuple[str, str]]]:
    marked = figures is not None and figures.canal_marked
    coldest = UNKNOWN
    if figures is not None and figures.canal_minimum_c is not None:
        high = figures.canal_minimum_high_c
        low = figures.canal_minimum_c
        coldest = celsius(low) if high is None else span(low, high, "°C")
    rows = (
        (f"To the 0 °C ice{old}", gap(figures.canal_to_0c_mm) if figures and marked else UNKNOWN),
        (f"To the −20 °C ice{old}", gap(figures.canal_to_minus_20c_mm) if figures and marked else UNKNOWN),
        (f"Coldest wall{old}", coldest),
    )
    return [(name, (name, value)) for name, value in rows]
