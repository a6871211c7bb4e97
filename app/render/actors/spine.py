"""The vertebrae that were found, each with a surface of its own, and the canal; others fade beside the chosen one."""

from __future__ import annotations

from PySide6.QtGui import QColor
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer

from app.render import colours
from app.render.actors.actor import SceneActor, SceneInput
from app.render.actors.shapes import coloured, surface_mapper
from app.render.spine_surfaces import Detail

OPACITY = 0.55  # where lesions and needles in the vertebrae must be seen
FADED_OPACITY = 0.16
CANAL_OPACITY = 0.45


class Spine(SceneActor):
    """A surface per vertebra and the canal's; kept while only the choice changes, so that a click answers at once."""

    name = "surfaces"

    def __init__(self, renderer: vtkRenderer) -> None:
        super().__init__(renderer)
        self._made: dict[int, _Made] = {}
        self._rough = False

    def key(self, scene: SceneInput) -> tuple[object, ...]:
        """Return the surfaces and the choice."""
        return (scene.surfaces, scene.vertebra, _hides_nothing(scene))

    def build(self, scene: SceneInput) -> list[vtkActor]:
        """Return the actors."""
        if scene.surfaces is None:
            self._made.clear()
            return []
        wanted: dict[int, Detail] = dict(scene.surfaces.vertebrae)
        if scene.surfaces.canal is not None:
            wanted[0] = scene.surfaces.canal
        kept = {n: made for n, made in self._made.items() if wanted.get(n) is made.detail}
        self._made = {n: kept.get(n) or _Made(detail, _colour(n)) for n, detail in wanted.items()}
        for number, made in self._made.items():
            made.roughen(self._rough)
            made.actor.GetProperty().SetOpacity(_opacity(number, scene.vertebra, _hides_nothing(scene)))
        # Opaque ones are drawn first whatever their order; of the others the canal, which lies within.
        return [self._made[number].actor for number in sorted(self._made)]

    def roughen(self, rough: bool) -> None:
        """Draw rough surfaces while the hand moves something elsewhere."""
        if rough != self._rough:
            self._rough = rough
            for made in self._made.values():
                made.roughen(rough)


class _Made:
    """The actor of a surface in both details."""

    def __init__(self, detail: Detail, colour: QColor) -> None:
        self.detail = detail
        self._fine = surface_mapper(detail.fine)
        self._rough: vtkPolyDataMapper | None = None
        self.actor: vtkActor = coloured(self._fine, colour)
        self.actor.GetProperty().SetBackfaceCulling(True)

    def roughen(self, rough: bool) -> None:
        """Draw the rough surface, or the fine one."""
        if rough and self._rough is None:
            self._rough = surface_mapper(self.detail.rough)
            self._rough.ScalarVisibilityOff()
        self.actor.SetMapper(self._rough if rough and self._rough is not None else self._fine)


def _colour(number: int) -> QColor:
    return colours.VERTEBRAE[number % 2] if number else colours.CANAL_LABEL


def _hides_nothing(scene: SceneInput) -> bool:
    """Return whether there is nothing in the vertebrae that must be seen through them."""
    plan = scene.state.plan
    return plan is None or not (plan.lesions or plan.assemblies)


def _opacity(number: int, chosen: int | None, dense: bool) -> float:
    if number == 0:
        return CANAL_OPACITY
    if chosen is not None and number != chosen:
        return FADED_OPACITY
    return 1.0 if dense else OPACITY
