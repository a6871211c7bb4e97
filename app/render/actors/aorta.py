"""The aorta, where contrast medium shows it: a tube beside the spine."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkRenderingCore import vtkActor

from app.render import colours
from app.render.actors.actor import SceneActor, SceneInput
from app.render.actors.shapes import iso_surface
from cvt_planner.anatomy.organs.drawn import SURFACE, known_fields

OPACITY = 0.6


class Aorta(SceneActor):
    """The surface whose outline the slices show, closed at its ends."""

    name = "aorta"

    def key(self, scene: SceneInput) -> tuple[object, ...]:
        """Return what was found around the spine."""
        return (scene.state.organs,)

    def build(self, scene: SceneInput) -> list[vtkActor]:
        """Return the tube; nothing where no aorta is seen."""
        organs = scene.state.organs
        fields = [] if organs is None else [one for one in known_fields(organs) if one.name == "aorta"]
        made = []
        for one in fields:
            values = np.pad(one.values, 1)
            shape = (values.shape[0], values.shape[1], values.shape[2])
            grid = one.grid.crop((-1, -1, -1), shape)
            made.append(iso_surface(values, grid, SURFACE, colours.ORGANS["aorta"], OPACITY))
        return made
