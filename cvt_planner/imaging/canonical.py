"""Turning a volume's axes by swaps and flips alone, so that k runs to the head, j to the back, i to the left."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Matrix4
from cvt_planner.geometry.frames import Grid

_Array = TypeVar("_Array", bound=NDArray[Any])
_TARGET_AXES = (2, 1, 0)  # the LPS component that k, j and i should follow: superior, posterior, left


@dataclass(frozen=True)
class Turn:
    """How stored axes become canonical ones. No voxel is resampled."""

    order: tuple[int, int, int]  # canonical axis a is stored axis order[a]
    flipped: tuple[bool, bool, bool]  # whether canonical axis a runs against it

    @staticmethod
    def of(lps_from_index: Matrix4) -> Turn:
        """Return the turn for stored voxels whose (4, 4) affine takes (k, j, i, 1) to LPS mm."""
        steps = lps_from_index[:3, :3] / np.linalg.norm(lps_from_index[:3, :3], axis=0)
        order = max(
            permutations(range(3)), key=lambda p: sum(abs(steps[lps, p[a]]) for a, lps in enumerate(_TARGET_AXES))
        )
        flipped = [bool(steps[lps, order[a]] < 0) for a, lps in enumerate(_TARGET_AXES)]
        return Turn((order[0], order[1], order[2]), (flipped[0], flipped[1], flipped[2]))

    def grid(self, stored: Grid) -> Grid:
        """Return the canonical grid: each voxel keeps its LPS place."""
        affine = stored.lps_from_index.copy()
        shape = [stored.shape_kji[a] for a in self.order]
        for axis, source in enumerate(self.order):
            step = stored.lps_from_index[:3, source]
            affine[:3, axis] = -step if self.flipped[axis] else step
            if self.flipped[axis]:
                affine[:3, 3] += step * (stored.shape_kji[source] - 1)
        return Grid((shape[0], shape[1], shape[2]), affine + 0.0, stored.frame_of_reference_uid)

    def array(self, stored: _Array) -> _Array:
        """Return a canonical view of a stored (k, j, i) array."""
        flips = tuple(slice(None, None, -1 if f else 1) for f in self.flipped)
        return stored.transpose(self.order)[flips]  # type: ignore[return-value]

    def stored_view(self, canonical: _Array) -> _Array:
        """Return a view of a canonical array in stored axis order: writing to it fills the canonical array."""
        flips = tuple(slice(None, None, -1 if f else 1) for f in self.flipped)
        return canonical[flips].transpose(np.argsort(self.order).tolist())  # type: ignore[return-value]
