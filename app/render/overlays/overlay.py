"""What an overlay is: one drawn thing on a slice view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app.render.plane import ViewPlane
from app.render.view_state import ViewState
from cvt_planner.base.arrays import Points
from cvt_planner.plan.sides import sides_named
from cvt_planner.workspace import State


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything an overlay draws from: the plane, the plan with its results, and what the views share."""

    plane: ViewPlane  # or a `CurvedPlane`
    orientation: str
    state: State
    view: ViewState
    cursor_lps_mm: Points | None = None
    taken: list[QRectF] = field(default_factory=list)  # room that labels of this painting have taken, see `labels`
    handles: list[QRectF] = field(default_factory=list)  # where no label is written, for they are drawn over it
    written: list[Callable[[], object]] = field(default_factory=list)  # labels to be written when all shapes are drawn
    lesion_boxes: dict[str, QRectF] = field(default_factory=dict)  # around the outlines painted, by lesion id

    @property
    def sides_named(self) -> bool:
        """Return whether left and right of the open CT may be written."""
        return sides_named(self.state.plan, self.state.volume)


class Overlay:
    """One drawn thing. Each view has its own, so that it may keep what it computed for its plane."""

    name = ""  # the member of `view_state.OVERLAYS` that shows and hides it
    # Drawn from plane, plan and choice alone: painted into a layer that is kept until one of them changes, and stands
    # back while the wheel turns. The others are painted every time.
    kept = True
    # At the view's edges: painted last of all, over the tool's own marks, so that it can always be read.
    at_edge = False
    bends = True  # whether it can be drawn on a picture made straight along the canal; its places are taken one by one

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Draw in logical pixels of the view. The painter's state is restored afterwards."""
        raise NotImplementedError
