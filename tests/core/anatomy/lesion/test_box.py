"""Labels of a spine on another grid."""

from dataclasses import replace

import numpy as np

from cvt_planner.anatomy.lesion.box import labels_on
from cvt_planner.geometry.frames import Grid
from tests.core.anatomy.lesion.test_find import scanned


def test_labels_on_a_grid_of_other_voxels_are_those_of_the_nearest_voxel_and_none_outside() -> None:
    _, spine, _ = scanned("three")
    wide = spine.grid.lps_from_index.copy()
    wide[:3, :3] *= 1.3
    wide[:3, 3] = spine.grid.lps_of(np.array([-9.13, 20.21, -5.17]))
    grid = Grid((40, 50, 120), wide)
    places = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij"), axis=-1)
    nearest = np.rint(spine.grid.index_of(grid.lps_of(places.astype(float)))).astype(int)
    inside = ((nearest >= 0) & (nearest < np.array(spine.vertebrae.shape))).all(axis=-1)
    expected = np.zeros(grid.shape_kji, dtype=np.uint8)
    expected[inside] = spine.vertebrae[tuple(nearest[inside].T)]
    assert inside.any() and not inside.all()
    assert (labels_on(spine, spine.vertebrae, grid) == expected).all()
    far = replace(grid, lps_from_index=grid.lps_from_index + np.array([[0, 0, 0, 900.0], *np.zeros((3, 4))]))
    assert not labels_on(spine, spine.vertebrae, far).any()
