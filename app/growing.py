"""A lesion that is being grown from a point: the band, the radius, the live preview, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.desk import Desk
from app.render.view_state import Preview
from cvt_planner.anatomy.grow import grow_region, suggest_band
from cvt_planner.anatomy.lesion.find import FoundLesion, find_lesion
from cvt_planner.anatomy.lesion.normal import look_ahead
from cvt_planner.anatomy.lesion_shape import LesionShape, Origin, Region
from cvt_planner.anatomy.levels import is_level
from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import Cancelled, InputRefused, PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.plan import edits, lesion_edits
from cvt_planner.plan.level_state import is_established
from cvt_planner.plan.model import LesionKind, Plan
from cvt_planner.plan.naming import level_of

DEFAULT_RADIUS_MM = 20.0
_BAND = "grow band"
_PREVIEW = "grow preview"
_AHEAD = "bone ahead"
_TOOL = "grow"
FALLBACK_LEVEL = "L1"
NEAR_LEVEL_MM = 30.0  # a lesion within this height of a level's mark is taken to lie there; assumed
_BLASTIC_HU = 300.0  # a band above this is taken for sclerosis; assumed, the user corrects it in the table


@dataclass(frozen=True)
class Draft:
    """What the region is grown from: found by itself, or of a band that the sliders set."""

    seed_lps_mm: Vec3
    low_hu: float
    high_hu: float
    radius_mm: float = DEFAULT_RADIUS_MM
    banded: bool = False
    beyond: bool = False  # follow it beyond the bone


class Growing(QObject):
    """Finds a lesion from a click, beside the window, or grows a band while sliders move; the newest request wins."""

    changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.draft: Draft | None = None
        self.suggested: tuple[float, float] | None = None
        self.region: Region | None = None
        self.found: FoundLesion | None = None  # what the region is, unless a band made it
        self.problem = ""
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(30)  # a slider tells many values a second; growing takes about as long as two of them
        self._soon.timeout.connect(self._grow)
        desk.bridge.volume_changed.connect(self.cancel)
        desk.tool_changed.connect(self._look_ahead)

    def start(self, seed_lps_mm: Vec3) -> None:
        """Begin at a point, with the band that its neighbourhood suggests; that is looked at beside the window."""
        volume = self.desk.volume
        if volume is None:
            return
        self._forget_region()

        def begin(band: tuple[float, float]) -> None:
            if volume is self.desk.volume:
                self._begin(seed_lps_mm, *band)

        def refused(error: Exception) -> None:
            if isinstance(error, InputRefused):  # the click was beside the CT: nothing is broken
                self.desk.say(str(error), "look")
            elif not isinstance(error, Cancelled):
                self.desk.explain(error)

        self.desk.run(
            _BAND, "Looking at the lesion", lambda _: suggest_band(volume, seed_lps_mm), begin, refused, shown=False
        )

    def _forget_region(self) -> None:
        """Let go of what was grown from an earlier point, at once: it must not be kept for this one."""
        self._soon.stop()
        self.desk.jobs.cancel(_PREVIEW)
        self.region = self.found = None
        self.desk.view_state.set_preview(None)
        self.changed.emit()
        self.desk.tell()

    def _begin(self, seed_lps_mm: Vec3, low: float, high: float) -> None:
        radius = self.draft.radius_mm if self.draft else DEFAULT_RADIUS_MM
        self.suggested = (low, high)
        self.region = self.found = None
        beyond = self.draft.beyond if self.draft else False
        self._set(Draft(seed_lps_mm, round(low), round(high), radius, beyond=beyond))

    def _look_ahead(self, tool: str) -> None:
        """Look at the spine's bone as soon as the tool is in the hand: half of a first click's time goes into that."""
        volume, spine = self.desk.volume, self.desk.workspace.state.spine
        if tool == _TOOL and volume is not None and spine is not None:
            self.desk.run(
                _AHEAD,
                "Looking at bone",
                lambda progress: look_ahead(volume, spine, progress),
                failed=lambda _error: None,  # the click meets it again, and says it
                shown=False,
            )

    def adjust(self, low_hu: float, high_hu: float, radius_mm: float) -> None:
        """Grow all of an HU band within a radius instead."""
        if self.draft is not None:
            self._set(replace(self.draft, low_hu=low_hu, high_hu=high_hu, radius_mm=radius_mm, banded=True))

    def suggest(self) -> None:
        """Go back to what was found by itself."""
        if self.draft is not None and self.suggested is not None:
            low, high = self.suggested
            self._set(replace(self.draft, low_hu=round(low), high_hu=round(high), banded=False))

    def go_beyond(self, on: bool) -> None:
        """Follow the lesion beyond the bone, or stop at its surface."""
        if self.draft is not None and on != self.draft.beyond:
            self._set(replace(self.draft, beyond=on, banded=False))

    def cancel(self) -> None:
        """Give up."""
        self._soon.stop()
        for job in (_BAND, _PREVIEW):
            self.desk.jobs.cancel(job)
        self.draft = self.region = self.suggested = self.found = None
        self.problem = ""
        self.desk.view_state.set_preview(None)
        self.changed.emit()
        self.desk.tell()

    def accept(self, into_lesion_id: str = "") -> None:
        """Keep the region as a new lesion, or as the outline of an existing one."""
        if self.region is None or self.desk.plan is None:
            return
        region, draft, found = self.region, self.draft, self.found
        if into_lesion_id:
            edit = lesion_edits.draw_lesion(into_lesion_id, region, Origin.AUTOMATIC)
            done = self.desk.apply(edit, "Find lesion anew")
        else:
            blastic = draft is not None and draft.low_hu >= _BLASTIC_HU
            kind = LesionKind.BLASTIC if blastic else LesionKind.LYTIC
            kind = kind if found is None else LesionKind(found.kind)
            done = add_lesion(self.desk, region, kind, Origin.AUTOMATIC)
        if done:
            self.cancel()
            self.desk.choose_tool("navigate")

    def _set(self, draft: Draft) -> None:
        self.draft = draft
        self.problem = ""
        self._soon.start()
        self.changed.emit()
        self.desk.tell()

    def _grow(self) -> None:
        volume, draft = self.desk.volume, self.draft
        if volume is None or draft is None:
            return

        spine = self.desk.workspace.state.spine

        def work(progress: Progress) -> FoundLesion | Region:
            if draft.banded:
                return grow_region(
                    volume, draft.seed_lps_mm, draft.low_hu, draft.high_hu, draft.radius_mm, progress=progress
                )
            return find_lesion(volume, draft.seed_lps_mm, spine, draft.beyond, progress)

        self.desk.run(_PREVIEW, "Growing", work, self._grown, self._refused, shown=False)

    def _grown(self, grown: FoundLesion | Region) -> None:
        if self.draft is not None:
            self.found = grown if isinstance(grown, FoundLesion) else None
            region = grown.region if isinstance(grown, FoundLesion) else grown
            self.region = region
            self.desk.view_state.set_preview(Preview(region, f"{region.volume_ml:.1f} mL"))
            self.changed.emit()
            self.desk.tell()

    def _refused(self, error: Exception) -> None:
        if isinstance(error, Cancelled):
            return
        if not isinstance(error, PlannerError):
            self.desk.explain(error)
            return
        self.region = self.found = None
        self.problem = str(error)
        self.desk.view_state.set_preview(None)
        self.changed.emit()
        self.desk.tell()


def level_at(plan: Plan, lps_mm: Vec3, otherwise: str) -> str:
    """Return the marked level nearest in height to a point, else the one given."""
    near = min(plan.levels, key=lambda m: abs(m.centre_lps_mm[2] - lps_mm[2]), default=None)
    if near is not None and abs(near.centre_lps_mm[2] - lps_mm[2]) <= NEAR_LEVEL_MM:
        return near.level
    return otherwise if is_level(otherwise) else FALLBACK_LEVEL


def add_lesion(
    desk: Desk,
    shape: LesionShape,
    kind: LesionKind = LesionKind.LYTIC,
    origin: Origin = Origin.DRAWN,
    name: str = "",
) -> bool:
    """Add a lesion at the level it lies in, and choose it. Return whether that was possible."""
    plan = desk.plan
    volume = desk.volume
    if plan is None or volume is None:
        return False
    if not volume.grid.contains(np.array(shape.centre_lps_mm)):
        desk.say("The lesion would lie outside the CT. Mark it inside the picture.", "look")
        return False
    state = desk.workspace.state
    found = level_of(plan, state.spine, state.numbering, shape.centre_lps_mm) if state.spine is not None else ""
    level = found or level_at(plan, shape.centre_lps_mm, desk.working_level)
    lesion = replace(edits.new_lesion(plan, level, kind, shape, name=name), origin=origin)
    if not desk.apply(edits.add_lesion(lesion), f"Mark {lesion.name}"):
        return False
    desk.choose_lesion(lesion.id)
    if not is_established(plan, level):
        desk.say(f"{lesion.name} was put at {level}, which is not confirmed yet. Confirm a level in step 2.", "look")
    return True
