"""Naming the vertebrae: the proposal is computed beside the window, the operator confirms one, all others follow."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.desk import Desk
from cvt_planner.anatomy.counting import vertebra_near
from cvt_planner.anatomy.levels import LevelScheme
from cvt_planner.anatomy.numbering import Numbering, propose
from cvt_planner.base.arrays import Vec3, vec3
from cvt_planner.base.errors import Cancelled
from cvt_planner.base.progress import Progress
from cvt_planner.plan import edits
from cvt_planner.plan.level_edits import confirm_anchor, renumber, set_scheme
from cvt_planner.plan.level_state import anchors, mark_of
from cvt_planner.plan.model import Lesion, Plan
from cvt_planner.plan.naming import NamedVertebra, is_counted_over, named_vertebrae
from cvt_planner.planning.level_count import level_count
from cvt_planner.planning.operator import now, who

_JOB = "level names"


class Naming(QObject):
    """Knows the names of the found vertebrae as they stand, and the edits that change them."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.counted_from = ""  # what the operator said they counted from; empty: recognised by itself
        self.picture = ""  # and on which picture; empty: the views
        desk.bridge.spine_changed.connect(self._propose)
        desk.bridge.volume_changed.connect(self._forget)

    @property
    def named(self) -> tuple[NamedVertebra, ...]:
        """Return the found vertebrae with their names, from head to feet; empty while no spine is known."""
        state = self.desk.workspace.state
        if state.plan is None or state.spine is None:
            return ()
        return named_vertebrae(state.plan, state.spine, state.numbering)

    def at(self, lps_mm: Vec3) -> NamedVertebra | None:
        """Return the found vertebra that a point lies in or beside, LPS mm."""
        spine = self.desk.workspace.state.spine
        near = vertebra_near(spine, lps_mm) if spine is not None else None
        return self.named[near.number - 1] if near is not None and self.named else None

    @property
    def here(self) -> NamedVertebra | None:
        """Return the found vertebra at the crosshair."""
        return self.at(vec3(self.desk.view_state.crosshair_lps_mm))

    def confirm_pointed(self) -> None:
        """Confirm the vertebra under the pointer by the name it has or is proposed to have."""
        found = self.at(self.desk.pointer_lps_mm)
        if self.desk.volume is None:
            return
        if found is None:
            known = self.desk.workspace.state.spine is not None
            words = "Point at a vertebra that was found." if known else "No spine is found in this CT: name it by hand."
            self.desk.say(words, "look")
            self.desk.step_wanted.emit(2)
        elif not found.level:
            self.desk.say("This vertebra has no name yet: choose its level in the panel and confirm it there.", "look")
            self.desk.step_wanted.emit(2)
        else:
            self.confirm(found.level, found.vertebra.centre_lps_mm)

    def confirm(self, level: str, at_lps_mm: Vec3) -> bool:
        """Confirm the vertebra at a point, LPS mm, as a level; say what follows. Return whether that was possible."""
        volume, plan = self.desk.volume, self.desk.plan
        if volume is None or plan is None:
            return False
        count = level_count(volume, level, self.counted_from, self.picture)
        edit = confirm_anchor(level, at_lps_mm, count, self.desk.workspace.state.spine)
        if not self.desk.apply(edit, f"Confirm {level}"):
            return False
        self.desk.level = level
        after = self.desk.workspace.plan
        counted = sum(not mark.confirmed and mark.count is not None for mark in after.levels)
        words = f"{level} is confirmed{f'; {counted} vertebrae are counted from it' if counted else ''}."
        self.desk.say(" ".join((words, *_moved(plan, after))), "done")
        self.desk.tell()
        return True

    def recount(self) -> None:
        """Name all vertebrae of the present spine anew, from the one that was confirmed."""
        state = self.desk.workspace.state
        if state.plan is None or state.spine is None:
            return
        anchor = next((mark for mark in anchors(state.plan) if vertebra_near(state.spine, mark.centre_lps_mm)), None)
        if anchor is not None and state.volume is not None:
            count = anchor.count or level_count(state.volume, anchor.level)
            edit = confirm_anchor(anchor.level, anchor.centre_lps_mm, count, state.spine)
            before = state.plan
            if self.desk.apply(edit, "Count the vertebrae again"):
                words = f"The vertebrae are counted from {anchor.level} again."
                self.desk.say(" ".join((words, *_moved(before, self.desk.workspace.plan))), "done")

    def take_back(self, level: str) -> None:
        """Take a confirmation back."""
        self.desk.apply(edits.confirm_level(level, False), f"Take back {level}")

    def renumber(self, steps: int) -> None:
        """Rename every vertebra and every lesion, towards the feet."""
        plan = self.desk.plan
        if plan is not None and self.desk.apply(renumber(steps, who(), now()), "Renumber the vertebrae"):
            after = self.desk.workspace.plan
            if self.desk.level and mark_of(plan, self.desk.level) is not None:
                self.desk.level = plan.scheme.shifted(self.desk.level, steps)
            where = "feet" if steps > 0 else "head"
            words = f"Every vertebra is named one nearer the {where} now."
            self.desk.say(" ".join((words, *_moved(plan, after))), "look")

    def set_scheme(self, scheme: LevelScheme) -> None:
        """Say how many vertebrae the person has."""
        plan = self.desk.plan
        if plan is not None and self.desk.apply(set_scheme(scheme), "Set the count of vertebrae"):
            moved = _moved(plan, self.desk.workspace.plan)
            if moved:
                self.desk.say(" ".join(moved), "look")

    def _propose(self) -> None:
        state = self.desk.workspace.state
        volume, spine = state.volume, state.spine
        if volume is None or spine is None:
            self._forget()
            return
        if state.numbering is not None:  # only corrected: the vertebrae are the same
            return

        if not is_counted_over(state.plan or self.desk.workspace.plan, spine):
            words = "The levels were not counted over the vertebrae that are found now. Look, and count again."
            self.desk.say(words, "look", ("Count again", self.recount))

        def work(progress: Progress) -> Numbering:
            return propose(volume, spine, progress)

        self.desk.run(
            _JOB, "Counting vertebrae", work, lambda found: self.desk.workspace.put_numbering(spine, found),
            self._failed, shown=False,
        )  # fmt: skip

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, Cancelled):
            self.desk.explain(error)

    def _forget(self) -> None:
        self.desk.jobs.cancel(_JOB)
        self.counted_from = self.picture = ""


def _moved(before: Plan, after: Plan) -> list[str]:
    """Return a sentence for every lesion whose level is another now."""

    def words(old: Lesion, new: Lesion) -> str:
        return f"{new.name} lies in {new.level} now, not {old.level}."

    pairs = zip(before.lesions, after.lesions, strict=True)
    return [words(old, new) for old, new in pairs if old.level != new.level]
