"""Which sections are a pedicle's, where some of them could not be measured."""

from __future__ import annotations

import numpy as np

from cvt_planner.anatomy.spine import pedicles
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
