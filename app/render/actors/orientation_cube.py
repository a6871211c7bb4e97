"""The small cube in the corner that says where left, posterior and head are."""

from __future__ import annotations

from vtkmodules.vtkRenderingAnnotation import vtkAnnotatedCubeActor
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow

from app.render import colours

SIZE_PX = 84  # at a device pixel ratio of 1
DISTANCE = 4.2


class OrientationCube:
    """A cube with R L A P S I on its faces, turned as the scene is; drawn by a renderer of its own on top."""

    def __init__(self, scene: vtkRenderer) -> None:
        self._scene = scene
        self._cube = vtkAnnotatedCubeActor()
        self._named: bool | None = None
        self.name_sides(True)
        self._cube.SetFaceTextScale(0.62)
        self._cube.SetZFaceTextRotation(90.0)
        self._cube.GetCubeProperty().SetColor(0.32, 0.34, 0.37)
        self._cube.GetTextEdgesProperty().SetOpacity(0.0)
        for face in (
            self._cube.GetXPlusFaceProperty(),
            self._cube.GetXMinusFaceProperty(),
            self._cube.GetYPlusFaceProperty(),
            self._cube.GetYMinusFaceProperty(),
            self._cube.GetZPlusFaceProperty(),
            self._cube.GetZMinusFaceProperty(),
        ):
            face.SetColor(*colours.rgb(colours.TEXT))
        self.renderer = vtkRenderer()
        self.renderer.SetLayer(1)
        self.renderer.InteractiveOff()
        self.renderer.AddViewProp(self._cube)

    def name_sides(self, named: bool) -> bool:
        """Write the letters on the faces, or question marks while the sides of the CT are in doubt.

        Return whether other letters stood there.
        """
        if named is self._named:
            return False
        self._named = named
        left, right, back, front, head, feet = "LRPASI" if named else "??????"
        self._cube.SetXPlusFaceText(left)
        self._cube.SetXMinusFaceText(right)
        self._cube.SetYPlusFaceText(back)
        self._cube.SetYMinusFaceText(front)
        self._cube.SetZPlusFaceText(head)
        self._cube.SetZMinusFaceText(feet)
        return True

    def attach(self, window: vtkRenderWindow) -> None:
        """Draw in a window from now on."""
        window.SetNumberOfLayers(2)
        window.AddRenderer(self.renderer)

    def follow(self, window: vtkRenderWindow, scale: float = 1.0) -> None:
        """Turn as the scene's camera is turned, in the lower left corner."""
        width, height = window.GetSize()
        side = SIZE_PX * scale
        self.renderer.SetViewport(0.0, 0.0, min(side / width, 0.4), min(side / height, 0.4))
        theirs, mine = self._scene.GetActiveCamera(), self.renderer.GetActiveCamera()
        x, y, z = theirs.GetDirectionOfProjection()
        mine.SetFocalPoint(0.0, 0.0, 0.0)
        mine.SetPosition(-DISTANCE * x, -DISTANCE * y, -DISTANCE * z)
        mine.SetViewUp(*theirs.GetViewUp())
        self.renderer.ResetCameraClippingRange()

    def close(self, window: vtkRenderWindow | None) -> None:
        """Let go of the window."""
        self.renderer.RemoveAllViewProps()
        if window is not None:
            window.RemoveRenderer(self.renderer)
