"""Coordinates along the spinal canal: s along it towards the head, v to the front, u to the left, mm."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvt_planner.base.arrays import Float32Array, FloatArray, Points
from cvt_planner.geometry.sampling import sample_grid
from cvt_planner.imaging.volume import Volume


@dataclass(frozen=True, eq=False)
class CurvedFrame:
    """A frame that follows the canal.

    Parameters
    ----------
    origins_lps_mm
        (n, 3) points on the canal's middle line from feet to head, `step_mm` apart.
    left, front, up
        (n, 3) unit vectors at each point; `up` runs along the canal towards the head.
    """

    origins_lps_mm: Points = field(repr=False)
    left: Points = field(repr=False)
    front: Points = field(repr=False)
    up: Points = field(repr=False)
    step_mm: float = 1.0

    @property
    def length_mm(self) -> float:
        """Return the length along the canal, mm."""
        return self.step_mm * (len(self.origins_lps_mm) - 1)

    def lps_of(self, s_mm: FloatArray, v_mm: FloatArray, u_mm: FloatArray) -> Points:
        """Return (..., 3) LPS mm of places given along the canal; s beyond an end runs straight on."""
        s, v, u = np.broadcast_arrays(s_mm, v_mm, u_mm)
        last = len(self.origins_lps_mm) - 1
        at = np.asarray(s, dtype=np.float64) / self.step_mm
        low = np.clip(np.floor(at).astype(int), 0, max(last - 1, 0))
        high = np.minimum(low + 1, last)
        f = np.clip(at - low, 0.0, 1.0)[..., None]
        beyond = (at - np.clip(at, 0.0, last))[..., None] * self.step_mm

        def between(table: Points) -> Points:
            return np.asarray((1.0 - f) * table[low] + f * table[high])

        up = between(self.up)
        return np.asarray(
            between(self.origins_lps_mm)
            + beyond * up
            + np.asarray(v)[..., None] * between(self.front)
            + np.asarray(u)[..., None] * between(self.left)
        )

    def straightened(self, volume: Volume, v_mm: FloatArray, u_mm: FloatArray) -> Float32Array:
        """Return (n, len(v), len(u)) HU of the CT in this frame; outside the CT the nearest voxel's value is kept.

        A constant outside would look like a disc or an endplate.
        """
        places = (
            self.origins_lps_mm[:, None, None]
            + np.asarray(v_mm)[None, :, None, None] * self.front[:, None, None]
            + np.asarray(u_mm)[None, None, :, None] * self.left[:, None, None]
        )
        index = volume.grid.index_of(places)
        index = np.clip(index, 0.0, np.array(volume.grid.shape_kji) - 1.0)
        return np.asarray(sample_grid(volume.hu, volume.grid, volume.grid.lps_of(index), -1024.0), dtype=np.float32)
