"""Means over blocks of voxels: a CT made coarse without a copy of it."""

from __future__ import annotations

import numpy as np

from cvt_planner.base.arrays import Float32Array, HuArray
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

PADDING_HU = -1024  # at or below: not reconstructed, or air clipped by the scanner
Box = tuple[slice, slice, slice]


def block_means(
    volume: Volume, cell_mm: tuple[float, float, float], box: Box | None = None
) -> tuple[Float32Array, HuArray, Grid]:
    """Return the mean and the largest HU of blocks of voxels, both (k, j, i), and the blocks' grid.

    Parameters
    ----------
    cell_mm
        About how large the blocks are along k, j and i; they are whole voxels, at least one.
    box
        Which part of the CT; all of it where None.

    Notes
    -----
    The last slab may be thinner, so that every slice lies in some block; rows and columns that fill no block are left
    out. What lies below -1024 HU counts as that.
    """
    start = (0, 0, 0) if box is None else tuple(int(b.start) for b in box)
    hu = volume.hu if box is None else volume.hu[box]
    step = np.maximum(np.round(np.array(cell_mm) / volume.grid.spacing_kji_mm), 1).astype(int)
    k_step, j_step, i_step = (int(s) for s in np.minimum(step, hu.shape))
    slices, rows, columns = hu.shape
    shape = (-(-slices // k_step), rows // j_step, columns // i_step)
    means, most = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.int16)
    rows_at = np.arange(0, shape[1] * j_step, j_step)
    for k in range(shape[0]):  # slab by slab: a clipped copy of the whole CT would cost its size again
        slab = hu[k * k_step : (k + 1) * k_step, : shape[1] * j_step, : shape[2] * i_step]
        slab = np.maximum(slab, np.int16(PADDING_HU))
        # Whole slices first, then whole rows: they lie in one piece, which makes it twice as quick.
        total = np.add.reduceat(np.add.reduce(slab, axis=0, dtype=np.int32), rows_at, axis=0)
        top = np.maximum.reduceat(np.maximum.reduce(slab, axis=0), rows_at, axis=0)
        means[k] = total.reshape(shape[1], shape[2], i_step).sum(axis=2) / (slab.shape[0] * j_step * i_step)
        most[k] = top.reshape(shape[1], shape[2], i_step).max(axis=2)
    steps = np.array([k_step, j_step, i_step])
    affine = volume.grid.lps_from_index.copy()
    affine[:3, :3] *= steps
    affine[:3, 3] = volume.grid.lps_of(np.array(start) + (steps - 1) / 2.0)
    return means, most, Grid(shape, affine, volume.grid.frame_of_reference_uid)
