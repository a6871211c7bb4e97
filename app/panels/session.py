"""Step 7: all lesions of the sitting at a glance, the protocol, the patient's position, notes, the checks, saving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QMouseEvent
from PySide6.QtWidgets import QDoubleSpinBox, QFrame, QGridLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from app.desk import Desk
from app.panels.rail import Step
from app.panels.step_panel import StepPanel
from app.panels.widgets import VERDICT_WORDS, Choice, FigureTable, button, form, label, named, set_role, verdict_icon
from app.panels.words import UNKNOWN, level_first_words, ml, span
from app.reading import IceReading, Reading
from cvt_planner.plan import edits
from cvt_planner.plan.checks import CheckResult
from cvt_planner.plan.model import PROTOCOL_10_5_10, FreezePhase, PatientPosition

_ORDER = ("stop", "look", "not judged", "ok")
_POSITIONS = [(position.value, position) for position in PatientPosition]


class SessionPanel(StepPanel):
    """Everything that is done in one sitting."""

    step = Step.SESSION
    save_wanted = Signal()

    def __init__(self, desk: Desk, reading: Reading) -> None:
        self.reading = reading
        super().__init__(desk)

    def build(self) -> None:
        """Put the widgets into the body."""
        self.table = FigureTable("session_table", ("Lesion", "Probes", "−20 °C", "Cement"))
        self.table.explain(2, "Part of the lesion inside the −20 °C ice, from the smallest ice to the largest")
        self.table.itemSelectionChanged.connect(self._chosen)
        self.body.addWidget(self.table)
        self._none = label("No lesion is marked yet.", "hint")
        self.body.addWidget(self._none)
        self.section("Checks")
        self.checks, self.fine = QVBoxLayout(), QVBoxLayout()
        self._toggle = button("", self._toggle_fine, role="link", name="checks_ok")
        self._unchecked = label("Nothing to check yet.", "hint")
        self.body.addWidget(self._unchecked)
        for rows in (self.checks, self.fine):
            rows.setSpacing(6)
        self.body.addLayout(self.checks)
        self.body.addWidget(self._toggle)
        self.body.addLayout(self.fine)
        self._shown: tuple[CheckResult, ...] | None = None
        self._all_shown = False
        self.section("Freezing protocol, for all lesions")
        self.phases = _Phases()
        self.phases.changed.connect(self._set_protocol)
        self.body.addWidget(self.phases)
        self.position = Choice("position")
        self.position.fill(_POSITIONS, None)
        self.position.activated.connect(lambda _n: self._set_position())
        self.body.addWidget(form(("Patient lies", self.position)))
        self.section("Notes")
        self.notes = _Notes()
        self.notes.left.connect(self._set_notes)
        self.body.addWidget(self.notes)
        self.save = button("Save the plan", self.save_wanted.emit, icon="save", role="primary", name="save_plan")
        self.body.addWidget(self.save)

    def refresh(self) -> None:
        """Show the session."""
        plan = self.desk.plan
        lesions = plan.lesions if plan else ()
        rows = []
        for lesion in lesions:
            ice, cement = self.reading.ice(lesion.id), self.reading.cement(lesion)
            words = "old" if ice.stale else _covered(ice)
            count = len(plan.assemblies_of(lesion.id)) if plan else 0
            rows.append((lesion.id, (level_first_words(plan, lesion), str(count), words, ml(cement.estimate_ml))))
        self.table.show_rows(rows, self.desk.view_state.lesion_id or "")
        self.table.setVisible(bool(rows))
        self._none.setVisible(not rows)
        self._show_checks(self.reading.checks())
        for part in (self.phases, self.position, self.notes, self.save):
            part.setEnabled(plan is not None)
        if plan is not None:
            self.phases.show_phases(plan.protocol)
            self.position.choose_quietly(plan.patient_position)
            if not self.notes.hasFocus() and self.notes.toPlainText() != plan.notes:
                self.notes.setPlainText(plan.notes)

    def keep_notes(self) -> None:
        """Take notes that are still being typed into the plan."""
        if self.notes.hasFocus():
            self._set_notes()

    def _show_checks(self, lines: tuple[CheckResult, ...]) -> None:
        if lines == self._shown:
            return
        self._shown = lines
        fine = [line for line in lines if line.verdict == "ok"]
        graver = sorted((x for x in lines if x.verdict != "ok"), key=lambda x: _ORDER.index(x.verdict))
        _fill(self.checks, graver, self._go)
        _fill(self.fine, fine if self._all_shown else [], self._go)
        words = "Hide" if self._all_shown else "Show"
        many = len(fine) > 1
        self._toggle.setText(f"{words} the {len(fine)} checks that are ok" if many else f"{words} the check that is ok")
        self._toggle.setVisible(bool(fine))
        self._unchecked.setVisible(not lines)

    def _toggle_fine(self) -> None:
        self._all_shown = not self._all_shown
        self._shown = None
        self.refresh()

    def _chosen(self) -> None:
        if self.table.chosen:
            self.desk.choose_lesion(self.table.chosen, go=True)

    def _go(self, line: CheckResult) -> None:
        if line.assembly_id:
            self.desk.choose_assembly(line.assembly_id)
        elif line.lesion_id:
            self.desk.choose_lesion(line.lesion_id)
        if line.place_lps_mm is not None:
            self.desk.go_to(line.place_lps_mm)

    def _set_protocol(self) -> None:
        self.desk.apply(edits.set_protocol(self.phases.phases), "Change the protocol")

    def _set_position(self) -> None:
        self.desk.apply(edits.set_position(self.position.currentData()), "Change the patient's position")

    def _set_notes(self) -> None:
        if self.desk.plan is not None:
            self.desk.apply(edits.set_notes(self.notes.toPlainText()), "Write notes")


def _covered(ice: IceReading) -> str:
    """Return how much of the lesion lies in the -20 degC ice: from the smallest ice to the largest."""
    if ice.figures is None:
        return UNKNOWN
    found = ice.figures.isotherm(-20.0)
    return span(found.covered_percent, found.covered_high_percent, "%")


def _fill(rows: QVBoxLayout, lines: Sequence[CheckResult], go: Callable[[CheckResult], None]) -> None:
    """Show one check a row. Rows that are there are used again: making two dozen anew would hold the window up."""
    while rows.count() < len(lines):
        rows.addWidget(_CheckRow(go))
    for n in range(rows.count()):
        item = rows.itemAt(n)
        row = item.widget() if item is not None else None
        if isinstance(row, _CheckRow):
            if n < len(lines):
                row.show_line(lines[n])
            row.setVisible(n < len(lines))


class _CheckRow(QFrame):
    """One check: its mark, its title with the verdict in words, its sentence."""

    def __init__(self, go: Callable[[CheckResult], None]) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(0)
        self._mark, self._title, self._sentence = QLabel(), label(), label("", "hint")
        grid.addWidget(self._mark, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self._title, 0, 1)
        grid.addWidget(self._sentence, 1, 1)
        grid.setColumnStretch(1, 1)
        self._line: CheckResult | None = None
        self._go = go
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_line(self, line: CheckResult) -> None:
        """Show a check."""
        if line == self._line:
            return
        if self._line is None or line.verdict != self._line.verdict:
            self._mark.setPixmap(verdict_icon(line.verdict).pixmap(16, 16))
            set_role(self._title, {"ok": "ok", "look": "look", "stop": "stop"}.get(line.verdict, "hint"))
        self._line = line
        self._title.setText(f"{line.title}: {VERDICT_WORDS.get(line.verdict, line.verdict)}")
        self._sentence.setText(line.sentence)
        self.setToolTip(f"Limit: {line.limit}\nNot modelled: {line.not_modelled}\nSource: {line.source}")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Go to the place the check speaks of."""
        if self._line is not None:
            self._go(self._line)
        super().mouseReleaseEvent(event)


class _Phases(QWidget):
    """The minutes of each phase; phases can be added and taken away at the end."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.phases: tuple[FreezePhase, ...] = ()
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setColumnStretch(1, 1)
        self._boxes: list[QDoubleSpinBox] = []
        self._names: list[QLabel] = []
        self._longer = button("Add thaw and freeze", self._add, name="phase_add")
        self._shorter = button("One less", self._drop, name="phase_drop")
        self._usual = button("10-5-10", self._default, name="phase_default")

    def show_phases(self, phases: tuple[FreezePhase, ...]) -> None:
        """Show a protocol."""
        if phases == self.phases:
            return
        self.phases = phases
        if len(phases) != len(self._boxes):
            self._rebuild(len(phases))
        for n, phase in enumerate(phases):
            self._names[n].setText(phase.kind.capitalize())
            self._boxes[n].blockSignals(True)
            self._boxes[n].setValue(phase.seconds / 60.0)
            self._boxes[n].blockSignals(False)
        self._shorter.setEnabled(len(phases) > 1)

    def _rebuild(self, count: int) -> None:
        for old in (*self._boxes, *self._names):
            self._layout.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._boxes, self._names = [], []
        for n in range(count):
            box = named(QDoubleSpinBox(), f"phase_{n}")
            box.setRange(0.5, 60.0)
            box.setDecimals(1)
            box.setSingleStep(0.5)
            box.setSuffix(" min")
            box.setKeyboardTracking(False)
            box.valueChanged.connect(partial(self._changed, n))
            name = QLabel()
            self._layout.addWidget(name, n, 0)
            self._layout.addWidget(box, n, 1)
            self._boxes.append(box)
            self._names.append(name)
        for column, made in enumerate((self._usual, self._longer)):
            self._layout.addWidget(made, count, column)
        self._layout.addWidget(self._shorter, count + 1, 0)

    def _changed(self, n: int, minutes: float) -> None:
        self._tell((*self.phases[:n], replace(self.phases[n], seconds=minutes * 60.0), *self.phases[n + 1 :]))

    def _add(self) -> None:
        self._tell((*self.phases, FreezePhase("thaw", 300.0), FreezePhase("freeze", 600.0)))

    def _drop(self) -> None:
        less = self.phases[:-1]
        while less and less[-1].kind != "freeze":
            less = less[:-1]
        self._tell(less or self.phases)

    def _default(self) -> None:
        self._tell(PROTOCOL_10_5_10)

    def _tell(self, phases: tuple[FreezePhase, ...]) -> None:
        self.phases = phases
        self.changed.emit()
        self.phases = ()  # the plan's answer is shown, whatever it is


class _Notes(QPlainTextEdit):
    """A field for notes that says when it is left."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notes")
        self.setFixedHeight(84)
        self.setTabChangesFocus(True)
        self.setPlaceholderText("Anaesthesia, access, what to watch for …")

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell that typing is over."""
        super().focusOutEvent(event)
        self.left.emit()
