"""Small texts in the corners: the plane and where it lies, window and zoom, the Hounsfield units under the pointer."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter

from app.render import colours
from app.render.overlays.ink import label_font, write
from app.render.overlays.overlay import Overlay, Scene
from app.render.plane import letters
from cvt_planner.base.arrays import Points
from cvt_planner.imaging.volume import Volume

INSET_PX = 8.0
LEFT, RIGHT = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight


def hu_at(volume: Volume, lps_mm: Points) -> int | None:
    """Return the Hounsfield units of the nearest voxel; None outside the volume."""
    index = np.floor(volume.grid.index_of(lps_mm) + 0.5).astype(int)
    if np.any(index < 0) or np.any(index >= volume.grid.shape_kji):
        return None
    return int(volume.hu[tuple(index)])


def place_text(lps_mm: Points) -> str:
    """Return a patient point in words, so that no sign needs to be known: "L 12.3  P 40.1  S 88.0 mm"."""
    names = (("L", "R"), ("P", "A"), ("S", "I"))
    return "  ".join(f"{pair[0] if v >= 0 else pair[1]} {abs(v):.1f}" for v, pair in zip(lps_mm, names, strict=True))


class CornerTexts(Overlay):
    """What a radiologist looks for in the corners, and nothing more."""

    name = "corners"
    kept = False

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Write the texts."""
        plane, view = scene.plane, scene.view
        painter.setFont(label_font(painter))
        line = painter.fontMetrics().height() + 1.0
        bottom = plane.height_px - INSET_PX - line / 2.0
        turned = view.axes(scene.orientation) is not None
        title = f"{scene.orientation.capitalize()}{' (turned)' if turned else ''}"
        position = float(np.array(view.crosshair_lps_mm) @ np.abs(np.round(plane.normal)))
        colour = colours.PLANE[scene.orientation]
        write(painter, QPointF(INSET_PX, INSET_PX + line / 2), title, colour, LEFT)
        if not turned:
            where = letters(np.abs(np.round(plane.normal)) * (1.0 if position >= 0 else -1.0))
            write(painter, QPointF(INSET_PX, INSET_PX + 1.5 * line), f"{where} {abs(position):.1f} mm")
        window = f"W {view.window.width_hu:.0f}  L {view.window.centre_hu:.0f}"
        write(painter, QPointF(INSET_PX, bottom - line), window + ("  inverted" if view.inverted else ""))
        write(painter, QPointF(INSET_PX, bottom), f"{plane.mm_per_px:.2f} mm/px", colours.DIM_TEXT)
        if scene.orientation == "axial" and view.procedure_view:
            at = QPointF(plane.width_px - INSET_PX, INSET_PX + line / 2)
            write(painter, at, "procedure view", colours.PLANE["sagittal"], RIGHT)
        if scene.cursor_lps_mm is not None and scene.state.volume is not None:
            hu = hu_at(scene.state.volume, scene.cursor_lps_mm)
            text = "outside the CT" if hu is None else f"{hu} HU"
            write(painter, QPointF(plane.width_px - INSET_PX, bottom - line), text, colours.TEXT, RIGHT)
            place = place_text(scene.cursor_lps_mm) + " mm"
            write(painter, QPointF(plane.width_px - INSET_PX, bottom), place, colours.DIM_TEXT, RIGHT)
