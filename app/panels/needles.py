"""Step 4: the needles of the chosen lesion, how they are laid, their devices and their figures."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal

from app import aiming, theme
from app.desk import Desk
from app.panels.rail import Step
from app.panels.step_panel import StepPanel
from app.panels.widgets import Choice, FigureTable, button, form, label, set_role
from app.panels.words import level_first_words, mm, needle_name, needle_rows, thick_rows, way_rows
from app.probes import Probes
from app.reading import Reading
from cvt_planner.devices.bone_needle import BONE_NEEDLES
from cvt_planner.devices.cryoprobe import CryoprobeModel, ProbeOrigin
from cvt_planner.plan import edits
from cvt_planner.plan.model import Lesion, Side
from cvt_planner.planning.probe_isotherms import COMPUTED_WORDS

_CARD_TIP = "Fit a probe to the card of your own instructions for use, and see the computed ice of each probe"


class NeedlesPanel(StepPanel):
    """Which needles there are, what is expected next, and what the chosen one measures."""

    step = Step.NEEDLES
    card_wanted = Signal()

    def __init__(self, desk: Desk, reading: Reading, probes: Probes) -> None:
        self.reading = reading
        self.probes = probes
        super().__init__(desk)

    def build(self) -> None:
        """Put the widgets into the body."""
        self.lesion = Choice("needle_lesion")
        self.lesion.activated.connect(lambda _n: self.desk.choose_lesion(str(self.lesion.currentData()), go=True))
        self.body.addWidget(form(("Lesion", self.lesion)))
        self.left = button("Add left", lambda: aiming.begin(self.desk, Side.LEFT), icon="plus", name="add_left")
        self.right = button("Add right", lambda: aiming.begin(self.desk, Side.RIGHT), icon="plus", name="add_right")
        self.left.setIcon(theme.icon("plus", "left"))
        self.right.setIcon(theme.icon("plus", "right"))
        self.row(self.left, self.right)
        self.hint = label("", "hint", "needle_hint")
        self.body.addWidget(self.hint)
        self.table = FigureTable("needles_table", ("Needle", "Depth", "Outside"))
        self.table.explain(1, "From the skin to the probe's tip, along the needle")
        self.table.explain(2, "What stands out of the skin, up to the needle's hub; negative where it is too short")
        self.table.itemSelectionChanged.connect(self._chosen)
        self.body.addWidget(self.table)
        self.needle = Choice("needle_model")
        self.needle.fill([(model.name, model.key) for model in BONE_NEEDLES], None)
        self.needle.activated.connect(lambda _n: self._set_needle())
        self.probe = Choice("probe_model")
        self.probe.activated.connect(lambda _n: self._set_probe())
        card = button("Probe card…", self.card_wanted.emit, name="probe_card", role="link", tip=_CARD_TIP)
        self._devices = form(("Bone needle", self.needle), ("Cryoprobe", self.probe), ("", card))
        self.body.addWidget(self._devices)
        self._probe_source = label("", "hint", "probe_source")
        self.body.addWidget(self._probe_source)
        self.figures = FigureTable("needle_figures", ("Figure", "Value"))
        self.figures.setSelectionMode(FigureTable.SelectionMode.NoSelection)
        self.body.addWidget(self.figures)
        self._angles = label(
            "In-plane: from straight behind, positive towards the mid-line. Cranio-caudal: positive when the tip lies "
            "nearer the head. "
            "Distance between probes: nearest points of the active zones.",
            "hint",
        )
        self.body.addWidget(self._angles)
        self.delete = button("Delete needle", self._delete, icon="trash", name="delete_needle")
        self.body.addWidget(self.delete, 0, Qt.AlignmentFlag.AlignLeft)

    def refresh(self) -> None:
        """Show the needles of the lesion and the chosen one's figures."""
        plan, lesion, assembly = self.desk.plan, self.desk.lesion, self.desk.assembly
        lesions = plan.lesions if plan else ()
        self.lesion.fill([(level_first_words(plan, x), x.id) for x in lesions], lesion.id if lesion else None)
        self.lesion.setEnabled(bool(lesions))
        for made in (self.left, self.right):
            made.setEnabled(lesion is not None)
        needles = plan.assemblies_of(lesion.id) if plan and lesion else ()
        rows = []
        for one in needles:
            figures = self.reading.assembly(one)
            texts = (needle_name(one), mm(figures.depth_from_skin_mm), mm(figures.needle_outside_mm))
            rows.append((one.id, texts))
        self.table.show_rows(rows, assembly.id if assembly else "")
        self.table.setVisible(bool(rows))
        text, expects = next_words(self.desk, lesion)
        self.hint.setText(text)
        set_role(self.hint, "next" if expects else "hint")
        for part in (self._devices, self._probe_source, self.figures, self._angles, self.delete):
            part.setVisible(assembly is not None)
        if assembly is not None:
            self.needle.choose_quietly(assembly.needle.key)
            self.probe.fill(self.probes.choices(self._in_plan()), self.probe.currentData())
            self.probe.choose_quietly(assembly.probe.key)
            self._probe_source.setText(_about(assembly.probe))
            self.probe.setToolTip(f"{assembly.probe.choice_text}. {assembly.probe.source}")
            found = self.reading.assembly(assembly)
            lines = [*needle_rows(found), *way_rows(self.reading.way(assembly)), *thick_rows(self.desk.volume)]
            self.figures.show_rows([(name, (name, value)) for name, value in lines])

    def _chosen(self) -> None:
        if self.table.chosen:
            self.desk.choose_assembly(self.table.chosen, go=True)

    def _set_needle(self) -> None:
        assembly = self.desk.assembly
        if assembly is not None:
            model = next(m for m in BONE_NEEDLES if m.key == self.needle.currentData())
            self.desk.apply(edits.set_needle(assembly.id, model), f"Use {model.name}")

    def _set_probe(self) -> None:
        assembly = self.desk.assembly
        if assembly is not None:
            model = self.probes.find(str(self.probe.currentData()), self._in_plan())
            if model is not None:
                self.desk.apply(edits.set_probe(assembly.id, model), f"Use {model.name}")

    def _in_plan(self) -> tuple[CryoprobeModel, ...]:
        """Return the probes of the plan: it may come from a hospital whose probes are not in this catalogue."""
        return tuple(one.probe for one in self.desk.plan.assemblies) if self.desk.plan else ()

    def _delete(self) -> None:
        assembly = self.desk.assembly
        if assembly is not None:
            self.desk.apply(edits.remove_assembly(assembly.id), f"Delete the {assembly.side.value} needle")


def _about(probe: CryoprobeModel) -> str:
    """Return what a user must know of a probe's numbers before believing its ice."""
    if probe.origin is ProbeOrigin.HOSPITAL_CARD:
        return probe.source
    return f"Its ice is {COMPUTED_WORDS}. Assumed: {probe.assumed_text}." if probe.assumed else probe.source


def next_words(desk: Desk, lesion: Lesion | None) -> tuple[str, bool]:
    """Return what is expected next, and whether the program waits for just that."""
    if lesion is None:
        return "Mark a lesion first: needles are laid for a lesion.", False
    if desk.aim is not None:
        side = f" {desk.aim.side.value}" if desk.aim.side else ""
        if desk.aim.target_lps_mm is None:
            return f"New{side} needle: point at the target and press T (or click).", True
        return f"New{side} needle: point at the entry on the skin and press E (or click).", True
    if desk.assembly is not None:
        return "Drag either end or the shaft in any view. T and E move target and entry, arrows nudge 0.5 mm.", False
    return "Add left or right; or point at the target and press T, then at the entry and press E.", False
