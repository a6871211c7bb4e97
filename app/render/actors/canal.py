"""The outline of the spinal canal where it was marked."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkRenderingCore import vtkActor

from app.render import colours
from app.render.actors.actor import SceneActor, SceneInput
from app.render.actors.shapes import polyline

LINE_MM = 0.8


class Canal(SceneActor):
    """A ring per marked canal."""

    name = "levels"

    def key(self, scene: SceneInput) -> tuple[object, ...]:
        """Return the marks."""
        return (scene.state.plan.levels if scene.state.plan is not None else (),)

    def build(self, scene: SceneInput) -> list[vtkActor]:
        """Return the rings."""
        levels = scene.state.plan.levels if scene.state.plan is not None else ()
        walls = [np.array(mark.canal.wall_lps_mm) for mark in levels if mark.canal is not None]
        return [polyline(wall, colours.CANAL, LINE_MM) for wall in walls]
