"""Step 2: one vertebra is confirmed, all others are counted from it; and the spinal canal is marked."""

from __future__ import annotations

from app.desk import Desk
from app.finding import Finding
from app.found_canal import FoundCanal
from app.naming import Naming
from app.panels.level_naming import STANDS_WORDS, LevelMoving, LevelNaming
from app.panels.organ_list import FoundOrgans
from app.panels.rail import Step
from app.panels.spine_corrections import SpineCorrections
from app.panels.spine_list import FoundSpine, is_doubtful, sure_words, widths_words
from app.panels.step_panel import StepPanel
from app.panels.widgets import FigureTable, button, label, verdict_icon
from app.panels.words import UNKNOWN
from cvt_planner.plan import edits
from cvt_planner.plan.level_state import level_words, mark_of, standing
from cvt_planner.plan.model import LevelMark, Plan

_VERDICTS = {"confirmed": "ok", "counted": "ok"}


class LevelsPanel(StepPanel):
    """How the names stand, the vertebrae with their names, renumbering, and the canal."""

    step = Step.LEVELS
    explains = "Confirm one vertebra that you recognise: all others are counted from it."

    def __init__(self, desk: Desk, naming: Naming, finding: Finding) -> None:
        self.naming = naming
        self.finding = finding
        self.found_canal = FoundCanal(desk)
        super().__init__(desk)

    def build(self) -> None:
        """Put the widgets into the body."""
        self.confirming = LevelNaming(self.naming)
        self.body.addWidget(self.confirming)
        self.section("Vertebrae")
        self.table = FigureTable("levels_table", ("Level", "State", "Sure", "R | L, mm"), stretch=1)
        self.table.explain(2, "How surely this vertebra was found; its name is another matter")
        self.table.explain(3, "Width of the right and of the left pedicle at its isthmus")
        self.table.itemSelectionChanged.connect(self._chosen)
        self.body.addWidget(self.table)
        self._none = label("No level is marked yet.", "hint")
        self.body.addWidget(self._none)
        self.remove = button("Remove mark", self._remove, icon="trash", name="remove_level")
        self.row(self.remove, stretch=True)
        self.moving = LevelMoving(self.naming)
        self.body.addWidget(self.moving)
        self.found = FoundSpine(self.desk, self.finding)
        self.body.addWidget(self.found)
        self.section("Around the spine")
        self.body.addWidget(FoundOrgans(self.desk))
        self.section("Correct what was found")
        self.body.addWidget(SpineCorrections(self.desk, self.finding))
        self.section("Spinal canal")
        self.canal = button("Mark the canal", self._canal, icon="canal", checkable=True, name="mark_canal")
        self.body.addWidget(self.canal)
        self.take_canal = button("Take the found canal at all levels", self.found_canal.take, name="take_found_canal")
        self.body.addWidget(self.take_canal)
        self._hint = label("", "hint", "canal_hint")
        self.body.addWidget(self._hint)

    def refresh(self) -> None:
        """Show the names and the marks."""
        plan = self.desk.plan
        self.confirming.refresh()
        self.moving.refresh()
        rows = _rows(plan, self.naming) if plan else []
        self.table.show_rows([(key, texts) for key, texts, _ in rows], self._chosen_key)
        for key, _, stands in rows:
            self.table.mark(key, 0, verdict_icon(_VERDICTS.get(stands, "look")))
        for one in self.naming.named:
            if is_doubtful(one.vertebra):
                self.table.mark(f"v{one.vertebra.number}", 2, verdict_icon("look"), " ".join(one.vertebra.doubts))
        self.table.setVisible(bool(rows))
        self._none.setVisible(not rows)
        chosen = mark_of(plan, self.desk.level) if plan else None
        self.remove.setVisible(bool(plan and plan.levels))
        self.remove.setEnabled(chosen is not None)
        self.canal.setEnabled(chosen is not None)
        self.canal.setChecked(self.desk.tool == "canal")
        open_levels = plan is not None and any(mark.canal is None for mark in plan.levels)
        self.take_canal.setVisible(open_levels and self.desk.workspace.state.spine is not None)
        self._hint.setText(_canal_hint(chosen, self.desk.tool == "canal"))

    @property
    def _chosen_key(self) -> str:
        here = self.naming.here
        return f"v{here.vertebra.number}" if here is not None else self.desk.level

    def _chosen(self) -> None:
        key, plan = self.table.chosen, self.desk.plan
        if not key or plan is None:
            return
        found = next((one for one in self.naming.named if f"v{one.vertebra.number}" == key), None)
        level = found.level if found is not None else key
        mark = mark_of(plan, level)
        self.desk.level = level if mark is not None else ""
        if found is not None:
            self.finding.choose(found.vertebra.number)
        elif mark is not None:
            self.desk.go_to(mark.centre_lps_mm)
        self.desk.tell()

    def _remove(self) -> None:
        self.desk.apply(edits.remove_level(self.desk.level), f"Remove {self.desk.level}")

    def _canal(self) -> None:
        self.desk.choose_tool("navigate" if self.desk.tool == "canal" else "canal")


_Texts = tuple[str, str, str, str]


def _rows(plan: Plan, naming: Naming) -> list[tuple[str, _Texts, str]]:
    """Return (key, texts, how it stands) per vertebra, found or marked, from head to feet."""
    rows: list[tuple[float, tuple[str, _Texts, str]]] = []
    for one in naming.named:
        texts = (one.words, STANDS_WORDS[one.stands], sure_words(one.vertebra), widths_words(one.vertebra))
        rows.append((one.vertebra.centre_lps_mm[2], (f"v{one.vertebra.number}", texts, one.stands)))
    found = {one.level for one in naming.named}
    for mark in plan.levels:
        if mark.level not in found:
            stands = standing(plan, mark.level)
            texts = (level_words(plan, mark.level), STANDS_WORDS[stands], UNKNOWN, UNKNOWN)
            rows.append((mark.centre_lps_mm[2], (mark.level, texts, stands)))
    return [row for _, row in sorted(rows, key=lambda pair: -pair[0])]


def _canal_hint(mark: LevelMark | None, active: bool) -> str:
    if mark is None:
        return "Choose a named vertebra first. The distance of the ice to the canal needs its wall."
    if active:
        return f"Click into the middle of the canal in the axial view, at {mark.level}. Esc leaves the tool."
    if mark.canal is not None:
        return f"The canal at {mark.level} is marked; marking it again replaces it."
    return "Its wall is then measured around your click; the distance of the ice to the canal needs it."
