"""What is written over the 3-D picture: the names of vertebrae and aorta, which ice is which, and the scale."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter
from vtkmodules.vtkRenderingCore import vtkCamera

from app.render import colours
from app.render.ice_state import IceView, still_holds
from app.render.level_names import paint_aorta, paint_levels
from app.render.overlays.ice import level_words
from app.render.overlays.ink import write
from app.render.overlays.scale_bar import draw_bar
from cvt_planner.workspace import State

_TOP_PX, _RIGHT_PX, _LINE_PX = 17.0, 8.0, 17.0
Legend = tuple[tuple[str, QColor], ...]


def ice_legend(state: State, view: IceView) -> Legend:
    """Return the temperature of each surface of the ice with its colour, outermost first; empty where there is none.

    A surface has no line to write on. Old ice is grey throughout, and said to be so.
    """
    if not state.ice and view.preview is None:
        return ()
    replaced = view.preview.lesion_id if view.preview is not None else None
    holds = [still_holds(state, result) for result in state.ice if result.inputs.lesion_id != replaced]
    drawn_anew = view.preview is not None or any(holds)
    rows = [(level_words(c), colours.isotherm(c)) for c in view.isotherms_c] if drawn_anew else []
    return (*rows, *([] if all(holds) else [("grey: ice out of date", colours.STALE)]))


def paint_texts(
    painter: QPainter, camera: vtkCamera, state: State, shown: frozenset[str], legend: Legend, size: QSizeF
) -> None:
    """Write them in logical pixels of a picture of that size; `shown` are the members of `view_state.OVERLAYS`."""
    if "ice" in shown:
        for number, (words, ink) in enumerate(legend):
            at = QPointF(size.width() - _RIGHT_PX, _TOP_PX + number * _LINE_PX)
            write(painter, at, words, ink, Qt.AlignmentFlag.AlignRight)
    if "scale" in shown and camera.GetParallelProjection():
        draw_bar(painter, size, 2.0 * camera.GetParallelScale() / max(size.height(), 1.0))
    if "aorta" in shown:
        paint_aorta(painter, camera, state, size)
    if "levels" in shown:
        paint_levels(painter, camera, state, size)
