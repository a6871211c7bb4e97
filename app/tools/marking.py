"""Tools that mark something new: a sphere by drag, a seed to grow from, the canal, a needle's points, a distance."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt

from app import aiming
from app.desk import Desk
from app.growing import Growing, add_lesion
from app.render import colours
from app.render.tool import Tool, ViewEvent
from app.render.view_state import Annotation, Preview
from cvt_planner.anatomy.canal import measure_canal
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.base.arrays import Vec3, vec3
from cvt_planner.base.errors import PlannerError
from cvt_planner.plan import edits
from cvt_planner.plan.model import CanalMark

SMALLEST_RADIUS_MM = 2.0
LARGEST_RADIUS_MM = 100.0


class SphereTool(Tool):
    """Press in the middle of the lesion, drag to its rim. Handles then make it an ellipsoid."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._centre: Vec3 | None = None

    def press(self, event: ViewEvent) -> bool:
        """Set the middle."""
        self._centre = vec3(event.lps_mm)
        return True

    def move(self, event: ViewEvent) -> bool:
        """Show the sphere."""
        radius = self._radius(event)
        if self._centre is not None and radius >= SMALLEST_RADIUS_MM:
            shape = Ellipsoid(self._centre, (radius, radius, radius))
            words = f"Ø {2 * radius:.0f} mm, {shape.volume_ml:.1f} mL"
            self.desk.view_state.set_preview(Preview(shape, words))
        return True

    def release(self, event: ViewEvent) -> bool:
        """Keep the sphere as a lesion."""
        centre, radius = self._centre, self._radius(event)
        self._centre = None
        self.desk.view_state.set_preview(None)
        if centre is None:
            return True
        if radius < SMALLEST_RADIUS_MM:
            self.desk.say("Press in the middle of the lesion and drag to its rim.", "info")
        elif add_lesion(self.desk, Ellipsoid(centre, (radius, radius, radius))):
            self.desk.go_to(centre)
            self.desk.choose_tool("navigate")
        return True

    def _radius(self, event: ViewEvent) -> float:
        if self._centre is None:
            return 0.0
        return min(math.dist(self._centre, vec3(event.lps_mm)), LARGEST_RADIUS_MM)


class GrowTool(Tool):
    """A click is the seed; the sliders of the panel do the rest."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, desk: Desk, growing: Growing) -> None:
        self.desk = desk
        self.growing = growing

    def press(self, event: ViewEvent) -> bool:
        """Grow from here."""
        point = vec3(event.lps_mm)
        self.desk.go_to(point)
        self.growing.start(point)
        return True


class CanalTool(Tool):
    """A click into the canal, in the axial view, measures its wall at the chosen level."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def press(self, event: ViewEvent) -> bool:
        """Measure the canal around the click."""
        volume, level = self.desk.volume, self.desk.level
        if volume is None or not level:
            return False
        if event.view.orientation != "axial":
            self.desk.say("Click into the canal in the axial view.", "look")
            return True
        try:
            section = measure_canal(volume, vec3(event.lps_mm))
        except PlannerError as error:
            self.desk.say(str(error), "look")
            return True
        mark = CanalMark(section.centre_lps_mm, section.wall_lps_mm)
        if self.desk.apply(edits.mark_canal(level, mark), f"Mark the canal at {level}"):
            self.desk.say(
                f"Canal at {level}: {section.transverse_mm:.0f} mm wide, {section.anteroposterior_mm:.0f} mm deep. "
                "Look whether the outline follows the bone.",
                "done",
            )
            self.desk.choose_tool("navigate")
        return True


class AimTool(Tool):
    """Two clicks lay a needle: the target, then the entry. T and E do the same at the pointer."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def press(self, event: ViewEvent) -> bool:
        """Set what comes next."""
        point = vec3(event.lps_mm)
        aim = self.desk.aim
        if aim is not None and aim.target_lps_mm is not None:
            aiming.set_entry(self.desk, point)
        else:
            aiming.set_target(self.desk, point)
        return True


class MeasureTool(Tool):
    """A drag measures a distance; it stays until the next one or until the tool is left."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._start: Vec3 | None = None

    def press(self, event: ViewEvent) -> bool:
        """Set the first end."""
        self._start = vec3(event.lps_mm)
        self.desk.annotate("measure", ())
        return True

    def move(self, event: ViewEvent) -> bool:
        """Show the distance so far."""
        if self._start is not None:
            end = vec3(event.lps_mm)
            length = float(np.linalg.norm(np.array(end) - np.array(self._start)))
            self.desk.annotate("measure", (Annotation((self._start, end), f"{length:.1f} mm", colours.MEASURE.name()),))
        return True

    def release(self, event: ViewEvent) -> bool:
        """Keep it in sight."""
        self._start = None
        return True
