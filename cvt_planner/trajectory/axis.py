"""Length and angles of a straight path from its entry to its tip.

All angles are those of the patient's LPS axes, so they are the same whichever way the patient lies in the scanner, as
long as the patient is not rolled or tilted against the scanner; a roll adds to the in-plane angle and is not corrected.
"""

from __future__ import annotations

import math

from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import InputRefused


def in_plane_angle_deg(entry_lps_mm: Vec3, tip_lps_mm: Vec3, side: str) -> float:
    """Return the angle in the transverse plane between the path and the sagittal plane, degrees, -90 to 90.

    Positive when the path leans towards the mid-line on its way in (convergence), negative when it leans away.

    Parameters
    ----------
    side
        The side of the patient on which the path enters, "left" or "right"; left is +x.

    Raises
    ------
    InputRefused
        If the side is neither, or the ends coincide.
    """
    if side not in ("left", "right"):
        raise InputRefused(f"A needle enters on the left or on the right, not on {side!r}.")
    dx, dy, _ = _direction(entry_lps_mm, tip_lps_mm)
    towards_middle = -dx if side == "left" else dx
    return math.degrees(math.atan2(towards_middle, abs(dy))) if (dx or dy) else 0.0


def cranio_caudal_angle_deg(entry_lps_mm: Vec3, tip_lps_mm: Vec3) -> float:
    """Return the angle between the path and the transverse plane, degrees, -90 to 90.

    Positive when the tip lies cranial of the entry: the needle points towards the head.

    Raises
    ------
    InputRefused
        If the ends coincide.
    """
    dx, dy, dz = _direction(entry_lps_mm, tip_lps_mm)
    return math.degrees(math.atan2(dz, math.hypot(dx, dy)))


def _direction(entry_lps_mm: Vec3, tip_lps_mm: Vec3) -> Vec3:
    dx, dy, dz = (t - e for t, e in zip(tip_lps_mm, entry_lps_mm, strict=True))
    if dx == dy == dz == 0.0:
        raise InputRefused("The entry is the target, so the needle has no direction. Choose an entry on the skin.")
    return (dx, dy, dz)
