"""Tools that correct the found spine: a seed, a brush, and the handles of boundaries."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from app import aiming
from app.finding import Finding, Structure
from app.render import colours
from app.render.overlays.ink import pen
from app.render.slice_view import SliceView
from app.render.tool import Tool, ViewEvent
from cvt_planner.anatomy.spine.corrections import AnatomyEdits, Boundary, BoundaryMove, SeedKind, boundaries
from cvt_planner.base.arrays import Points, Vec3, vec3
from cvt_planner.plan.anatomy_edits import set_anatomy

LEVEL_STEP = 2
HANDLE_PX = 9.0
NEAR_MM = 14.0  # a boundary is taken hold of on pictures so near to its middle; about a third of a body's width
_HALF = 0.55  # of the body's depth, to either side of the middle
_STEP_OF_RADIUS = 0.35  # a stroke gets a new point after so much of its radius


class SeedTool(Tool):
    """A click says where the canal is, and the spine is looked for again; or where a disc is, or is not."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, finding: Finding, kind: SeedKind) -> None:
        self.finding = finding
        self.kind = kind

    def press(self, event: ViewEvent) -> bool:
        """Say it of this place."""
        self.finding.add_seed(self.kind, vec3(event.lps_mm))
        self.finding.desk.choose_tool("navigate")
        return True


class SpineBrushTool(Tool):
    """Paints the chosen structure; with Ctrl held nothing. One stroke is one undo step."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        self._start: AnatomyEdits | None = None
        self._points: list[Vec3] = []
        self._gesture = ""
        self._erases = False

    def press(self, event: ViewEvent) -> bool:
        """Begin a stroke."""
        desk, finding = self.finding.desk, self.finding
        if desk.plan is None or finding.spine is None:
            return False
        self._erases = bool(event.modifiers & Qt.KeyboardModifier.ControlModifier)
        if self._structure == "vertebra" and finding.chosen is None:
            under = finding.spine.vertebra_at(vec3(event.lps_mm))
            if under is None:
                desk.say("Choose the vertebra in the list first, or begin the stroke inside it.", "look")
                return True
            finding.choose(under.number, go=False)
        self._start, self._points = desk.plan.anatomy, [vec3(event.lps_mm)]
        self._gesture = aiming.new_gesture("spine brush")
        self._paint()
        return True

    def move(self, event: ViewEvent) -> bool:
        """Paint on."""
        here = vec3(event.lps_mm)
        step_mm = _STEP_OF_RADIUS * self.finding.brush.radius_mm
        if self._start is not None and math.dist(here, self._points[-1]) >= step_mm:
            self._points.append(here)
            self._paint()
        return True

    def release(self, event: ViewEvent) -> bool:
        """End the stroke."""
        self._start = None
        self.finding.desk.workspace.end_gesture()
        return True

    def paint(self, painter: QPainter, view: SliceView) -> None:
        """Draw the brush's rim at the pointer."""
        if view.cursor_lps_mm is None:
            return
        radius = self.finding.brush.radius_mm / view.plane().mm_per_px
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(colours.MEASURE, 1.2))
        painter.drawEllipse(view.point_of(view.cursor_lps_mm), radius, radius)

    @property
    def _structure(self) -> Structure:
        return "nothing" if self._erases else self.finding.brush.structure

    def _paint(self) -> None:
        if self._start is not None:
            self.finding.paint(self._start, tuple(self._points), self._structure, self._gesture)


class BoundaryHandles:
    """The lines of the discs in the sagittal view while levels are worked on: the middle moves one, an end tilts it."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding

    def hold_at(self, event: ViewEvent) -> BoundaryHold | None:
        """Return what would be taken hold of at the pointer; None where no handle is under it."""
        for boundary in self._shown(event.view):
            for end, point in enumerate(self._grips(boundary)):
                place = event.view.point_of(point)
                if math.hypot(place.x() - event.pos.x(), place.y() - event.pos.y()) <= HANDLE_PX:
                    return BoundaryHold(self.finding, boundary, end, self._grips(boundary), event.lps_mm)
        return None

    def paint(self, painter: QPainter, view: SliceView) -> None:
        """Draw the lines with their grips."""
        for boundary in self._shown(view):
            front, middle, back = (view.point_of(point) for point in self._grips(boundary))
            painter.setPen(pen(colours.SHADOW, 3.0))
            painter.drawLine(front, back)
            painter.setPen(pen(colours.MEASURE, 1.4))
            painter.drawLine(front, back)
            painter.setBrush(colours.BACKGROUND)
            for place in (front, back):
                painter.drawRect(QRectF(place.x() - 3, place.y() - 3, 6, 6))
            painter.drawEllipse(middle, 4.0, 4.0)

    def _shown(self, view: SliceView) -> list[Boundary]:
        spine, desk = self.finding.spine, self.finding.desk
        if spine is None or desk.step != LEVEL_STEP or view.orientation != "sagittal":
            return []
        if self.finding.as_found is None or not {"anatomy", "discs"} & desk.view_state.overlays:
            return []
        plane = view.plane()
        return [b for b in boundaries(spine) if abs(plane.distance_mm(np.array(b.centre_lps_mm))) <= NEAR_MM]

    def _grips(self, boundary: Boundary) -> tuple[Points, Points, Points]:
        """Return the front end, the middle and the back end of a boundary's line, LPS mm."""
        spine = self.finding.spine
        assert spine is not None
        above = spine.found[boundary.upper - 1]
        normal, back = np.array(boundary.normal), np.array(above.back)
        along = back - (back @ normal) * normal
        along *= _HALF * max(above.depth_mm, 10.0) / np.linalg.norm(along)
        middle = np.array(boundary.centre_lps_mm)
        return middle - along, middle, middle + along


class BoundaryHold:
    """A boundary in the hand: by its front end (0), its middle (1) or its back end (2)."""

    cursor = Qt.CursorShape.SizeVerCursor

    def __init__(
        self,
        finding: Finding,
        start: Boundary,
        end: int,
        grips: tuple[Points, Points, Points],
        from_lps_mm: Points,
    ) -> None:
        self.finding, self.start, self._end = finding, start, end
        self._grips, self._from = grips, from_lps_mm
        self.gesture = aiming.new_gesture("boundary")

    def move(self, desk: object, to_lps_mm: Points) -> None:
        """Set the boundary to where the pointer is."""
        finding, found = self.finding, self.finding.as_found
        plan = finding.desk.plan
        if found is None or plan is None:
            return
        normal = np.array(self.start.normal)
        by = float((to_lps_mm - self._from) @ normal)
        front, middle, back = self._grips
        if self._end == 1:
            middle = middle + by * normal
        else:
            front, back = (front + by * normal, back) if self._end == 0 else (front, back + by * normal)
            middle = (front + back) / 2.0
            along = (back - front) / np.linalg.norm(back - front)
            normal = normal - (normal @ along) * along
            normal = normal / np.linalg.norm(normal)
        as_found = next(b for b in boundaries(found) if b.upper == self.start.upper)
        move = BoundaryMove(as_found.centre_lps_mm, vec3(middle), vec3(normal))
        edit = set_anatomy(plan.anatomy.with_boundary(move))
        finding.desk.apply(edit, "Move a boundary of vertebrae", self.gesture)

    def release(self, desk: object) -> None:
        """Let go of it where it is."""
