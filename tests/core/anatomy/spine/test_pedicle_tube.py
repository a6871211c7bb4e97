"""Which sections are a pedicle's, where some of them could not be measured."""

from __future__ import annotations

from dataclasses import replace

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
    def one(side: SideName, height_mm: float) -> Pedicle:
        return Pedicle(side, (0.0, 0.0, 0.0), (0.0, -1.0, 0.0), 7.0, height_mm)

    for heights, judged in (((15.6, 16.8), (True, True)), ((5.9, 16.8), (False, True)), ((15.0, 9.5), (True, False))):
        found = pedicles.compared((one("left", heights[0]), one("right", heights[1])))
        assert tuple(p.judged for p in found) == judged
        assert all(p.judged or p.doubt == pedicles.IN_PART for p in found)
    assert pedicles.compared(()) == ()


def test_it_is_held_against_a_sure_height_only_and_judged_again_once_that_changes() -> None:
    left = Pedicle("left", (0.0, 0.0, 0.0), (0.0, -1.0, 0.0), 7.0, 20.0, False, pedicles.UNSETTLED)
    right = Pedicle("right", (0.0, 0.0, 0.0), (0.0, -1.0, 0.0), 7.0, 13.0)
    assert pedicles.compared((left, right)) == (left, right)
    low = pedicles.compared((replace(left, judged=True, doubt=""), right))[1]
    assert not low.judged
    assert pedicles.compared((replace(left, judged=True, doubt="", height_mm=14.0), low))[1] == right
