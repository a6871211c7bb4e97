"""What the commands of `actions` do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer

from app import aiming
from app.actions import PRESETS
from app.brushing import Brushing
from app.desk import Desk
from app.documents import Documents
from app.growing import Growing
from app.render.slice_view import SliceView
from app.render.view_state import ORIENTATIONS, Axes, Frame, Window
from app.tools.navigate import LESION_STEP, NavigateTool
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.base.arrays import Points, vec3
from cvt_planner.plan import edits

NUDGE_ENDS_MS = 800  # nudges that follow each other faster are one undo step


class Commands(QObject):
    """Edits, view switches and keys that are not one panel's or one tool's."""

    def __init__(
        self, desk: Desk, documents: Documents, growing: Growing, brushing: Brushing, navigate: NavigateTool,
        views: dict[str, SliceView],
    ) -> None:  # fmt: skip
        super().__init__(desk)
        self.desk = desk
        self.documents = documents
        self.growing = growing
        self.brushing = brushing
        self.navigate = navigate
        self.views = views
        self.active_view = views["axial"]  # the one the mouse was over last
        self.needle_views = False
        self._nudging = QTimer(self)
        self._nudging.setSingleShot(True)
        self._nudging.setInterval(NUDGE_ENDS_MS)
        self._nudging.timeout.connect(desk.workspace.end_gesture)
        desk.changed.connect(self._follow_needle)

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Return the functions of the commands that are done here, by key."""
        desk, documents = self.desk, self.documents
        made: dict[str, Callable[[], None]] = {
            "open_study": lambda: self._open(documents.dialogs.study_folder()),
            "open_file": lambda: documents.open_paths(documents.dialogs.files()),
            "open_sample": self.open_sample,
            "save": lambda: documents.save(),
            "save_as": lambda: documents.save_as(),
            "close_study": documents.close_study,
            "undo": self._undo,
            "redo": desk.workspace.redo,
            "delete": self.delete,
            "invert": lambda: desk.view_state.set_inverted(not desk.view_state.inverted),
            "procedure_view": self.toggle_procedure_view,
            "needle_views": self.toggle_needle_views,
            "fit": self.fit,
            "measure": lambda: desk.choose_tool("navigate" if desk.tool == "measure" else "measure"),
            "brush": lambda: self._draw("brush"),
            "eraser": lambda: self._draw("eraser"),
            "brush_smaller": lambda: self.brushing.resize(-1.0),
            "brush_larger": lambda: self.brushing.resize(1.0),
            "brush_3d": lambda: self.brushing.set_3d(not self.brushing.in_3d),
            "leave_tool": self.leave_tool,
            "target": lambda: self._aim(aiming.set_target),
            "entry": lambda: self._aim(aiming.set_entry),
            "next_needle": lambda: aiming.next_needle(desk),
            "next_lesion": lambda: aiming.next_lesion(desk),
            "nudge_left": lambda: self.nudge(-1, 0),
            "nudge_right": lambda: self.nudge(1, 0),
            "nudge_up": lambda: self.nudge(0, -1),
            "nudge_down": lambda: self.nudge(0, 1),
            "slice_back": lambda: self._page(-1),
            "slice_on": lambda: self._page(1),
        }
        for n in range(1, len(PRESETS) + 1):
            made[f"preset_{n}"] = partial(self.preset, n)
        for step in range(1, 8):
            made[f"step_{step}"] = partial(desk.step_wanted.emit, step)
        return made

    def preset(self, n: int) -> None:
        """Show the grey window of a number key."""
        chosen = PRESETS[n - 1]
        self.desk.view_state.set_window(Window(chosen.centre_hu, chosen.width_hu))

    def open_sample(self) -> None:
        """Open the synthetic case that comes with the program."""
        folder = sample_folder()
        if folder.is_dir():
            self.documents.open_path(folder)
        else:
            self.desk.say(f"The sample case is missing: {folder} is not there. Install the program again.", "stop")

    def toggle_procedure_view(self) -> None:
        """Turn the axials as the prone patient lies, or back."""
        state = self.desk.view_state
        state.set_procedure_view(not state.procedure_view)
        self.desk.settings.procedure_view = state.procedure_view

    def toggle_needle_views(self) -> None:
        """Turn the views along the chosen needle, or back to orthogonal."""
        if self.needle_views:
            self.needle_views = False
            for name in ORIENTATIONS:
                self.desk.view_state.set_axes(name, None)
        elif self.desk.assembly is None:
            self.desk.say("Choose a needle first: these views are turned along it.", "look")
        else:
            self.needle_views = True
            self.desk.go_to(self.desk.assembly.probe_tip_lps_mm)
            self._follow_needle()
        self.desk.tell()

    def fit(self) -> None:
        """Show the whole CT in every view."""
        for name in ORIENTATIONS:
            self.desk.view_state.set_frame(name, Frame())

    def leave_tool(self) -> None:
        """Put the tool away; give up what was begun with it."""
        self.growing.cancel()
        self.brushing.give_up()
        self.desk.set_aim(None)
        self.desk.annotate("measure", ())
        self.desk.choose_tool("navigate")

    def _draw(self, tool: str) -> None:
        if self.desk.step != LESION_STEP:
            self.desk.step_wanted.emit(LESION_STEP)
        self.growing.cancel()
        self.desk.choose_tool("navigate" if self.desk.tool == tool else tool)

    def delete(self) -> None:
        """Delete the chosen needle; in the step of lesions the chosen lesion."""
        lesion, assembly = self.desk.lesion, self.desk.assembly
        if self.desk.step == LESION_STEP and lesion is not None:
            self.desk.apply(edits.remove_lesion(lesion.id), f"Delete {lesion.name}")
        elif self.desk.step != LESION_STEP and assembly is not None:
            self.desk.apply(edits.remove_assembly(assembly.id), f"Delete the {assembly.side.value} needle")

    def nudge(self, right: int, down: int) -> None:
        """Move what is chosen by half a millimetre in the plane of the view the mouse was over last."""
        plane = self.active_view.plane()
        by_mm = aiming.NUDGE_MM * (right * plane.right + down * plane.down)
        step = self.desk.step
        moved = step > LESION_STEP and aiming.nudge(self.desk, by_mm, self.navigate.grip)
        if moved or (step == LESION_STEP and self._nudge_lesion(by_mm)):
            self._nudging.start()
        elif self.desk.volume is not None:
            to = np.array(self.desk.view_state.crosshair_lps_mm) + by_mm
            if self.desk.volume.grid.contains(to):
                self.desk.go_to(vec3(to))

    def _nudge_lesion(self, by_mm: Points) -> bool:
        lesion = self.desk.lesion
        if lesion is None or not isinstance(lesion.shape, Ellipsoid):
            return False
        centre = np.array(lesion.shape.centre_lps_mm) + by_mm
        shape = Ellipsoid(vec3(centre), lesion.shape.semi_axes_mm)
        return self.desk.apply(edits.set_lesion_shape(lesion.id, shape), "Move lesion", f"nudge {lesion.id}")

    def _aim(self, do: Callable[[Desk, tuple[float, float, float]], None]) -> None:
        if self.desk.step < LESION_STEP + 1:
            self.desk.step_wanted.emit(LESION_STEP + 1)
        do(self.desk, self.desk.pointer_lps_mm)

    def _undo(self) -> None:
        self.desk.workspace.undo()

    def _open(self, path: Path | None) -> None:
        if path is not None:
            self.documents.open_path(path)

    def _page(self, slices: int) -> None:
        self.active_view.page(slices)

    def _follow_needle(self) -> None:
        """Turn the views along the needle again once it is let go of."""
        state, assembly = self.desk.workspace.state, self.desk.assembly
        if not self.needle_views or (state.history is not None and state.history.present.gesture):
            return
        if assembly is None:
            self.toggle_needle_views()
            return
        for name, (right, down) in aiming.needle_axes(assembly.outward).items():
            self.desk.view_state.set_axes(name, Axes(right, down))


def sample_folder() -> Path:
    """Return the folder of the sample case, in the checkout or in the frozen program."""
    frozen = getattr(sys, "_MEIPASS", None)
    root = Path(frozen) if frozen else Path(__file__).resolve().parent.parent
    cases = root / "sample_dicom"
    return cases / "standard" if (cases / "standard").is_dir() else cases
