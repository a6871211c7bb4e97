"""The figures of the chosen lesion, measured beside the window and kept while nothing of them changes."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.desk import Desk
from cvt_planner.anatomy.lesion.figures import LesionFigures, lesion_figures
from cvt_planner.anatomy.lesion_shape import LesionShape
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.base.errors import Cancelled, PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.model import Lesion

_JOB = "lesion figures"
_Of = tuple[LesionShape, Volume, Spine | None]


class Measuring(QObject):
    """Answers with figures at once where they are known, and measures them where they are not."""

    changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.problem = ""
        self._known: dict[str, tuple[_Of, LesionFigures | None]] = {}
        self._asked: _Of | None = None

    def figures(self, lesion: Lesion) -> LesionFigures | None:
        """Return the figures of a lesion; None while they are measured, `changed` then tells."""
        volume = self.desk.volume
        if volume is None:
            return None
        wanted: _Of = (lesion.shape, volume, self.desk.workspace.state.spine)
        known = self._known.get(lesion.id)
        if known is not None and _same(known[0], wanted):
            return known[1]
        if self._asked is None or not _same(self._asked, wanted):
            self._ask(lesion.id, wanted)
        return None

    def _ask(self, lesion_id: str, wanted: _Of) -> None:
        self._asked = wanted
        shape, volume, spine = wanted

        def work(progress: Progress) -> LesionFigures:
            progress.report(0.0, "Measuring the lesion")
            return lesion_figures(volume, shape, spine)

        def done(figures: LesionFigures) -> None:
            self._keep(lesion_id, wanted, figures, "")

        def failed(error: Exception) -> None:
            if isinstance(error, Cancelled):
                self._asked = None
            elif isinstance(error, PlannerError):
                self._keep(lesion_id, wanted, None, str(error))
            else:
                self._keep(lesion_id, wanted, None, "")
                self.desk.explain(error)

        self.desk.run(_JOB, "Measuring the lesion", work, done, failed, shown=False)

    def _keep(self, lesion_id: str, of: _Of, figures: LesionFigures | None, problem: str) -> None:
        self.problem = problem
        self._asked = None
        self._known[lesion_id] = (of, figures)
        self.changed.emit()
        self.desk.tell()


def _same(one: _Of, other: _Of) -> bool:
    """Return whether both are the same objects; a shape that equals another is as good."""
    return (one[0] is other[0] or one[0] == other[0]) and one[1] is other[1] and one[2] is other[2]
