"""Bone, flooding, hollow arches and sections across pedicles, on shapes whose truth is known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cvt_planner.anatomy.spine.bone import bone_masks, flooded_from
from cvt_planner.anatomy.spine.faces import whole_rows
from cvt_planner.anatomy.spine.hollow import filled, set_apart
from cvt_planner.anatomy.spine.sections import cuts
from cvt_planner.anatomy.spine.sowing import _ASIDE, _BEYOND_RIB, _beside_narrow, _is_before
from cvt_planner.base.arrays import FloatArray
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume

ISO = np.ones(3)


def _grid(shape: tuple[int, int, int], spacing: FloatArray = ISO) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, spacing[2]], [0, spacing[1], 0], [spacing[0], 0, 0]])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2.0)
    return Grid(shape, affine)


def _scanned(inside: np.ndarray, cortex: np.ndarray, factor: int, spacing: FloatArray) -> np.ndarray:
    """Return HU of voxels as means of finer ones, blurred by 0.45 mm: cortex 1150, marrow 200, soft tissue 40."""
    fine = np.where(cortex, 1150.0, np.where(inside, 200.0, 40.0))
    fine = ndimage.gaussian_filter(fine, 0.45 * factor / spacing)
    n = [size // factor for size in fine.shape]
    means = fine.reshape(n[0], factor, n[1], factor, n[2], factor).mean(axis=(1, 3, 5))
    return np.asarray(np.rint(means), dtype=np.int16)


def test_the_rim_of_thin_bright_bone_lies_where_half_of_the_voxel_is_bone() -> None:
    hu = np.full((9, 9, 30), 40, dtype=np.int16)
    hu[:, :, 10:14] = 1100
    hu[:, :, 9], hu[:, :, 14] = 300, 800  # a quarter and three quarters filled
    mask, with_rim = bone_masks(hu, ISO, whole_rows(hu.shape))
    assert mask[4, 4, 10:15].all()
    assert not mask[4, 4, :10].any()
    assert not mask[4, 4, 15:].any()
    assert with_rim[4, 4, 9:15].all()


def test_labels_meet_in_a_joint_and_half_way_where_bones_touch() -> None:
    hu = np.full((5, 5, 40), 1000, dtype=np.int16)
    hu[:, :, 12] = 200  # a joint
    seeds = np.zeros(hu.shape, dtype=np.uint8)
    seeds[2, 2, 2], seeds[2, 2, 37] = 1, 2
    bone = np.ones(hu.shape, dtype=np.bool_)
    labels = flooded_from(hu, bone, bone, seeds, ISO, whole_rows(hu.shape))
    assert (labels[:, :, :12] == 1).all()
    assert (labels[:, :, 13:] == 2).all()
    hu[:, :, 12] = 1000
    seeds[labels > 0] = 0
    seeds[2, 2, 2], seeds[2, 2, 37] = 1, 2
    touching = flooded_from(hu, bone, bone, seeds, ISO, whole_rows(hu.shape))
    assert abs(int((touching[2, 2] == 1).sum()) - 20) <= 1


def test_bone_that_was_pared_through_is_reached_and_two_bones_still_meet_where_they_were_pared_apart() -> None:
    hu = np.full((5, 5, 60), 500, dtype=np.int16)
    ways, bone = np.ones(hu.shape, dtype=np.bool_), np.ones(hu.shape, dtype=np.bool_)
    bone[:, :, 10], bone[:, :, 30] = False, False
    seeds = np.zeros(hu.shape, dtype=np.uint8)
    seeds[2, 2, 12], seeds[2, 2, 58] = 1, 2
    labels = flooded_from(hu, ways, bone, seeds, ISO, whole_rows(hu.shape))
    assert (labels[:, :, :30] == 1).all(), "the piece beyond the first cut too"
    assert (labels[:, :, 31:] == 2).all()
    rows, parts = whole_rows(hu.shape), np.zeros(hu.shape, dtype=np.uint8)
    never = np.zeros(hu.shape, dtype=np.bool_)
    set_apart(labels, 2, bone, parts, rows, never)
    assert not labels[~bone].any()
    assert (labels[:, :, :10] == 1).all()
    assert not labels[:, :, 31:].any()
    assert never[:, :, 31:].all()
    assert not never[:, :, :30].any()


def test_a_hollow_tube_is_filled_and_the_canal_is_not() -> None:
    k, j, i = np.indices((30, 24, 24))
    radius = np.hypot(j - 12, i - 12)
    labels = ((radius > 4.0) & (radius < 5.6) & (k > 2) & (k < 27)).astype(np.uint8) * 3
    labels[10:13, 12, :12] = 0  # a hole in the cortex
    hu = np.zeros(labels.shape, dtype=np.int16)
    none, lids = np.zeros(labels.shape, dtype=np.bool_), np.zeros(30, dtype=np.bool_)
    out = filled(labels.copy(), hu, none, lids, ISO, whole_rows(hu.shape))
    assert (out[8:22][(radius < 4.0)[8:22]] == 3).all()
    assert not out[radius > 7.0].any()
    assert not filled(labels.copy(), hu, radius < 4.0, lids, ISO, whole_rows(hu.shape))[radius < 4.0].any()


def test_in_the_neck_a_foramen_open_above_and_below_is_not_filled_and_a_hollow_pillar_is() -> None:
    k, j, i = np.indices((30, 24, 24))
    radius = np.hypot(j - 12, i - 12)
    labels = ((radius > 2.5) & (radius < 4.6) & (k > 10) & (k < 19)).astype(np.uint8) * 3
    hu, rows = np.zeros(labels.shape, dtype=np.int16), whole_rows(labels.shape)
    none, neck = np.zeros(labels.shape, dtype=np.bool_), np.ones(30, dtype=np.bool_)
    inside = (radius < 2.0) & (k > 12) & (k < 17)
    assert (filled(labels.copy(), hu, none, ~neck, ISO, rows)[inside] == 3).all()
    assert not filled(labels.copy(), hu, none, neck, ISO, rows)[inside].any()
    labels[(radius < 4.6) & (k == 11)] = 3  # closed below
    assert (filled(labels.copy(), hu, none, neck, ISO, rows)[inside] == 3).all()


def test_a_voxel_less_than_half_in_a_plate_is_no_bone_where_slices_are_thicker_than_voxels() -> None:
    hu = np.full((7, 12, 12), 40, dtype=np.int16)
    hu[3], hu[2], hu[4] = 900, 600, 380  # the plate fills two thirds of the slice below it and 0.4 of the one above
    for spacing, kept in (((3.0, 0.8, 0.8), False), ((5.0, 0.8, 0.8), True), ((3.0, 3.0, 3.0), True)):
        bone = bone_masks(hu, np.array(spacing), whole_rows(hu.shape))[0][:, 4:8, 4:8]
        assert bone[2:4].all()
        assert bone[4].all() == kept
        assert bone[4].any() == kept


@settings(max_examples=8, deadline=None)
@given(
    width=st.floats(5.0, 14.0),
    height=st.floats(11.0, 18.0),
    inwards_deg=st.floats(-5.0, 35.0),
    down_deg=st.floats(-15, 15),
)
def test_a_pedicle_s_width_height_and_axis_are_found_between_voxels(
    width: float, height: float, inwards_deg: float, down_deg: float
) -> None:
    spacing, factor = np.array([1.0, 0.8, 0.8]), 3
    shape = (28, 30, 40)
    a, b = np.radians(inwards_deg), np.radians(down_deg)
    forward = np.array([-np.sin(a) * np.cos(b), -np.cos(a) * np.cos(b), -np.sin(b)])
    up = np.array([0.0, 0.0, 1.0])
    side = np.cross(forward, up)
    side /= np.linalg.norm(side)
    over = np.cross(side, forward)
    fine = _grid(tuple(n * factor for n in shape), spacing / factor)  # type: ignore[arg-type]
    places = fine.lps_of(np.moveaxis(np.indices(fine.shape_kji), 0, -1).astype(np.float64))
    u, v = places @ side, places @ over

    def within(shrink: float) -> np.ndarray:
        return np.asarray((u / (width / 2 - shrink)) ** 2 + (v / (height / 2 - shrink)) ** 2 < 1.0)

    hu = _scanned(within(0.0), within(0.0) & ~within(1.35), factor, spacing)
    grid = _grid(shape, spacing)
    volume = Volume(hu, grid, Patient(), SeriesIdentity(), "tube", "tube")
    rows = whole_rows(shape)
    bone = bone_masks(hu, spacing, rows)[0].view(np.uint8)
    bone = filled(bone, hu, np.zeros(shape, dtype=np.bool_), np.zeros(shape[0], dtype=np.bool_), spacing, rows)
    along = np.arange(-3.0, 3.1, 1.0)
    found, _, _ = cuts(volume, grid, bone, np.array([0.6, 0.0, -0.8]), forward, up, along)
    true = np.array([-0.6 * side[0] + 0.8 * side[2], -0.6 * over[0] + 0.8 * over[2]])
    assert np.abs(found.middle_mm - true).max() < 0.25
    assert np.abs(found.width_mm - width).max() < 0.5
    assert np.abs(found.height_mm - height).max() < 0.7
    assert found.edges.min() == pytest.approx(1.0, abs=0.1)


def test_beside_a_narrow_vertebra_bone_beyond_its_transverse_process_is_rib() -> None:
    """Whether the rib reaches far aside or, as a first one may, ends soon; also behind the line where necks run."""
    borders = np.array([[60.0, 0.0], [40.0, 0.0], [20.0, 0.0], [0.0, 0.0]])
    assert _beside_narrow(borders, 35.0, -20.0, 28.0, -25.0, False) == _BEYOND_RIB
    assert _beside_narrow(borders, 35.0, 0.0, 28.0, -5.0, False) == _BEYOND_RIB
    assert _beside_narrow(borders, 35.0, -20.0, 15.0, -25.0, False) == 1, "the process itself"
    assert _beside_narrow(borders, 35.0, 0.0, 15.0, -5.0, False) == _ASIDE, "a rib's neck, if more hangs on it"
    assert _beside_narrow(borders, 35.0, 0.0, 28.0, -5.0, True) == 0, "beside a body"


def test_a_process_springs_from_the_side_of_a_wide_body_only() -> None:
    borders = np.array([[60.0, 0.0], [30.0, 0.0], [0.0, 0.0]])
    wide, narrow = 22.0, 12.0
    assert not _is_before(borders, 45.0, 0.0, 10.0, 28.0, wide), "its tip, aside of where a pedicle may be"
    assert not _is_before(borders, 45.0, 0.0, 20.0, 15.0, wide), "its root, at the body's side"
    assert _is_before(borders, 45.0, 0.0, 10.0, 28.0, narrow)
    assert _is_before(borders, 45.0, 0.0, 20.0, 10.0, narrow)
    assert _is_before(borders, 45.0, 0.0, 28.0, 15.0, wide), "a vessel in front"
    assert _is_before(borders, 58.0, 0.0, 10.0, 28.0, wide), "at the height of a disc"
