"""Undo and redo: a list of plans with the name of the step that led to each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cvt_planner.plan.model import Plan

LONGEST = 500  # steps kept; plans share their unchanged parts, so a step costs little


@dataclass(frozen=True)
class Step:
    """A plan, and the words for the edit that led to it."""

    plan: Plan
    label: str
    gesture: str = ""  # steps of one drag carry the same name and count as one


@dataclass(frozen=True)
class History:
    """The present plan, with what came before and what was undone."""

    present: Step
    past: tuple[Step, ...] = ()
    future: tuple[Step, ...] = ()

    @property
    def plan(self) -> Plan:
        """Return the present plan."""
        return self.present.plan

    @property
    def undo_label(self) -> str:
        """Return the words for what undo would take back; empty when there is nothing."""
        return self.present.label if self.past else ""

    @property
    def redo_label(self) -> str:
        """Return the words for what redo would bring back; empty when there is nothing."""
        return self.future[0].label if self.future else ""

    def record(self, plan: Plan, label: str, gesture: str = "") -> History:
        """Return the history with a new present; a step of the gesture under way replaces its predecessor."""
        if plan is self.plan:
            return self
        step = Step(plan, label, gesture)
        if gesture and self.present.gesture == gesture and self.past:
            return replace(self, present=step, future=())
        return History(step, (*self.past, self.present)[-LONGEST:], ())

    def end_gesture(self) -> History:
        """Return the history in which the next step starts a new undo step."""
        return replace(self, present=replace(self.present, gesture=""))

    def undo(self) -> History:
        """Return the history one step back, or itself when there is none; a drag under way is over with it."""
        if not self.past:
            return self
        back, undone = (replace(step, gesture="") for step in (self.past[-1], self.present))
        return History(back, self.past[:-1], (undone, *self.future))

    def redo(self) -> History:
        """Return the history one step forward, or itself when there is none."""
        if not self.future:
            return self
        return History(self.future[0], (*self.past, self.present), self.future[1:])
