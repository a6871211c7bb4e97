"""The tool in the hand when none is chosen: it takes hold of needles and lesions, and leaves the rest to the view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from app import aiming
from app.aiming import Grip
from app.desk import Desk
from app.render import colours
from app.render.slice_view import SliceView
from app.render.tool import Tool, ViewEvent
from app.tools.spine import BoundaryHandles, BoundaryHold
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.base.arrays import Points, vec3
from cvt_planner.plan import edits
from cvt_planner.plan.model import Assembly, Lesion

END_PX = 11.0  # how near to an end counts as on it
SHAFT_PX = 7.0
HANDLE_PX = 9.0
CENTRE_PX = 14.0
LESION_STEP = 3
FIRST_NEEDLE_STEP = 4
NEAR_PLANE_MM = 6.0  # an end farther from the plane than this is taken hold of in another view


class NavigateTool(Tool):
    """Drags the ends and shafts of needles, and the handles of an ellipsoid; leaves window and level to the view."""

    def __init__(self, desk: Desk, boundaries: BoundaryHandles) -> None:
        self.desk = desk
        self.boundaries = boundaries
        self.grip = Grip.TARGET  # what the arrow keys move: what was dragged last
        self._hold: _NeedleHold | _LesionHold | BoundaryHold | None = None

    def press(self, event: ViewEvent) -> bool:
        """Take hold of what is under the pointer."""
        self._hold = self._at(event)
        if isinstance(self._hold, _NeedleHold):
            self.grip = self._hold.grip
            self.desk.choose_assembly(self._hold.start.id)
        return self._hold is not None

    def move(self, event: ViewEvent) -> bool:
        """Move what is held."""
        if self._hold is not None:
            self._hold.move(self.desk, event.lps_mm)
        return True

    def release(self, event: ViewEvent) -> bool:
        """Let go; the whole drag is one undo step."""
        if self._hold is not None:
            self._hold.release(self.desk)
        self._hold = None
        self.desk.workspace.end_gesture()
        return True

    def give_up(self) -> bool:
        """Put what is held back where it was, in the middle of a drag; return whether something was held."""
        hold, self._hold = self._hold, None
        if hold is None:
            return False
        history = self.desk.workspace.state.history
        if history is not None and history.present.gesture == hold.gesture:
            self.desk.workspace.undo()
        return True

    def hover(self, event: ViewEvent) -> bool:
        """Show by the pointer's form what would be taken hold of."""
        held = self._at(event)
        event.view.setCursor(Qt.CursorShape.ArrowCursor if held is None else held.cursor)
        return False

    def paint(self, painter: QPainter, view: SliceView) -> None:
        """Draw the handles of the chosen ellipsoid while lesions are worked on, of boundaries while levels are."""
        self.boundaries.paint(painter, view)
        lesion = self._handled(view)
        if lesion is None:
            return
        painter.setPen(QPen(colours.LESION, 1.5))
        painter.setBrush(colours.BACKGROUND)
        for _, place in _handles(view, lesion):
            painter.drawRect(QRectF(place.x() - 4, place.y() - 4, 8, 8))
        centre = view.point_of(np.array(lesion.centre_lps_mm))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawLine(centre - QPointF(5, 0), centre + QPointF(5, 0))
        painter.drawLine(centre - QPointF(0, 5), centre + QPointF(0, 5))

    def _at(self, event: ViewEvent) -> _NeedleHold | _LesionHold | BoundaryHold | None:
        return self._needle_at(event) or self._lesion_at(event) or self.boundaries.hold_at(event)

    def _needle_at(self, event: ViewEvent) -> _NeedleHold | None:
        plan = self.desk.plan
        if plan is None or self.desk.step < FIRST_NEEDLE_STEP:
            return None
        chosen = self.desk.view_state.assembly_id
        for assembly in sorted(plan.assemblies, key=lambda a: a.id != chosen):  # the chosen one first
            grip = _grip_at(event, assembly)
            if grip is not None:
                return _NeedleHold(assembly, grip, event.lps_mm, aiming.new_gesture("drag"))
        return None

    def _handled(self, view: SliceView) -> Lesion | None:
        lesion = self.desk.lesion
        if lesion is None or self.desk.step != LESION_STEP or not isinstance(lesion.shape, Ellipsoid):
            return None
        away = abs(view.plane().distance_mm(np.array(lesion.centre_lps_mm)))
        return lesion if away <= max(lesion.shape.semi_axes_mm) else None

    def _lesion_at(self, event: ViewEvent) -> _LesionHold | None:
        lesion = self._handled(event.view)
        if lesion is None:
            return None
        for axis, place in _handles(event.view, lesion):
            if _apart(place, event.pos) <= HANDLE_PX:
                return _LesionHold(lesion, axis, event.lps_mm, aiming.new_gesture("lesion"))
        if _apart(event.view.point_of(np.array(lesion.centre_lps_mm)), event.pos) <= CENTRE_PX:
            return _LesionHold(lesion, None, event.lps_mm, aiming.new_gesture("lesion"))
        return None


class _NeedleHold:
    """A needle in the hand."""

    def __init__(self, start: Assembly, grip: Grip, from_lps_mm: Points, gesture: str) -> None:
        self.start, self.grip, self._from, self.gesture = start, grip, from_lps_mm, gesture
        self._moved = False
        self.cursor = Qt.CursorShape.SizeAllCursor if grip is Grip.SHAFT else Qt.CursorShape.PointingHandCursor

    def move(self, desk: Desk, to_lps_mm: Points) -> None:
        """Move it to where the pointer is."""
        aiming.drag(desk, self.start, self.grip, to_lps_mm - self._from, self.gesture)
        self._moved = True

    def release(self, desk: Desk) -> None:
        """Let an entry come to lie on the skin."""
        if self._moved and self.grip is Grip.ENTRY:
            aiming.settle_on_skin(desk, self.start.id, self.gesture)


class _LesionHold:
    """An ellipsoid in the hand: by its centre, or by the end of one half axis."""

    def __init__(self, start: Lesion, axis: int | None, from_lps_mm: Points, gesture: str) -> None:
        self.start, self._axis, self._from, self.gesture = start, axis, from_lps_mm, gesture
        self.cursor = Qt.CursorShape.SizeAllCursor if axis is None else Qt.CursorShape.PointingHandCursor

    def move(self, desk: Desk, to_lps_mm: Points) -> None:
        """Move or reshape it."""
        shape = self.start.shape
        if not isinstance(shape, Ellipsoid):
            return
        centre = np.array(shape.centre_lps_mm)
        if self._axis is None:
            moved = vec3(centre + (to_lps_mm - self._from))
            if desk.volume is None or not desk.volume.grid.contains(np.array(moved)):
                return
            new, words = replace(shape, centre_lps_mm=moved), "Move lesion"
        else:
            half = [*shape.semi_axes_mm]
            half[self._axis] = min(max(abs(float(to_lps_mm[self._axis] - centre[self._axis])), 1.0), 120.0)
            new, words = replace(shape, semi_axes_mm=vec3(half)), "Reshape lesion"
        desk.apply(edits.set_lesion_shape(self.start.id, new), words, self.gesture)

    def release(self, desk: Desk) -> None:
        """Let go of it where it is."""


def _handles(view: SliceView, lesion: Lesion) -> list[tuple[int, QPointF]]:
    """Return (LPS axis, place on the view) of the ends of the half axes that lie in the view's plane."""
    shape = lesion.shape
    if not isinstance(shape, Ellipsoid):
        return []
    across = int(np.argmax(np.abs(view.plane().normal)))
    places = []
    for axis in (0, 1, 2):
        if axis == across:
            continue
        for sign in (-1.0, 1.0):
            end = np.array(shape.centre_lps_mm)
            end[axis] += sign * shape.semi_axes_mm[axis]
            places.append((axis, view.point_of(end)))
    return places


def _grip_at(event: ViewEvent, assembly: Assembly) -> Grip | None:
    """Return by what a needle would be held at the pointer; None where it is not under it."""
    plane = event.view.plane()
    for grip, end in ((Grip.TARGET, assembly.probe_tip_lps_mm), (Grip.ENTRY, assembly.entry_lps_mm)):
        near = abs(plane.distance_mm(np.array(end))) <= NEAR_PLANE_MM
        if near and _apart(plane.point_of(np.array(end)), event.pos) <= END_PX:
            return grip
    tip, entry = np.array(assembly.probe_tip_lps_mm), np.array(assembly.entry_lps_mm)
    at = _share_on(plane.px_of(tip), plane.px_of(entry), np.array([event.pos.x(), event.pos.y()]))
    point = tip + at * (entry - tip)
    if abs(plane.distance_mm(point)) > NEAR_PLANE_MM or _apart(plane.point_of(point), event.pos) > SHAFT_PX:
        return None
    return Grip.SHAFT


def _share_on(start: Points, end: Points, point: Points) -> float:
    """Return where on a line of the screen the point nearest to another lies, 0 at its start to 1 at its end."""
    along = end - start
    square = float(along @ along)
    return 0.0 if square < 1e-9 else min(max(float((point - start) @ along) / square, 0.0), 1.0)


def _apart(one: QPointF, other: QPointF) -> float:
    return float(np.hypot(one.x() - other.x(), one.y() - other.y()))
