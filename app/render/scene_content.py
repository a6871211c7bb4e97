"""What stands in the 3-D scene, apart from the widget that shows it."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkRenderingCore import vtkLight, vtkRenderer

from app.render.actors import ACTOR_CLASSES
from app.render.actors.actor import SceneInput
from cvt_planner.base.arrays import Vec3

VIEW_DISTANCE_MM = 320.0
VIEW_HALF_HEIGHT_MM = 68.0
# Where the camera stands, seen from the anchor, and what is up: from behind and a little from the left and above; in
# the procedure view from the feet with the back up, so that the patient's left is on the screen's left.
FROM_BEHIND = (np.array([0.45, 0.80, 0.40]), (0.0, 0.0, 1.0))
AS_PRONE = (np.array([0.25, 0.62, -0.74]), (0.0, 1.0, 0.0))


class SceneContent:
    """The actors of a renderer, kept in line with the plan."""

    def __init__(self, renderer: vtkRenderer) -> None:
        self._renderer = renderer
        self._parts = tuple(member(renderer) for member in ACTOR_CLASSES)
        light = vtkLight()
        light.SetLightTypeToCameraLight()
        light.SetPosition(-0.35, 0.45, 1.0)
        renderer.RemoveAllLights()
        renderer.AddLight(light)
        camera = renderer.GetActiveCamera()
        camera.ParallelProjectionOn()

    def update(self, scene: SceneInput) -> bool:
        """Bring every actor in line; return whether any was not."""
        changed = [part.update(scene) for part in self._parts]  # every one of them, also after the first that was not
        return any(changed)

    def look_at(self, anchor_lps_mm: Vec3, procedure_view: bool) -> None:
        """Put the camera where the scene is first seen from."""
        direction, up = AS_PRONE if procedure_view else FROM_BEHIND
        camera = self._renderer.GetActiveCamera()
        camera.SetFocalPoint(*anchor_lps_mm)
        place = np.array(anchor_lps_mm) + VIEW_DISTANCE_MM * direction / np.linalg.norm(direction)
        camera.SetPosition(*place)
        camera.SetViewUp(*up)
        camera.OrthogonalizeViewUp()
        camera.SetParallelScale(VIEW_HALF_HEIGHT_MM)
        self._renderer.ResetCameraClippingRange()

    def follow(self, anchor_lps_mm: Vec3) -> None:
        """Move the camera along with the anchor, keeping direction and zoom."""
        camera = self._renderer.GetActiveCamera()
        step = np.array(anchor_lps_mm) - np.array(camera.GetFocalPoint())
        camera.SetFocalPoint(*anchor_lps_mm)
        camera.SetPosition(*(np.array(camera.GetPosition()) + step))

    def roughen(self, rough: bool) -> None:
        """Draw roughly what may be, or everything finely."""
        for part in self._parts:
            part.roughen(rough)

    def close(self) -> None:
        """Take everything out of the renderer."""
        for part in self._parts:
            part.close()
