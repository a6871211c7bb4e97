"""What is open: a CT, the plan on it with its history, its results, its file. Tells listeners (old, new)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

from cvt_planner.anatomy.numbering import Numbering
from cvt_planner.anatomy.organs.model import Organs
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.base.errors import GeometryMismatch, PlannerError
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.history import History, Step
from cvt_planner.plan.model import Plan, VolumeRef, VolumeRole
from cvt_planner.plan.results import IceResult


@dataclass(frozen=True, eq=False)
class State:
    """Everything that is open, as one value. Compare parts with ``is`` to see what changed."""

    volume: Volume | None = None
    history: History | None = None
    ice: tuple[IceResult, ...] = ()  # at most one per lesion; ask `plan.results.is_current` whether it still holds
    saved_plan: Plan | None = None  # the plan as last written or read
    saved_ice: tuple[IceResult, ...] = ()
    path: Path | None = None  # the plan's file
    spine: Spine | None = None  # what was found of the spine in the open CT; not part of the plan
    numbering: Numbering | None = None  # which vertebrae these may be; None while it is not known
    organs: Organs | None = None  # what lies around the spine in the open CT; not part of the plan

    @property
    def plan(self) -> Plan | None:
        """Return the present plan; None before a study is open."""
        return self.history.plan if self.history else None

    @property
    def in_hand(self) -> bool:
        """Return whether a drag or a row of nudges is under way: the plan is about to change again."""
        return self.history is not None and bool(self.history.present.gesture)

    @property
    def unsaved(self) -> bool:
        """Return whether closing now would lose work."""
        return self.plan is not None and (self.plan != self.saved_plan or self.ice != self.saved_ice)


class _Found(TypedDict):
    spine: Spine | None
    numbering: Numbering | None
    organs: Organs | None


Listener = Callable[[State, State], None]
Edit = Callable[[Plan], Plan]


class Workspace:
    """Holds the present `State`; every change replaces it and tells the listeners. Used from one thread."""

    def __init__(self) -> None:
        self.state = State()
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Add a listener, called with (old, new) after every change; return a function that removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def plan(self) -> Plan:
        """Return the present plan; raise `PlannerError` before a study is open."""
        if self.state.plan is None:
            raise PlannerError("Open a CT first.")
        return self.state.plan

    @property
    def volume(self) -> Volume:
        """Return the open CT; raise `PlannerError` before one is open."""
        if self.state.volume is None:
            raise PlannerError("Open a CT first.")
        return self.state.volume

    def open_volume(self, volume: Volume) -> None:
        """Start a new, empty plan on a CT. What was open is closed: ask about unsaved work before."""
        plan = new_plan(volume)
        self._set(State(volume=volume, history=History(Step(plan, "")), saved_plan=plan, **self._spine_of(volume)))

    def open_plan(self, plan: Plan, volume: Volume, path: Path | None, ice: tuple[IceResult, ...] = ()) -> None:
        """Open a plan that was read from a file, on the CT it belongs to."""
        history, known = History(Step(plan, "")), self._spine_of(volume)
        self._set(State(volume, history, ice, saved_plan=plan, saved_ice=ice, path=path, **known))

    def close(self) -> None:
        """Close what is open. Unsaved work is lost: ask before."""
        self._set(State())

    def apply(self, edit: Edit, label: str, gesture: str = "") -> None:
        """Replace the plan by what the edit makes of it, as one undo step.

        Steps that carry the same non-empty `gesture` (one drag) count as one until `end_gesture`. An edit that raises
        leaves everything as it was.
        """
        if self.state.history is None:
            raise PlannerError("Open a CT first.")
        self._change_history(self.state.history.record(edit(self.plan), label, gesture))

    def end_gesture(self) -> None:
        """Close the drag under way: the next step is a new undo step."""
        if self.state.history is not None and self.state.history.present.gesture:
            self._change_history(self.state.history.end_gesture())

    def undo(self) -> None:
        """Take back the last step."""
        if self.state.history is not None:
            self._change_history(self.state.history.undo())

    def redo(self) -> None:
        """Bring back the step that was taken back last."""
        if self.state.history is not None:
            self._change_history(self.state.history.redo())

    def put_ice(self, result: IceResult) -> None:
        """Keep a computed iceball; it replaces the one of the same lesion."""
        others = tuple(r for r in self.state.ice if r.inputs.lesion_id != result.inputs.lesion_id)
        self._set(replace(self.state, ice=(*others, result)))

    def put_spine(self, spine: Spine | None, same_vertebrae: bool = False) -> None:
        """Keep what was found of the spine in the open CT; None forgets it.

        `same_vertebrae`: it is the present one with corrections, so what is proposed of its names holds.

        Raises `GeometryMismatch` where it was found in another CT (one that was closed while it was being looked for).
        """
        if spine is not None and spine.content_hash != self.volume.content_hash:
            raise GeometryMismatch("This spine was found in another CT. Find the spine of the open CT.")
        if spine is not self.state.spine:
            self._set(replace(self.state, spine=spine, numbering=self.state.numbering if same_vertebrae else None))

    def put_numbering(self, spine: Spine, numbering: Numbering) -> None:
        """Keep the proposal of names for a spine; one for a spine that is no longer the present one is forgotten."""
        if spine is self.state.spine:
            self._set(replace(self.state, numbering=numbering))

    def put_organs(self, organs: Organs) -> None:
        """Keep what was found around the spine; what was found in another CT (closed meanwhile) is forgotten."""
        if self.state.volume is not None and organs.content_hash == self.state.volume.content_hash:
            self._set(replace(self.state, organs=organs))

    def mark_saved(self, plan: Plan, ice: tuple[IceResult, ...], path: Path) -> None:
        """Remember what was written, and where."""
        self._set(replace(self.state, saved_plan=plan, saved_ice=ice, path=path))

    def _spine_of(self, volume: Volume) -> _Found:
        """Return the spine and organs that are known already, where they were found in this very CT."""
        state = self.state
        organs = state.organs if state.organs and state.organs.content_hash == volume.content_hash else None
        if state.spine is None or state.spine.content_hash != volume.content_hash:
            return {"spine": None, "numbering": None, "organs": organs}
        return {"spine": state.spine, "numbering": state.numbering, "organs": organs}

    def _change_history(self, history: History) -> None:
        if history is not self.state.history:
            self._set(replace(self.state, history=history))

    def _set(self, state: State) -> None:
        old, self.state = self.state, state
        for listener in tuple(self._listeners):
            listener(old, state)


def volume_ref(volume: Volume, role: VolumeRole = VolumeRole.PLANNING) -> VolumeRef:
    """Return how a plan refers to a CT."""
    return VolumeRef(
        role=role,
        series_uid=volume.series.series_uid,
        study_uid=volume.series.study_uid,
        frame_of_reference_uid=volume.grid.frame_of_reference_uid,
        content_hash=volume.content_hash,
        description=volume.series.series_description,
        acquired_at=volume.series.acquired_at,
        shape_kji=volume.grid.shape_kji,
        source=str(Path(volume.source).absolute()) if volume.source else "",  # the plan may be opened from elsewhere
    )


def new_plan(volume: Volume) -> Plan:
    """Return an empty plan on a CT."""
    return Plan(id=uuid.uuid4().hex, patient=volume.patient, volumes=(volume_ref(volume),))
