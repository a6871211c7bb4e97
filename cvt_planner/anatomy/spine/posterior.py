"""Which vertebra the bone behind the bodies belongs to: pedicles, laminae, facets and processes; ribs kept apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cvt_planner.anatomy.morphology import ball_offsets, dilated_within
from cvt_planner.anatomy.spine.bone import bone_mask, flooded_from
from cvt_planner.anatomy.spine.canal_profile import CanalProfile
from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.gaps import Gaps, find_gaps
from cvt_planner.anatomy.spine.hollow import filled
from cvt_planner.base.arrays import Float32Array, FloatArray, LabelArray, MaskArray
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

OTHER = 255  # ribs, hips and what else is bright and no vertebra; not in what is returned

_NEAR_CANAL_MM = 7.0
_PEDICLE_SHARE = (0.28, 0.62)  # of a level's height below its upper border
_ROOT_SHARE = (0.10, 0.85)  # where a pedicle's root may be
_ROOF_SHARE = (0.25, 0.80)  # of the way from the upper gap to the lower
# Bone so far from every body, and so far before the canal's front, is rib or other; where a pedicle may be, farther.
_BESIDE_BODY_MM, _BEFORE_CANAL_MM, _BEFORE_PEDICLE_MM = 4.0, 3.0, 13.0
# How far aside of the canal a pedicle may reach, by the body's width: the means of Panjabi and Zindrick, with room.
_REACH_MM, _REACH_PER_WIDTH, _NARROW_BODY_MM = (9.0, 24.0), 1.1, 34.5
_SIDE_MM, _RIB_MM = 42.0, 57.0  # what reaches from one to the other is rib or hip: no transverse process is so long
_SPINOUS_U_MM, _GAP_MARGIN_MM = 3.0, 2.5
_AROUND_CANAL_MM = 2.0  # fat between the canal's outline and its wall is not filled as marrow
_LEAST_SHARE = 0.1  # of a vertebra; smaller pieces that do not hang on it are let go


def split_posterior(
    volume: Volume,
    box: Grid,
    frame: CurvedFrame,
    canal: MaskArray,
    bodies: LabelArray,
    discs: MaskArray,
    borders_mm: FloatArray,
    progress: Progress | None = None,
) -> LabelArray:
    """Return (k, j, i) the number of the vertebra each voxel belongs to, bodies included; 0 elsewhere.

    Bone is flooded from sure places of every vertebra (body, pedicle, roof of the canal, spinous process between two
    gaps) and of ribs, brightest first, so that they meet in joints.

    Parameters
    ----------
    box
        The grid of the label arrays, a part of the volume's own.
    canal, bodies, discs
        Voxels of the canal; number of the vertebra whose body a voxel belongs to, 1 for the uppermost; discs.
    borders_mm
        (n + 1, 2) where neighbouring vertebrae meet: s on the canal's middle line and the slope ds/dv, head to feet;
        the first is the upper border of vertebra 1, the last the lower border of vertebra n.

    Notes
    -----
    Bone below 160 HU outside the bodies is lost: an arch that a lysis has eaten is not rebuilt.
    """
    steps = progress or Progress()
    hu = _crop(volume, box)
    spacing = box.spacing_kji_mm
    bone = bone_mask(hu, spacing)
    free = bone & (bodies == 0) & ~canal & ~discs
    borders = _with_neighbours(borders_mm)
    steps.report(0.25, "Arches: joints")
    index = np.argwhere(free)
    svu = frame.svu_of(box.lps_of(index.astype(np.float64)))
    profile = CanalProfile.of(frame, box, canal)
    gaps = find_gaps(volume, frame, borders, profile.back_mm)
    steps.report(0.5, "Arches: seeds")
    seeds = bodies.copy()
    beside = dilated_within(bodies > 0, ball_offsets(_BESIDE_BODY_MM, spacing), free)
    place = tuple(index.T)
    found, root = _seeds(svu, borders, gaps, profile, _body_widths(svu[:, 0], box, frame, bodies))
    before = svu[:, 1] - profile.at(svu[:, 0].astype(np.float64))[1]
    found[~beside[place] & (before > np.where(root, _BEFORE_PEDICLE_MM, _BEFORE_CANAL_MM))] = OTHER
    found[_far_aside(index, svu[:, 2], box)] = OTHER
    seeds[place] = found
    labels = flooded_from(hu, free | (bodies > 0), seeds, spacing)
    steps.report(0.8, "Arches: closing")
    never = dilated_within(canal, ball_offsets(_AROUND_CANAL_MM, spacing), ~bone) | discs | (labels == OTHER)
    labels[labels == OTHER] = 0
    labels = filled(labels, hu, never, spacing)
    return _without_crumbs(labels, bodies, len(borders_mm) - 1)


def _crop(volume: Volume, box: Grid) -> NDArray[np.int16]:
    first = np.rint(volume.grid.index_of(box.lps_of(np.zeros(3)))).astype(int)
    k, j, i = (slice(a, a + n) for a, n in zip(first, box.shape_kji, strict=True))
    return volume.hu[k, j, i]


def _seeds(
    svu: Float32Array, borders_mm: FloatArray, gaps: Gaps, profile: CanalProfile, width_mm: FloatArray
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the seed of each place, 0 where nothing is sure, and where the roots of pedicles may be.

    The first and last level are the neighbours' beyond. Pedicles of wide bodies, the lower lumbar ones, reach far
    aside; those of thoracic bodies end before the rib's head begins.
    """
    s, v, u = svu.T
    back, _, half_u = profile.at(s)
    roof_v = -back
    aside = np.abs(u)
    out = np.zeros(len(s), dtype=np.uint8)
    reach = half_u + np.clip(_REACH_MM[0] + _REACH_PER_WIDTH * (width_mm - _NARROW_BODY_MM), *_REACH_MM)
    root = np.zeros(len(s), dtype=np.bool_)
    beside_canal = (aside > 0.6 * half_u) & (aside < half_u + _NEAR_CANAL_MM)
    beside_canal &= (v < -0.8 * roof_v) & (v > 0.4 * roof_v)
    behind_canal = (v <= 0.6 * roof_v) & (v > roof_v - _NEAR_CANAL_MM) & (aside < half_u)
    spinous = (v < roof_v - 3.0) & (aside < _SPINOUS_U_MM)
    for number in range(len(borders_mm) - 1):
        (s_up, slope_up), (s_low, slope_low) = borders_mm[number], borders_mm[number + 1]
        plane_up, plane_low = s_up + slope_up * v, s_low + slope_low * v
        share = (plane_up - s) / np.maximum(plane_up - plane_low, 1.0)
        root |= (share > _ROOT_SHARE[0]) & (share < _ROOT_SHARE[1]) & (aside < reach)
        pedicle = beside_canal & (share > _PEDICLE_SHARE[0]) & (share < _PEDICLE_SHARE[1])
        gap_up, gap_low = gaps.at(number, v), gaps.at(number + 1, v)
        way = (gap_up - s) / np.maximum(gap_up - gap_low, 1.0)
        lamina = behind_canal & (way > _ROOF_SHARE[0]) & (way < _ROOF_SHARE[1])
        process = spinous & (s < gap_up - _GAP_MARGIN_MM) & (s > gap_low + _GAP_MARGIN_MM)
        out[pedicle | lamina | process] = number if 0 < number < len(borders_mm) - 2 else OTHER
    return out, root


def _body_widths(s_mm: Float32Array, box: Grid, frame: CurvedFrame, bodies: LabelArray) -> FloatArray:
    """Return the width of the bodies at places along the canal, mm."""
    index = np.argwhere(bodies > 0)[::5]
    svu = frame.svu_of(box.lps_of(index.astype(np.float64)))
    owner = bodies[tuple(index.T)]
    rows = [(0.0, 40.0)] if not len(index) else []
    for number in np.unique(owner):
        own = svu[owner == number]
        rows.append((float(np.median(own[:, 0])), float(np.ptp(np.percentile(own[:, 2], (0.3, 99.7))))))
    places, widths = np.array(sorted(rows)).T
    return np.asarray(np.interp(s_mm, places, widths))


def _with_neighbours(borders_mm: FloatArray) -> FloatArray:
    """Return the borders of all vertebrae and of one more at each end; those cut off by the CT's end as if whole."""
    out = borders_mm.copy()
    heights = -np.diff(out[:, 0])
    upper, lower = heights[0], heights[-1]
    if len(heights) > 1:
        upper, lower = max(upper, 0.9 * heights[1]), max(lower, 0.9 * heights[-2])
        out[0, 0], out[-1, 0] = out[1, 0] + upper, out[-2, 0] - lower
    return np.vstack([out[0] + [upper, 0.0], out, out[-1] - [lower, 0.0]])


def _far_aside(index: NDArray[np.int64], u: Float32Array, box: Grid) -> NDArray[np.bool_]:
    """Return which bone beside the transverse processes hangs together with bone still farther aside: ribs and hips."""
    aside = np.abs(u)
    lateral = np.flatnonzero(aside > _SIDE_MM)
    pieces = np.zeros(box.shape_kji, dtype=np.int32)
    pieces[tuple(index[lateral].T)] = 1
    ndimage.label(pieces, output=pieces)
    piece = pieces[tuple(index[lateral].T)]
    reaching = np.unique(piece[aside[lateral] > _RIB_MM])
    out = np.zeros(len(u), dtype=np.bool_)
    out[lateral[np.isin(piece, reaching)]] = True
    return out


def _without_crumbs(labels: LabelArray, bodies: LabelArray, count: int) -> LabelArray:
    """Return the labels without small pieces that do not hang on their vertebra."""
    out = bodies.copy()
    boxes: list[tuple[slice, ...] | None] = list(ndimage.find_objects(labels, max_label=count))
    for number, where in enumerate(boxes, start=1):
        if where is None:
            continue
        own = labels[where] == number
        pieces, n = ndimage.label(own)
        if n > 1:
            sizes = np.bincount(pieces.ravel())
            sizes[0] = 0
            own = (sizes >= _LEAST_SHARE * sizes.sum())[pieces]
        out[where][own] = number
    return out
