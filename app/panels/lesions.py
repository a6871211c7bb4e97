"""Step 3: the lesions, how they are marked, and what is known of each."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSlider, QVBoxLayout, QWidget

from app.desk import Desk
from app.growing import Growing
from app.panels.rail import Step
from app.panels.step_panel import StepPanel
from app.panels.widgets import Choice, FigureTable, button, form, label, named
from app.panels.words import minus, ml
from cvt_planner.anatomy.levels import is_level
from cvt_planner.plan import edits
from cvt_planner.plan.model import Lesion, LesionKind

_HU_SPAN = (-200, 1500)
_RADIUS_SPAN_MM = (3, 60)
_MARGIN_HU = 10


class LesionsPanel(StepPanel):
    """Two ways to mark a lesion, the table of lesions, and the fields of the chosen one."""

    step = Step.LESIONS

    def __init__(self, desk: Desk, growing: Growing) -> None:
        self.growing = growing
        super().__init__(desk)
        growing.changed.connect(self._changed)

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
            "Grow from here",
            lambda: self._tool("grow"),
            icon="grow",
            checkable=True,
            name="tool_grow",
            tip="Click into the lesion; adjust the band until the outline fits",
        )
        self.row(self.sphere, self.grow)
        self._hint = label("", "hint", "lesion_hint")
        self.body.addWidget(self._hint)
        self.growth = _Growth(self.growing)
        self.body.addWidget(self.growth)
        self.section("Lesions")
        self.table = FigureTable("lesions_table", ("Name", "Level", "Type", "VAS", "Volume"))
        self.table.itemSelectionChanged.connect(self._chosen)
        self.body.addWidget(self.table)
        self._none = label("No lesion is marked yet.", "hint")
        self.body.addWidget(self._none)
        self._fields = self._make_fields()
        self.body.addWidget(self._fields)
        self.delete = button("Delete lesion", self._delete, icon="trash", name="delete_lesion")
        self.body.addWidget(self.delete, 0, Qt.AlignmentFlag.AlignLeft)

    def refresh(self) -> None:
        """Show lesions, tools and the growing region."""
        plan, lesion = self.desk.plan, self.desk.lesion
        lesions = plan.lesions if plan else ()
        self.table.show_rows([(x.id, _row(x)) for x in lesions], lesion.id if lesion else "")
        self.table.setVisible(bool(lesions))
        self._none.setVisible(not lesions)
        for made, tool in ((self.sphere, "sphere"), (self.grow, "grow")):
            made.setEnabled(plan is not None)
            made.setChecked(self.desk.tool == tool)
        self._hint.setText(_hint(self.desk.tool, lesion))
        self.growth.refresh(lesion)
        self._fields.setVisible(lesion is not None)
        self.delete.setVisible(lesion is not None)
        if lesion is not None:
            if not self.name.hasFocus():
                self.name.setText(lesion.name)
            names = plan.scheme.names if plan else ()
            self.level.fill([(name, name) for name in names if is_level(name)], lesion.level)
            self.kind.choose_quietly(lesion.kind)
            self.vas.choose_quietly(lesion.vas)

    def _make_fields(self) -> QWidget:
        self.name = named(QLineEdit(), "lesion_name")
        self.name.editingFinished.connect(self._rename)
        self.level = Choice("lesion_level")
        self.level.activated.connect(lambda _n: self._set(edits.set_lesion_level, self.level.currentData(), "level"))
        self.kind = Choice("lesion_kind")
        self.kind.fill([(kind.value, kind) for kind in LesionKind], None)
        self.kind.activated.connect(lambda _n: self._set(edits.set_lesion_kind, self.kind.currentData(), "type"))
        self.vas = Choice("lesion_vas")
        self.vas.fill([("not known", None), *((str(n), n) for n in range(11))], None)
        self.vas.activated.connect(lambda _n: self._set(edits.set_lesion_vas, self.vas.currentData(), "pain"))
        return form(("Name", self.name), ("Level", self.level), ("Type", self.kind), ("Pain, VAS 0–10", self.vas))

    def _tool(self, name: str) -> None:
        leaving = self.desk.tool == name
        self.growing.cancel()
        self.desk.choose_tool("navigate" if leaving else name)
        self.desk.tell()

    def _chosen(self) -> None:
        if self.table.chosen:
            self.desk.choose_lesion(self.table.chosen, go=True)

    def _rename(self) -> None:
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


class _Growth(QWidget):
    """The sliders of a region that is being grown."""

    def __init__(self, growing: Growing) -> None:
        super().__init__()
        self.growing = growing
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        self.low, low_row = _slider("grow_low", "From", _HU_SPAN)
        self.high, high_row = _slider("grow_high", "To", _HU_SPAN)
        self.radius, radius_row = _slider("grow_radius", "Within", _RADIUS_SPAN_MM)
        self._values = {self.low: QLabel(), self.high: QLabel(), self.radius: QLabel()}
        for slider, row in ((self.low, low_row), (self.high, high_row), (self.radius, radius_row)):
            self._values[slider].setMinimumWidth(64)
            self._values[slider].setAlignment(Qt.AlignmentFlag.AlignRight)
            row.addWidget(self._values[slider])
            layout.addLayout(row)
            slider.valueChanged.connect(lambda _v, moved=slider: self._moved(moved))
        self.volume = label("", "figure", "grow_volume")
        layout.addWidget(self.volume)
        line = QHBoxLayout()
        self.accept = button("Keep as new lesion", lambda: growing.accept(), role="primary", name="grow_accept")
        self.cancel = button("Cancel", self._cancel, name="grow_cancel")
        line.addWidget(self.accept, 2)
        line.addWidget(self.cancel, 1)
        layout.addLayout(line)
        second = QHBoxLayout()
        self.suggest = button("Suggested band", growing.suggest, name="grow_suggest")
        self.replace = button(
            "Replace outline", self._replace, name="grow_replace", tip="The chosen lesion takes this outline"
        )
        second.addWidget(self.suggest)
        second.addWidget(self.replace)
        layout.addLayout(second)
        self._lesion_id = ""

    def refresh(self, lesion: Lesion | None) -> None:
        """Show band, radius and volume; nothing before a seed is set."""
        draft = self.growing.draft
        self.setVisible(draft is not None)
        self._lesion_id = lesion.id if lesion else ""
        if draft is None:
            return
        for slider, value in ((self.low, draft.low_hu), (self.high, draft.high_hu), (self.radius, draft.radius_mm)):
            slider.blockSignals(True)
            slider.setValue(round(value))
            slider.blockSignals(False)
        self._values[self.low].setText(minus(f"{draft.low_hu:.0f} HU"))
        self._values[self.high].setText(minus(f"{draft.high_hu:.0f} HU"))
        self._values[self.radius].setText(f"{draft.radius_mm:.0f} mm")
        region = self.growing.region
        self.volume.setText(self.growing.problem or (f"Volume {ml(region.volume_ml)}" if region else "Growing…"))
        self.accept.setEnabled(region is not None)
        self.replace.setEnabled(region is not None and lesion is not None)
        self.replace.setText(f"Replace {lesion.name}" if lesion else "Replace outline")

    def _moved(self, moved: QSlider) -> None:
        low, high = self.low.value(), self.high.value()
        if low > high - _MARGIN_HU:
            if moved is self.low:
                high = low + _MARGIN_HU
            else:
                low = high - _MARGIN_HU
        self.growing.adjust(low, high, self.radius.value())

    def _cancel(self) -> None:
        self.growing.cancel()
        self.growing.desk.choose_tool("navigate")

    def _replace(self) -> None:
        self.growing.accept(self._lesion_id)


def _slider(name: str, words: str, ends: tuple[int, int]) -> tuple[QSlider, QHBoxLayout]:
    slider = named(QSlider(Qt.Orientation.Horizontal), name)
    slider.setRange(*ends)
    slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    row = QHBoxLayout()
    text = QLabel(words)
    text.setMinimumWidth(46)
    text.setProperty("role", "hint")
    text.setBuddy(slider)
    row.addWidget(text)
    row.addWidget(slider, 1)
    return slider, row


def _row(lesion: Lesion) -> tuple[str, ...]:
    return (
        lesion.name,
        lesion.level,
        lesion.kind.value,
        "—" if lesion.vas is None else str(lesion.vas),
        ml(lesion.volume_ml),
    )


def _hint(tool: str, lesion: Lesion | None) -> str:
    if tool == "sphere":
        return "Press in the middle of the lesion and drag to its rim, in any view. Esc leaves the tool."
    if tool == "grow":
        return "Click into the lesion. Then move the band until the outline follows it. Esc leaves the tool."
    if lesion is None:
        return "A sphere for a quick mark, growing for a true outline."
    return "Tab goes to the next lesion. A sphere's squares reshape it, its cross moves it."
