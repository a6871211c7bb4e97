"""The CT averaged over blocks of voxels: what the search for the spine runs on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvt_planner.base.arrays import HuArray
from cvt_planner.base.compiled import kernels_alone, parallel_kernel, prange
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

AIR_HU = -1024
IN_PLANE_MM, ALONG_MM = 1.5, 2.0  # about a third of the smallest canal wall's distance; assumed


@dataclass(frozen=True, eq=False)
class Coarse:
    """(k, j, i) int16 mean HU over blocks of voxels, and where the blocks lie."""

    hu: HuArray = field(repr=False)
    grid: Grid


@parallel_kernel
def _block_means(hu: Any, step: Any, out: Any) -> None:
    nk, nj, ni = out.shape
    dk, dj, di = step
    for k in prange(nk):
        total = np.empty(ni, np.int32)
        for j in range(nj):
            total[:] = 0
            for c in range(k * dk, (k + 1) * dk):
                for b in range(j * dj, (j + 1) * dj):
                    row = hu[c, b]
                    for i in range(ni):
                        for a in range(i * di, (i + 1) * di):
                            total[i] += max(row[a], AIR_HU)
            for i in range(ni):
                out[k, j, i] = total[i] // (dk * dj * di)


def coarse_of(volume: Volume) -> Coarse:
    """Return the CT in blocks of about 1.5 x 1.5 mm in a slice and 2 mm across slices.

    Notes
    -----
    Never finer than the CT itself.
    """
    spacing = volume.grid.spacing_kji_mm
    wanted = np.array([ALONG_MM, IN_PLANE_MM, IN_PLANE_MM])
    step = np.clip(np.round(wanted / spacing), 1, volume.grid.shape_kji).astype(int)
    shape = tuple(int(n) for n in np.array(volume.grid.shape_kji) // step)
    out = np.empty(shape, dtype=np.int16)
    with kernels_alone():
        _block_means(volume.hu, step, out)
    affine = volume.grid.lps_from_index.copy()
    affine[:3, :3] *= step
    affine[:3, 3] = volume.grid.lps_of((step - 1) / 2.0)
    return Coarse(out, Grid((shape[0], shape[1], shape[2]), affine, volume.grid.frame_of_reference_uid))
