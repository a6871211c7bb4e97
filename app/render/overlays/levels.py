"""The named vertebrae and their marked canal."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from app.render import colours
from app.render.overlays.ink import faded, outline, pen, stroke
from app.render.overlays.labels import around, put
from app.render.overlays.overlay import Overlay, Scene
from cvt_planner.base.arrays import Points
from cvt_planner.plan.model import CanalMark, LevelMark

NEAR_MM = 12.0  # a level's name stands on slices so near to its point; about half a vertebral body's height
CANAL_NEAR_MM = 2.5  # the canal was measured in one section; its outline stands on slices this near to it


class Levels(Overlay):
    """The level's name at its point, and the canal's outline where it was measured."""

    name = "levels"

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Draw every mark near the plane."""
        plan = scene.state.plan
        for mark in plan.levels if plan is not None else ():
            if abs(scene.plane.distance_mm(np.array(mark.centre_lps_mm))) <= NEAR_MM:
                self._name(painter, scene, mark)
            if mark.canal is not None:
                self._canal(painter, scene, mark.canal)

    def _name(self, painter: QPainter, scene: Scene, mark: LevelMark) -> None:
        at = scene.plane.point_of(np.array(mark.centre_lps_mm))
        painter.setPen(pen(colours.LEVEL, 1.2))
        painter.setBrush(colours.LEVEL if mark.confirmed else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(at, 3.0, 3.0)
        places = around(QRectF(at.x() - 3.0, at.y() - 3.0, 6.0, 6.0), gap_px=4.0)
        beside = sorted(places, key=lambda place: abs(place[0].y() - at.y()))
        put(painter, scene, beside, mark.level + ("" if mark.confirmed else " ?"), colours.LEVEL, bold=True)

    def _canal(self, painter: QPainter, scene: Scene, canal: CanalMark) -> None:
        wall = np.array(canal.wall_lps_mm)
        away = (wall - scene.plane.centre_lps_mm) @ scene.plane.normal
        if np.abs(away).max() <= CANAL_NEAR_MM:
            closed = np.concatenate([wall, wall[:1]])
            stroke(painter, outline([scene.plane.px_of(closed)]), pen(colours.CANAL, 1.4, (1.5, 1.5)))
            return
        painter.setPen(pen(faded(colours.CANAL, 0.9), 1.5))
        for point in _crossings(wall, away):
            at = scene.plane.point_of(point)
            painter.drawEllipse(at, 2.5, 2.5)


def _crossings(wall: Points, away: Points) -> list[Points]:
    """Return the points where the closed outline passes through the plane."""
    following, after = np.roll(wall, -1, axis=0), np.roll(away, -1)
    found = np.flatnonzero((away < 0) != (after < 0))
    return [wall[n] + (following[n] - wall[n]) * (away[n] / (away[n] - after[n])) for n in found]
