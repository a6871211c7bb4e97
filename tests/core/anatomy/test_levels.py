"""Names of vertebrae: counting along a scheme, and from one vertebra over a spine."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvt_planner.anatomy.counting import counting_doubt, names_from_anchor, vertebra_near
from cvt_planner.anatomy.levels import LEVELS, NAMES, SCHEMES, USUAL, LevelScheme
from cvt_planner.base.errors import InputRefused
from tests.spines import STEP_MM, straight_spine


def test_schemes_name_what_persons_have() -> None:
    assert len(USUAL.names) == 25
    assert LevelScheme(13, 5).names[18:21] == ("T12", "T13", "L1")
    assert LevelScheme(11, 4).names[-6:] == ("T11", "L1", "L2", "L3", "L4", "S1")
    assert LevelScheme(12, 6).names[-2:] == ("L6", "S1")
    assert SCHEMES[0] == USUAL
    with pytest.raises(InputRefused, match="11 to 13"):
        LevelScheme(14, 5)


@settings(deadline=None)
@given(st.sampled_from(SCHEMES), st.data())
def test_counting_there_and_back(scheme: LevelScheme, data: st.DataObject) -> None:
    start, end = (data.draw(st.sampled_from(scheme.names)) for _ in range(2))
    steps = scheme.steps(start, end)
    assert scheme.shifted(start, steps) == end
    assert scheme.shifted(end, -steps) == start


@settings(deadline=None)
@given(st.sampled_from(SCHEMES), st.integers(1, 9), st.data())
def test_names_from_any_anchor_run_in_order(scheme: LevelScheme, count: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(1, count))
    level = data.draw(st.sampled_from(scheme.names))
    names = names_from_anchor(straight_spine(count), number, level, scheme)
    assert names[number] == level
    rows = [NAMES.index(names[n]) for n in sorted(names)]
    assert rows == sorted(set(rows))
    assert sorted(names) == list(range(min(names), max(names) + 1))  # only ends fall off


def test_refusals_say_what_is_wrong() -> None:
    with pytest.raises(InputRefused, match="no L6"):
        names_from_anchor(straight_spine(3), 1, "L6", USUAL)
    with pytest.raises(InputRefused, match="below S1"):
        USUAL.shifted("L5", 2)
    with pytest.raises(InputRefused, match="above C1"):
        USUAL.shifted("C2", -2)
    assert "C2" not in LEVELS


def test_which_vertebra_a_point_belongs_to() -> None:
    spine = straight_spine(3)
    for place, number in (((0, 0, 5), 1), ((0, 0, -STEP_MM + 14), 2), ((30, 20, -2 * STEP_MM), 3), ((0, 80, 0), 0)):
        found = vertebra_near(spine, place)
        assert (found.number if found else 0) == number, place


def test_counting_across_a_doubtful_or_missing_vertebra_is_said() -> None:
    doubtful = straight_spine(6, confidence={3: 0.3})
    assert counting_doubt(doubtful, 6, 4) == ""
    assert "doubtful" in counting_doubt(doubtful, 6, 2)
    assert "doubtful" in counting_doubt(doubtful, 6, 3)
    assert counting_doubt(doubtful, 3, 1) == ""  # the operator looked at the one counted from
    gap = straight_spine(8, missing=(4,))
    assert counting_doubt(gap, 7, 4) == ""
    assert "missed" in counting_doubt(gap, 7, 3)
