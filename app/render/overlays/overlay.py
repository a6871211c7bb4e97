"""What an overlay is: one drawn thing on a slice view."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QPainter

from app.render.plane import ViewPlane
from app.render.view_state import ViewState
from cvt_planner.base.arrays import Points
from cvt_planner.workspace import State


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything an overlay draws from: the plane, the plan with its results, and what the views share."""

    plane: ViewPlane
    orientation: str
    state: State
    view: ViewState
    cursor_lps_mm: Points | None = None


class Overlay:
    """One drawn thing. Each view has its own, so that it may keep what it computed for its plane."""

    name = ""  # the member of `view_state.OVERLAYS` that shows and hides it
    # Drawn from plane, plan and choice alone: painted into a layer that is kept until one of them changes, and stands
    # back while the wheel turns. The others are painted every time.
    kept = True

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Draw in logical pixels of the view. The painter's state is restored afterwards."""
        raise NotImplementedError
