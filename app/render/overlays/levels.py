"""The named vertebrae and their marked canal."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from app.render import colours
from app.render.overlays.ink import faded, pen, stroke
from app.render.overlays.labels import Place, around, put
from app.render.overlays.overlay import Overlay, Scene
from cvt_planner.anatomy.spine.model import Vertebra
from cvt_planner.base.arrays import Points, Vec3, vec3
from cvt_planner.plan.level_state import level_words
from cvt_planner.plan.model import CanalMark
from cvt_planner.plan.naming import named_vertebrae

NEAR_MM = 12.0  # a level's name stands on slices so near to its point; about half a vertebral body's height
CANAL_NEAR_MM = 2.5  # the canal was measured in one section; its outline stands on slices this near to it
_FARTHER_PX = (3.0, 14.0, 26.0)  # half the room about a vertebra's middle that its name stands beside, where it is free


class Levels(Overlay):
    """The name of every vertebra at its middle, with a question mark while it may be wrong; and the marked canal."""

    name = "levels"

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Draw the vertebrae that the plane cuts, and every mark near it."""
        plan = scene.state.plan
        if plan is None:
            return
        spine = scene.state.spine
        found = named_vertebrae(plan, spine, scene.state.numbering) if spine is not None else ()
        for one in found:
            if one.level and _cuts(scene, one.vertebra):
                sure = one.stands in ("confirmed", "counted")
                self._name(painter, scene, _in_ct(scene, one.vertebra.centre_lps_mm), one.words, sure)
        shown = {one.level for one in found}
        for mark in plan.levels:
            near = abs(scene.plane.distance_mm(np.array(mark.centre_lps_mm))) <= NEAR_MM
            if near and mark.level not in shown:
                words = level_words(plan, mark.level)
                self._name(painter, scene, mark.centre_lps_mm, words, words == mark.level)
            if mark.canal is not None:
                self._canal(painter, scene, mark.canal)

    def _name(self, painter: QPainter, scene: Scene, lps_mm: Vec3, words: str, sure: bool) -> None:
        at = scene.plane.point_of(np.array(lps_mm))
        painter.setPen(pen(colours.LEVEL, 1.2))
        painter.setBrush(colours.LEVEL if sure else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(at, 3.0, 3.0)
        beside: list[Place] = []
        for half in _FARTHER_PX:
            places = around(QRectF(at.x() - half, at.y() - half, 2.0 * half, 2.0 * half), gap_px=4.0)
            beside += sorted(places, key=lambda place: abs(place[0].y() - at.y()))
        put(painter, scene, beside, words, colours.LEVEL if sure else colours.DOUBTFUL_LEVEL, bold=True)

    def _canal(self, painter: QPainter, scene: Scene, canal: CanalMark) -> None:
        wall = np.array(canal.wall_lps_mm)
        away = (wall - scene.plane.centre_lps_mm) @ scene.plane.normal
        if np.abs(away).max() <= CANAL_NEAR_MM:
            closed = np.concatenate([wall, wall[:1]])
            stroke(painter, [scene.plane.px_of(closed)], pen(colours.CANAL, 1.4, (1.5, 1.5)))
            return
        painter.setPen(pen(faded(colours.CANAL, 0.9), 1.5))
        for point in _crossings(wall, away):
            at = scene.plane.point_of(point)
            painter.drawEllipse(at, 2.5, 2.5)


def _cuts(scene: Scene, vertebra: Vertebra) -> bool:
    """Return whether the plane passes through the vertebra's body."""
    axes = np.array([vertebra.left, vertebra.back, vertebra.up]) @ scene.plane.normal
    half = np.array([vertebra.width_mm, vertebra.depth_mm, vertebra.height_mm]) / 2.0
    reach = float(np.abs(axes) @ half)
    return abs(scene.plane.distance_mm(np.array(vertebra.centre_lps_mm))) <= reach


def _in_ct(scene: Scene, lps_mm: Vec3) -> Vec3:
    """Return the point, or the nearest one in the CT: a vertebra that is cut off is named where it is seen."""
    volume = scene.state.volume
    if volume is None or volume.grid.contains(np.array(lps_mm)):
        return lps_mm
    last = np.array(volume.grid.shape_kji) - 1.0
    return vec3(volume.grid.lps_of(np.clip(volume.grid.index_of(np.array(lps_mm)), 0.0, last)))


def _crossings(wall: Points, away: Points) -> list[Points]:
    """Return the points where the closed outline passes through the plane."""
    following, after = np.roll(wall, -1, axis=0), np.roll(away, -1)
    found = np.flatnonzero((away < 0) != (after < 0))
    return [wall[n] + (following[n] - wall[n]) * (away[n] / (away[n] - after[n])) for n in found]
