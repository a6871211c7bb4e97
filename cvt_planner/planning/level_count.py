"""An operator's word on how a vertebra was counted."""

from __future__ import annotations

from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.model import LevelCount
from cvt_planner.planning.operator import now, who


def level_count(volume: Volume, level: str, counted_from: str = "", picture: str = "") -> LevelCount:
    """Return the count of the present user, now, on a CT.

    Parameters
    ----------
    level
        The vertebra that is confirmed.
    counted_from
        The vertebra that was counted from; empty where it was recognised by itself.
    picture
        On which picture, in words; empty: the views of this CT.
    """
    series = volume.series.series_description
    seen = picture or (f"the views of the series {series!r}" if series else "the views of this CT")
    return LevelCount(counted_from or level, seen, who(), now(), volume.content_hash)
