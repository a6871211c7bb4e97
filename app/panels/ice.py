"""Step 5: run the ice of the chosen lesion and read what it means, with its range and what is not modelled."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QIcon

from app.desk import ICE_JOB, Desk
from app.panels.canal_offer import CanalOffer
from app.panels.ice_timeline import IceTimeline
from app.panels.isotherms import SWATCH, IsothermEditor, swatch
from app.panels.rail import Step
from app.panels.step_panel import StepPanel
from app.panels.widgets import Choice, FigureTable, button, form, label, set_role
from app.panels.words import UNKNOWN, celsius, gap, level_first_words, ml, span
from app.playing import Playing
from app.reading import IceReading, Reading
from cvt_planner.plan.figures import UNIFORM_ICE, IceFigures
from cvt_planner.plan.model import FreezePhase, Lesion
from cvt_planner.plan.results import CT_LEAST, CT_MOST, MARROW_BONE, OF_CT, SOFT_TISSUE, IceResult, stand_in
from cvt_planner.plan.timeline import moment_words
from cvt_planner.planning.ice_course import volumes_ml

_READING = "Lesion inside: from the smallest ice to the largest. Canal: in the nearest ice, each place at its coldest."
_TISSUES = (("Marrow bone (smaller)", MARROW_BONE), ("Soft tissue (larger)", SOFT_TISSUE))
_OF_CT = (("This CT, least ice", CT_LEAST), ("This CT, most ice", CT_MOST))
_HEADS = {SOFT_TISSUE: "Soft", MARROW_BONE: "Marrow", CT_LEAST: "CT least", CT_MOST: "CT most"}
_SOLVED_TIP = (
    "This CT's own tissues come from its HU and from the lesions and the canal as marked, at both ends of what is "
    "known: least ice with blood and a warm canal, most ice without either."
)
_AT_THE_END = "Ice at the end of the last freeze"


LARGE_ML = 10.0


class IcePanel(StepPanel):
    """Run, stop, the figures of each isotherm in two tissues at a time, and the ice over time."""

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
        self.solved = Choice("ice_solved")
        self.solved.fill([("Two uniform tissues", False), ("Those and this CT's own", True)], None)
        self.solved.setToolTip(_SOLVED_TIP)
        self.solved.activated.connect(lambda _n: self._choose_solved(bool(self.solved.currentData())))
        self.tissue.activated.connect(lambda _n: self.desk.view_state.set_ice_tissue(str(self.tissue.currentData())))
        self.body.addWidget(form(("Lesion", self.lesion), ("Solved in", self.solved), ("Drawn in", self.tissue)))
        self.run = button("Run the ice", self._run, icon="play", role="primary", name="run_ice")
        self.all = button("Run all", self._run_all, name="run_all_ice", tip="Every lesion whose ice is missing or old")
        self.row(self.run, self.all)
        self.state = label("", "hint", "ice_state")
        self.body.addWidget(self.state)
        self.offer = CanalOffer(self.desk)
        self.body.addWidget(self.offer)
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
        self.section("Spinal canal at its coldest, wall as marked")
        self.canal = FigureTable("ice_canal", ("Figure", "Value"))
        self.canal.horizontalHeader().hide()
        self.canal.setSelectionMode(FigureTable.SelectionMode.NoSelection)
        self.body.addWidget(self.canal)
        self._canal_hint = label("", "look", "ice_canal_hint")
        self.body.addWidget(self._canal_hint)
        self._label = label("", "look", "ice_first_version")
        self.body.addWidget(self._label)
        self._protocol = label("", "hint", "ice_protocol")
        self.body.addWidget(self._protocol)

    def refresh(self) -> None:
        """Show the ice of the chosen lesion."""
        plan, lesion = self.desk.plan, self.desk.lesion
        lesions = plan.lesions if plan else ()
        self.lesion.fill([(level_first_words(plan, x), x.id) for x in lesions], lesion.id if lesion else None)
        self.lesion.setEnabled(bool(lesions))
        ice = self.reading.ice(lesion.id) if lesion else IceReading(None, False, None)
        needles = plan.assemblies_of(lesion.id) if plan and lesion else ()
        unplayable = ice.result is not None and any(one.frames is None for one in ice.result.fields)
        of_ct = self.desk.settings.ct_tissues
        lacking = ice.lacks(of_ct)
        self.run.setEnabled(bool(needles) and (not ice.current or unplayable or lacking))
        self.run.setText("Run the ice again" if ice.stale or unplayable or lacking else "Run the ice")
        self.all.setEnabled(bool(self._waiting()))
        text, role = _state(lesion, len(needles), ice, self.desk.jobs.running(ICE_JOB), lacking)
        self.state.setText(text)
        set_role(self.state, role)
        self._show(ice)
        self.offer.refresh(lesion, ice.figures)
        self.timeline.refresh()
        self.solved.choose_quietly(of_ct)
        own = of_ct or (ice.result is not None and bool(ice.result.inputs.ct_marks))
        if not self.tissue.view().isVisible():
            self.tissue.fill([*_TISSUES, *(_OF_CT if own else ())], self.desk.view_state.ice_tissue)
        self._protocol.setText(f"Protocol: {protocol_words(plan.protocol)}. Change it in step 7." if plan else "")

    def _show(self, ice: IceReading) -> None:
        view = self.desk.view_state
        levels, chosen = view.isotherms_c, self.isotherms.chosen
        result, time_s = ice.result, None if ice.previewed else view.ice_time_s
        at = "" if result is None or time_s is None else moment_words(result.inputs.protocol, time_s)
        self._heading.setText("Preview: no figures yet" if ice.previewed else f"Ice at {at}" if at else _AT_THE_END)
        set_role(self._heading, "section_look" if ice.previewed or at else "section")
        tissues = OF_CT if view.ice_tissue in OF_CT else (SOFT_TISSUE, MARROW_BONE)
        self.isotherms.setHorizontalHeaderLabels(["Isotherm", *(_HEADS[tissue] for tissue in tissues), "Lesion"])
        volumes = _volumes(None if ice.previewed else result, tissues, levels, time_s)
        self._label.setText(f"{UNIFORM_ICE if ice.figures is None else ice.figures.label} {_READING}")
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
        of_ct = self.desk.settings.ct_tissues
        ice = {x.id: self.reading.ice(x.id) for x in plan.lesions if plan.assemblies_of(x.id)}
        return [key for key, one in ice.items() if not one.current or one.lacks(of_ct)]

    def _choose_solved(self, of_ct: bool) -> None:
        self.desk.settings.ct_tissues = of_ct
        if not of_ct:
            self.desk.view_state.set_ice_tissue(stand_in(self.desk.view_state.ice_tissue))
        self.desk.tell()

    def _run(self) -> None:
        if self.desk.lesion is not None:
            self.run_wanted.emit(self.desk.lesion.id)

    def _run_all(self) -> None:
        for lesion_id in self._waiting():
            self.run_wanted.emit(lesion_id)


def protocol_words(protocol: tuple[FreezePhase, ...]) -> str:
    """Return "freeze 10 min, thaw 5 min, freeze 10 min"."""
    return ", ".join(f"{phase.kind} {phase.seconds / 60:g} min" for phase in protocol)


def _state(lesion: Lesion | None, needles: int, ice: IceReading, computing: bool, lacking: bool) -> tuple[str, str]:
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
    if lacking:
        return "Up to date, but not in this CT's own tissues: run it again.", "look"
    return "Up to date with needles and protocol.", "ok"


def _volumes(
    result: IceResult | None, tissues: tuple[str, ...], levels_c: tuple[float, ...], time_s: float | None
) -> list[tuple[str, ...]]:
    """Return the volumes of each isotherm in each of the tissues."""
    if result is None:
        return [(UNKNOWN,) * len(tissues)] * len(levels_c)
    known = {one.tissue: one for one in result.fields}
    found = [volumes_ml(known[tissue], levels_c, time_s) if tissue in known else None for tissue in tissues]
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
