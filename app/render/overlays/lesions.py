"""The lesions: magenta outline of the true section, with the name beside it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app.render import colours
from app.render.overlays.ink import box_of, pen, stroke
from app.render.overlays.labels import around, put
from app.render.overlays.overlay import Overlay, Scene
from app.render.sections import shape_section
from cvt_planner.anatomy.lesion_shape import Ellipsoid, LesionShape
from cvt_planner.base.arrays import FloatArray
from cvt_planner.plan.level_state import level_words
from cvt_planner.plan.model import Lesion

GRIP_PX = 5.0  # half of a handle, with its line
NAME_LETTERS = 24  # a longer name hides the vertebra it names; the panels have it whole


class Lesions(Overlay):
    """Every lesion that the plane cuts; the chosen one thicker."""

    name = "lesions"

    def __init__(self) -> None:
        self._kept: dict[str, tuple[LesionShape, bytes, list[FloatArray]]] = {}

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Draw the outlines."""
        plan = scene.state.plan
        lesions = plan.lesions if plan is not None else ()
        for lesion in lesions:
            lines = self._section(lesion, scene)
            if not lines:
                continue
            chosen = lesion.id == scene.view.lesion_id
            stroke(painter, lines, pen(colours.LESION, 2.2 if chosen else 1.4))
            scene.lesion_boxes[lesion.id] = box_of(lines)
            if chosen:
                scene.handles.extend(_grips(scene, lesion.shape))
        known = {lesion.id for lesion in lesions}
        self._kept = {key: kept for key, kept in self._kept.items() if key in known}

    def _section(self, lesion: Lesion, scene: Scene) -> list[FloatArray]:
        kept = self._kept.get(lesion.id)
        if kept is None or kept[0] is not lesion.shape or kept[1] != scene.plane.key:
            kept = (lesion.shape, scene.plane.key, shape_section(lesion.shape, scene.plane))
            self._kept[lesion.id] = kept
        return kept[2]


def _grips(scene: Scene, shape: LesionShape) -> list[QRectF]:
    """Return where the handles of an ellipsoid are drawn: one of them on a level's name made T1 of T11."""
    if not isinstance(shape, Ellipsoid):
        return []
    ends = np.concatenate([np.diag(shape.semi_axes_mm), -np.diag(shape.semi_axes_mm)])
    in_plane = np.abs(ends @ scene.plane.normal) < 0.7 * np.linalg.norm(ends, axis=1)
    places = [scene.plane.point_of(np.array(shape.centre_lps_mm) + end) for end in ends[in_plane]]
    return [QRectF(at.x() - GRIP_PX, at.y() - GRIP_PX, 2.0 * GRIP_PX, 2.0 * GRIP_PX) for at in places]


class LesionNames(Overlay):
    """The names of the outlined lesions, after the ice has labelled its lines; the chosen one first, and bold."""

    name = "lesions"

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Write the names."""
        plan = scene.state.plan
        lesions = plan.lesions if plan is not None else ()
        for lesion in sorted(lesions, key=lambda x: x.id != scene.view.lesion_id):
            box = scene.lesion_boxes.get(lesion.id)
            if box is not None:
                chosen = lesion.id == scene.view.lesion_id
                level = level_words(plan, lesion.level) if plan is not None else lesion.level
                put(painter, scene, around(box), f"{short(lesion.name)}  {level}", colours.LESION, bold=chosen)


def short(name: str) -> str:
    """Return a name, its end left out where it is long."""
    return name if len(name) <= NAME_LETTERS else f"{name[: NAME_LETTERS - 1].rstrip()}…"
