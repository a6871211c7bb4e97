"""A segmentation: named masks on boxes of the CT's voxels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvt_planner.base.arrays import MaskArray, read_only
from cvt_planner.base.errors import GeometryMismatch
from cvt_planner.base.units import ml_from_mm3
from cvt_planner.geometry.frames import Grid


@dataclass(frozen=True, eq=False)
class Segment:
    """One structure.

    Parameters
    ----------
    number
        Its label, segment or ROI number in the file.
    name
        As the file gives it; empty where it gives none.
    mask
        (k, j, i) of the box, read-only, at least one voxel set.
    grid
        The box's voxels: a crop of the CT's grid.
    start_kji
        The box's first voxel in the CT.
    """

    number: int
    name: str
    mask: MaskArray = field(repr=False)
    grid: Grid = field(repr=False)
    start_kji: tuple[int, int, int]

    def __post_init__(self) -> None:
        if self.mask.shape != self.grid.shape_kji:
            raise GeometryMismatch(f"A mask {self.mask.shape} does not fit its box {self.grid.shape_kji}.")
        read_only(self.mask)

    @property
    def volume_ml(self) -> float:
        """Return the volume of all its voxels, mL."""
        return ml_from_mm3(float(np.count_nonzero(self.mask)) * self.grid.voxel_volume_mm3)

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """Return where the mask lies in an array of the CT's shape."""
        k, j, i = (slice(a, a + n) for a, n in zip(self.start_kji, self.mask.shape, strict=True))
        return (k, j, i)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """All structures of one file, on the CT's voxels.

    Parameters
    ----------
    kind
        "label file", "DICOM SEG" or "RTSTRUCT".
    source
        The file's name, as it may be shown.
    notices
        Sentences the user must see: resampled, parts outside the CT, planes filled in.
    """

    segments: tuple[Segment, ...]
    kind: str
    source: str
    notices: tuple[str, ...] = ()


def segment_of(number: int, name: str, mask: MaskArray, grid: Grid, start_kji: tuple[int, int, int]) -> Segment | None:
    """Return a mask on a box of a CT's grid as a segment, its box drawn in; None where no voxel is set.

    `grid` is that of the whole CT, `start_kji` the place of the mask's first voxel in it.
    """
    if not mask.any():
        return None
    spans = []
    for axis in range(3):
        at = np.nonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))[0]
        spans.append((int(at[0]), int(at[-1]) + 1))
    (k0, k1), (j0, j1), (i0, i1) = spans
    start = (start_kji[0] + k0, start_kji[1] + j0, start_kji[2] + i0)
    inner = np.ascontiguousarray(mask[k0:k1, j0:j1, i0:i1])
    return Segment(number, name, inner, grid.crop(start, (k1 - k0, j1 - j0, i1 - i0)), start)
