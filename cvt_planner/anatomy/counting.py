"""From one vertebra whose name is known to the names of all others, and where the counting may go wrong."""

from __future__ import annotations

import numpy as np

from cvt_planner.anatomy.levels import LevelScheme
from cvt_planner.anatomy.spine.model import Spine, Vertebra
from cvt_planner.base.arrays import Vec3

DOUBTFUL = 0.5  # of `Vertebra.confidence`, see there
_DISC_MM = 6.0  # assumed: half a disc, and a point set a little beyond the endplate
_BESIDE_MM = 70.0  # assumed: what lies farther from the middle of a body belongs to no vertebra
_WIDE_STEP = 1.55  # assumed: neighbours so many times farther apart than usual hide a vertebra between them


def names_from_anchor(spine: Spine, number: int, level: str, scheme: LevelScheme) -> dict[int, str]:
    """Return the name of every found vertebra by its number, where vertebra `number` is `level`.

    A vertebra beyond the ends of the scheme (below S1, above C1) gets no name and is left out.

    Raises
    ------
    InputRefused
        Where the scheme has no such level.
    """
    names = scheme.names
    first = names.index(scheme.shifted(level, 0)) - number
    rows = {vertebra.number: first + vertebra.number for vertebra in spine.found}
    return {which: names[row] for which, row in rows.items() if 0 <= row < len(names)}


def vertebra_near(spine: Spine, lps_mm: Vec3) -> Vertebra | None:
    """Return the vertebra that holds a point, LPS mm, else the one beside or in front of whose body it lies."""
    inside = spine.vertebra_at(lps_mm)
    if inside is not None:
        return inside
    near: tuple[float, Vertebra] | None = None
    for vertebra in spine.found:
        away = np.array(lps_mm) - np.array(vertebra.centre_lps_mm)
        along = float(away @ np.array(vertebra.up))
        beside = float(np.linalg.norm(away - along * np.array(vertebra.up)))
        if abs(along) <= vertebra.height_mm / 2.0 + _DISC_MM and beside <= _BESIDE_MM:
            near = min(near or (abs(along), vertebra), (abs(along), vertebra), key=lambda pair: pair[0])
    return near[1] if near else None


def counting_doubt(spine: Spine, start: int, end: int) -> str:
    """Return why counting from one vertebra to another may go wrong, as a sentence; empty where nothing says so.

    A vertebra on the way that is doubtful itself (the end included, the start not), and a gap in which another could
    lie. Not seen: a vertebra that was split in two of about equal size.
    """
    low, high = sorted((start, end))
    on_the_way = [v for v in spine.found if low <= v.number <= high]
    for vertebra in on_the_way:
        if vertebra.number != start and vertebra.confidence < DOUBTFUL:
            return "A vertebra on the way is doubtful: count by eye."
    centres = np.array([v.centre_lps_mm for v in spine.found])
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    usual = [
        np.median(np.delete(steps, n)[max(n - 2, 0) : n + 2]) if len(steps) > 1 else np.inf for n in range(len(steps))
    ]
    if any(steps[n] > _WIDE_STEP * usual[n] for n in range(low - 1, high - 1)):
        return "Two vertebrae on the way lie far apart: one may have been missed. Count by eye."
    return ""
