"""The CT averaged over blocks of voxels: what the search for the spine runs on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvt_planner.base.arrays import HuArray
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

AIR_HU = -1024
IN_PLANE_MM, ALONG_MM = 1.5, 2.0  # about a third of the smallest canal wall's distance; assumed


@dataclass(frozen=True, eq=False)
class Coarse:
    """(k, j, i) int16 mean HU over blocks of voxels, and where the blocks lie."""

    hu: HuArray = field(repr=False)
    grid: Grid


def coarse_of(volume: Volume) -> Coarse:
    """Return the CT in blocks of about 1.5 x 1.5 mm in a slice and 2 mm across slices.

    Notes
    -----
    Never finer than the CT itself. Slab by slab, so that no second copy of the CT exists.
    """
    spacing = volume.grid.spacing_kji_mm
    wanted = np.array([ALONG_MM, IN_PLANE_MM, IN_PLANE_MM])
    step = np.clip(np.round(wanted / spacing), 1, volume.grid.shape_kji).astype(int)
    shape = tuple(int(n) for n in np.array(volume.grid.shape_kji) // step)
    out = np.empty(shape, dtype=np.int16)
    dk, dj, di = (int(n) for n in step)
    for k in range(shape[0]):
        slab = volume.hu[k * dk : (k + 1) * dk, : shape[1] * dj, : shape[2] * di]
        total = np.zeros((shape[1], shape[2]), dtype=np.int32)
        for row in range(dj):
            for column in range(di):
                for part in slab[:, row::dj, column::di]:
                    total += np.maximum(part, AIR_HU)
        out[k] = total // (dk * dj * di)
    affine = volume.grid.lps_from_index.copy()
    affine[:3, :3] *= step
    affine[:3, 3] = volume.grid.lps_of((step - 1) / 2.0)
    return Coarse(out, Grid((shape[0], shape[1], shape[2]), affine, volume.grid.frame_of_reference_uid))
