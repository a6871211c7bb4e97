"""The desk: what panels and tools share. It applies edits, says sentences, knows what is chosen, runs slow work.

Panels and tools never speak to each other; both know the desk, and the main window knows all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.bridge.jobs import Job, JobRunner
from app.bridge.workspace_bridge import WorkspaceBridge
from app.render import colours
from app.render.view_state import ORIENTATIONS, Annotation, Frame, ViewState
from app.settings import Settings
from cvt_planner.anatomy.first_look import spine_point_lps_mm
from cvt_planner.base.arrays import Vec3, vec3
from cvt_planner.base.errors import Cancelled, PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.edits import Edit
from cvt_planner.plan.figures import CementFigures
from cvt_planner.plan.model import Assembly, Lesion, Plan, Side
from cvt_planner.workspace import State, Workspace

_T = TypeVar("_T")
ICE_JOB = "ice"
NEAR_MM = 140.0  # a vertebra with its pedicles, its neighbours, and needles up to the muscle; assumed
ASIDE_MM = 25.0  # so far the middle of the picture lies from the lesion towards where its needles come from; assumed
TELL_IN_HAND_MS = 80  # between two looks of the panels while something is dragged; assumed
Action = tuple[str, Callable[[], object]]


@dataclass(frozen=True)
class Aim:
    """A needle that is being laid: its side as wished, and its target once that is set."""

    side: Side | None = None
    target_lps_mm: Vec3 | None = None


class Desk(QObject):
    """The state of the work that is not in the plan, and the one way to change either.

    `changed` comes at most once per turn of the event loop, after anything that a panel shows has changed; while
    something is dragged more rarely.
    """

    changed = Signal()
    said = Signal(str, str, object)  # sentence, kind, (words, function) or None
    busy_started = Signal(str, object)  # what is done, the function that stops it
    busy_advanced = Signal(float, str)
    busy_ended = Signal()
    tool_changed = Signal(str)
    step_wanted = Signal(int)
    went = Signal()  # the views were taken to a place

    def __init__(self, workspace: Workspace, view_state: ViewState, jobs: JobRunner, settings: Settings) -> None:
        super().__init__()
        self.workspace = workspace
        self.view_state = view_state
        self.jobs = jobs
        self.settings = settings
        self.bridge = WorkspaceBridge(workspace, self)
        self.cursor_lps_mm: Vec3 | None = None  # under the mouse, while it is over a view
        self.aim: Aim | None = None
        self.step = 1  # the step that is entered, 1 to 7
        self.level = ""  # the level worked on while no lesion is chosen
        self.cement_seen: dict[str, CementFigures] = {}  # estimates as the operator last saw them in step 6, by lesion
        self._tool = "navigate"
        self._marks: dict[str, tuple[Annotation, ...]] = {}
        self._shown: dict[str, Job] = {}  # slow work that the window shows, by purpose
        self._telling = QTimer(self)
        self._telling.setSingleShot(True)
        self._telling.timeout.connect(self._tell_now)
        self.bridge.changed.connect(self._state_changed)
        self.bridge.volume_changed.connect(self._volume_changed)
        self.view_state.changed.connect(self.tell)
        self.jobs.ended.connect(self._job_ended)

    def tell(self) -> None:
        """Let the panels look again, once, when the present events are done."""
        wait_ms = TELL_IN_HAND_MS if self.workspace.state.in_hand else 0
        if not self._telling.isActive() or wait_ms < self._telling.remainingTime():  # the hand let go meanwhile
            self._telling.start(wait_ms)

    def _tell_now(self) -> None:
        if self.workspace.state.in_hand:
            self.view_state.turns.ask("panels", self.changed.emit)
        else:
            self.changed.emit()

    def close(self) -> None:
        """Stop listening and telling."""
        self._telling.stop()
        self.view_state.turns.drop("panels")
        self.bridge.close()

    # --- the plan

    @property
    def plan(self) -> Plan | None:
        """Return the present plan; None before a study is open."""
        return self.workspace.state.plan

    @property
    def volume(self) -> Volume | None:
        """Return the open CT."""
        return self.workspace.state.volume

    def apply(self, edit: Edit, words: str, gesture: str = "") -> bool:
        """Apply an edit and return whether it was possible; a refusal is said in its own words."""
        return self.attempt(lambda: self.workspace.apply(edit, words, gesture))

    def attempt(self, run: Callable[[], object]) -> bool:
        """Run something that may be refused; say the refusal. Return whether it went well."""
        try:
            run()
        except PlannerError as error:
            self.say(str(error), "look")
            return False
        return True

    # --- what is chosen

    @property
    def lesion(self) -> Lesion | None:
        """Return the chosen lesion."""
        wanted = self.view_state.lesion_id
        return next((x for x in self.plan.lesions if x.id == wanted), None) if self.plan else None

    @property
    def assembly(self) -> Assembly | None:
        """Return the chosen assembly."""
        wanted = self.view_state.assembly_id
        return next((x for x in self.plan.assemblies if x.id == wanted), None) if self.plan else None

    @property
    def working_level(self) -> str:
        """Return the level that is worked on: the chosen lesion's, else the one chosen among the marks."""
        return self.lesion.level if self.lesion else self.level

    def choose_lesion(self, lesion_id: str, go: bool = False) -> None:
        """Choose a lesion (empty: none) and its first needle; `go` takes the views there."""
        lesion = next((x for x in self.plan.lesions if x.id == lesion_id), None) if self.plan else None
        if lesion is None:
            self._choose(None, None)
            return
        kept = self.assembly
        if kept is None or kept.lesion_id != lesion.id:
            of_lesion = self.plan.assemblies_of(lesion.id) if self.plan else ()
            self._choose(lesion.id, of_lesion[0].id if of_lesion else None)
        if go:
            self.go_to(lesion.centre_lps_mm)

    def choose_assembly(self, assembly_id: str, go: bool = False) -> None:
        """Choose a needle (empty: none, the lesion stays) and the lesion it treats; `go` takes the views there."""
        assembly = next((x for x in self.plan.assemblies if x.id == assembly_id), None) if self.plan else None
        if assembly is None:
            self._choose(self.view_state.lesion_id, None)
            return
        self._choose(assembly.lesion_id, assembly.id)
        if go:
            self.go_to(assembly.probe_tip_lps_mm)

    def _choose(self, lesion_id: str | None, assembly_id: str | None) -> None:
        self.view_state.choose(lesion_id, assembly_id)
        self.set_aim(None)

    def go_to(self, lps_mm: Vec3) -> None:
        """Take the crosshair, and with it every view, to a point."""
        self.view_state.set_crosshair(vec3(lps_mm))
        self.went.emit()

    def set_aim(self, aim: Aim | None) -> None:
        """Begin to lay a needle, keep its target, or give up."""
        self.aim = aim
        self.annotate("aim", (_target_mark(aim.target_lps_mm),) if aim and aim.target_lps_mm else ())
        self.tell()

    def annotate(self, owner: str, marks: tuple[Annotation, ...]) -> None:
        """Show marks that belong to no plan; each owner replaces its own only."""
        self._marks[owner] = marks
        self.view_state.set_annotations(tuple(mark for group in self._marks.values() for mark in group))

    @property
    def pointer_lps_mm(self) -> Vec3:
        """Return the point under the mouse, or the crosshair where the mouse is over no view."""
        return self.cursor_lps_mm or vec3(self.view_state.crosshair_lps_mm)

    @property
    def tool(self) -> str:
        """Return the name of the active tool."""
        return self._tool

    def choose_tool(self, name: str) -> None:
        """Take another tool into the hand."""
        if name != self._tool:
            self._tool = name
            self.tool_changed.emit(name)
            self.tell()

    # --- sentences and slow work

    def say(self, text: str, kind: str = "info", action: Action | None = None) -> None:
        """Show a sentence: kind "info", "done", "look" or "stop", with a button where it helps."""
        self.said.emit(text, kind, action)

    def run(
        self,
        purpose: str,
        title: str,
        work: Callable[[Progress], _T],
        done: Callable[[_T], object] = lambda _result: None,
        failed: Callable[[Exception], None] | None = None,
        shown: bool = True,
    ) -> Job:
        """Do slow work beside the window, with progress and a stop button; a refusal is said in its own words."""

        def advance(fraction: float, text: str) -> None:
            if shown:
                self.busy_advanced.emit(fraction, f"{title}: {text}" if text else title)

        job = self.jobs.submit(purpose, work, lambda result: _forget(done(result)), failed or self.explain, advance)
        if shown:
            self._shown[purpose] = job
            self.busy_started.emit(title, job.cancel)
        return job

    def explain(self, error: Exception) -> None:
        """Say why slow work did not come to its end."""
        if isinstance(error, Cancelled):
            self.say("Stopped. Nothing was changed.", "info")
        elif isinstance(error, PlannerError):
            self.say(str(error), "stop")
        else:
            self.say(
                f"This did not work because of a fault in the program ({type(error).__name__}: {error}). "
                "Nothing that is open was changed. Please save your plan and report what you did.",
                "stop",
            )

    def _job_ended(self, job: Job) -> None:
        if self._shown.get(job.purpose) is job:
            del self._shown[job.purpose]
            if not self._shown:
                self.busy_ended.emit()
        self.tell()

    def _volume_changed(self) -> None:
        self.aim = None
        self.level = ""
        self.cement_seen.clear()
        self._marks.clear()
        self.cursor_lps_mm = None
        self.choose_tool("navigate")
        if self.volume is not None:
            self.view_state.look_at(self.volume.grid)
        if self.plan is not None and self.plan.lesions:
            self.choose_lesion(self.plan.lesions[0].id, go=True)
            self._look_near()
        elif self.volume is not None:
            self.view_state.set_crosshair(spine_point_lps_mm(self.volume))
        if self.plan is not None and self.plan.levels:
            self.level = self.plan.levels[0].level

    def _look_near(self) -> None:
        """Show the vertebra of the chosen lesion in every view, and from where its needles come."""
        if self.plan is None or self.lesion is None:
            return
        ways = [assembly.outward for assembly in self.plan.assemblies_of(self.lesion.id)]
        centre = np.array(self.lesion.centre_lps_mm) + (ASIDE_MM * np.mean(ways, axis=0) if ways else 0.0)
        for name in ORIENTATIONS:
            self.view_state.set_frame(name, Frame(centre_lps_mm=vec3(centre), extent_mm=NEAR_MM))

    def _state_changed(self, old: State, _new: State) -> None:
        if self.plan is not None:
            if not self.view_state.lesion_id and self.plan.lesions and old.plan is not None and not old.plan.lesions:
                self.choose_lesion(self.plan.lesions[0].id)  # the first there is, also after a redo
            if self.view_state.lesion_id and self.lesion is None:
                self.choose_lesion(self.plan.lesions[0].id if self.plan.lesions else "")
            if self.view_state.assembly_id and self.assembly is None:
                self.choose_assembly("")
        self.tell()


def _target_mark(target_lps_mm: Vec3) -> Annotation:
    return Annotation((target_lps_mm,), "target", colours.MEASURE.name())


def _forget(_result: object) -> None:
    """Take a result nobody asks for."""
