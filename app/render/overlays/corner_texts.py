"""Small texts in the corners: the plane and where it lies, window and zoom, the Hounsfield units under the pointer."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from app.render import colours
from app.render.curved_plane import CurvedPlane
from app.render.ice_state import IceView, notice_words
from app.render.overlays.ink import label_font, text_box, write
from app.render.overlays.overlay import Overlay, Scene
from app.render.plane import letters
from cvt_planner.base.arrays import Points
from cvt_planner.imaging.volume import Volume

INSET_PX = 8.0
BESIDE_LETTER_PX = 16.0  # half of the widest orientation letters, with a gap
LONGEST_LPS_MM = np.array([888.8, 888.8, -888.8])
LEFT, RIGHT = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
Written = tuple[QPointF, str, QColor, Qt.AlignmentFlag]


def hu_at(volume: Volume, lps_mm: Points) -> int | None:
    """Return the Hounsfield units of the nearest voxel; None outside the volume."""
    index = np.floor(volume.grid.index_of(lps_mm) + 0.5).astype(int)
    if np.any(index < 0) or np.any(index >= volume.grid.shape_kji):
        return None
    return int(volume.hu[tuple(index)])


def place_text(lps_mm: Points, decimals: int = 1, named: bool = True) -> str:
    """Return a patient point in words, so that no sign needs to be known: "L 12.3  P 40.1  S 88.0 mm".

    Where the sides may not be named, the file's own axes: "x 12.3  y 40.1  z 88.0 mm".
    """
    if not named:
        return "  ".join(f"{axis} {_minus(v, decimals)}" for axis, v in zip("xyz", lps_mm, strict=True)) + " mm"
    names = (("L", "R"), ("P", "A"), ("S", "I"))
    parts = (f"{pair[0] if v >= 0 else pair[1]} {abs(v):.{decimals}f}" for v, pair in zip(lps_mm, names, strict=True))
    return "  ".join(parts) + " mm"


class CornerTexts(Overlay):
    """What a radiologist looks for in the corners, and nothing more."""

    name = "corners"
    kept = False
    at_edge = True

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Write the texts."""
        for at, text, colour, align in (*_lasting(painter, scene), *_of_pointer(painter, scene)):
            write(painter, at, text, colour, align)


def boxes(painter: QPainter, scene: Scene) -> list[QRectF]:
    """Return the room of the texts; where the pointer's texts come and go, the room of the longest."""
    found = [text_box(painter, at, text, align) for at, text, _, align in _lasting(painter, scene)]
    high, low = _right_lines(painter, scene)
    found.append(text_box(painter, high, "outside the CT", RIGHT))
    found.append(text_box(painter, low, _fitting(painter, scene, LONGEST_LPS_MM), RIGHT))
    return found


def _lasting(painter: QPainter, scene: Scene) -> list[Written]:
    """Return the texts that are always there."""
    plane, view = scene.plane, scene.view
    line = _line_px(painter)
    bottom = plane.height_px - INSET_PX - line / 2.0
    straight = isinstance(plane, CurvedPlane)
    turned = view.axes(scene.orientation) is not None and not straight
    title = f"{scene.orientation.capitalize()}{' (turned)' if turned else ''}"
    if straight:
        title = "Straight along the canal"
    position = float(np.array(view.crosshair_lps_mm) @ np.abs(np.round(plane.normal)))
    ink = colours.PLANE_TITLE[scene.orientation]
    texts: list[Written] = [(QPointF(INSET_PX, INSET_PX + line / 2), title, ink, LEFT)]
    if isinstance(plane, CurvedPlane):
        for n, words in enumerate(_straight_words(scene, plane), start=1):
            texts.append((QPointF(INSET_PX, INSET_PX + (n + 0.5) * line), words, colours.TEXT, LEFT))
    elif not turned:
        where = f"{letters(np.abs(np.round(plane.normal)) * (1.0 if position >= 0 else -1.0))} {abs(position):.1f} mm"
        if not scene.sides_named:
            where = f"{'xyz'[int(np.argmax(np.abs(plane.normal)))]} {_minus(position, 1)} mm"
        at = QPointF(INSET_PX, INSET_PX + 1.5 * line)
        texts.append((at, where, colours.TEXT, LEFT))
    notice = notice_words(scene.state, IceView.of(view), view.lesion_id)
    if notice:
        texts.append((QPointF(INSET_PX, INSET_PX + (len(texts) + 0.5) * line), notice, colours.NOTICE, LEFT))
    window = f"W {view.window.width_hu:.0f}  L {_minus(view.window.centre_hu)} HU" + (
        "  inverted" if view.inverted else ""
    )
    texts.append((QPointF(INSET_PX, bottom - line), window, colours.TEXT, LEFT))
    texts.append((QPointF(INSET_PX, bottom), f"{plane.mm_per_px:.2f} mm/px", colours.DIM_TEXT, LEFT))
    if scene.orientation == "axial" and view.procedure_view and not turned:
        at = QPointF(plane.width_px - INSET_PX, INSET_PX + line / 2)
        texts.append((at, "procedure view", colours.PLANE_TITLE["sagittal"], RIGHT))
    return texts


def _straight_words(scene: Scene, plane: CurvedPlane) -> list[str]:
    """Return what must be known of a picture made straight."""
    u = plane.middle_svu[2]
    side = ("L" if u >= 0 else "R") if scene.sides_named else "x" + ("+" if u >= 0 else "−")
    words = ["lengths across only", f"{side} {abs(u):.1f} mm from its middle"]
    if scene.state.plan is not None and scene.state.plan.assemblies:
        words.append("needles are not drawn here")
    return words


def _of_pointer(painter: QPainter, scene: Scene) -> list[Written]:
    """Return what lies under the pointer: Hounsfield units and place."""
    if scene.cursor_lps_mm is None or scene.state.volume is None:
        return []
    hu = hu_at(scene.state.volume, scene.cursor_lps_mm)
    text = "outside the CT" if hu is None else f"{_minus(hu)} HU"
    high, low = _right_lines(painter, scene)
    place = _fitting(painter, scene, scene.cursor_lps_mm)
    return [(high, text, colours.TEXT, RIGHT), (low, place, colours.DIM_TEXT, RIGHT)]


def _fitting(painter: QPainter, scene: Scene, lps_mm: Points) -> str:
    """Return the place as exactly as there is room beside the letter at the bottom edge; empty where there is none."""
    room = scene.plane.width_px / 2.0 - INSET_PX - BESIDE_LETTER_PX
    metrics = QFontMetricsF(label_font(painter))
    for decimals in (1, 0):
        text = place_text(lps_mm, decimals, scene.sides_named)
        if metrics.horizontalAdvance(text) <= room:
            return text
    return ""


def _right_lines(painter: QPainter, scene: Scene) -> tuple[QPointF, QPointF]:
    line = _line_px(painter)
    right, bottom = scene.plane.width_px - INSET_PX, scene.plane.height_px - INSET_PX - line / 2.0
    return QPointF(right, bottom - line), QPointF(right, bottom)


def _line_px(painter: QPainter) -> float:
    return QFontMetricsF(label_font(painter)).height() + 1.0


def _minus(value: float, decimals: int = 0) -> str:
    return f"{value:.{decimals}f}".replace("-", "\N{MINUS SIGN}")
