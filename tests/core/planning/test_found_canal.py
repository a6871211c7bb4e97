"""The canal found in a CT becomes the plan's at every named level, where it truly lies."""

from __future__ import annotations

import numpy as np
import pytest

from cvt_planner.anatomy.counting import vertebra_near
from cvt_planner.anatomy.spine.pipeline import find_spine
from cvt_planner.base.progress import Progress
from cvt_planner.phantom import Phantom
from cvt_planner.plan.edits import mark_canals
from cvt_planner.plan.level_edits import confirm_anchor
from cvt_planner.plan.model import LevelCount, Plan
from cvt_planner.planning.found_canal import found_canals
from cvt_planner.workspace import new_plan
from tests.validation.anatomy.truths import volume_of


def test_every_named_level_gets_its_canal_and_a_marked_one_is_kept(small_phantom: Phantom) -> None:
    volume, truth = volume_of(small_phantom.hu, small_phantom.grid, "small"), small_phantom.truth
    spine = find_spine(volume)
    level = next(row for row in truth["levels"] if row["name"] == "L2")
    at = tuple(level["centre_lps_mm"])
    assert vertebra_near(spine, at) is not None
    plan: Plan = confirm_anchor("L2", at, LevelCount("L2", "the views", "", "", volume.content_hash), spine)(
        new_plan(volume)
    )
    made = found_canals(volume, plan, spine, Progress())
    assert "L2" in made
    canal = truth["canal"]
    z = np.array(canal["z_mm"])
    for mark in made.values():
        x, y = (np.interp(mark.centre_lps_mm[2], z, np.array(canal["centre_lps_mm"])[:, n]) for n in (0, 1))
        assert np.hypot(mark.centre_lps_mm[0] - x, mark.centre_lps_mm[1] - y) < 1.5
        wide = np.ptp([p[0] for p in mark.wall_lps_mm])
        assert wide == pytest.approx(2 * np.interp(mark.centre_lps_mm[2], z, canal["half_width_mm"]), abs=3.0)
    marked = mark_canals(made)(plan)
    assert mark_canals(made)(marked) is marked
    assert not found_canals(volume, marked, spine, Progress()).keys() & made.keys()
