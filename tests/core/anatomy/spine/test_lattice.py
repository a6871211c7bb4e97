"""Coordinates known on a lattice against those of every voxel; crumbs against labelled pieces."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.crumbs import let_crumbs_go
from cvt_planner.anatomy.spine.faces import whole_rows
from cvt_planner.anatomy.spine.lattice import Lattice
from cvt_planner.anatomy.spine.straighten import frame_along
from cvt_planner.geometry.frames import Grid


def test_the_lattice_holds_every_voxels_coordinates() -> None:
    """About a canal bent with a radius of 90 mm, on fine voxels; also beyond its ends, where it runs straight on."""
    turn = np.linspace(-0.45, 0.45, 200)
    frame = frame_along(np.stack([np.zeros(200), 90.0 * np.cos(turn) - 90.0, 90.0 * np.sin(turn)], axis=1))
    affine = np.array([[0.0, 0.0, 0.4, -30.0], [0.0, 0.5, 0.0, -30.0], [0.7, 0.0, 0.0, -45.0], [0.0, 0.0, 0.0, 1.0]])
    box = Grid((130, 150, 160), affine)
    index = np.random.default_rng(5).integers(0, box.shape_kji, (4000, 3))
    found = Lattice.of(frame, box).at(index)
    assert np.abs(found - frame.svu_of(box.lps_of(index.astype(np.float64)))).max() < 0.05
    back = frame.lps_of(*found.astype(np.float64).T)
    assert np.linalg.norm(back - box.lps_of(index.astype(np.float64)), axis=1).max() < 0.05


def test_rows_hold_all_that_lies_near_the_canal_and_little_else() -> None:
    frame = frame_along(np.stack([np.linspace(-20.0, 20.0, 80), np.zeros(80), np.arange(80.0)], axis=1))
    affine = np.array([[0.0, 0.0, 1.0, -50.0], [0.0, 1.0, 0.0, -45.0], [1.0, 0.0, 0.0, 5.0], [0.0, 0.0, 0.0, 1.0]])
    box = Grid((60, 90, 100), affine)
    ends = np.array([[0.0, 79.0], [-20.0, 15.0], [-12.0, 12.0]])
    lattice = Lattice.of(frame, box)
    rows = lattice.rows_within(ends, box.shape_kji)
    index = np.argwhere(np.ones(box.shape_kji))
    svu = lattice.at(index)
    within = np.all((svu >= ends[:, 0]) & (svu <= ends[:, 1]), axis=1)
    first, end = rows[index[:, 0], index[:, 1]].T
    looked_at = (index[:, 2] >= first) & (index[:, 2] < end)
    assert within.any()
    assert looked_at[within].all()
    assert looked_at.sum() < 2.0 * within.sum()


def test_small_pieces_go_but_those_of_bodies_stay() -> None:
    rng = np.random.default_rng(2)
    labels = (ndimage.gaussian_filter(rng.normal(size=(30, 31, 32)), 1.5) > 0.05).astype(np.uint8)
    labels[:, 16:] *= 2
    bodies = np.where(rng.random(labels.shape) < 0.02, labels, 0).astype(np.uint8)
    wanted = bodies.copy()
    for number in (1, 2):
        pieces, _ = ndimage.label(labels == number)
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        wanted[(sizes >= 0.1 * sizes.sum())[pieces]] = number
    assert not np.array_equal(wanted, labels)
    let_crumbs_go(labels, bodies, 0.1, whole_rows(labels.shape))
    assert np.array_equal(labels, wanted)
