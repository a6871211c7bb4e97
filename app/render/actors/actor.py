"""What a drawn thing of the 3-D scene is: the twin of a part of the plan."""

from __future__ import annotations

from dataclasses import dataclass

from vtkmodules.vtkRenderingCore import vtkActor, vtkRenderer

from app.render.bone_block import BoneBlock
from app.render.ice_state import IceView
from app.render.spine_surfaces import SpineSurfaces
from app.render.view_state import OVERLAYS
from cvt_planner.plan.results import ISOTHERMS_C, MARROW_BONE
from cvt_planner.workspace import State

_AS_EVER = IceView(MARROW_BONE, ISOTHERMS_C, None, None)


@dataclass(frozen=True, eq=False)
class SceneInput:
    """Everything the 3-D scene draws from."""

    state: State
    bone: BoneBlock | None = None
    lesion_id: str | None = None
    assembly_id: str | None = None
    overlays: frozenset[str] = frozenset(OVERLAYS)
    ice: IceView = _AS_EVER
    surfaces: SpineSurfaces | None = None
    vertebra: int | None = None


class SceneActor:
    """Owns the VTK actors of one kind of thing; `update` redraws only what is another object than before."""

    name = ""  # the member of `view_state.OVERLAYS` that shows and hides it

    def __init__(self, renderer: vtkRenderer) -> None:
        self._renderer = renderer
        self._actors: list[vtkActor] = []
        self._key: tuple[object, ...] = ()

    def update(self, scene: SceneInput) -> bool:
        """Bring the actors in line with the scene; return whether they were not."""
        key = (self.name in scene.overlays, *self.key(scene))
        if len(key) == len(self._key) and all(a is b or a == b for a, b in zip(key, self._key, strict=True)):
            return False
        self.close()
        self._key = key
        if self.name in scene.overlays:
            for actor in self.build(scene):
                self._actors.append(actor)
                self._renderer.AddActor(actor)
        return True

    def key(self, scene: SceneInput) -> tuple[object, ...]:
        """Return what the actors are made from."""
        raise NotImplementedError

    def build(self, scene: SceneInput) -> list[vtkActor]:
        """Return the actors for a scene."""
        raise NotImplementedError

    def roughen(self, rough: bool) -> None:
        """Draw what may be drawn roughly while something is dragged elsewhere; a hook."""

    def close(self) -> None:
        """Take the actors out of the renderer and let go of them."""
        for actor in self._actors:
            self._renderer.RemoveActor(actor)
        self._actors.clear()
        self._key = ()
