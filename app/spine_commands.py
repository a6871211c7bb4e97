"""What the commands of `actions` do that concern the found spine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject

from app.desk import Desk
from app.finding import Finding
from app.render.view_state import ANATOMY, ORGANS
from cvt_planner.anatomy.spine.along import straight_frame
from cvt_planner.base.arrays import Points
from cvt_planner.base.errors import InputRefused

SHOWN = ("anatomy", *ANATOMY, *ORGANS, "surfaces", "bone")


class SpineCommands(QObject):
    """Switches of what is drawn, the straight view, and the search."""

    def __init__(self, desk: Desk, finding: Finding) -> None:
        super().__init__(desk)
        self.desk = desk
        self.finding = finding
        self._canal: Points | None = None  # what the straight view was made along
        desk.bridge.spine_changed.connect(self._follow)

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Return the functions by key."""
        return {
            "straight": self.toggle_straight,
            "find_spine": self.finding.search,
            "finds_spine": self._toggle_search,
            **{f"show_{name}": partial(self._toggle, name) for name in SHOWN},
        }

    def switches(self) -> dict[str, bool]:
        """Return which of them are on."""
        view = self.desk.view_state
        return {
            "straight": view.straight is not None,
            "finds_spine": self.desk.settings.finds_spine,
            **{f"show_{name}": name in view.overlays for name in SHOWN},
        }

    def toggle_straight(self) -> None:
        """Show the spine straight along its canal in the sagittal view, or as it is."""
        view, spine = self.desk.view_state, self.finding.spine
        if view.straight is not None:
            view.set_straight(None)
        elif spine is None:
            self.desk.say("The spine is not found yet: it can be shown straight once its canal is known.", "look")
        else:
            self.desk.attempt(lambda: self._straighten(spine.canal_lps_mm))
        self.desk.tell()

    def _straighten(self, canal_lps_mm: Points) -> None:
        self.desk.view_state.set_straight(straight_frame(canal_lps_mm))
        self._canal = canal_lps_mm

    def _follow(self) -> None:
        """Go along another canal once one is known; back to the plane where none is."""
        view, spine = self.desk.view_state, self.finding.spine
        if view.straight is None or (spine is not None and spine.canal_lps_mm is self._canal):
            return
        try:
            self._straighten(spine.canal_lps_mm) if spine is not None else view.set_straight(None)
        except InputRefused:
            view.set_straight(None)

    def _toggle(self, name: str) -> None:
        view = self.desk.view_state
        view.show_overlay(name, name not in view.overlays)

    def _toggle_search(self) -> None:
        settings = self.desk.settings
        settings.finds_spine = not settings.finds_spine
        self.desk.tell()
