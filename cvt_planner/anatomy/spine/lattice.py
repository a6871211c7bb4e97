"""Coordinates along the canal for all voxels of a box: known on a lattice, between whose points they run straight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.faces import Rows, Shape
from cvt_planner.base.arrays import Float32Array, FloatArray
from cvt_planner.base.compiled import kernel, kernels_alone, parallel_kernel, prange
from cvt_planner.geometry.frames import Grid

# Where the canal bends with a radius of 50 mm a straight line over 2 mm leaves the true course by 0.01 mm.
_POINTS_MM = 2.0
_ROOM_MM = 4.0  # more than from a place to the farthest of the lattice's points about it
_ROUNDS, _CLOSE, _LOST = 15, 2e-3, 0.5  # Newton steps; off by so many steps along the canal


@dataclass(frozen=True, eq=False)
class Lattice:
    """The coordinates of a box's voxels.

    Parameters
    ----------
    svu_mm
        (nk, nj, ni, 3) s, v and u, mm, at every `step_kji`-th voxel, from the box's first to beyond its last; NaN
        where no plane of the frame holds the place.
    step_kji
        (3,) voxels from one point of the lattice to the next.
    """

    svu_mm: Float32Array = field(repr=False)
    step_kji: NDArray[np.int64]

    @classmethod
    def of(cls, frame: CurvedFrame, box: Grid) -> Lattice:
        """Return the coordinates of a box of voxels in a frame; beyond its ends the frame runs straight on.

        Where the planes of a bent frame cross, far from the canal, a place has several coordinates; those next to its
        neighbours' are taken.
        """
        step = np.maximum((_POINTS_MM / box.spacing_kji_mm).astype(np.int64), 1)
        shape = (np.array(box.shape_kji) - 1) // step + 2
        out = np.empty((*(int(n) for n in shape), 3), dtype=np.float32)
        affine = box.lps_from_index[:3].copy()
        affine[:, :3] *= step
        with kernels_alone():
            _coordinates(affine, frame.origins_lps_mm, frame.left, frame.front, frame.up, frame.step_mm, out)
        return cls(out, step)

    def rows_within(self, ends_mm: FloatArray, shape_kji: Shape) -> Rows:
        """Return the rows of the lattice's box as far as s, v and u lie between (3, 2) ends, mm, give or take 4 mm."""
        columns = np.empty((*self.svu_mm.shape[:2], 2), dtype=np.int32)
        rows = np.empty((*shape_kji[:2], 2), dtype=np.int32)
        with kernels_alone():
            _columns_within(self.svu_mm, ends_mm + np.array([-_ROOM_MM, _ROOM_MM]), columns)
        _rows_of(columns, self.step_kji, shape_kji[2], rows)
        return rows

    def at(self, index_kji: NDArray[np.int64]) -> Float32Array:
        """Return (n, 3) s, v and u, mm, of (n, 3) voxels of the box; quick where neighbours in a row follow another."""
        out = np.empty((len(index_kji), 3), dtype=np.float32)
        _at(self.svu_mm, self.step_kji, np.ascontiguousarray(index_kji), out)
        return out


@kernel
def blend_row(svu: Any, step: Any, k: int, j: int, first: int, end: int, out: Any) -> None:
    """Write s, v and u, (n, 3), where the lattice's columns from `first` to `end` meet the row `j` of slice `k`."""
    a, b = k // step[0], j // step[1]
    fa, fb = np.float32((k - a * step[0]) / step[0]), np.float32((j - b * step[1]) / step[1])
    one = np.float32(1.0)
    for c in range(first, end):
        for axis in range(3):
            low = (one - fb) * svu[a, b, c, axis] + fb * svu[a, b + 1, c, axis]
            high = (one - fb) * svu[a + 1, b, c, axis] + fb * svu[a + 1, b + 1, c, axis]
            out[c, axis] = (one - fa) * low + fa * high


@kernel
def in_row(row: Any, size: int, i: int) -> Any:
    """Return s, v and u of a voxel of a row that `blend_row` has written; `size` are voxels from column to column."""
    c = i // size
    f = np.float32(i - c * size) / np.float32(size)
    return (
        row[c, 0] + f * (row[c + 1, 0] - row[c, 0]),
        row[c, 1] + f * (row[c + 1, 1] - row[c, 1]),
        row[c, 2] + f * (row[c + 1, 2] - row[c, 2]),
    )


@kernel
def _at(svu: Any, step: Any, index: Any, out: Any) -> None:
    row = np.empty((svu.shape[2], 3), np.float32)
    k, j = -1, -1
    for n in range(index.shape[0]):
        if index[n, 0] != k or index[n, 1] != j:
            k, j = index[n, 0], index[n, 1]
            blend_row(svu, step, k, j, 0, row.shape[0], row)
        out[n, 0], out[n, 1], out[n, 2] = in_row(row, step[2], index[n, 2])


@kernel
def _nearest_section(origins: Any, x: float, y: float, z: float) -> float:
    nearest, at = 1e30, 0
    for n in range(origins.shape[0]):
        far = (x - origins[n, 0]) ** 2 + (y - origins[n, 1]) ** 2 + (z - origins[n, 2]) ** 2
        if far < nearest:
            nearest, at = far, n
    return float(at)


@kernel
def _between(table: Any, n: int, f: float, x: float, y: float, z: float) -> float:
    """Return the product of a vector with the one between two rows of a table."""
    return float(
        x * ((1.0 - f) * table[n, 0] + f * table[n + 1, 0])
        + y * ((1.0 - f) * table[n, 1] + f * table[n + 1, 1])
        + z * ((1.0 - f) * table[n, 2] + f * table[n + 1, 2])
    )


@kernel
def _place(
    origins: Any, left: Any, front: Any, up: Any, step: float, x: float, y: float, z: float, at: float, out: Any
) -> float:  # fmt: skip
    """Write s, v and u of a point, searched from a place along the frame; return where it was found, in steps."""
    last = origins.shape[0] - 1.0
    off = 0.0
    for _ in range(_ROUNDS):
        n = int(min(max(at, 0.0), last - 1.0))
        f = min(max(at - n, 0.0), 1.0)
        beyond = at - n - f
        dx = x - (1.0 - f) * origins[n, 0] - f * origins[n + 1, 0]
        dy = y - (1.0 - f) * origins[n, 1] - f * origins[n + 1, 1]
        dz = z - (1.0 - f) * origins[n, 2] - f * origins[n + 1, 2]
        off = _between(up, n, f, dx, dy, dz) / step - beyond
        if abs(off) < _CLOSE:
            break
        bend = 0.0
        if beyond == 0.0:
            bend = _between(up, n, 1.0, dx, dy, dz) / step - _between(up, n, 0.0, dx, dy, dz) / step
        at += off / min(max(1.0 - bend, 0.35), 2.5)
    if not abs(off) < _LOST:
        out[0], out[1], out[2] = np.nan, np.nan, np.nan
        return float(min(max(at, 0.0), last))
    out[0], out[1], out[2] = at * step, _between(front, n, f, dx, dy, dz), _between(left, n, f, dx, dy, dz)
    return at


@parallel_kernel
def _coordinates(affine: Any, origins: Any, left: Any, front: Any, up: Any, step: float, out: Any) -> None:
    nk, nj, ni, _ = out.shape
    for k in prange(nk):
        row = -1.0
        for j in range(nj):
            at = row  # each search starts at the neighbour's place
            for i in range(ni):
                x = affine[0, 0] * k + affine[0, 1] * j + affine[0, 2] * i + affine[0, 3]
                y = affine[1, 0] * k + affine[1, 1] * j + affine[1, 2] * i + affine[1, 3]
                z = affine[2, 0] * k + affine[2, 1] * j + affine[2, 2] * i + affine[2, 3]
                if i == 0 and j == 0:
                    at = _nearest_section(origins, x, y, z)
                at = _place(origins, left, front, up, step, x, y, z, at, out[k, j, i])
                if i == 0:
                    row = at


@parallel_kernel
def _columns_within(svu: Any, ends: Any, out: Any) -> None:
    """Write the first and the last point of each row of the lattice that lies within; none: the last before it."""
    na, nb, nc, _ = svu.shape
    for a in prange(na):
        for b in range(nb):
            first, last = nc, -1
            for c in range(nc):
                s, v, u = svu[a, b, c, 0], svu[a, b, c, 1], svu[a, b, c, 2]
                along = ends[0, 0] <= s <= ends[0, 1]
                if along and ends[1, 0] <= v <= ends[1, 1] and ends[2, 0] <= u <= ends[2, 1]:
                    first, last = min(first, c), c
            out[a, b, 0], out[a, b, 1] = first, last


@kernel
def _rows_of(columns: Any, step: Any, size: int, rows: Any) -> None:
    for k in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            about = columns[k // step[0] : k // step[0] + 2, j // step[1] : j // step[1] + 2]
            first, last = about[..., 0].min(), about[..., 1].max()
            rows[k, j, 0] = min(first * step[2], size)
            rows[k, j, 1] = max(min(last * step[2] + 1, size), rows[k, j, 0])
