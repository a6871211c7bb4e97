"""A vertebra too high for its depth is doubtful, and so is every one above it; the others are left as they are."""

from __future__ import annotations

import numpy as np

from cvt_planner.anatomy.spine.measure import _neck_doubted
from tests.spines import box_vertebra


def test_two_vertebrae_taken_for_one_make_what_lies_above_doubtful() -> None:
    sizes = ((18.0, 16.0, 12.0), (18.0, 16.0, 29.0), (26.0, 24.0, 17.0))
    found = tuple(box_vertebra(n, np.zeros(3), size_mm=size) for n, size in enumerate(sizes, 1))
    doubted = _neck_doubted(found)
    assert [v.confidence < 0.5 for v in doubted] == [True, True, False]
    assert "Count by eye" in doubted[0].doubts[-1] and doubted[2] is found[2]
    assert _neck_doubted(found[2:]) == found[2:]
