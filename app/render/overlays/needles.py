"""The assemblies, true to size: outer tube, probe, active zone, named points, and handles at both ends."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from app.render import colours
from app.render.overlays.ink import closed, dark_pen, faded, fill, pen, segments
from app.render.overlays.labels import LEFT, RIGHT, Place, around, put
from app.render.overlays.overlay import Overlay, Scene
from app.render.sections import tube_outline, tube_section
from cvt_planner.base.arrays import Points, Vec3
from cvt_planner.plan.level_state import level_words
from cvt_planner.plan.model import Assembly

HANDLE_PX = 5.5  # radius of the circles at target and entry
TICK_PX = 4.0
PROJECTED_DARKER = 130  # QColor.darker: what does not lie in the plane is drawn in a quarter less light
NEAR_MM = 3.0  # a named point this near to the plane is drawn full


class Needles(Overlay):
    """What lies in the plane is filled: the true section. The rest is a dashed outline, taken straight onto it.

    Of needles of other lesions than the chosen one only the section is drawn: their outlines, from far above or below,
    would lie over this vertebra as if they entered it.
    """

    name = "needles"
    bends = False  # a straight needle would be drawn bent, and its section would not be a tube's

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Draw the assemblies of every lesion, the chosen one last."""
        plan = scene.state.plan
        assemblies = plan.assemblies if plan is not None else ()
        opacity = painter.opacity()
        for assembly in sorted(assemblies, key=lambda a: a.id == scene.view.assembly_id):
            of_lesion = scene.view.lesion_id in (None, assembly.lesion_id)
            painter.setOpacity(opacity * (1.0 if of_lesion else 0.5))
            self._draw(painter, scene, assembly, of_lesion)
        painter.setOpacity(opacity)

    def _draw(self, painter: QPainter, scene: Scene, assembly: Assembly, of_lesion: bool) -> None:
        chosen = assembly.id == scene.view.assembly_id
        colour = colours.NEEDLE[assembly.side]
        needle, probe = assembly.needle, assembly.probe
        tip = np.array(assembly.probe_tip_lps_mm)
        needle_tip = np.array(assembly.needle_tip_lps_mm)
        hub = needle_tip + needle.length_mm * assembly.outward
        shaft_end = tip + probe.shaft_length_mm * assembly.outward
        active = [np.array(point) for point in assembly.active_zone_lps_mm]
        _tube(painter, scene, (needle_tip, hub), needle.outer_diameter_mm, colour, 0.55, of_lesion)
        _tube(painter, scene, (tip, shaft_end), probe.outer_diameter_mm, colours.PROBE, 0.75, projected=False)
        _tube(painter, scene, (tip, needle_tip), probe.outer_diameter_mm, colours.PROBE, 0.75, of_lesion)
        _tube(painter, scene, (active[0], active[1]), probe.outer_diameter_mm, colours.ACTIVE_ZONE, 0.95, of_lesion)
        if not of_lesion:
            return
        self._points(painter, scene, assembly, colour, chosen)
        _handle(painter, scene, assembly.probe_tip_lps_mm, colour, chosen)
        _handle(painter, scene, assembly.entry_lps_mm, colour, chosen)

    def _points(self, painter: QPainter, scene: Scene, assembly: Assembly, colour: QColor, chosen: bool) -> None:
        """Mark skin, bone, needle tip and probe tip by a tick across the axis; name those of the chosen assembly."""
        points: tuple[tuple[str, Vec3 | None], ...] = (
            ("probe tip", assembly.probe_tip_lps_mm),
            ("needle tip", assembly.needle_tip_lps_mm),
            ("bone", assembly.bone_entry_lps_mm),
            ("skin", assembly.skin_entry_lps_mm),
        )
        across = _across(scene, assembly)
        named = chosen and (scene.view.names_points or scene.state.in_hand)
        for name, point in points:
            if point is None:
                continue
            near = abs(scene.plane.distance_mm(np.array(point))) <= NEAR_MM
            at = scene.plane.point_of(np.array(point))
            painter.setPen(pen(faded(colour, 1.0 if near else 0.5), 2.0))
            painter.drawLine(at - across * TICK_PX, at + across * TICK_PX)
            if named and near:
                put(painter, scene, _beside(at, across), name, colour)
        self._level(painter, scene, assembly, colour, chosen)

    def _level(self, painter: QPainter, scene: Scene, assembly: Assembly, colour: QColor, chosen: bool) -> None:
        """Write for which level the needle is, at the end that is dragged outside, else at the tip."""
        plan = scene.state.plan
        if plan is None:
            return
        words = f"{level_words(plan, plan.lesion(assembly.lesion_id).level)} {assembly.side.value}"
        for point in (assembly.entry_lps_mm, assembly.probe_tip_lps_mm):
            at = scene.plane.point_of(np.array(point))
            box = QRectF(at.x() - HANDLE_PX, at.y() - HANDLE_PX, 2 * HANDLE_PX, 2 * HANDLE_PX)
            if put(painter, scene, around(box), words, colour, bold=chosen):
                return


def _across(scene: Scene, assembly: Assembly) -> QPointF:
    """Return the screen direction across the needle, length 1, to the side it leans to, away from the other one."""
    tip, hub = scene.plane.px_of(np.array([assembly.probe_tip_lps_mm, assembly.entry_lps_mm]))
    along = hub - tip
    length = float(np.linalg.norm(along))
    if length < 1.0:
        return QPointF(1.0, 0.0)
    x, y = -along[1] / length, along[0] / length
    leans_left = along[0] < 0
    return QPointF(-x, -y) if leans_left == (x > 0) else QPointF(x, y)


def _beside(at: QPointF, across: QPointF) -> list[Place]:
    """Return the places of a point's name: where `across` points to, else on the other side."""
    by = across * (TICK_PX + 9.0)
    one, other = (LEFT, RIGHT) if by.x() >= 0 else (RIGHT, LEFT)
    return [(at + by, one), (at - by, other)]


def _tube(
    painter: QPainter,
    scene: Scene,
    ends: tuple[Points, Points],
    diameter_mm: float,
    colour: QColor,
    alpha: float,
    projected: bool = True,
) -> None:
    """Draw one tube: its projection dashed, its true section filled."""
    plane = scene.plane
    if float(np.linalg.norm(ends[1] - ends[0])) < 1e-6:
        return
    radius = max(diameter_mm / 2.0, 0.5 * plane.mm_per_px)  # at least one pixel wide
    if projected:
        painter.setPen(pen(colour.darker(PROJECTED_DARKER), 1.0, (5.0, 4.0)))
        painter.drawLines(segments(closed(tube_outline(ends[0], ends[1], radius, plane))))
    section = tube_section(ends[0], ends[1], radius, plane)
    if section is not None:
        painter.setPen(dark_pen(2.6))
        painter.drawLines(segments(closed(section)))
        fill(painter, section, colour, alpha)


def _handle(painter: QPainter, scene: Scene, point: Vec3, colour: QColor, chosen: bool) -> None:
    """Draw the circle by which an end is dragged."""
    near = abs(scene.plane.distance_mm(np.array(point))) <= NEAR_MM
    at = scene.plane.point_of(np.array(point))
    radius = HANDLE_PX if chosen else HANDLE_PX - 1.5
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for ink in (dark_pen(3.2), pen(faded(colour, 1.0 if near else 0.6), 1.8 if chosen else 1.2)):
        painter.setPen(ink)
        painter.drawEllipse(at, radius, radius)
