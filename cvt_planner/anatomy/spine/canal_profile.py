"""How far the canal reaches from its middle line, all along it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.base.arrays import FloatArray, MaskArray
from cvt_planner.geometry.frames import Grid

_SMOOTH_MM = 3.0
_UNKNOWN_MM = 8.0  # where no voxel of the canal is known at all; an adult's half depth


@dataclass(frozen=True, eq=False)
class CanalProfile:
    """Distances, mm and positive, from the canal's middle line to its walls at each step of a frame."""

    step_mm: float
    back_mm: FloatArray = field(repr=False)
    front_mm: FloatArray = field(repr=False)
    side_mm: FloatArray = field(repr=False)

    @classmethod
    def of(cls, frame: CurvedFrame, box: Grid, canal: MaskArray) -> CanalProfile:
        """Return the profile of the canal's voxels on the grid `box`."""
        svu = frame.svu_of(box.lps_of(np.argwhere(canal).astype(np.float64))).astype(np.float64)
        n = len(frame.origins_lps_mm)
        at = np.clip(np.rint(svu[:, 0] / frame.step_mm).astype(int), 0, n - 1)
        walls = []
        for values in (-svu[:, 1], svu[:, 1], np.abs(svu[:, 2])):
            reach = np.full(n, -1.0)
            np.maximum.at(reach, at, values)
            known = np.flatnonzero(reach > 0.0)
            filled = np.interp(np.arange(n), known, reach[known]) if known.size else np.full(n, _UNKNOWN_MM)
            walls.append(ndimage.gaussian_filter1d(filled, _SMOOTH_MM / frame.step_mm, mode="nearest"))
        return cls(frame.step_mm, *walls)

    def at(self, s_mm: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return back, front and side at places along the canal; beyond its ends those of the end."""
        n = np.clip(np.rint(np.asarray(s_mm) / self.step_mm).astype(int), 0, len(self.back_mm) - 1)
        return self.back_mm[n], self.front_mm[n], self.side_mm[n]
