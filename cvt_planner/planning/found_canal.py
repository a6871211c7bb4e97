"""The wall of the canal at every named vertebra, measured around the canal's middle line that was found in the CT."""

from __future__ import annotations

import numpy as np

from cvt_planner.anatomy.canal import measure_canal
from cvt_planner.anatomy.counting import vertebra_near
from cvt_planner.anatomy.spine.model import Spine, Vertebra
from cvt_planner.base.arrays import Points, vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.model import CanalMark, Plan

_PEDICLES_AT = 0.2  # of the body's height above its middle, where no pedicle was measured; assumed
_TRIES_MM = (0.0, 2.0, -2.0, 4.0, -4.0)  # along the canal: a foramen or an eaten arch may open the ring at one height


def found_canals(volume: Volume, plan: Plan, spine: Spine, progress: Progress) -> dict[str, CanalMark]:
    """Return the canal at each named level that has none marked, by level; where it cannot be measured: none.

    Notes
    -----
    Measured as a click at the height of the pedicles is (`measure_canal`): the bony wall in a transverse section.
    """
    made: dict[str, CanalMark] = {}
    open_levels = [mark for mark in plan.levels if mark.canal is None]
    for n, mark in enumerate(open_levels):
        progress.report(n / len(open_levels), f"Canal at {mark.level}")
        vertebra = vertebra_near(spine, mark.centre_lps_mm)
        found = _measured(volume, spine.canal_lps_mm, vertebra) if vertebra is not None else None
        if found is not None:
            made[mark.level] = found
    return made


def _measured(volume: Volume, line: Points, vertebra: Vertebra) -> CanalMark | None:
    heights = [p.isthmus_lps_mm for p in vertebra.pedicles if p.judged]
    up = np.array(vertebra.up)
    at = (
        np.mean(heights, axis=0)
        if heights
        else np.array(vertebra.centre_lps_mm) + _PEDICLES_AT * vertebra.height_mm * up
    )
    for offset in _TRIES_MM:
        along = (line - at - offset * up) @ up
        n = int(np.argmin(np.abs(along)))
        if abs(along[n]) > 2.0:  # the canal was not found here
            continue
        try:
            section = measure_canal(volume, vec3(line[n]))
        except InputRefused:
            continue
        return CanalMark(section.centre_lps_mm, section.wall_lps_mm)
    return None
