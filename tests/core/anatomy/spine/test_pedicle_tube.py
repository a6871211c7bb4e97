"""Which sections are a pedicle's, where some of them could not be measured."""

from __future__ import annotations

import numpy as np

from cvt_planner.anatomy.spine import pedicles
from cvt_planner.anatomy.spine.model import Pedicle, SideName
from cvt_planner.anatomy.spine.sections import Sections


def test_a_section_beyond_the_edge_of_the_ct_gives_no_size() -> None:
    along = pedicles._ALONG_MM
    width = 8.0 + 0.05 * (along / 2.0) ** 2
    width[along < -0.01] = np.nan
    narrowest = int(np.nanargmin(width))
    assert np.isnan(width[narrowest - 1])
    none = np.zeros((len(along), 2))
    found = Sections(none, width, 1.5 * width, np.ones(len(along)), np.full(len(along), 500.0), none[:, None])
    tube = pedicles._tube_of(found)
    assert len(tube) and np.isfinite(width[tube]).all() and np.isfinite(found.height_mm[tube]).all()


def test_a_pedicle_far_lower_than_the_other_one_is_not_judged() -> None:
    def pair(left_mm: float, right_mm: float) -> dict[SideName, Pedicle]:
        made: dict[SideName, Pedicle] = {}
        for side, height_mm in (("left", left_mm), ("right", right_mm)):
            made[side] = Pedicle(side, (0.0, 0.0, 0.0), (0.0, -1.0, 0.0), 7.0, height_mm)
        return made

    for heights, judged in (((15.6, 16.8), (True, True)), ((5.9, 16.8), (False, True)), ((15.0, 9.5), (True, False))):
        found = pedicles._compared(pair(*heights))
        assert (found["left"].judged, found["right"].judged) == judged
        assert all(one.judged or one.doubt == pedicles.IN_PART for one in found.values())
    assert pedicles._compared({}) == {}
