"""The 3-D view: the vertebra with lesion, needles and ice around the chosen lesion."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSizeF, QTimer, Signal
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget
from vtkmodules.vtkRenderingCore import vtkRenderWindow

from app.bridge.jobs import JobRunner
from app.render import colours
from app.render.actors.actor import SceneInput
from app.render.actors.orientation_cube import OrientationCube
from app.render.bone_block import BoneBlock, anchor_of, cut_bone_block
from app.render.canvas import SLOW_MS, VtkCanvas
from app.render.ice_state import IceView, notice_words
from app.render.overlays.ink import write
from app.render.scene_content import SceneContent
from app.render.scene_texts import Legend, ice_legend, paint_texts
from app.render.spine_surfaces import SpineSurfaces, make_surfaces, vertebra_on_ray
from app.render.view_state import ViewState
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.base.arrays import Vec3
from cvt_planner.plan.sides import sides_named
from cvt_planner.workspace import State, Workspace

BONE_JOB = "bone surface"
SURFACES_JOB = "vertebra surfaces"
FOLLOW_AFTER_MS = 250  # the scene follows the crosshair when the wheel rests; assumed
IN_HAND_MS = 250  # between two surfaces while something is dragged in another view; assumed
IN_HAND_SLOW_MS = 10.0  # a picture that takes longer is drawn at half resolution meanwhile; assumed
_DRAWN_FROM = ("volume", "plan", "ice", "spine", "organs")  # members of the state
REFRESH_AFTER_MS = 12  # surfaces are made in a turn of their own, after the slices are painted; assumed


class Scene3D(VtkCanvas):
    """Keeps the 3-D scene in line with workspace and view state. The bone is cut out of the CT in the background."""

    picked = Signal(int)  # number of the vertebra that was clicked

    def __init__(
        self, view_state: ViewState, workspace: Workspace, jobs: JobRunner | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("view_3d")
        self.view_state = view_state
        self.workspace = workspace
        self._own_jobs = JobRunner(self) if jobs is None else None
        self._jobs = jobs if jobs is not None else self._own_jobs
        self._content = SceneContent(self.renderer)
        self._cube = OrientationCube(self.renderer)
        if self._window is not None:
            self._cube.attach(self._window)
        self._surfaces: SpineSurfaces | None = None
        self._surfaces_wanted: Spine | None = None
        self._bone: BoneBlock | None = None
        self._legend: Legend = ()
        self._wanted: tuple[object, Vec3] | None = None
        self._anchor: Vec3 | None = None
        self._following = QTimer(self)
        self._following.setSingleShot(True)
        self._following.setInterval(FOLLOW_AFTER_MS)
        self._following.timeout.connect(self._follow)
        self._refreshing = QTimer(self)
        self._refreshing.setSingleShot(True)
        self._refreshing.setInterval(REFRESH_AFTER_MS)
        self._refreshing.timeout.connect(self._refresh_in_turn)
        self._forget = workspace.listen(self._workspace_changed)
        view_state.selection_changed.connect(self._refresh_soon)
        view_state.overlays_changed.connect(self._refresh_soon)
        view_state.ice_changed.connect(self._ice_changed)
        view_state.crosshair_changed.connect(self._crosshair_moved)
        view_state.orientation_changed.connect(self.reset_camera)
        self.refresh()

    def anchor(self) -> Vec3:
        """Return the middle of the scene, LPS mm."""
        return anchor_of(self.workspace.state, self.view_state.lesion_id, self.view_state.crosshair_lps_mm)

    def refresh(self) -> None:
        """Bring the scene in line and draw it again."""
        self._refreshing.stop()
        self.view_state.turns.drop("3-D")
        if not self.usable:
            return
        state, view = self.workspace.state, self.view_state
        anchor, before = self.anchor(), self._anchor
        if state.volume is None:
            self._bone = None
            self._anchor = None
        elif self._anchor is None:
            self._anchor = anchor
            self._content.look_at(anchor, view.procedure_view)
        elif anchor != self._anchor and (state.plan is None or view.lesion_id is not None or not state.plan.lesions):
            self._anchor = anchor
            self._content.follow(anchor)
        self._want_bone()
        self._want_surfaces()
        turned = self._cube.name_sides(sides_named(state.plan, state.volume)) or before != self._anchor
        bone = self._bone if state.volume is not None else None
        surfaces = self._surfaces if state.spine is not None else None
        chosen = (view.lesion_id, view.assembly_id)
        ice = IceView.of(view)
        self._legend = ice_legend(state, ice)
        changed = self._content.update(SceneInput(state, bone, *chosen, view.overlays, ice, surfaces, view.vertebra))
        if changed or turned:
            self._moving(IN_HAND_SLOW_MS if state.in_hand else SLOW_MS)
        self.update()  # its texts

    def picture(self) -> QImage | None:
        """Return the picture of the scene as it is now; None where OpenGL cannot be used."""
        if self._refreshing.isActive() or self.view_state.turns.drop("3-D"):
            self.refresh()
        if self.view_state.turns.drop("3-D picture"):
            self._picture = None  # drawn now instead
        return super().picture()

    def reset_camera(self) -> None:
        """Look from behind (or, in the procedure view, from the feet with the back up) again."""
        if self.usable and self.workspace.state.volume is not None:
            self._anchor = self.anchor()
            self._content.look_at(self._anchor, self.view_state.procedure_view)
            self.request_render()

    def before_render(self, window: vtkRenderWindow) -> None:
        """Turn the cube as the scene is turned; draw roughly while something is dragged in another view."""
        self._content.roughen(self._coarse and self.workspace.state.in_hand)
        self._cube.follow(window, window.GetSize()[0] / max(self.width(), 1))

    def paint_over(self, painter: QPainter) -> None:
        """Write what the view is, and that the bone is still to come."""
        if not self.usable or self.workspace.state.volume is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        write(painter, QPointF(8.0, 17.0), "3-D", colours.TEXT)
        ice = notice_words(self.workspace.state, IceView.of(self.view_state), self.view_state.lesion_id)
        if ice:
            write(painter, QPointF(8.0, 34.0), ice, colours.NOTICE)
        if self._jobs is not None and self._jobs.running(BONE_JOB):
            write(painter, QPointF(8.0, 51.0), "cutting the bone out of the CT", colours.DIM_TEXT)
        if self._jobs is not None and self._jobs.running(SURFACES_JOB):
            write(painter, QPointF(8.0, 68.0), "making the vertebrae's surfaces", colours.DIM_TEXT)
        camera, size = self.renderer.GetActiveCamera(), QSizeF(self.size())
        paint_texts(painter, camera, self.workspace.state, self.view_state.overlays, self._legend, size)

    def clicked(self, pos: QPointF) -> None:
        """Choose the vertebra under the pointer and take the views there; beside all of them, choose none."""
        spine = self.workspace.state.spine
        if spine is None or "surfaces" not in self.view_state.overlays:
            return
        met = vertebra_on_ray(spine, *self.ray_at(pos))
        self.view_state.choose_vertebra(met[0] if met is not None else None)
        if met is not None:
            self.picked.emit(met[0])

    def render_due(self) -> None:
        """Draw; in a turn of its own unless the scene itself is in the hand."""
        if self.held:
            super().render_due()
        else:
            self.view_state.turns.ask("3-D picture", super().render_due)

    def _sharpen(self) -> None:
        """Draw sharply when the hand rests, and not between two pictures of what is dragged in another view."""
        if self.workspace.state.in_hand:
            self._settle.start()
        else:
            super()._sharpen()

    def shutdown(self) -> None:
        """Stop listening, stop the background work, free VTK."""
        self._following.stop()
        self._refreshing.stop()
        for name in ("3-D", "3-D picture"):
            self.view_state.turns.drop(name)
        if self.usable:
            self._forget()
            for signal in (self.view_state.selection_changed, self.view_state.overlays_changed):
                signal.disconnect(self._refresh_soon)
            self.view_state.ice_changed.disconnect(self._ice_changed)
            self.view_state.crosshair_changed.disconnect(self._crosshair_moved)
            self.view_state.orientation_changed.disconnect(self.reset_camera)
            self._content.close()
            self._cube.close(self._window)
        if self._own_jobs is not None:
            self._own_jobs.close()
        self._bone = self._surfaces = None
        super().shutdown()

    def _workspace_changed(self, old: State, new: State) -> None:
        if old.volume is not new.volume:
            self._bone, self._anchor, self._wanted, self._surfaces = None, None, None, None
            self._picture = None  # of another CT, maybe of another patient
            self.update()
        if any(getattr(old, part) is not getattr(new, part) for part in _DRAWN_FROM):
            self._refresh_soon()
        if old.spine is not new.spine or old.numbering is not new.numbering:
            self.update()  # the names

    def _refresh_soon(self) -> None:
        if not self._refreshing.isActive():
            self._refreshing.start(IN_HAND_MS if self.workspace.state.in_hand else REFRESH_AFTER_MS)

    def _refresh_in_turn(self) -> None:
        self.view_state.turns.ask("3-D", self.refresh)

    def _ice_changed(self) -> None:
        self._refresh_soon()
        self.update()

    def _crosshair_moved(self) -> None:
        self._following.start()

    def _follow(self) -> None:
        """Without a lesion the scene stands around the crosshair; follow it when it has left the block."""
        state = self.workspace.state
        if state.volume is None or (state.plan is not None and state.plan.lesions):
            return
        if self._bone is not None and not self._bone.serves(state.volume, self.anchor()):
            self.refresh()

    def _want_bone(self) -> None:
        """Have the block cut where none serves, unless that very block is being cut."""
        volume, anchor = self.workspace.state.volume, self.anchor()
        if volume is None or self._jobs is None or (self._bone is not None and self._bone.serves(volume, anchor)):
            return
        if self._wanted == (volume, anchor) and self._jobs.running(BONE_JOB):
            return
        self._wanted = (volume, anchor)
        self._jobs.submit(BONE_JOB, lambda progress: cut_bone_block(volume, anchor, progress), self._put_bone)

    def _want_surfaces(self) -> None:
        """Have the vertebrae's surfaces made where they are wanted and those there are show another spine."""
        state, before = self.workspace.state, self._surfaces
        spine = state.spine
        if spine is None or self._jobs is None or state.in_hand or "surfaces" not in self.view_state.overlays:
            return
        if before is not None and before.spine is spine:
            return
        if self._surfaces_wanted is spine and self._jobs.running(SURFACES_JOB):
            return
        self._surfaces_wanted = spine
        self._jobs.submit(SURFACES_JOB, lambda progress: make_surfaces(spine, before, progress), self._put_surfaces)

    def _put_surfaces(self, surfaces: SpineSurfaces) -> None:
        if self.usable and surfaces.spine is self.workspace.state.spine:
            self._surfaces = surfaces
            self._refresh_soon()

    def _put_bone(self, block: BoneBlock) -> None:
        if self.usable and block.volume is self.workspace.state.volume:
            self._bone = block
            self._refresh_soon()
