"""Loading of compiled code before it is needed."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np

from cvt_planner.anatomy.morphology import ball_offsets, dilated_within
from cvt_planner.anatomy.spine.bone import bone_masks, cut_out, flooded_from
from cvt_planner.anatomy.spine.coarse import coarse_of
from cvt_planner.anatomy.spine.corrections import AnatomyEdits, BoundaryMove, Stroke, corrected
from cvt_planner.anatomy.spine.crumbs import let_crumbs_go
from cvt_planner.anatomy.spine.faces import whole_rows
from cvt_planner.anatomy.spine.hollow import filled, set_apart
from cvt_planner.anatomy.spine.lattice import Lattice
from cvt_planner.anatomy.spine.model import Endplate, Spine, Vertebra
from cvt_planner.anatomy.spine.picture import LabelStyle, label_picture
from cvt_planner.anatomy.spine.search import find_canal
from cvt_planner.anatomy.spine.sections import cuts
from cvt_planner.anatomy.spine.straighten import frame_along
from cvt_planner.anatomy.spine.wall import find_wall
from cvt_planner.base.arrays import Vec3, read_only
from cvt_planner.geometry.frames import Grid
from cvt_planner.geometry.reslice_rows import reslice_gray_rows
from cvt_planner.geometry.surface import surface_of
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume


def warm_up_drawing() -> None:
    """Load the kernels by which a spine is drawn and corrected, so that the window's thread need not."""
    shape, affine = (4, 4, 4), np.eye(4)
    labels = np.zeros(shape, dtype=np.uint8)
    labels[1:3, 1:3, 1:3] = 1
    axis: Vec3 = (0.0, 0.0, 1.0)
    ends = (Endplate((2.0, 2.0, 3.0), axis), Endplate((2.0, 2.0, 1.0), axis))
    one = Vertebra(1, (2.0, 2.0, 2.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), axis, *ends, 2.0, 2.0, 2.0)
    found = (one, replace(one, number=2))
    spine = Spine(Grid(shape, affine), labels, labels.copy(), np.zeros((0, 3)), found, "")
    style = LabelStyle(
        np.zeros(256, np.uint8), np.zeros(256, np.uint32), np.zeros(256, np.uint32), np.zeros(256, np.bool_)
    )
    rows = np.zeros((2, 3)), np.ones((2, 3))
    label_picture(spine, style, *rows, 2)
    reslice_gray_rows(read_only(np.zeros(shape, dtype=np.int16)), affine, *rows, 2, 0.0, 100.0)
    move, stroke = BoundaryMove((2.0, 2.0, 2.0), (2.0, 2.0, 2.0), axis), Stroke("canal", ((2.0, 2.0, 2.0),), 1.0)
    corrected(spine, AnatomyEdits(boundaries=(move,), strokes=(stroke,)))
    surface_of(labels > 0, spine.grid)


def search_warming_up() -> threading.Thread:
    """Return a thread, already running, that loads kernels of the search for the spine.

    Start it before the CT is read: the first search in a process would wait for them by up to 2 s.
    """
    thread = threading.Thread(target=_warm_up_search, name="kernels", daemon=True)
    thread.start()
    return thread


def _warm_up_search() -> None:
    """Take most of the search's steps on next to nothing: the first kernel of all costs more than all the others."""
    grid = Grid((16, 16, 16), np.eye(4))
    volume = Volume(np.zeros(grid.shape_kji, dtype=np.int16), grid, Patient(), SeriesIdentity(), "", "")
    find_canal(coarse_of(volume))
    frame = frame_along(np.stack([np.full(8, 8.0), np.full(8, 8.0), np.arange(4.0, 12.0)], axis=1))
    find_wall(frame, volume)
    spacing, rows = grid.spacing_kji_mm, whole_rows(grid.shape_kji)
    Lattice.of(frame, grid).rows_within(np.array([[0.0, 8.0]] * 3), grid.shape_kji)
    hu = cut_out(volume.hu, (0, 0, 0), rows, grid.shape_kji)
    free, ways = bone_masks(hu, spacing, rows)
    none = np.zeros(grid.shape_kji, dtype=np.uint8)
    never = dilated_within(none, ball_offsets(1.0, spacing), free)
    labels = flooded_from(hu, ways, free, none, spacing, rows)
    set_apart(labels, 255, free, none, rows, never)
    let_crumbs_go(filled(labels, hu, never, np.ones(len(hu), dtype=np.bool_), spacing, rows), none, 0.1, rows)
    middle, forward, up = np.full(3, 8.0), np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    cuts(volume, grid, none, middle, forward, up, np.zeros(1))
