"""Which vertebra the bone behind the bodies belongs to: pedicles, laminae, facets and processes; ribs kept apart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from cvt_planner.anatomy.morphology import ball_offsets, dilated_within
from cvt_planner.anatomy.spine.bone import bone_masks, flooded_from
from cvt_planner.anatomy.spine.canal_profile import CanalProfile
from cvt_planner.anatomy.spine.crumbs import let_crumbs_go
from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.gaps import find_gaps
from cvt_planner.anatomy.spine.hollow import filled, set_apart
from cvt_planner.anatomy.spine.lattice import Lattice
from cvt_planner.anatomy.spine.model import Part
from cvt_planner.anatomy.spine.sowing import OTHER, sown
from cvt_planner.base.arrays import FloatArray, LabelArray, MaskArray
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

if TYPE_CHECKING:
    from cvt_planner.anatomy.spine.pipeline import Labelled

_BESIDE_BODY_MM = 4.0  # bone so near a body may be its own, in front of the canal too
_AROUND_CANAL_MM = 2.0  # fat between the canal's outline and its wall is not filled as marrow
# Where the canal is about as wide as the body the neck is: no rib is there, and transverse processes with a foramen lie
# beside the body. By so many widths of the body; measured: C3 to C6 have 1.0 to 1.35, T1 0.73 to 0.91, others less.
_NECK_CANAL = 0.95
_NECK_BREAK = 30  # steps of the frame, mm: nearly two of its levels; assumed
_LEAST_SHARE = 0.1  # of a vertebra; smaller pieces that do not hang on it are let go


def split_posterior(
    volume: Volume,
    frame: CurvedFrame,
    labelled: Labelled,
    profile: CanalProfile,
    borders_mm: FloatArray,
    progress: Progress | None = None,
) -> LabelArray:
    """Return (k, j, i) the number of the vertebra each voxel belongs to, bodies included; 0 elsewhere.

    Bone is flooded from sure places of every vertebra (body, pedicle, roof of the canal, spinous process between two
    gaps) and of ribs, brightest first, so that they meet in joints.

    Parameters
    ----------
    borders_mm
        (n + 1, 2) where neighbouring vertebrae meet: s on the canal's middle line and the slope ds/dv, head to feet;
        the first is the upper border of vertebra 1, the last the lower border of vertebra n.

    Notes
    -----
    Bone below 160 HU outside the bodies is lost: an arch that a lysis has eaten is not rebuilt.
    """
    steps = progress or Progress()
    hu, parts, bodies, rows = labelled.hu, labelled.parts, labelled.bodies, labelled.rows
    spacing = labelled.grid.spacing_kji_mm
    free, ways = bone_masks(hu, spacing, rows)
    soft = ~free
    rest = parts == 0
    free &= rest
    ways &= rest
    borders = _with_neighbours(borders_mm)
    steps.report(0.25, "Arches: joints")
    with ThreadPoolExecutor(1) as beside_this:
        around = beside_this.submit(dilated_within, parts == Part.CANAL, ball_offsets(_AROUND_CANAL_MM, spacing), soft)
        near = beside_this.submit(dilated_within, bodies, ball_offsets(_BESIDE_BODY_MM, spacing), free)
        gaps = find_gaps(volume, frame, borders, profile.back_mm)
        widths = _body_widths(frame, labelled.lattice, bodies)
        never, beside = around.result(), near.result()
    del soft, rest
    steps.report(0.4, "Arches: seeds")
    neck = _neck(2.0 * profile.side_mm >= _NECK_CANAL * widths, borders_mm[:, 0] / frame.step_mm)
    seeds = sown(free, beside, bodies, labelled.lattice, borders, gaps, profile, widths, neck, rows)
    del beside
    steps.report(0.6, "Arches: parting")
    # Paring cuts thin processes to pieces: what is left of them is reached over what was pared off.
    labels = flooded_from(hu, ways, free, seeds, spacing, rows)
    del ways, seeds
    steps.report(0.8, "Arches: closing")
    let_crumbs_go(labels, bodies, _LEAST_SHARE, rows)
    set_apart(labels, OTHER, free, parts, rows, never)
    return filled(labels, hu, never, _slices_of(frame, neck, labelled.grid), spacing, rows)


def _neck(wide: MaskArray, borders: FloatArray) -> MaskArray:
    """Return where along the canal the neck is: the wide stretch at the head's end, if there is any.

    `borders` are steps of the frame, head to feet. The lowest vertebra may be cut off, and then seems narrower than it
    is; one that a lesion has eaten does, too.
    """
    neck = wide.copy()
    neck[: max(round(float(borders[-2])), 0)] = False
    places = np.append(np.flatnonzero(neck), round(float(borders[0])))
    breaks = np.flatnonzero(np.diff(places) > _NECK_BREAK)
    if breaks.size:
        neck[: places[breaks[-1]] + 1] = False
    return neck


def _slices_of(frame: CurvedFrame, along: MaskArray, grid: Grid) -> MaskArray:
    """Return (k,) the slices of a grid between the first and last place along the canal that is marked."""
    marked = np.zeros(grid.shape_kji[0], dtype=np.bool_)
    places = np.flatnonzero(along)
    if places.size:
        ends = np.rint(np.sort(grid.index_of(frame.origins_lps_mm[places[[0, -1]]])[:, 0])).astype(int)
        marked[max(ends[0], 0) : max(ends[1] + 1, 0)] = True
    return marked


def _body_widths(frame: CurvedFrame, lattice: Lattice, bodies: LabelArray) -> FloatArray:
    """Return the width of the bodies at each step of the frame, mm."""
    every = (lattice.step_kji + 1) // 2
    some = bodies[tuple(slice(None, None, step) for step in every)]
    index = np.argwhere(some)
    owner = some[tuple(index.T)]
    svu = lattice.at(index * every)
    rows = [(0.0, 40.0)] if not len(index) else []
    for number in np.unique(owner):
        own = svu[owner == number]
        rows.append((float(np.median(own[:, 0])), float(np.ptp(np.percentile(own[:, 2], (0.3, 99.7))))))
    places, widths = np.array(sorted(rows)).T
    return np.asarray(np.interp(np.arange(len(frame.up)) * frame.step_mm, places, widths))


def _with_neighbours(borders_mm: FloatArray) -> FloatArray:
    """Return the borders of all vertebrae and of one more at each end; those cut off by the CT's end as if whole."""
    out = borders_mm.copy()
    heights = -np.diff(out[:, 0])
    upper, lower = heights[0], heights[-1]
    if len(heights) > 1:
        upper, lower = max(upper, 0.9 * heights[1]), max(lower, 0.9 * heights[-2])
        out[0, 0], out[-1, 0] = out[1, 0] + upper, out[-2, 0] - lower
    return np.vstack([out[0] + [upper, 0.0], out, out[-1] - [lower, 0.0]])
