"""The shape of a marked lesion, an ellipsoid or a region of voxels, and where it comes from."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

import numpy as np

from cvt_planner.anatomy.lesion.distance import share_of
from cvt_planner.base.arrays import LabelArray, MaskArray, Points, Vec3, read_only
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


class Origin(StrEnum):
    """Where an outline comes from; what an automatic one does not show must be said with it."""

    AUTOMATIC = "automatic"
    CORRECTED = "automatic, corrected"
    DRAWN = "drawn"
    ELSEWHERE = "seen elsewhere"
    IMPORTED = "imported"

    @property
    def words(self) -> str:
        """Return the words that stand beside the lesion."""
        return _ORIGIN_WORDS[self]

    def corrected(self) -> Origin:
        """Return the origin of the outline after a correction by hand."""
        return Origin.CORRECTED if self is Origin.AUTOMATIC else self


_ORIGIN_WORDS = {
    Origin.AUTOMATIC: "CT, automatic: CT-visible part only",
    Origin.CORRECTED: "CT, automatic, corrected by hand",
    Origin.DRAWN: "drawn by hand",
    Origin.ELSEWHERE: "seen on MR or PET, drawn by hand",
    Origin.IMPORTED: "imported from a segmentation made elsewhere",
}


@dataclass(frozen=True)
class Region:
    """Any shape, on a box of the CT's voxels.

    Two regions are equal when their voxels and places are (compared by a digest).

    Parameters
    ----------
    ramp
        (k, j, i) uint8, read-only: 255 deep inside, 0 far outside, 127.5 on the surface, falling evenly from one voxel
        inside it to one outside; so the surface lies between voxels and is kept however often it is moved.
    grid
        Where the box's voxels lie.
    volume_ml
        As saved; counted from the voxels where it is not given.
    """

    ramp: LabelArray = field(compare=False, repr=False)
    grid: Grid = field(compare=False, repr=False)
    volume_ml: float = math.nan
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if self.ramp.shape != self.grid.shape_kji or self.ramp.dtype != np.uint8:
            raise GeometryMismatch("The region's voxels do not fit its grid.")
        if self.ramp.max(initial=0) < 128:
            raise InputRefused("Nothing is left of this lesion. Undo, or delete the lesion.")
        self.ramp.flags.writeable = False
        if math.isnan(self.volume_ml):
            volume = ml_from_mm3(float(share_of(self.ramp).sum(dtype=np.float64)) * self.grid.voxel_volume_mm3)
            object.__setattr__(self, "volume_ml", volume)
        sha = hashlib.sha256(np.ascontiguousarray(self.ramp).tobytes())
        sha.update(np.round(self.grid.lps_from_index, 6).tobytes() + repr(self.ramp.shape).encode())
        object.__setattr__(self, "digest", sha.hexdigest())

    @classmethod
    def of_mask(cls, mask: MaskArray, grid: Grid, volume_ml: float = math.nan) -> Region:
        """Return the region of whole voxels."""
        return cls(np.where(mask, np.uint8(255), np.uint8(0)), grid, volume_ml)

    @cached_property
    def mask(self) -> MaskArray:
        """Return (k, j, i) the voxels whose middle lies inside, read-only."""
        return read_only(np.asarray(self.ramp >= 128))

    @property
    def centre_lps_mm(self) -> Vec3:
        """Return the centre of gravity, LPS mm."""
        x, y, z = self.grid.lps_of(np.argwhere(self.mask).mean(axis=0))
        return (float(x), float(y), float(z))


LesionShape: TypeAlias = Ellipsoid | Region
