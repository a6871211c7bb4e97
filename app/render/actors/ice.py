"""The isotherms as translucent surfaces; grey when they are out of date."""

from __future__ import annotations

from vtkmodules.vtkRenderingCore import vtkActor

from app.render import colours
from app.render.actors.actor import SceneActor, SceneInput
from app.render.actors.shapes import iso_surface
from app.render.ice_state import shown_field, still_holds
from cvt_planner.plan.results import ISOTHERMS_C

OPACITY = {0.0: 0.16, -20.0: 0.28, -40.0: 0.42}


class Ice(SceneActor):
    """The ice of every lesion, coldest first, so that the outer surfaces are laid over the inner ones."""

    name = "ice"

    def key(self, scene: SceneInput) -> tuple[object, ...]:
        """Return the results, which of them still hold, and the tissue."""
        holds = tuple(still_holds(scene.state, result) for result in scene.state.ice)
        return (scene.state.ice, holds, scene.ice_tissue)

    def build(self, scene: SceneInput) -> list[vtkActor]:
        """Return a surface per isotherm that exists in the field."""
        actors = []
        for result in scene.state.ice:
            field = shown_field(result, scene.ice_tissue)
            stale = not still_holds(scene.state, result)
            coldest = float(field.temperature_c.min())
            for level in sorted(level for level in ISOTHERMS_C if level > coldest):
                colour = colours.STALE if stale else colours.isotherm(level)
                actors.append(iso_surface(field.temperature_c, field.grid, level, colour, OPACITY.get(level, 0.3)))
        return actors
