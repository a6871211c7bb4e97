"""Step 3: the lesions, how they are marked, and what is known of each."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QWidget

from app.brushing import Brushing
from app.desk import Desk
from app.growing import Growing
from app.measuring import Measuring
from app.panels.lesion_brush import BrushFields
from app.panels.lesion_findings import Findings
from app.panels.lesion_growth import GrowthFields
from app.panels.lesion_reshape import ReshapeButtons
from app.panels.rail import Step
from app.panels.step_panel import StepPanel
from app.panels.widgets import Choice, FigureTable, button, form, label, named
from app.panels.words import ml
from cvt_planner.anatomy.lesion_shape import Origin
from cvt_planner.anatomy.levels import is_level
from cvt_planner.plan import edits, lesion_edits
from cvt_planner.plan.level_state import level_words
from cvt_planner.plan.model import Lesion, LesionKind, Plan

_VAS_TIP = "Pain on the visual analogue scale, 0 (none) to 10 (the worst imaginable)"


class LesionsPanel(StepPanel):
    """The ways to mark a lesion, the table of lesions, and all that is known of the chosen one."""

    step = Step.LESIONS

    def __init__(self, desk: Desk, growing: Growing, brushing: Brushing, measuring: Measuring) -> None:
        self.growing = growing
        self.brushing = brushing
        self.measuring = measuring
        super().__init__(desk)
        for part in (growing, brushing, measuring):
            part.changed.connect(self._changed)

    def build(self) -> None:
        """Put the widgets into the body."""
        self.sphere = button(
            "Sphere",
            lambda: self._tool("sphere"),
            icon="sphere",
            checkable=True,
            name="tool_sphere",
            tip="Press in the middle of the lesion, drag to its rim",
        )
        self.grow = button(
            "Find lesion",
            lambda: self._tool("grow"),
            icon="grow",
            checkable=True,
            name="tool_grow",
            tip="Click into the lesion: its outline is found in the CT",
        )
        self.brush = button(
            "Brush", lambda: self._tool("brush"), icon="brush", checkable=True, name="tool_brush",
            tip="Draw on the chosen lesion, or a new one (B)",
        )  # fmt: skip
        self.eraser = button(
            "Eraser", lambda: self._tool("eraser"), icon="eraser", checkable=True, name="tool_eraser",
            tip="Take away from the chosen lesion (X)",
        )  # fmt: skip
        self.row(self.grow, self.sphere)
        self.row(self.brush, self.eraser)
        self._hint = label("", "hint", "lesion_hint")
        self.body.addWidget(self._hint)
        self.growth = GrowthFields(self.growing)
        self.body.addWidget(self.growth)
        self.strokes = BrushFields(self.brushing)
        self.body.addWidget(self.strokes)
        self.section("Lesions")
        self.table = FigureTable("lesions_table", ("Name", "Level", "Type", "VAS", "Volume"))
        self.table.explain(3, _VAS_TIP)
        self.table.itemSelectionChanged.connect(self._chosen)
        self.body.addWidget(self.table)
        self._none = label("No lesion is marked yet.", "hint")
        self.body.addWidget(self._none)
        self._fields = self._make_fields()
        self.body.addWidget(self._fields)
        self.origin_words = label("", "hint", "lesion_origin_words")
        self.body.addWidget(self.origin_words)
        self._reshape_title = label("Reshape", "section")
        self.body.addWidget(self._reshape_title)
        self.reshape = ReshapeButtons(self.desk)
        self.body.addWidget(self.reshape)
        self.findings = Findings(self.desk, self.measuring)
        self.body.addWidget(self.findings)
        self.delete = button("Delete lesion", self._delete, icon="trash", name="delete_lesion")
        self.body.addWidget(self.delete, 0, Qt.AlignmentFlag.AlignLeft)

    def refresh(self) -> None:
        """Show lesions, tools and the growing region."""
        plan, lesion = self.desk.plan, self.desk.lesion
        lesions = plan.lesions if plan else ()
        self.table.show_rows([(x.id, _row(plan, x)) for x in lesions if plan], lesion.id if lesion else "")
        self.table.setVisible(bool(lesions))
        self._none.setVisible(not lesions)
        for made, tool in (
            (self.sphere, "sphere"), (self.grow, "grow"), (self.brush, "brush"), (self.eraser, "eraser"),
        ):  # fmt: skip
            made.setEnabled(plan is not None)
            made.setChecked(self.desk.tool == tool)
        self._hint.setText(_hint(self.desk.tool, lesion))
        self.growth.refresh(lesion)
        self.strokes.refresh()
        self._fields.setVisible(lesion is not None)
        self.delete.setVisible(lesion is not None)
        self.origin_words.setVisible(lesion is not None)
        self.reshape.setVisible(lesion is not None)
        self._reshape_title.setVisible(lesion is not None)
        if not self.brushing.drawing:  # measured again when the stroke is kept
            self.reshape.refresh()
            self.findings.refresh(lesion)
        if lesion is not None:
            if not self.name.hasFocus() and self.name.text() != lesion.name:
                self.name.setText(lesion.name)
                self.name.setCursorPosition(0)  # a long name is read from its beginning
            names = plan.scheme.names if plan else ()
            self.level.fill([(name, name) for name in names if is_level(name)], lesion.level)
            self.kind.choose_quietly(lesion.kind)
            self.vas.choose_quietly(lesion.vas)
            self.origin.choose_quietly(lesion.origin)
            self.origin_words.setText(f"Outline: {lesion.origin.words}.")

    def _make_fields(self) -> QWidget:
        self.name = named(QLineEdit(), "lesion_name")
        self.name.editingFinished.connect(self._rename)
        self.level = Choice("lesion_level")
        self.level.activated.connect(lambda _n: self._set(edits.set_lesion_level, self.level.currentData(), "level"))
        self.kind = Choice("lesion_kind")
        self.kind.fill([(kind.value, kind) for kind in LesionKind], None)
        self.kind.activated.connect(
            lambda _n: self._set(edits.set_lesion_kind, LesionKind(self.kind.currentData()), "type")
        )
        self.vas = Choice("lesion_vas")
        self.vas.fill([("not known", None), *((str(n), n) for n in range(11))], None)
        self.vas.setToolTip(_VAS_TIP)
        self.vas.activated.connect(lambda _n: self._set(edits.set_lesion_vas, self.vas.currentData(), "pain"))
        self.origin = Choice("lesion_origin")
        self.origin.fill([(origin.value, origin) for origin in Origin], None)
        self.origin.setToolTip("Where the outline comes from; it stands on the lesion's reports")
        self.origin.activated.connect(
            lambda _n: self._set(lesion_edits.set_lesion_origin, Origin(self.origin.currentData()), "origin")
        )
        return form(
            ("Name", self.name),
            ("Level", self.level),
            ("Type", self.kind),
            ("Pain, VAS 0–10", self.vas),
            ("Outline", self.origin),
        )

    def _tool(self, name: str) -> None:
        leaving = self.desk.tool == name
        self.growing.cancel()
        self.desk.choose_tool("navigate" if leaving else name)
        self.desk.tell()

    def _chosen(self) -> None:
        if self.table.chosen:
            self.desk.choose_lesion(self.table.chosen, go=True)

    def _rename(self) -> None:
        self.name.setCursorPosition(0)
        lesion = self.desk.lesion
        if lesion is not None and self.name.text().strip() != lesion.name:
            self.desk.apply(edits.rename_lesion(lesion.id, self.name.text()), "Rename lesion")

    def _set(self, edit: object, value: object, what: str) -> None:
        lesion = self.desk.lesion
        if lesion is not None and callable(edit):
            self.desk.apply(edit(lesion.id, value), f"Set {what} of {lesion.name}")

    def _delete(self) -> None:
        lesion = self.desk.lesion
        if lesion is not None:
            self.desk.apply(edits.remove_lesion(lesion.id), f"Delete {lesion.name}")


def _row(plan: Plan, lesion: Lesion) -> tuple[str, ...]:
    return (
        lesion.name,
        level_words(plan, lesion.level),
        lesion.kind.value,
        "—" if lesion.vas is None else str(lesion.vas),
        ml(lesion.volume_ml),
    )


def _hint(tool: str, lesion: Lesion | None) -> str:
    if tool == "sphere":
        return "Press in the middle of the lesion and drag to its rim, in any view. Esc leaves the tool."
    if tool == "grow":
        return "Click into the lesion: its outline is found. Esc leaves the tool."
    if tool in ("brush", "eraser"):
        return "Drag over the picture. [ and ] change the size. Esc leaves the tool."
    if lesion is None:
        return "Find lesion for a true outline, a sphere for a quick mark, the brush where CT shows nothing."
    return "Tab goes to the next lesion. A sphere's squares reshape it, its cross moves it."
