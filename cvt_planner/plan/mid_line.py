"""The patient's mid-line at a lesion, by which left is told from right."""

from __future__ import annotations

from cvt_planner.plan.model import Lesion, Plan


def mid_line_x_mm(plan: Plan, lesion: Lesion) -> float:
    """Return the LPS x of the patient's mid-line at a lesion, mm.

    The centre of the marked canal of the lesion's level, else of the nearest marked canal, else the level's marked
    body, else the lesion's own centre.
    """
    canals = [(mark.level == lesion.level, mark.canal.centre_lps_mm) for mark in plan.levels if mark.canal is not None]
    if canals:
        z = lesion.centre_lps_mm[2]
        return min(canals, key=lambda c: (not c[0], abs(c[1][2] - z)))[1][0]
    body = next((mark.centre_lps_mm for mark in plan.levels if mark.level == lesion.level), lesion.centre_lps_mm)
    return body[0]
