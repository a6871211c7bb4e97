"""The buttons that reshape the chosen lesion."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QMenu, QPushButton, QWidget

from app import reshaping
from app.desk import Desk
from app.panels.widgets import Choice, button
from cvt_planner.anatomy.lesion import reshape
from cvt_planner.anatomy.lesion_shape import Region

STEPS_MM = (0.5, 1.0, 2.0, 3.0, 5.0)


class ReshapeButtons(QWidget):
    """Grow, shrink, smooth, fill, between slices, split, cut, join, keep to the bone."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(5)
        self.by = Choice("reshape_by")
        self.by.fill([(f"by {mm:g} mm", mm) for mm in STEPS_MM], 1.0)
        self._cut = self._menu("Cut", "reshape_cut", "In two, along a plane through the crosshair")
        for name in reshaping.NORMALS:
            self._entry(self._cut, f"Along the {name} plane", partial(reshaping.cut, desk, name))
        self._join = self._menu("Join", "reshape_join", "Take another lesion, with its needles, into this one")
        make = self._button
        placed = (
            (self.by, 0, 0),
            (make("Grow", lambda: self._move(1.0), "reshape_grow", "Outwards all round"), 0, 1),
            (make("Shrink", lambda: self._move(-1.0), "reshape_shrink", "Inwards all round"), 0, 2),
            (make("Smooth", self._smooth, "reshape_smooth", "Even out detail; the volume stays"), 1, 0),
            (make("Fill", self._fill, "reshape_fill", "Close holes inside"), 1, 1),
            (make("Between", self._between, "reshape_between", "Fill in slices left out between drawn ones"), 1, 2),
            (make("Split", lambda: reshaping.split(desk), "reshape_split", "Parts that do not hang together"), 2, 0),
            (self._cut, 2, 1),
            (self._join, 2, 2),
        )
        for widget, row, column in placed:
            grid.addWidget(widget, row, column)
        about = "Take away what lies beyond its vertebra"
        bone = make("Keep to the bone", lambda: reshaping.keep_in_bone(desk), "reshape_bone", about)
        grid.addWidget(bone, 3, 0, 1, 2)
        for column in range(3):
            grid.setColumnStretch(column, 1)

    def refresh(self) -> None:
        """Offer the other lesions to join."""
        plan, lesion = self.desk.plan, self.desk.lesion
        others = [x for x in (plan.lesions if plan else ()) if lesion is None or x.id != lesion.id]
        self._join.setEnabled(bool(others))
        menu = self._join.menu()
        if menu is not None and not menu.isVisible():
            menu.clear()
            for other in others:
                self._entry(self._join, f"{other.name}, {other.level}", partial(reshaping.join, self.desk, other.id))

    def _button(self, text: str, run: Callable[[], object], name: str, tip: str) -> QPushButton:
        return button(text, run, name=name, tip=tip)

    def _menu(self, text: str, name: str, tip: str) -> QPushButton:
        made = button(text, lambda: None, name=name, tip=tip)
        made.setMenu(QMenu(made))
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return made

    def _entry(self, of: QPushButton, text: str, run: Callable[[], object]) -> None:
        menu = of.menu()
        if menu is not None:
            menu.addAction(text).triggered.connect(lambda _checked=False: run())

    def _change(self, step: Callable[[Region], Region], words: str) -> None:
        reshaping.change(self.desk, step, words)

    def _move(self, sign: float) -> None:
        by_mm = sign * float(self.by.currentData())
        self._change(lambda region: reshape.moved_surface(region, by_mm), "Grow" if sign > 0 else "Shrink")

    def _smooth(self) -> None:
        over_mm = float(self.by.currentData())
        self._change(lambda region: reshape.smoothed(region, over_mm), "Smooth")

    def _fill(self) -> None:
        self._change(reshape.filled, "Fill")

    def _between(self) -> None:
        self._change(reshape.interpolated, "Fill in between slices")
