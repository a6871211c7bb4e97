"""A lesion under the brush: what is in the hand, the stroke being drawn, and what becomes of it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.desk import Desk
from app.growing import add_lesion
from app.render.plane import ViewPlane
from app.render.view_state import Preview
from cvt_planner.anatomy.lesion.brush import LARGEST_MM, SMALLEST_MM, Brush, Canvas
from cvt_planner.anatomy.lesion_shape import Origin
from cvt_planner.base.arrays import Points, vec3
from cvt_planner.base.errors import PlannerError
from cvt_planner.plan import lesion_edits

DEFAULT_MM = 5.0
STEP_MM = 0.5
DEFAULT_BAND_HU = (-30.0, 110.0)  # soft tissue in bone; assumed, the panel's sliders change it


class Brushing(QObject):
    """Draws strokes into the chosen lesion, or a new one; each stroke is one undo step."""

    changed = Signal()  # size, 3-D or band

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.radius_mm = DEFAULT_MM
        self.in_3d = False
        self.band_hu: tuple[float, float] = DEFAULT_BAND_HU
        self.banded = False  # draw only on voxels within the band
        self._canvas: Canvas | None = None
        self._brush: Brush | None = None
        self._last: Points = np.zeros(3)
        self._lesion_id = ""
        desk.bridge.volume_changed.connect(self.give_up)

    @property
    def drawing(self) -> bool:
        """Whether a stroke is under way."""
        return self._canvas is not None

    def set_radius(self, radius_mm: float) -> None:
        """Take a brush of another size."""
        radius = min(max(round(radius_mm / STEP_MM) * STEP_MM, SMALLEST_MM), LARGEST_MM)
        if radius != self.radius_mm:
            self.radius_mm = radius
            self._tell()

    def resize(self, steps: float) -> None:
        """Make the brush larger or smaller: by 0.5 mm, a large one by more."""
        step = STEP_MM if self.radius_mm < 6.0 else 2.0 * STEP_MM
        self.set_radius(self.radius_mm + steps * step)

    def set_3d(self, on: bool) -> None:
        """Draw a ball, or a disc in the slice that is seen."""
        if on != self.in_3d:
            self.in_3d = on
            self._tell()

    def set_band(self, on: bool, low_hu: float, high_hu: float) -> None:
        """Draw only on voxels whose HU lie in a band, or on all."""
        if (on, low_hu, high_hu) != (self.banded, *self.band_hu):
            self.banded, self.band_hu = on, (low_hu, high_hu)
            self._tell()

    def begin(self, lps_mm: Points, plane: ViewPlane, erase: bool) -> bool:
        """Start a stroke at a point of a view's plane; return whether there is something to draw on."""
        volume, lesion = self.desk.volume, self.desk.lesion
        if volume is None:
            return False
        if erase and lesion is None:
            self.desk.say("Choose the lesion to erase from.", "look")
            return False
        normal = None if self.in_3d else vec3(plane.normal)
        try:
            self._brush = Brush(self.radius_mm, erase, normal, self.band_hu if self.banded else None)
            self._canvas = Canvas.of(volume, lesion.shape if lesion else None)
        except PlannerError as error:
            self.desk.say(str(error), "look")
            return False
        self._lesion_id = lesion.id if lesion else ""
        self._last = np.asarray(lps_mm)
        self.extend(lps_mm)
        return True

    def extend(self, lps_mm: Points) -> None:
        """Carry the stroke on to a point."""
        if self._canvas is None or self._brush is None:
            return
        point = np.asarray(lps_mm)
        self._canvas.stroke(self._brush, self._last, point)
        self._last = point
        if self._canvas.empty:
            self.desk.view_state.set_preview(None)
            return
        region = self._canvas.region()
        self.desk.view_state.set_preview(Preview(region, f"{region.volume_ml:.1f} mL"))

    def finish(self) -> None:
        """Keep the stroke."""
        canvas, brush, self._canvas = self._canvas, self._brush, None
        self.desk.view_state.set_preview(None)
        if canvas is None or brush is None:
            return
        try:
            region = canvas.region()
        except PlannerError as error:
            self.desk.say(str(error), "look")
            return
        if self._lesion_id:
            words = "Erase from lesion" if brush.erase else "Draw lesion"
            self.desk.apply(lesion_edits.correct_lesion(self._lesion_id, region), words)
        else:
            add_lesion(self.desk, region, origin=Origin.DRAWN)

    def give_up(self) -> None:
        """Forget the stroke under way."""
        if self._canvas is not None:
            self._canvas = None
            self.desk.view_state.set_preview(None)

    def _tell(self) -> None:
        self.changed.emit()
        self.desk.tell()
