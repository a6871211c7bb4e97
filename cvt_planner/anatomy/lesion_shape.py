"""The shape of a marked lesion: an ellipsoid, or a region grown in the CT."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from cvt_planner.base.arrays import MaskArray, Points, Vec3
from cvt_planner.base.errors import GeometryMismatch, InputRefused
from cvt_planner.base.units import ml_from_mm3
from cvt_planner.geometry.frames import Grid


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid whose axes run along LPS x, y and z; a sphere when all three are equal."""

    centre_lps_mm: Vec3
    semi_axes_mm: Vec3

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (*self.centre_lps_mm, *self.semi_axes_mm)):
            raise InputRefused("The lesion's place and size must be numbers.")
        if not all(0.5 <= a <= 150.0 for a in self.semi_axes_mm):
            raise InputRefused("A lesion's half axes must be between 0.5 mm and 150 mm.")

    @property
    def volume_ml(self) -> float:
        """Return the volume, mL."""
        a, b, c = self.semi_axes_mm
        return ml_from_mm3(4.0 / 3.0 * math.pi * a * b * c)

    def contains(self, lps_mm: Points) -> MaskArray:
        """Return (...) whether each of (..., 3) LPS points lies inside."""
        scaled = (np.asarray(lps_mm) - np.array(self.centre_lps_mm)) / np.array(self.semi_axes_mm)
        return np.asarray(np.einsum("...i,...i->...", scaled, scaled) <= 1.0)


@dataclass(frozen=True)
class Region:
    """A connected region grown from a seed, as a mask on a box of the CT's voxels.

    Two regions are equal when their masks, places and origins are (the mask is compared by its digest).
    """

    mask: MaskArray = field(compare=False, repr=False)  # (k, j, i) of the box, read-only
    grid: Grid = field(compare=False, repr=False)  # places of the box's voxels
    seed_lps_mm: Vec3
    low_hu: float
    high_hu: float
    radius_mm: float  # nothing grows farther than this from the seed
    volume_ml: float
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if self.mask.shape != self.grid.shape_kji:
            raise GeometryMismatch("The region's mask does not fit its grid.")
        if not self.mask.any():
            raise InputRefused("The region is empty: no voxel near this point lies within the chosen HU band.")
        self.mask.flags.writeable = False
        sha = hashlib.sha256(np.packbits(self.mask).tobytes())
        sha.update(np.round(self.grid.lps_from_index, 6).tobytes() + repr(self.mask.shape).encode())
        object.__setattr__(self, "digest", sha.hexdigest())

    @property
    def centre_lps_mm(self) -> Vec3:
        """Return the centre of gravity, LPS mm."""
        x, y, z = self.grid.lps_of(np.argwhere(self.mask).mean(axis=0))
        return (float(x), float(y), float(z))


LesionShape: TypeAlias = Ellipsoid | Region
