"""Where the ice is read: a canal was found in this CT and is not the plan's yet, and the button that takes it."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.desk import Desk
from app.found_canal import FoundCanal
from app.panels.rail import Step
from app.panels.widgets import button, label
from cvt_planner.plan.figures import IceFigures
from cvt_planner.plan.level_state import mark_of
from cvt_planner.plan.model import Lesion

_TAKE = "The found canal is not taken over: nothing is said about it."
_NAME = "A canal was found: name the level in step 2, then it can be taken."


class CanalOffer(QWidget):
    """Shown while the canal beside the lesion is drawn as found, but is no structure of the plan."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.found_canal = FoundCanal(desk)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        self.words = label("", "look", "ice_canal_offer")
        line.addWidget(self.words, 1)
        self.take = button("Take it", self.found_canal.take, icon="canal", name="ice_take_canal")
        self.take.setToolTip("Measure its wall at every named level; look at the outline afterwards")
        self.name = button("Step 2", lambda: desk.step_wanted.emit(Step.LEVELS.value), name="ice_name_level")
        line.addWidget(self.take)
        line.addWidget(self.name)

    def refresh(self, lesion: Lesion | None, figures: IceFigures | None) -> None:
        """Offer it where it is missing beside this lesion, or where the ice's figures say that it is."""
        spine, plan = self.desk.workspace.state.spine, self.desk.plan
        if lesion is None or plan is None or spine is None or not len(spine.canal_lps_mm):
            self.setVisible(False)
            return
        here = mark_of(plan, lesion.level)
        open_levels = any(mark.canal is None for mark in plan.levels)
        missing = here is None or here.canal is None or (figures is not None and not figures.canal_marked)
        self.setVisible(missing and (here is None or open_levels))
        self.words.setText(_TAKE if here is not None else _NAME)
        self.take.setVisible(here is not None)
        self.name.setVisible(here is None)
