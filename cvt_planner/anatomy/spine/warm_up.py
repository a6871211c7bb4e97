"""Loading of compiled code before the window needs it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cvt_planner.anatomy.spine.corrections import AnatomyEdits, BoundaryMove, Stroke, corrected
from cvt_planner.anatomy.spine.model import Endplate, Spine, Vertebra
from cvt_planner.anatomy.spine.picture import LabelStyle, label_picture
from cvt_planner.base.arrays import Vec3, read_only
from cvt_planner.geometry.frames import Grid
from cvt_planner.geometry.reslice_rows import reslice_gray_rows
from cvt_planner.geometry.surface import surface_of


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
