"""How far the canal reaches from its middle line, all along it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.lattice import Lattice, blend_row, in_row
from cvt_planner.anatomy.spine.model import Part
from cvt_planner.base.arrays import FloatArray, LabelArray
from cvt_planner.base.compiled import kernel

_SMOOTH_MM = 3.0
_UNKNOWN_MM = 8.0  # where no voxel of the canal is known at all; an adult's half depth


@kernel
def _farthest(parts: Any, canal: int, svu: Any, step: Any, step_mm: float, out: Any) -> None:
    """Write how far the canal's voxels reach back, to the front and aside at each step of the frame."""
    nk, nj, ni = parts.shape
    row = np.empty((svu.shape[2], 3), np.float32)
    for k in range(nk):
        for j in range(nj):
            if not (parts[k, j] == canal).any():
                continue
            blend_row(svu, step, k, j, 0, row.shape[0], row)
            for i in range(ni):
                if parts[k, j, i] == canal:
                    s, v, u = in_row(row, step[2], i)
                    n = int(min(max(s / step_mm + 0.5, 0.0), out.shape[1] - 1.0))
                    out[0, n], out[1, n], out[2, n] = max(out[0, n], -v), max(out[1, n], v), max(out[2, n], abs(u))


@dataclass(frozen=True, eq=False)
class CanalProfile:
    """Distances, mm and positive, from the canal's middle line to its walls at each step of a frame."""

    step_mm: float
    back_mm: FloatArray = field(repr=False)
    front_mm: FloatArray = field(repr=False)
    side_mm: FloatArray = field(repr=False)

    @classmethod
    def of(cls, frame: CurvedFrame, lattice: Lattice, parts: LabelArray) -> CanalProfile:
        """Return the profile of the canal's voxels in a box; `parts` as in `Spine`."""
        n = len(frame.origins_lps_mm)
        farthest = np.full((3, n), -1.0)
        _farthest(parts, int(Part.CANAL), lattice.svu_mm, lattice.step_kji, frame.step_mm, farthest)
        walls = []
        for reach in farthest:
            known = np.flatnonzero(reach > 0.0)
            filled = np.interp(np.arange(n), known, reach[known]) if known.size else np.full(n, _UNKNOWN_MM)
            walls.append(ndimage.gaussian_filter1d(filled, _SMOOTH_MM / frame.step_mm, mode="nearest"))
        return cls(frame.step_mm, *walls)

    def at(self, s_mm: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return back, front and side at places along the canal; beyond its ends those of the end."""
        n = np.clip(np.rint(np.asarray(s_mm) / self.step_mm).astype(int), 0, len(self.back_mm) - 1)
        return self.back_mm[n], self.front_mm[n], self.side_mm[n]
