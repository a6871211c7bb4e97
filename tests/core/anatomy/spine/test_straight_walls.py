"""Which edges tell a tube's direction, and what a section's edges are where the label is no help."""

from __future__ import annotations

import numpy as np
import pytest

from cvt_planner.anatomy.spine.sections import Sections, cuts
from cvt_planner.anatomy.spine.straight_walls import straight_walls
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume

_TURN = np.radians(np.arange(0, 360, 10))
_ALONG = np.arange(-5.0, 5.01, 0.5)
_SPACING_MM = 0.5


def test_a_wall_counts_only_as_far_as_it_runs_straight() -> None:
    flare = np.maximum(_ALONG - 1.0, 0.0)[:, None] * (np.cos(_TURN) > 0.5)  # in front, on one side
    radius = 3.0 + 0.1 * _ALONG[:, None] * np.cos(_TURN) + flare
    outline = radius[..., None] * np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
    outline[:, 27] = np.nan
    found = straight_walls(outline, _ALONG, middle=10, reach=10)
    assert found[:12, 0].all() and not found[14:, 0].any()
    assert found[:, 18].all()
    assert not found[:, 26:29].any()


def test_walls_beside_which_nothing_is_straight_give_no_edges() -> None:
    rough = 3.0 + np.random.default_rng(3).normal(0.0, 3.0, (len(_ALONG), 36))
    outline = rough[..., None] * np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
    assert straight_walls(outline, _ALONG, middle=10, reach=10).mean() < 0.1


def _wide_tube(labelled_mm: float, eaten_mm: float) -> Sections:
    """Return the section of a tube 16 by 12 mm: labelled, and its wall whole, only so far from the middle aside."""
    grid = Grid((60, 20, 80), np.diag([*[_SPACING_MM] * 3, 1.0])[:, [2, 1, 0, 3]])
    x, _, z = np.moveaxis(grid.lps_of(np.moveaxis(np.indices(grid.shape_kji), 0, -1).astype(np.float64)), -1, 0)

    def inside(width: float, height: float) -> np.ndarray:
        return np.asarray(np.hypot((x - 20.0) / (0.5 * width), (z - 15.0) / (0.5 * height)) < 1.0)

    hu = np.full(grid.shape_kji, 40, dtype=np.int16)
    hu[inside(16.0, 12.0)] = 700
    hu[inside(13.0, 9.0)] = 120
    hu[x - 20.0 > eaten_mm] = 40
    label = (inside(16.0, 12.0) & (x - 20.0 < labelled_mm)).view(np.uint8)
    volume = Volume(hu, grid, Patient(), SeriesIdentity(), "wide", "wide")
    ahead, up = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    return cuts(volume, grid, label, np.array([19.0, 5.0, 15.0]), ahead, up, np.zeros(1))[0]


def test_a_label_that_ends_in_the_spongy_bone_does_not_narrow_a_wide_pedicle() -> None:
    found = _wide_tube(labelled_mm=2.0, eaten_mm=99.0)
    assert found.width_mm[0] == pytest.approx(16.0, abs=0.5)
    assert found.height_mm[0] == pytest.approx(12.0, abs=0.5)
    assert found.edges[0] > 0.9


def test_a_wall_that_a_lesion_has_eaten_is_not_counted_as_whole() -> None:
    assert _wide_tube(labelled_mm=2.0, eaten_mm=2.0).edges[0] < 0.75
