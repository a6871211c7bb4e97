"""Pictures without a window, drawn by the very views of the window: for the self-test and for reports."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from app import theme
from app.render import colours
from app.render.ice_state import shown_field, still_holds
from app.render.slice_view import SliceView
from app.render.view_state import Frame, ViewState
from cvt_planner.base.errors import PlannerError
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.level_state import level_words
from cvt_planner.plan.model import Lesion, Plan
from cvt_planner.plan.results import IceResult
from cvt_planner.workspace import State, Workspace

SIZE_PX = 700
SIZE_MM = 140.0  # a vertebra with its pedicles, and both needles up to the muscle
NOTICE = "For planning, research and training only; not a cleared medical device."
_CAPTION_PX = 56
_MARGIN_PX = 8


def prepare_qt() -> QApplication:
    """Return the Qt application, made where there is none; on Linux without asking for a display."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    if sys.platform.startswith("linux"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication(sys.argv[:1])
    application.setFont(theme.ui_font())
    return application


def draw_slice(
    volume: Volume, plan: Plan, ice: tuple[IceResult, ...], lesion: Lesion, plane: str, path_png: Path
) -> None:
    """Write a slice through a lesion's middle as a PNG: a view of the window, and what it shows in words beneath.

    Parameters
    ----------
    plane
        One of `view_state.ORIENTATIONS`.

    Raises
    ------
    PlannerError
        If the file cannot be written.
    """
    application = prepare_qt()
    workspace, view_state = Workspace(), ViewState()
    workspace.open_plan(plan, volume, None, ice)
    view_state.look_at(volume.grid)
    view_state.choose(lesion.id)
    view_state.name_points(False)
    view_state.show_overlay("crosshair", False)
    view_state.set_crosshair(lesion.centre_lps_mm)
    view_state.set_frame(plane, Frame(SIZE_MM / SIZE_PX, lesion.centre_lps_mm))
    view = SliceView(plane, view_state, workspace)
    view.setFont(application.font())
    view.resize(SIZE_PX, SIZE_PX)
    picture = view.grab().toImage()
    view.close()
    words = ice_words(workspace.state, view_state.ice_tissue, lesion)
    captioned(picture, title_of(plan, lesion, plane), words).save(str(path_png))
    if not path_png.is_file():
        raise PlannerError(f"The picture could not be written to {path_png}.")


def title_of(plan: Plan, lesion: Lesion, view: str) -> str:
    """Return "L2, Lesion 1, axial"."""
    return f"{level_words(plan, lesion.level)}, {lesion.name}, {view}"


def ice_words(state: State, tissue: str, lesion: Lesion) -> str:
    """Return in which tissue and of which moment the ice of a lesion is drawn, and that it is old where it is."""
    for result in state.ice:
        if result.inputs.lesion_id == lesion.id:
            old = "" if still_holds(state, result) else "OUT OF DATE, "
            return f"{old}ice in {shown_field(result, tissue).tissue}, end of the last freeze"
    return "no ice computed"


def captioned(picture: QImage, title: str, words: str) -> QImage:
    """Return a picture with two lines beneath: what it is, then what it shows and what it is not for."""
    result = QImage(picture.width(), picture.height() + _CAPTION_PX, QImage.Format.Format_RGB32)
    result.fill(colours.BACKGROUND)
    painter = QPainter(result)
    painter.drawImage(0, 0, picture)
    font = theme.ui_font()
    width, line = picture.width() - 2 * _MARGIN_PX, _CAPTION_PX // 2
    texts = ((f"{title}: {words}", colours.TEXT), (NOTICE, colours.DIM_TEXT))
    for number, (text, ink) in enumerate(texts):
        painter.setFont(font)
        painter.setPen(ink)
        room = QRect(_MARGIN_PX, picture.height() + number * line, width, line)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    painter.end()
    return result
