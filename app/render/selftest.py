"""The 3-D picture without a window: for the self-test and for reports."""

from __future__ import annotations

from pathlib import Path

from app.render.gl_environment import prepare_opengl
from cvt_planner.base.errors import PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.history import History, Step
from cvt_planner.plan.model import Plan
from cvt_planner.plan.results import IceResult
from cvt_planner.workspace import State

WIDTH_PX, HEIGHT_PX = 960, 720


def draw_scene(volume: Volume, plan: Plan, ice: tuple[IceResult, ...], path_png: Path) -> None:
    """Write the 3-D scene around the plan's first lesion as a PNG, drawn off screen; no Qt application is needed.

    Raises
    ------
    PlannerError
        Where OpenGL cannot be used, or the file cannot be written.
    """
    prepare_opengl()
    from vtkmodules.vtkIOImage import vtkPNGWriter
    from vtkmodules.vtkRenderingCore import vtkRenderer, vtkWindowToImageFilter

    from app.render import colours
    from app.render.actors.actor import SceneInput
    from app.render.actors.orientation_cube import OrientationCube
    from app.render.bone_block import anchor_of, cut_bone_block
    from app.render.canvas import NO_OPENGL, off_screen_window
    from app.render.scene_content import SceneContent

    window = off_screen_window()
    if window is None:
        raise PlannerError(NO_OPENGL)
    renderer = vtkRenderer()
    renderer.SetBackground(*colours.rgb(colours.BACKGROUND))
    window.SetSize(WIDTH_PX, HEIGHT_PX)
    window.AddRenderer(renderer)
    content, cube = SceneContent(renderer), OrientationCube(renderer)
    cube.attach(window)
    state = State(volume=volume, history=History(Step(plan, "")), ice=ice)
    lesion_id = plan.lesions[0].id if plan.lesions else None
    middle = volume.grid.centre_lps_mm
    anchor = anchor_of(state, lesion_id, (float(middle[0]), float(middle[1]), float(middle[2])))
    content.update(SceneInput(state, cut_bone_block(volume, anchor, Progress()), lesion_id))
    content.look_at(anchor, procedure_view=False)
    cube.follow(window)
    window.Render()
    grab = vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    writer = vtkPNGWriter()
    writer.SetFileName(str(path_png))
    writer.SetInputConnection(grab.GetOutputPort())
    writer.Write()
    content.close()
    cube.close(window)
    window.RemoveRenderer(renderer)
    window.Finalize()
    if not path_png.is_file():
        raise PlannerError(f"The 3-D picture could not be written to {path_png}.")
