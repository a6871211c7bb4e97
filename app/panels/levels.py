"""Step 2: the operator names the vertebrae, confirms the names, and marks the spinal canal."""

from __future__ import annotations

from app.desk import Desk
from app.finding import Finding
from app.panels.rail import Step
from app.panels.spine_corrections import SpineCorrections
from app.panels.spine_list import SpineList
from app.panels.step_panel import StepPanel
from app.panels.widgets import Choice, FigureTable, button, form, label, verdict_icon
from cvt_planner.anatomy.levels import LEVELS
from cvt_planner.plan import edits
from cvt_planner.plan.model import LevelMark


class LevelsPanel(StepPanel):
    """A plain choice: put the crosshair into a vertebral body, say which it is, confirm it."""

    step = Step.LEVELS
    explains = "Put the crosshair into a vertebral body (Shift + move), choose its level and mark it."

    def __init__(self, desk: Desk, finding: Finding) -> None:
        self.finding = finding
        super().__init__(desk)

    def build(self) -> None:
        """Put the widgets into the body."""
        self.section("Vertebrae in this CT")
        self.body.addWidget(SpineList(self.desk, self.finding))
        self.section("Correct what was found")
        self.body.addWidget(SpineCorrections(self.desk, self.finding))
        self.section("Name a level")
        self.level = Choice("level_choice")
        self.level.fill([(name, name) for name in LEVELS], "L2")
        self.body.addWidget(form(("Level", self.level)))
        self.mark = button("Mark at the crosshair", self._mark, icon="target", role="primary", name="mark_level")
        self.body.addWidget(self.mark)
        self.section("Marked levels")
        self.table = FigureTable("levels_table", ("Level", "Confirmed", "Canal"))
        self.table.itemSelectionChanged.connect(self._chosen)
        self.body.addWidget(self.table)
        self._none = label("No level is marked yet.", "hint")
        self.body.addWidget(self._none)
        self.confirm = button("Confirm", self._confirm, icon="check", name="confirm_level")
        self.remove = button("Remove", self._remove, icon="trash", name="remove_level")
        self.row(self.confirm, self.remove)
        self.section("Spinal canal")
        self.canal = button("Mark the canal", self._canal, icon="canal", checkable=True, name="mark_canal")
        self.body.addWidget(self.canal)
        self._hint = label("", "hint", "canal_hint")
        self.body.addWidget(self._hint)
        self.body.addWidget(
            label(
                "Count from a landmark you trust (ribs, sacrum): this version does not name levels by itself.", "hint"
            )
        )

    def refresh(self) -> None:
        """Show the marks."""
        plan = self.desk.plan
        marks = plan.levels if plan else ()
        rows = [(m.level, (m.level, "yes" if m.confirmed else "not yet", _canal_words(m))) for m in marks]
        self.table.show_rows(rows, self.desk.level)
        for mark in marks:
            self.table.mark(mark.level, 0, verdict_icon("ok" if mark.confirmed else "look"))
        self.table.setVisible(bool(marks))
        self._none.setVisible(not marks)
        chosen = next((m for m in marks if m.level == self.desk.level), None)
        self.mark.setEnabled(plan is not None)
        self.confirm.setEnabled(chosen is not None)
        self.confirm.setText(
            f"Not {chosen.level} after all"
            if chosen and chosen.confirmed
            else f"Confirm {chosen.level}"
            if chosen
            else "Confirm"
        )
        self.remove.setEnabled(chosen is not None)
        self.canal.setEnabled(chosen is not None)
        self.canal.setChecked(self.desk.tool == "canal")
        self._hint.setText(_canal_hint(chosen, self.desk.tool == "canal"))

    def _mark(self) -> None:
        level = self.level.currentData()
        place = self.desk.view_state.crosshair_lps_mm
        if self.desk.apply(edits.mark_level(level, place), f"Mark {level}"):
            self.desk.level = level
            self.desk.tell()

    def _chosen(self) -> None:
        level = self.table.chosen
        if level and self.desk.plan:
            self.desk.level = level
            self.level.choose(level)
            self.desk.go_to(next(m.centre_lps_mm for m in self.desk.plan.levels if m.level == level))
            self.desk.tell()

    def _confirm(self) -> None:
        level = self.desk.level
        mark = next((m for m in self.desk.plan.levels if m.level == level), None) if self.desk.plan else None
        if mark is not None:
            words = f"Take back {level}" if mark.confirmed else f"Confirm {level}"
            self.desk.apply(edits.confirm_level(level, not mark.confirmed), words)

    def _remove(self) -> None:
        self.desk.apply(edits.remove_level(self.desk.level), f"Remove {self.desk.level}")

    def _canal(self) -> None:
        self.desk.choose_tool("navigate" if self.desk.tool == "canal" else "canal")


def _canal_words(mark: LevelMark) -> str:
    return "marked" if mark.canal else "—"


def _canal_hint(mark: LevelMark | None, active: bool) -> str:
    if mark is None:
        return "Choose a marked level first. The distance of the ice to the canal needs its wall."
    if active:
        return f"Click into the middle of the canal in the axial view, at {mark.level}. Esc leaves the tool."
    if mark.canal is not None:
        return f"The canal at {mark.level} is marked; marking it again replaces it."
    return "Its wall is then measured around your click; the distance of the ice to the canal needs it."
