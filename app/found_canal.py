"""The canal that was found in the CT becomes the plan's, where the operator asks for it."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.desk import Desk
from cvt_planner.base.progress import Progress
from cvt_planner.plan.edits import mark_canals
from cvt_planner.plan.model import CanalMark
from cvt_planner.planning.found_canal import found_canals

_JOB = "found canal"


class FoundCanal(QObject):
    """Measures the canal at the named levels beside the window and keeps what the operator has not marked."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk

    def take(self) -> None:
        """Mark the canal at every named level that has none; one undo step."""
        state = self.desk.workspace.state
        volume, spine, plan = state.volume, state.spine, state.plan
        if volume is None or spine is None or plan is None or all(mark.canal is not None for mark in plan.levels):
            return

        def work(progress: Progress) -> dict[str, CanalMark]:
            return found_canals(volume, plan, spine, progress)

        def done(made: dict[str, CanalMark]) -> None:
            if self.desk.volume is not volume:
                return
            if not made:
                self.desk.say("The canal could not be measured at the named levels: click into it instead.", "look")
                return
            if self.desk.apply(mark_canals(made), "Take the found canal"):
                where = f"at {len(made)} levels" if len(made) > 1 else f"at {next(iter(made))}"
                self.desk.say(f"The canal was measured {where}. Look whether its outline follows the bone.", "done")

        self.desk.run(_JOB, "Measuring the canal", work, done)
