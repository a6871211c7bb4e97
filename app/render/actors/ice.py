"""The isotherms as translucent surfaces; grey when they are out of date."""

from __future__ import annotations

from vtkmodules.vtkRenderingCore import vtkActor

from app.render import colours
from app.render.actors.actor import SceneActor, SceneInput
from app.render.actors.shapes import iso_surface
from app.render.ice_state import shown_ice, still_holds

_FAINTEST, _DENSEST, _STEP = 0.16, 0.5, 0.13  # opacity of the outermost surface, of any, and from one to the next


class Ice(SceneActor):
    """The ice of every lesion, coldest first, so that the outer surfaces are laid over the inner ones."""

    name = "ice"

    def key(self, scene: SceneInput) -> tuple[object, ...]:
        """Return the results, which of them still hold, and what of them is looked at."""
        holds = tuple(still_holds(scene.state, result) for result in scene.state.ice)
        return (scene.state.ice, holds, *scene.ice.key)

    def build(self, scene: SceneInput) -> list[vtkActor]:
        """Return a surface per isotherm that exists in the field."""
        actors = []
        for ice in shown_ice(scene.state, scene.ice):
            drawn = ice.drawn
            coldest = float(drawn.values.min())
            for number, level_c in reversed(list(enumerate(scene.ice.isotherms_c))):
                level = drawn.level(level_c)
                if level > coldest:
                    colour = colours.STALE if ice.stale else colours.isotherm(level_c)
                    opacity = min(_FAINTEST + number * _STEP, _DENSEST)
                    actors.append(iso_surface(drawn.values, drawn.grid, level, colour, opacity))
        return actors
