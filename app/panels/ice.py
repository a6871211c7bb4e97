"""Step 5: run the ice of the chosen lesion and read what it means, with its range and what is not modelled."""

from __future__ import annotations

from PySide6.QtCore import Signal

from app.desk import Desk
from app.panels.rail import Step
from app.panels.step_panel import StepPanel
from app.panels.widgets import Choice, FigureTable, button, form, label, set_role
from app.panels.words import UNKNOWN, celsius, gap, ml, span
from app.reading import IceReading, Reading
from cvt_planner.plan.figures import FIRST_VERSION_ICE, IceFigures
from cvt_planner.plan.model import FreezePhase, Lesion
from cvt_planner.plan.results import ISOTHERMS_C, MARROW_BONE, SOFT_TISSUE, IceResult

_READING = "Lesion inside: from the smaller ice to the larger. Canal: in the larger ice."


class IcePanel(StepPanel):
    """Run, stop, and the figures of each isotherm in both tissues."""

    step = Step.ICE
    run_wanted = Signal(str)  # lesion id

    def __init__(self, desk: Desk, reading: Reading) -> None:
        self.reading = reading
        super().__init__(desk)

    def build(self) -> None:
        """Put the widgets into the body."""
        self.lesion = Choice("ice_lesion")
        self.lesion.activated.connect(lambda _n: self.desk.choose_lesion(str(self.lesion.currentData()), go=True))
        self.body.addWidget(form(("Lesion", self.lesion)))
        self.run = button("Run the ice", self._run, icon="play", role="primary", name="run_ice")
        self.all = button("Run all", self._run_all, name="run_all_ice", tip="Every lesion whose ice is missing or old")
        self.row(self.run, self.all)
        self.state = label("", "hint", "ice_state")
        self.body.addWidget(self.state)
        self.isotherms = self._table(
            "Ice in both tissues, lesion inside", "ice_isotherms", ("Isotherm", "Soft", "Marrow", "Lesion")
        )
        self.canal = self._table("Spinal canal, wall as marked", "ice_canal", ("Figure", "Value"))
        self._canal_hint = label("", "look", "ice_canal_hint")
        self.body.addWidget(self._canal_hint)
        self.tissue = Choice("ice_tissue")
        self.tissue.fill([("Marrow bone (smaller)", MARROW_BONE), ("Soft tissue (larger)", SOFT_TISSUE)], None)
        self.tissue.activated.connect(lambda _n: self.desk.view_state.set_ice_tissue(str(self.tissue.currentData())))
        self.body.addWidget(form(("Drawn in", self.tissue)))
        self.body.addWidget(label(f"{FIRST_VERSION_ICE} {_READING}", "look", "ice_first_version"))
        self._protocol = label("", "hint", "ice_protocol")
        self.body.addWidget(self._protocol)

    def refresh(self) -> None:
        """Show the ice of the chosen lesion."""
        plan, lesion = self.desk.plan, self.desk.lesion
        lesions = plan.lesions if plan else ()
        self.lesion.fill([(f"{x.name}, {x.level}", x.id) for x in lesions], lesion.id if lesion else None)
        self.lesion.setEnabled(bool(lesions))
        ice = self.reading.ice(lesion.id) if lesion else IceReading(None, False, None)
        needles = plan.assemblies_of(lesion.id) if plan and lesion else ()
        self.run.setEnabled(bool(needles) and not ice.current)
        self.run.setText("Run the ice again" if ice.stale else "Run the ice")
        self.all.setEnabled(bool(self._waiting()))
        text, role = _state(lesion, len(needles), ice)
        self.state.setText(text)
        set_role(self.state, role)
        self._show(ice)
        self.tissue.choose_quietly(self.desk.view_state.ice_tissue)
        self._protocol.setText(f"Protocol: {protocol_words(plan.protocol)}. Change it in step 7." if plan else "")

    def _table(self, heading: str, name: str, columns: tuple[str, ...]) -> FigureTable:
        self.section(heading)
        table = FigureTable(name, columns)
        table.setSelectionMode(FigureTable.SelectionMode.NoSelection)
        self.body.addWidget(table)
        return table

    def _show(self, ice: IceReading) -> None:
        figures = ice.figures
        old = " old" if ice.stale else ""
        rows = []
        for iso in ISOTHERMS_C:
            name = f"{celsius(iso)}{old}"
            rows.append((name, (name, *_volumes(ice.result, iso), _covered(figures, iso))))
        self.isotherms.show_rows(rows)
        self.canal.show_rows(_canal_rows(figures, ", old" if ice.stale else ""))
        unmarked = figures is not None and not figures.canal_marked
        self._canal_hint.setText("The canal is not marked along all of the probes (step 2): nothing is said about it.")
        self._canal_hint.setVisible(unmarked)

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


def _state(lesion: Lesion | None, needles: int, ice: IceReading) -> tuple[str, str]:
    if lesion is None:
        return "Mark a lesion first.", "hint"
    if not needles:
        return f"{lesion.name} has no needle yet: lay its needles in step 4.", "hint"
    if ice.result is None:
        probes = "one probe" if needles == 1 else f"{needles} probes together"
        return f"The ice of {probes} has not been computed yet.", "hint"
    if ice.stale:
        return "Out of date: needles or protocol changed after it was computed. Run it again.", "look"
    return "Up to date with needles and protocol.", "ok"


def _volumes(result: IceResult | None, iso: float) -> tuple[str, str]:
    if result is None:
        return UNKNOWN, UNKNOWN
    soft, marrow = (dict(result.field_of(tissue).volumes_ml)[iso] for tissue in (SOFT_TISSUE, MARROW_BONE))
    return ml(soft), ml(marrow)


def _covered(figures: IceFigures | None, iso: float) -> str:
    if figures is None:
        return UNKNOWN
    found = figures.isotherm(iso)
    return span(found.covered_percent, found.covered_high_percent, "%")


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
