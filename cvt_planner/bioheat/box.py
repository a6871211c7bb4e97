"""Where heat flows: a box of tissue, or shells around a point or line. All in LPS mm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cvt_planner.base.arrays import FloatArray, Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat.limits import finite, within
from cvt_planner.geometry.frames import Grid

MOST_CELLS = 60_000_000  # 60 bytes each in the solver
SPACING_MM = (0.1, 10.0)
NUDGE_MM = 1e-6


@dataclass(frozen=True)
class HeatBox:
    """The box that is solved: axes along LPS, cut into whole cells whose centres are the voxels of `grid`.

    The box keeps exactly its size; where the spacing does not divide it, cells are a little smaller or larger.
    """

    size_mm: Vec3 = (80.0, 80.0, 80.0)
    spacing_mm: float = 1.0
    centre_lps_mm: Vec3 = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        finite("The box (size, spacing or centre)", self.spacing_mm, *self.size_mm, *self.centre_lps_mm)
        within("The grid spacing", self.spacing_mm, SPACING_MM, "mm")
        for length in self.size_mm:
            within("A side of the box", length, (3.0 * self.spacing_mm, 1000.0), "mm")
        if math.prod(self.cells_xyz) > MOST_CELLS:
            raise InputRefused(
                f"The box of {math.prod(self.cells_xyz):,} cells is too large; take a coarser spacing or a smaller box."
            )

    @property
    def cells_xyz(self) -> tuple[int, int, int]:
        """Return how many cells lie along x, y and z."""
        x, y, z = (max(3, round(length / self.spacing_mm)) for length in self.size_mm)
        return (x, y, z)

    @property
    def spacing_xyz_mm(self) -> FloatArray:
        """Return (3,) the true sides of a cell along x, y and z, mm."""
        return np.asarray(np.array(self.size_mm) / np.array(self.cells_xyz))

    @property
    def low_lps_mm(self) -> FloatArray:
        """Return (3,) the corner of the box with the smallest coordinates, LPS mm."""
        return np.array(self.centre_lps_mm) - 0.5 * np.array(self.size_mm)

    @property
    def grid(self) -> Grid:
        """Return the grid of the cell centres, [k, j, i] = z, y, x."""
        affine = np.zeros((4, 4))
        affine[[2, 1, 0], [0, 1, 2]] = self.spacing_xyz_mm[::-1]
        affine[:3, 3] = self.low_lps_mm + 0.5 * self.spacing_xyz_mm
        affine[3, 3] = 1.0
        nx, ny, nz = self.cells_xyz
        return Grid((nz, ny, nx), affine)

    def holds(self, lps_mm: FloatArray) -> bool:
        """Return whether a point lies in the box, its walls included."""
        away = np.abs(lps_mm - np.array(self.centre_lps_mm))
        return bool(np.all(away <= 0.5 * np.array(self.size_mm) + NUDGE_MM))


@dataclass(frozen=True)
class Shells:
    """A radial stand-in for the box: shells around a point, or around an endless line (per metre of it).

    For checks against exact solutions; holds no probes. `walls` of the scene are then the inner and the outer face, and
    arrays are [0, 0, shell]. Lengths are distances from the point or line, mm.
    """

    kind: Literal["sphere", "cylinder"]
    inner_mm: float
    outer_mm: float
    spacing_mm: float

    def __post_init__(self) -> None:
        finite("The shells", self.inner_mm, self.outer_mm, self.spacing_mm)
        within("The inner radius", self.inner_mm, (0.0, self.outer_mm - 3.0 * self.spacing_mm), "mm")
        within("The shells' spacing", self.spacing_mm, SPACING_MM, "mm")

    @property
    def cells_xyz(self) -> tuple[int, int, int]:
        """Return the number of shells, and twice one."""
        return (round((self.outer_mm - self.inner_mm) / self.spacing_mm), 1, 1)

    @property
    def spacing_xyz_mm(self) -> FloatArray:
        """Return (3,) the thickness of a shell, thrice."""
        return np.full(3, (self.outer_mm - self.inner_mm) / self.cells_xyz[0])

    @property
    def grid(self) -> Grid:
        """Return a grid whose x is the radius of the shells' middles."""
        affine = np.diag([*self.spacing_xyz_mm, 1.0])[[2, 1, 0, 3]]
        affine[0, 3] = self.inner_mm + 0.5 * self.spacing_xyz_mm[0]
        return Grid((1, 1, self.cells_xyz[0]), affine)
