"""The lesions: magenta outline of the true section, with the name beside it."""

from __future__ import annotations

from PySide6.QtGui import QPainter

from app.render import colours
from app.render.overlays.ink import box_of, pen, stroke
from app.render.overlays.labels import around, put
from app.render.overlays.overlay import Overlay, Scene
from app.render.sections import shape_section
from cvt_planner.anatomy.lesion_shape import LesionShape
from cvt_planner.base.arrays import FloatArray
from cvt_planner.plan.level_state import level_words
from cvt_planner.plan.model import Lesion

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
        known = {lesion.id for lesion in lesions}
        self._kept = {key: kept for key, kept in self._kept.items() if key in known}

    def _section(self, lesion: Lesion, scene: Scene) -> list[FloatArray]:
        kept = self._kept.get(lesion.id)
        if kept is None or kept[0] is not lesion.shape or kept[1] != scene.plane.key:
            kept = (lesion.shape, scene.plane.key, shape_section(lesion.shape, scene.plane))
            self._kept[lesion.id] = kept
        return kept[2]


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
