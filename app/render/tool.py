"""What a mouse mode hears from a slice view: patient points, not pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter

from cvt_planner.base.arrays import Points

if TYPE_CHECKING:
    from app.render.slice_view import SliceView


@dataclass(frozen=True, eq=False)
class ViewEvent:
    """A mouse or key event on a slice view.

    Parameters
    ----------
    lps_mm
        (3,) the patient point under the pointer, on the view's plane, LPS mm.
    pos
        The pointer in the view's logical pixels.
    button
        The button pressed or released; the one held during a move; NoButton for hover and keys.
    delta
        Movement since the event before, logical pixels.
    key
        Qt key code; 0 unless a key was pressed.
    """

    view: SliceView
    lps_mm: Points
    pos: QPointF
    button: Qt.MouseButton
    modifiers: Qt.KeyboardModifier
    delta: QPointF = field(default_factory=QPointF)
    key: int = 0


class Tool:
    """A mouse mode. Each method returns whether it used the event; what it leaves, the view uses in its own way."""

    cursor = Qt.CursorShape.ArrowCursor

    def press(self, event: ViewEvent) -> bool:
        """The left button went down."""
        return False

    def move(self, event: ViewEvent) -> bool:
        """The pointer moved with the left button down, after a press that was used."""
        return False

    def release(self, event: ViewEvent) -> bool:
        """The left button went up, after a press that was used."""
        return False

    def double_click(self, event: ViewEvent) -> bool:
        """The left button was clicked twice."""
        return False

    def hover(self, event: ViewEvent) -> bool:
        """The pointer moved with no button down."""
        return False

    def wheel(self, notches: float) -> bool:
        """The wheel was turned with Ctrl held; positive away from the hand."""
        return False

    def key(self, event: ViewEvent) -> bool:
        """A key was pressed while the view has the focus; `ViewEvent.key` names it."""
        return False

    def paint(self, painter: QPainter, view: SliceView) -> None:
        """Draw what belongs to the tool on top of a view, in logical pixels."""
