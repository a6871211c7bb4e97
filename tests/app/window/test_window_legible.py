"""What must be read at a glance can be read, whatever lies there: seen in pictures of the window after real events."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from scipy import ndimage

from app.panels.rail import Step
from app.render.slice_view import SliceView
from tests.app.window.hand import Hand, Small, pixels


def lower_letter(view: SliceView) -> tuple[QPoint, np.ndarray]:
    """Return the middle of the letter at the lower edge, and (24, 20, 3) what is seen there."""
    at = QPoint(view.width() // 2, view.height() - 14)
    shown = pixels(view.grab().toImage())
    return at, shown[at.y() - 12 : at.y() + 12, at.x() - 10 : at.x() + 10]


def test_a_handle_at_the_edge_leaves_the_orientation_letter_readable(ready: Hand, small: Small) -> None:
    ready.step(Step.NEEDLES)
    view = ready.view()
    at, before = lower_letter(view)
    letter = before.min(axis=2) > 150
    assert 15 < letter.sum() < 200
    entry = np.array(ready.plan.assemblies[-1].entry_lps_mm)
    start = view.point_of(entry).toPoint()
    ready.drag(start, at, moves=8)
    ready.settle()
    assert (view.point_of(np.array(ready.plan.assemblies[-1].entry_lps_mm)).toPoint() - at).manhattanLength() < 8
    QTest.mouseMove(view, QPoint(40, 60))
    ready.key(Qt.Key.Key_F5)  # nothing: the pointer's own marks are drawn anew
    _, after = lower_letter(view)
    assert (after.min(axis=2)[letter] > 140).all()
    around = ndimage.binary_dilation(letter, iterations=3) & ~ndimage.binary_dilation(letter, iterations=1)
    assert after.max(axis=2)[around].max() < 100
