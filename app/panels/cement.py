"""Step 6: the cement each lesion may take, with its range and its cap. A first estimate, and said so."""

from __future__ import annotations

from app.desk import Desk
from app.panels.rail import Step
from app.panels.step_panel import StepPanel
from app.panels.widgets import FigureTable, label
from app.panels.words import lesion_words, level_first_words, ml, span
from app.reading import Reading
from cvt_planner.plan.figures import FIRST_VERSION_CEMENT


class CementPanel(StepPanel):
    """The estimate of every lesion, and what the chosen one's rests on."""

    step = Step.CEMENT

    def __init__(self, desk: Desk, reading: Reading) -> None:
        self.reading = reading
        super().__init__(desk)

    def build(self) -> None:
        """Put the widgets into the body."""
        self.table = FigureTable("cement_table", ("Lesion", "Estimate", "Cap"))
        self.table.explain(2, "The most cement at this level: 30 % of the body, or what is usual there if less")
        self.table.itemSelectionChanged.connect(self._chosen)
        self.body.addWidget(self.table)
        self._none = label("No lesion is marked yet.", "hint")
        self.body.addWidget(self._none)
        self._title = label("", "section")
        self.body.addWidget(self._title)
        self.figures = FigureTable("cement_figures", ("Figure", "Value"))
        self.figures.setSelectionMode(FigureTable.SelectionMode.NoSelection)
        self.body.addWidget(self.figures)
        self._reasons = label("", "hint", "cement_reasons")
        self.body.addWidget(self._reasons)
        self.body.addWidget(label(FIRST_VERSION_CEMENT, "look"))

    def refresh(self) -> None:
        """Show the estimates."""
        plan, chosen = self.desk.plan, self.desk.lesion
        lesions = plan.lesions if plan else ()
        rows = []
        seen = {lesion.id: self.reading.cement(lesion) for lesion in lesions}
        if seen != self.desk.cement_seen:
            self.desk.cement_seen = seen
            self.desk.tell()  # the step's mark
        for lesion in lesions:
            found = seen[lesion.id]
            rows.append((lesion.id, (level_first_words(plan, lesion), ml(found.estimate_ml), ml(found.cap_ml))))
        self.table.show_rows(rows, chosen.id if chosen else "")
        self.table.setVisible(bool(rows))
        self._none.setVisible(not rows)
        for part in (self._title, self.figures, self._reasons):
            part.setVisible(chosen is not None)
        if chosen is None:
            return
        found = self.reading.cement(chosen)
        self._title.setText(f"{lesion_words(plan, chosen)} {chosen.kind.value}, {ml(chosen.volume_ml)}")
        figures = [
            ("Estimate", ml(found.estimate_ml)),
            ("Range", span(found.low_ml, found.high_ml, "mL", 1)),
            ("Cap of the level", ml(found.cap_ml)),
            (f"Body of a usual {chosen.level}", ml(found.body_volume_ml)),
            *((f"{share:g} % of that body", ml(volume)) for share, volume in found.lines_ml),
        ]
        self.figures.show_rows([(name, (name, value)) for name, value in figures])
        self._reasons.setText("\n".join(found.reasons))

    def _chosen(self) -> None:
        if self.table.chosen:
            self.desk.choose_lesion(self.table.chosen, go=True)
