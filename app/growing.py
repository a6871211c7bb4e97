"""A lesion that is being grown from a point: the band, the radius, the live preview, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.desk import Desk
from app.render.view_state import Preview
from cvt_planner.anatomy.grow import grow_region, suggest_band
from cvt_planner.anatomy.lesion_shape import LesionShape, Region
from cvt_planner.anatomy.levels import is_level
from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import Cancelled, PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.plan import edits
from cvt_planner.plan.level_state import is_established
from cvt_planner.plan.model import LesionKind, Plan
from cvt_planner.plan.naming import level_of

DEFAULT_RADIUS_MM = 20.0
_PREVIEW = "grow preview"
FALLBACK_LEVEL = "L1"
NEAR_LEVEL_MM = 30.0  # a lesion within this height of a level's mark is taken to lie there; assumed
_BLASTIC_HU = 300.0  # a band above this is taken for sclerosis; assumed, the user corrects it in the table


@dataclass(frozen=True)
class Draft:
    """What the region is grown from."""

    seed_lps_mm: Vec3
    low_hu: float
    high_hu: float
    radius_mm: float = DEFAULT_RADIUS_MM


class Growing(QObject):
    """Grows a region beside the window while the sliders move; the newest request wins."""

    changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.draft: Draft | None = None
        self.suggested: tuple[float, float] | None = None
        self.region: Region | None = None
        self.problem = ""
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(30)  # a slider tells many values a second; growing takes about as long as two of them
        self._soon.timeout.connect(self._grow)
        desk.bridge.volume_changed.connect(self.cancel)

    def start(self, seed_lps_mm: Vec3) -> None:
        """Begin at a point, with the band that its neighbourhood suggests."""
        volume = self.desk.volume
        if volume is None:
            return
        try:
            low, high = suggest_band(volume, seed_lps_mm)
        except PlannerError as error:
            self.desk.say(str(error), "look")
            return
        radius = self.draft.radius_mm if self.draft else DEFAULT_RADIUS_MM
        self.suggested = (low, high)
        self.region = None
        self._set(Draft(seed_lps_mm, round(low), round(high), radius))

    def adjust(self, low_hu: float, high_hu: float, radius_mm: float) -> None:
        """Grow with another band or radius."""
        if self.draft is not None:
            self._set(replace(self.draft, low_hu=low_hu, high_hu=high_hu, radius_mm=radius_mm))

    def suggest(self) -> None:
        """Go back to the suggested band."""
        if self.draft is not None and self.suggested is not None:
            low, high = self.suggested
            self._set(replace(self.draft, low_hu=round(low), high_hu=round(high)))

    def cancel(self) -> None:
        """Give up."""
        self._soon.stop()
        self.desk.jobs.cancel(_PREVIEW)
        self.draft = self.region = self.suggested = None
        self.problem = ""
        self.desk.view_state.set_preview(None)
        self.changed.emit()
        self.desk.tell()

    def accept(self, into_lesion_id: str = "") -> None:
        """Keep the region as a new lesion, or as the outline of an existing one."""
        if self.region is None or self.desk.plan is None:
            return
        region, draft = self.region, self.draft
        if into_lesion_id:
            done = self.desk.apply(edits.set_lesion_shape(into_lesion_id, region), "Grow lesion anew")
        else:
            blastic = draft is not None and draft.low_hu >= _BLASTIC_HU
            done = add_lesion(self.desk, region, LesionKind.BLASTIC if blastic else LesionKind.LYTIC)
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

        def work(progress: Progress) -> Region:
            return grow_region(
                volume, draft.seed_lps_mm, draft.low_hu, draft.high_hu, draft.radius_mm, progress=progress
            )

        self.desk.run(_PREVIEW, "Growing", work, self._grown, self._refused, shown=False)

    def _grown(self, region: Region) -> None:
        if self.draft is not None:
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
        self.region = None
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


def add_lesion(desk: Desk, shape: LesionShape, kind: LesionKind = LesionKind.LYTIC) -> bool:
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
    lesion = edits.new_lesion(plan, level, kind, shape)
    if not desk.apply(edits.add_lesion(lesion), f"Mark {lesion.name}"):
        return False
    desk.choose_lesion(lesion.id)
    if not is_established(plan, level):
        desk.say(f"{lesion.name} was put at {level}, which is not confirmed yet. Confirm a level in step 2.", "look")
    return True
