"""Coordinates along the spinal canal: s along it towards the head, v to the front, u to the left, mm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvt_planner.base.arrays import Float32Array, FloatArray, Points
from cvt_planner.base.compiled import kernel, kernels_alone, parallel_kernel, prange
from cvt_planner.imaging.volume import Volume


@kernel
def _along(points: Any, origins: Any, front: Any, left: Any, up: Any, step: float, out: Any) -> None:
    """Fill s, v, u of points; each search starts where the last one ended, as neighbours in a volume lie near."""
    last = origins.shape[0] - 1
    at = 0.5 * last
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        for _ in range(60):
            low = min(max(int(at), 0), last - 1)
            f = min(max(at - low, 0.0), 1.0)
            dx = x - (1.0 - f) * origins[low, 0] - f * origins[low + 1, 0]
            dy = y - (1.0 - f) * origins[low, 1] - f * origins[low + 1, 1]
            dz = z - (1.0 - f) * origins[low, 2] - f * origins[low + 1, 2]
            ux = (1.0 - f) * up[low, 0] + f * up[low + 1, 0]
            uy = (1.0 - f) * up[low, 1] + f * up[low + 1, 1]
            uz = (1.0 - f) * up[low, 2] + f * up[low + 1, 2]
            beyond = at - low - f
            off = (dx * ux + dy * uy + dz * uz) / step - beyond
            at += off
            if abs(off) < 1e-3:
                break
        out[n, 0] = at * step
        lx = (1.0 - f) * left[low, 0] + f * left[low + 1, 0]
        ly = (1.0 - f) * left[low, 1] + f * left[low + 1, 1]
        lz = (1.0 - f) * left[low, 2] + f * left[low + 1, 2]
        fx = (1.0 - f) * front[low, 0] + f * front[low + 1, 0]
        fy = (1.0 - f) * front[low, 1] + f * front[low + 1, 1]
        fz = (1.0 - f) * front[low, 2] + f * front[low + 1, 2]
        out[n, 1] = dx * fx + dy * fy + dz * fz
        out[n, 2] = dx * lx + dy * ly + dz * lz


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

    def nearest(self, lps_mm: Points) -> int:
        """Return the number of the section whose plane holds a point (3,), LPS mm; of the end beyond one."""
        return int(np.clip(round(float(self.svu_of(lps_mm)[0]) / self.step_mm), 0, len(self.up) - 1))

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

    def svu_of(self, points_lps_mm: Points) -> Float32Array:
        """Return (..., 3) s, v and u, mm, of (..., 3) LPS points; the inverse of `lps_of`.

        Far from the canal, where the planes of a bent frame cross, a point has several places; one of them is returned.
        """
        points = np.ascontiguousarray(np.asarray(points_lps_mm, dtype=np.float64).reshape(-1, 3))
        out = np.empty((len(points), 3), dtype=np.float32)
        _along(points, self.origins_lps_mm, self.front, self.left, self.up, self.step_mm, out)
        return out.reshape(np.shape(points_lps_mm))

    def straightened(self, volume: Volume, v_mm: FloatArray, u_mm: FloatArray) -> Float32Array:
        """Return (n, len(v), len(u)) HU of the CT in this frame; outside the CT the nearest voxel's value is kept.

        A constant outside would look like a disc or an endplate.
        """
        out = np.empty((len(self.origins_lps_mm), len(v_mm), len(u_mm)), dtype=np.float32)
        turn = volume.grid.index_from_lps[:3, :3].T
        places = volume.grid.index_of(self.origins_lps_mm), self.front @ turn, self.left @ turn
        sides = np.asarray(v_mm, dtype=np.float64), np.asarray(u_mm, dtype=np.float64)
        with kernels_alone():
            _straighten(volume.hu, *places, *sides, out)
        return out


@parallel_kernel
def _straighten(hu: Any, origins: Any, front: Any, left: Any, v: Any, u: Any, out: Any) -> None:
    last_k, last_j, last_i = hu.shape[0] - 1.0, hu.shape[1] - 1.0, hu.shape[2] - 1.0
    for n in prange(origins.shape[0]):
        for a in range(v.shape[0]):
            for b in range(u.shape[0]):
                k = min(max(origins[n, 0] + v[a] * front[n, 0] + u[b] * left[n, 0], 0.0), last_k)
                j = min(max(origins[n, 1] + v[a] * front[n, 1] + u[b] * left[n, 1], 0.0), last_j)
                i = min(max(origins[n, 2] + v[a] * front[n, 2] + u[b] * left[n, 2], 0.0), last_i)
                k0, j0, i0 = int(k), int(j), int(i)
                k1, j1, i1 = min(k0 + 1, int(last_k)), min(j0 + 1, int(last_j)), min(i0 + 1, int(last_i))
                fk, fj, fi = k - k0, j - j0, i - i0
                near = (1.0 - fj) * ((1.0 - fi) * hu[k0, j0, i0] + fi * hu[k0, j0, i1]) + fj * (
                    (1.0 - fi) * hu[k0, j1, i0] + fi * hu[k0, j1, i1]
                )
                far = (1.0 - fj) * ((1.0 - fi) * hu[k1, j0, i0] + fi * hu[k1, j0, i1]) + fj * (
                    (1.0 - fi) * hu[k1, j1, i0] + fi * hu[k1, j1, i1]
                )
                # Padding far below air would look like an edge.
                out[n, a, b] = max((1.0 - fk) * near + fk * far, -1024.0)
