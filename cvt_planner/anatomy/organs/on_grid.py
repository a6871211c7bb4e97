"""The organs as labels of a CT's own voxels, for a file."""

from __future__ import annotations

import numpy as np

from cvt_planner.anatomy.organs.model import AORTA_LABEL, Organs
from cvt_planner.base.arrays import LabelArray
from cvt_planner.geometry.frames import Grid


def organs_on(grid: Grid, organs: Organs) -> LabelArray:
    """Return (k, j, i) uint8 on the CT's grid: `Organ` of each voxel's cell, and `AORTA_LABEL` within the aorta.

    Notes
    -----
    Cells are blocks of whole voxels, so surfaces have steps of about 3 mm.
    """
    step = np.rint(organs.grid.spacing_kji_mm / grid.spacing_kji_mm).astype(int)
    at = [
        np.minimum(np.arange(n) // s, m - 1) for n, s, m in zip(grid.shape_kji, step, organs.labels.shape, strict=True)
    ]
    out = organs.labels[np.ix_(*at)]
    if organs.aorta is None:
        return out
    tube = organs.aorta
    index = grid.index_of(tube.centres_lps_mm)
    order = np.argsort(index[:, 0])
    k = np.arange(max(int(np.ceil(index[:, 0].min())), 0), min(int(index[:, 0].max()), grid.shape_kji[0] - 1) + 1)
    rows, columns = np.ogrid[: grid.shape_kji[1], : grid.shape_kji[2]]
    _, dj, di = grid.spacing_kji_mm
    for n in k:
        j, i, radius = (
            float(np.interp(n, index[order, 0], value[order])) for value in (index[:, 1], index[:, 2], tube.radii_mm)
        )
        out[n][np.hypot((rows - j) * dj, (columns - i) * di) <= radius] = AORTA_LABEL
    return out
