"""Where voxels lie in the patient: the grid of a volume, in DICOM LPS, mm."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvt_planner.base.arrays import FloatArray, Matrix4, Points, read_only
from cvt_planner.base.errors import GeometryMismatch

PLACE_TOLERANCE_MM = 1e-3


@dataclass(frozen=True, eq=False)
class Grid:
    """The places of a volume's voxel centres in the patient.

    Parameters
    ----------
    shape_kji
        Number of slices, rows and columns.
    lps_from_index
        (4, 4); takes homogeneous zero-based voxel indices **in array order** (k, j, i, 1) to LPS mm. Its first three
        columns are therefore the steps from one slice, row and column to the next.
    frame_of_reference_uid
        DICOM Frame of Reference UID; empty for a research volume without one.
    """

    shape_kji: tuple[int, int, int]
    lps_from_index: Matrix4
    frame_of_reference_uid: str = ""
    index_from_lps: Matrix4 = field(init=False, repr=False)

    def __post_init__(self) -> None:
        affine = read_only(np.array(self.lps_from_index, dtype=np.float64))
        if affine.shape != (4, 4) or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
            raise GeometryMismatch("The voxel grid is degenerate: its axes do not span space.")
        object.__setattr__(self, "shape_kji", tuple(int(n) for n in self.shape_kji))
        object.__setattr__(self, "lps_from_index", affine)
        object.__setattr__(self, "index_from_lps", read_only(np.linalg.inv(affine)))

    @property
    def spacing_kji_mm(self) -> FloatArray:
        """Return (3,) the distances between neighbouring slices, rows and columns, mm."""
        return np.asarray(np.linalg.norm(self.lps_from_index[:3, :3], axis=0))

    @property
    def voxel_volume_mm3(self) -> float:
        """Return the volume of one voxel, mm3."""
        return float(abs(np.linalg.det(self.lps_from_index[:3, :3])))

    def lps_of(self, index_kji: Points) -> Points:
        """Return (..., 3) LPS mm of (..., 3) zero-based, possibly fractional indices in array order."""
        return np.asarray(index_kji, dtype=np.float64) @ self.lps_from_index[:3, :3].T + self.lps_from_index[:3, 3]

    def index_of(self, lps_mm: Points) -> Points:
        """Return (..., 3) fractional indices in array order of (..., 3) LPS mm; may lie outside the volume."""
        return np.asarray(lps_mm, dtype=np.float64) @ self.index_from_lps[:3, :3].T + self.index_from_lps[:3, 3]

    def contains(self, lps_mm: Points) -> bool:
        """Return whether one LPS point lies within the voxels (half a voxel beyond the outer centres included)."""
        index = self.index_of(lps_mm)
        return bool(np.all(index >= -0.5) and np.all(index <= np.array(self.shape_kji) - 0.5))

    @property
    def centre_lps_mm(self) -> Points:
        """Return (3,) the middle of the volume, LPS mm."""
        return self.lps_of((np.array(self.shape_kji) - 1) / 2.0)

    def bounds_lps_mm(self) -> tuple[Points, Points]:
        """Return the smallest and largest LPS coordinates of the outer voxel centres, each (3,), mm."""
        last = np.array(self.shape_kji, dtype=np.float64) - 1
        corners = self.lps_of(np.stack(np.meshgrid(*[(0.0, n) for n in last], indexing="ij"), axis=-1).reshape(-1, 3))
        return corners.min(axis=0), corners.max(axis=0)

    def crop(self, start_kji: tuple[int, int, int], shape_kji: tuple[int, int, int]) -> Grid:
        """Return the grid of a sub-box that starts at a voxel of this one."""
        affine = self.lps_from_index.copy()
        affine[:3, 3] = self.lps_of(np.array(start_kji, dtype=np.float64))
        return Grid(shape_kji, affine, self.frame_of_reference_uid)

    def same_as(self, other: Grid) -> bool:
        """Return whether both grids place the same voxels at the same points, to `PLACE_TOLERANCE_MM`."""
        return self.shape_kji == other.shape_kji and bool(
            np.allclose(np.array(self.bounds_lps_mm()), np.array(other.bounds_lps_mm()), atol=PLACE_TOLERANCE_MM)
            and np.allclose(self.lps_from_index, other.lps_from_index, atol=PLACE_TOLERANCE_MM)
        )
