"""The spine of the open CT: looked for beside the window when a CT is open, corrected as the plan says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from PySide6.QtCore import QObject, QTimer, Signal

from app.bridge.jobs import Job
from app.bridge.spine_process import SpineProcess
from app.desk import Desk
from cvt_planner.anatomy.spine.corrections import NO_EDITS, AnatomyEdits, Seed, SeedKind, Stroke, corrected
from cvt_planner.anatomy.spine.model import Spine, Vertebra
from cvt_planner.anatomy.spine.parting import LOST, parted
from cvt_planner.anatomy.spine.remeasure import measured_again, stale_numbers
from cvt_planner.anatomy.spine.warm_up import warm_up_drawing
from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import Cancelled
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.anatomy_edits import set_anatomy

SPINE_JOB = "spine"
PEDICLES_JOB = "pedicles"
AGAIN_MS = 300  # after a stroke: the next one may follow at once; assumed
AFTER_MS = 800  # the CT is looked at first, and other work that opening it started comes before; assumed
Structure = Literal["vertebra", "canal", "nothing"]
_Seeds = tuple[Seed, ...]


@dataclass(frozen=True)
class Brush:
    """What the brush paints, and how large it is."""

    structure: Structure = "vertebra"
    radius_mm: float = 3.0


class Finding(QObject):
    """Keeps `State.spine` in line with the CT and with the plan's corrections.

    The spine as found is kept by the seeds it was looked for with, so that undoing a seed needs no new search. A spine
    that somebody else puts (an imported segmentation) is taken as found.
    """

    changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.brush = Brush()
        self._process = SpineProcess()
        self._found: dict[_Seeds, Spine] = {}  # by the seeds in the canal
        self._parted: tuple[Spine, _Seeds, Spine] | None = None
        self._shown: tuple[Spine, AnatomyEdits] | None = None  # what the spine that was put last was made of
        self._put: Spine | None = None
        self._was_known: bool | None = None  # whether vertebrae were, when bone or surfaces were last chosen
        self._stopped = False
        self._job: Job | None = None
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(AGAIN_MS)
        self._again.timeout.connect(self._measure_again)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(AFTER_MS)
        self._soon.timeout.connect(self._start)
        desk.bridge.volume_changed.connect(self._volume_changed)
        desk.bridge.plan_changed.connect(self._bring_in_line)
        desk.bridge.spine_changed.connect(self._spine_changed)
        desk.jobs.started.connect(self._give_way)

    # --- what is known

    @property
    def running(self) -> bool:
        """Return whether the spine is being looked for."""
        return self._job is not None

    @property
    def spine(self) -> Spine | None:
        """Return the spine that is shown; None where none was found."""
        spine = self.desk.workspace.state.spine
        return spine if spine is not None and spine.found else None

    @property
    def as_found(self) -> Spine | None:
        """Return the spine without boundaries and strokes of the operator; parted and joined as they said."""
        found, seeds = self._found.get(self._canal_seeds), self._edits.seeds
        if found is None:
            return None
        if self._parted is None or self._parted[0] is not found or self._parted[1] != seeds:
            self._parted = (found, seeds, parted(found, seeds))
        return self._parted[2]

    @property
    def chosen(self) -> Vertebra | None:
        """Return the chosen vertebra."""
        number, spine = self.desk.view_state.vertebra, self.spine
        if spine is None or number is None or not 1 <= number <= len(spine.found):
            return None
        return spine.found[number - 1]

    @property
    def _edits(self) -> AnatomyEdits:
        return self.desk.plan.anatomy if self.desk.plan is not None else NO_EDITS

    @property
    def _canal_seeds(self) -> _Seeds:
        return tuple(seed for seed in self._edits.seeds if seed.kind == "canal")

    # --- what is done

    def choose(self, number: int, go: bool = True) -> None:
        """Choose a vertebra and take all views to it."""
        spine = self.spine
        if spine is not None and 1 <= number <= len(spine.found):
            self.desk.view_state.choose_vertebra(number)
            if go:
                self.desk.go_to(spine.found[number - 1].centre_lps_mm)

    def search(self) -> None:
        """Look for the spine now, whether or not it is looked for by itself."""
        self._stopped = False
        self._found.pop(self._canal_seeds, None)
        self._start(asked_for=True)

    def stop(self) -> None:
        """Give the search up."""
        self._soon.stop()
        self.desk.jobs.cancel(SPINE_JOB)

    def add_seed(self, kind: SeedKind, lps_mm: Vec3) -> None:
        """Take up what the operator says of a place: search again from there, or part or join vertebrae at once."""
        self._stopped = False
        words = {"canal": "Say where the canal is", "disc": "Say where a disc is", "no disc": "Say where no disc is"}
        edits = self._edits.with_seed(Seed(kind, lps_mm))
        if self.desk.apply(set_anatomy(edits), words[kind]) and kind == "canal":
            self._start(asked_for=True)
        elif self.spine is not None and LOST in self.spine.notices:
            self.desk.workspace.undo()
            self.desk.say("There is no vertebra to part or join here. Click into a body or a disc.", "look")

    def paint(self, start: AnatomyEdits, points: tuple[Vec3, ...], structure: Structure, gesture: str) -> None:
        """Replace what a stroke under way has painted so far."""
        chosen = self.chosen
        if structure == "vertebra" and chosen is None:
            return
        where = chosen.centre_lps_mm if chosen is not None and structure == "vertebra" else None
        stroke = Stroke(structure, points, self.brush.radius_mm, where)
        self.desk.apply(set_anatomy(start.with_stroke(stroke)), "Brush on the spine", gesture)

    def take_back(self) -> None:
        """Drop all corrections, as one undo step."""
        self.desk.apply(set_anatomy(NO_EDITS), "Drop all corrections of the spine")

    def close(self) -> None:
        """End the process of the search."""
        self._soon.stop()
        self._again.stop()
        self._process.close()

    def set_brush(self, structure: Structure | None = None, radius_mm: float | None = None) -> None:
        """Take another brush; what is not given stays."""
        old = self.brush
        self.brush = Brush(structure or old.structure, old.radius_mm if radius_mm is None else radius_mm)
        self.desk.tell()

    # --- following

    def _volume_changed(self) -> None:
        self.stop()
        volume = self.desk.volume
        if volume is None or any(one.content_hash != volume.content_hash for one in self._found.values()):
            self._found.clear()
        self._shown = self._put = self._parted = None
        self._stopped = False
        self._was_known = None
        self._choose_surfaces()
        if volume is not None:
            if self.desk.settings.finds_spine:
                self._process.start()
            self._bring_in_line()

    def _spine_changed(self) -> None:
        """Take a spine that was put by somebody else as found."""
        spine = self.desk.workspace.state.spine
        if spine is not None and spine is not self._put:
            self._found[self._canal_seeds] = spine
            self._shown = (spine, NO_EDITS)
            self._put = spine
            self._bring_in_line()
        if spine is not None:
            self._choose_surfaces()

    def _choose_surfaces(self) -> None:
        """Show the bone in 3-D at first, and the vertebrae's own surfaces in its place as soon as they are known.

        Afterwards the operator chooses: no stroke of the brush shows it again.
        """
        known = self.spine is not None
        if known == self._was_known:
            return
        self._was_known = known
        if not known or "surfaces" in self.desk.view_state.overlays:
            self.desk.view_state.show_overlay("bone", not known)

    def _bring_in_line(self) -> None:
        """Show the spine with the corrections that the plan holds now; look for it where it is not known."""
        volume, edits = self.desk.volume, self._edits
        if volume is None:
            return
        found = self.as_found
        if found is None:
            if (self.desk.settings.finds_spine or edits) and not self._stopped and not self._soon.isActive():
                self._soon.start()
            return
        applied = replace(edits, seeds=())
        if self._shown is not None and self._shown[0] is found and self._shown[1] == applied:
            return
        same = self._shown is not None and self._shown[0] is found
        self._shown = (found, applied)
        self._put = corrected(found, applied)
        self.desk.workspace.put_spine(self._put, same)
        if stale_numbers(self._put):
            self._again.start()

    def _measure_again(self) -> None:
        """Measure the pedicles near strokes anew, beside the window; until then they are "not judged"."""
        volume, spine = self.desk.volume, self._put
        if volume is None or spine is None or not stale_numbers(spine):
            return
        if self.desk.workspace.state.in_hand:
            self._again.start()
            return

        def done(measured: Spine) -> None:
            if self._put is spine and self.desk.workspace.state.spine is spine:
                self._put = measured
                self.desk.workspace.put_spine(measured, True)

        def work(progress: Progress) -> Spine:
            return measured_again(volume, spine, progress)

        self.desk.run(PEDICLES_JOB, "Measuring pedicles", work, done, lambda _error: None, shown=False)

    def _start(self, asked_for: bool = False) -> None:
        volume, seeds = self.desk.volume, self._canal_seeds
        if volume is None or seeds in self._found or (self._stopped and not asked_for):
            return
        if not asked_for and not self.desk.jobs.idle():
            self._soon.start()
            return

        def work(progress: Progress) -> Spine:
            spine = self._process.find(volume, tuple(s.lps_mm for s in seeds), progress)
            warm_up_drawing()
            return spine

        def done(spine: Spine) -> None:
            self._done(volume, seeds, spine)

        self._job = self.desk.run(SPINE_JOB, "Finding the spine", work, done, self._failed)
        self.changed.emit()

    def _done(self, volume: Volume, seeds: _Seeds, spine: Spine) -> None:
        self._job = None
        if volume is self.desk.volume:
            self._found[seeds] = spine
            self._bring_in_line()
            for notice in spine.notices[:1]:
                self.desk.say(notice, "look")
        self.changed.emit()

    def _failed(self, error: Exception) -> None:
        self._job = None
        if isinstance(error, Cancelled):
            self._stopped = True
        else:
            self.desk.explain(error)
        self.changed.emit()
        self.desk.tell()

    def _give_way(self, job: Job) -> None:
        """Stop while another CT is being opened; where that fails, the search begins again."""
        if job.purpose == "open" and self.running:
            self.desk.jobs.cancel(SPINE_JOB)
            QTimer.singleShot(AFTER_MS, self, self._after_opening)

    def _after_opening(self) -> None:
        self._stopped = False
        self._bring_in_line()
