"""The crests of the ilium beside the last lumbar vertebrae and the sacrum."""

from __future__ import annotations

import numpy as np

from cvt_planner.phantom.layout import Layout, smooth
from cvt_planner.phantom.soft import Organ

_CORTEX_HU, _MARROW_HU, _CORTEX_MM = 800.0, 150.0, 2.0


def crests(at: Layout) -> list[Organ]:
    """Return both wings, which begin at the disc L4/5 and grow downwards, wide plates turned about the sacrum."""
    if float(at.rank.max()) < 9.3:
        return []
    grow = np.sqrt(smooth(9.3, 11.6, at.rank))
    long, thick = 58.0 * grow, 4.0 + 5.0 * grow
    organs = []
    for sign in (1, -1):
        x, y = at.x + sign * (88.0 - 6.0 * grow), at.y + 4.0 - 6.0 * grow
        turn = -sign * 52.0
        plate = at.sections(x, y, long, thick, turn, grow > 0.05)
        core = at.sections(x, y, long - 1.5 * _CORTEX_MM, thick - _CORTEX_MM, turn, grow > 0.12)
        organs += [at.organ(plate, _CORTEX_HU, 0.8, 3.0), at.organ(core, _MARROW_HU, 0.8, 3.0)]
    return organs
