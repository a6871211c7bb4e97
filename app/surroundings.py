"""What lies around the spine of the open CT: body, lungs and air at once, the aorta when the spine is found."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.desk import Desk
from cvt_planner.anatomy.organs.aorta import NO_SPINE, NOT_YET
from cvt_planner.anatomy.organs.drawn import organ_fields
from cvt_planner.anatomy.organs.find import find_organs, with_aorta
from cvt_planner.anatomy.organs.model import Organs
from cvt_planner.base.errors import Cancelled
from cvt_planner.base.progress import Progress

ORGANS_JOB = "organs"


class Surroundings(QObject):
    """Keeps `State.organs` in line with the CT; needles find the skin at once, for it is the same body."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        desk.bridge.volume_changed.connect(self.find)
        desk.bridge.spine_changed.connect(self.find)

    def find(self) -> None:
        """Look for what is not known yet, beside the window; nothing is said where that is overtaken."""
        state = self.desk.workspace.state
        volume, spine = state.volume, state.spine
        if volume is None:
            return
        if state.organs is not None and not (spine is not None and state.organs.aorta_words in (NOT_YET, NO_SPINE)):
            return

        def work(progress: Progress) -> Organs:
            found = find_organs(volume, progress)
            if spine is not None:
                found = with_aorta(found, volume, spine, progress)
            organ_fields(found)
            return found

        self.desk.run(
            ORGANS_JOB, "Finding skin and lungs", work, self.desk.workspace.put_organs, self._failed, shown=False
        )

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, Cancelled):
            self.desk.explain(error)
