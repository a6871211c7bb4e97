"""The 3-D picture without a window: for the self-test and for reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.render.gl_environment import prepare_opengl
from app.render.headless import captioned, ice_words, prepare_qt, title_of
from cvt_planner.base.errors import PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.history import History, Step
from cvt_planner.plan.model import Plan
from cvt_planner.plan.results import IceResult
from cvt_planner.plan.sides import sides_named
from cvt_planner.workspace import State

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

    from app.render.actors.actor import SceneInput
    from cvt_planner.base.arrays import Vec3

WIDTH_PX, HEIGHT_PX = 960, 720


def draw_scene(volume: Volume, plan: Plan, ice: tuple[IceResult, ...], path_png: Path) -> None:
    """Write the 3-D scene around the plan's first lesion as a PNG, drawn off screen, and what it shows beneath.

    Raises
    ------
    PlannerError
        Where OpenGL cannot be used, or the file cannot be written.
    """
    prepare_opengl()  # before anything of VTK is imported
    from app.render.actors.actor import SceneInput
    from app.render.bone_block import anchor_of, cut_bone_block

    state = State(volume=volume, history=History(Step(plan, "")), ice=ice)
    lesion = plan.lesions[0] if plan.lesions else None
    middle = volume.grid.centre_lps_mm
    lesion_id = lesion.id if lesion is not None else None
    anchor = anchor_of(state, lesion_id, (float(middle[0]), float(middle[1]), float(middle[2])))
    scene = SceneInput(state, cut_bone_block(volume, anchor, Progress()), lesion_id)
    title = "3-D" if lesion is None else title_of(plan, lesion, "3-D from behind, left and above")
    words = "no lesion is marked" if lesion is None else ice_words(state, scene.ice.tissue, lesion)
    captioned(_rendered(scene, anchor), title, words).save(str(path_png))
    if not path_png.is_file():
        raise PlannerError(f"The 3-D picture could not be written to {path_png}.")


def _rendered(scene: SceneInput, anchor: Vec3) -> QImage:
    """Return the picture of a scene with its texts, as the window writes them."""
    from PySide6.QtCore import QSizeF
    from PySide6.QtGui import QPainter
    from vtkmodules.vtkRenderingCore import vtkRenderer

    from app.render import colours
    from app.render.actors.orientation_cube import OrientationCube
    from app.render.canvas import NO_OPENGL, off_screen_window, read_picture
    from app.render.scene_content import SceneContent
    from app.render.scene_texts import ice_legend, paint_texts

    application, window = prepare_qt(), off_screen_window()
    if window is None:
        raise PlannerError(NO_OPENGL)
    renderer = vtkRenderer()
    renderer.SetBackground(*colours.rgb(colours.BACKGROUND))
    window.SetSize(WIDTH_PX, HEIGHT_PX)
    window.AddRenderer(renderer)
    content, cube = SceneContent(renderer), OrientationCube(renderer)
    cube.attach(window)
    cube.name_sides(sides_named(scene.state.plan, scene.state.volume))
    content.update(scene)
    content.look_at(anchor, procedure_view=False)
    cube.follow(window)
    window.Render()
    picture = read_picture(window)
    painter = QPainter(picture)
    painter.setFont(application.font())
    legend, size = ice_legend(scene.state, scene.ice), QSizeF(WIDTH_PX, HEIGHT_PX)
    paint_texts(painter, renderer.GetActiveCamera(), scene.state, scene.overlays, legend, size)
    painter.end()
    content.close()
    cube.close(window)
    window.RemoveRenderer(renderer)
    window.Finalize()
    return picture
