"""The thumbnails of the list of series, fetched one after the other beside the window."""

from __future__ import annotations

from app.desk import Desk
from app.panels.series_preview import image_of
from app.panels.series_rows import SeriesList
from cvt_planner.base.progress import Progress
from cvt_planner.imaging import isolation
from cvt_planner.imaging.series import SeriesInfo
from cvt_planner.imaging.thumbnails import Picture

_PURPOSE = "series thumbnails"
_SMALL_PX = 160  # twice what is drawn, for screens of fine pixels


class Thumbnails:
    """Fetches the pictures that the list lacks, the chosen series' first."""

    def __init__(self, desk: Desk, rows: SeriesList) -> None:
        self._desk = desk
        self._rows = rows
        self._waiting: list[SeriesInfo] = []
        self._password = ""

    def fetch(self, password: str = "") -> None:
        """Begin to fetch what the list lacks; `password` of a ZIP."""
        self.stop()
        self._password = password
        self._waiting = list(self._rows.without_thumbnail)
        self._next()

    def stop(self) -> None:
        """Fetch no more."""
        self._waiting = []
        self._desk.jobs.cancel(_PURPOSE)

    def _next(self) -> None:
        if not self._waiting:
            return
        info, password = self._waiting.pop(0), self._password

        def work(progress: Progress) -> Picture | None:
            return isolation.thumbnail(info, _SMALL_PX, progress, password)

        def done(made: Picture | None) -> None:
            if made is not None:
                self._rows.put_thumbnail(info, image_of(made.grey))
            self._next()

        self._desk.run(_PURPOSE, "Fetching pictures", work, done, failed=lambda _error: self._next(), shown=False)
