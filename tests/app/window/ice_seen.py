"""What the ice step and the views of a window show."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QLabel

from app.render.ice_state import IceView, notice_words
from cvt_planner.plan.results import IceResult
from tests.app.window.hand import Hand, pixels

EDGE_PX = 44


def ice_of(hand: Hand) -> IceResult:
    (result,) = hand.built.workspace.state.ice
    return result


def words(hand: Hand, name: str) -> str:
    found: QLabel | None = hand.window.findChild(QLabel, name)
    assert found is not None
    return str(found.text())


def notice(hand: Hand) -> str:
    """Return what every view says of the ice that is drawn."""
    view = hand.built.desk.view_state
    return notice_words(hand.built.workspace.state, IceView.of(view), view.lesion_id)


def picture(hand: Hand, view: str = "axial") -> np.ndarray:
    """Return (rows, columns, 3) what a view shows, without the pointer's texts at its lower edge."""
    return pixels(hand.view(view).grab().toImage())[:-EDGE_PX]


def changed_px(one: np.ndarray, other: np.ndarray) -> int:
    return int((np.abs(one - other).max(axis=2) > 40).sum())


def levels(hand: Hand) -> list[str]:
    return [row[0] for row in hand.table("ice_isotherms")]


def ice_chip(hand: Hand) -> str:
    return str(next(chip.said.figures for chip in hand.window.strip.chips if chip.said.key == "ice"))
