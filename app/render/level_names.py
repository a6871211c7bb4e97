"""The names of vertebrae and aorta on the 3-D picture, where their middles are seen from the camera."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QPainter
from vtkmodules.vtkRenderingCore import vtkCamera

from app.render import colours
from app.render.overlays.ink import write
from cvt_planner.base.arrays import Points, Vec3
from cvt_planner.plan.level_state import level_words
from cvt_planner.plan.naming import named_vertebrae
from cvt_planner.workspace import State

_BESIDE_PX = 6.0


def level_texts(state: State) -> list[tuple[Vec3, str, bool]]:
    """Return (place LPS mm, text, whether it is established) of every named vertebra."""
    plan, spine = state.plan, state.spine
    if plan is None:
        return []
    if spine is None:
        words = [(mark.centre_lps_mm, level_words(plan, mark.level), mark.level) for mark in plan.levels]
        return [(place, text, text == level) for place, text, level in words]
    named = named_vertebrae(plan, spine, state.numbering)
    return [(one.vertebra.centre_lps_mm, one.words, one.words == one.level) for one in named if one.level]


def paint_aorta(painter: QPainter, camera: vtkCamera, state: State, size: QSizeF) -> None:
    """Write the aorta's name beside the middlemost of its sections on the picture; nothing where none is seen."""
    aorta = state.organs.aorta if state.organs is not None else None
    if aorta is None:
        return
    inside = QRectF(QPointF(0.0, 0.0), size)
    seen = [QPointF(x, y) for x, y in on_picture(camera, aorta.centres_lps_mm, size).tolist()]
    seen = [at for at in seen if inside.contains(at)]
    if seen:
        write(painter, seen[len(seen) // 2] + QPointF(_BESIDE_PX, 0.0), "aorta", colours.ORGANS["aorta"])


def on_picture(camera: vtkCamera, lps_mm: Points, size: QSizeF) -> Points:
    """Return (n, 2) where (n, 3) points, LPS mm, appear on a picture of that size in logical pixels."""
    matrix = camera.GetCompositeProjectionTransformMatrix(size.width() / max(size.height(), 1.0), -1.0, 1.0)
    rows = np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)])
    seen = np.column_stack([lps_mm, np.ones(len(lps_mm))]) @ rows.T
    ratio = seen[:, :2] / seen[:, 3:]
    return np.column_stack([(ratio[:, 0] + 1.0) * size.width() / 2.0, (1.0 - ratio[:, 1]) * size.height() / 2.0])


def paint_levels(painter: QPainter, camera: vtkCamera, state: State, size: QSizeF) -> None:
    """Write the names that lie on the picture. They are seen through bone: the label tells, not the depth."""
    texts = level_texts(state)
    if not texts:
        return
    inside = QRectF(QPointF(0.0, 0.0), size)
    places = on_picture(camera, np.array([place for place, _, _ in texts]), size)
    for (_, text, sure), (x, y) in zip(texts, places, strict=True):
        at = QPointF(float(x) + _BESIDE_PX, float(y))
        if inside.contains(at):
            write(painter, at, text, colours.LEVEL if sure else colours.DOUBTFUL_LEVEL, bold=True)
