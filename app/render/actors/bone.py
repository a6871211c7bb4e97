"""The bone around the chosen lesion, let through so that what lies in it is seen."""

from __future__ import annotations

from vtkmodules.vtkRenderingCore import vtkActor

from app.render import colours
from app.render.actors.actor import SceneActor, SceneInput
from app.render.actors.shapes import iso_surface

BONE_HU = 200.0  # assumed: between marrow with contrast medium and thin cortex, blurred by the scanner
OPACITY = 0.5


class Bone(SceneActor):
    """The surface of everything over `BONE_HU` in the block that was cut in the background."""

    name = "bone"

    def key(self, scene: SceneInput) -> tuple[object, ...]:
        """Return the block."""
        return (scene.bone,)

    def build(self, scene: SceneInput) -> list[vtkActor]:
        """Return the surface; nothing before the block is there."""
        if scene.bone is None:
            return []
        actor = iso_surface(scene.bone.hu, scene.bone.grid, BONE_HU, colours.BONE, OPACITY)
        actor.GetProperty().SetBackfaceCulling(True)  # the far walls would only blur the near ones
        return [actor]
