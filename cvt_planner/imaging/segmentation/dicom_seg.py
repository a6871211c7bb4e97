"""DICOM SEG objects; highdicom reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset

from cvt_planner.base.arrays import MaskArray
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.canonical import Turn

if TYPE_CHECKING:
    import highdicom

SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # segmentation, label map segmentation
_HALF = 0.5  # a probability or a share from which on a voxel belongs to the structure


@dataclass(frozen=True)
class SegPart:
    """One segment of a SEG on its own grid, canonical (k, j, i)."""

    number: int
    name: str
    mask: MaskArray
    grid: Grid


def seg_parts(dataset: Dataset, name: str) -> Iterator[SegPart]:
    """Yield the segments of a SEG object, each on the SEG's own grid in LPS mm.

    Fractional segments count from one half on.

    Raises
    ------
    InputRefused
        If the object is no volume, or its frames say no places.
    """
    import highdicom

    try:
        seg = highdicom.seg.Segmentation.from_dataset(dataset, copy=False)
        for number in seg.segment_numbers:
            yield _part(seg, int(number), highdicom)
    except (ValueError, RuntimeError, AttributeError, KeyError, IndexError, TypeError) as fault:
        last = (str(fault).strip().splitlines() or [type(fault).__name__])[-1]
        raise InputRefused(f"{name} cannot be read as a DICOM segmentation ({last}). Export it again.") from fault


def _part(seg: Any, number: int, highdicom: Any) -> SegPart:
    volume: highdicom.Volume = seg.get_volume(segment_numbers=[number], combine_segments=False)
    values = np.asarray(volume.array)[..., 0]  # (slice, row, column) of the one segment asked for
    affine = np.eye(4)
    affine[:3] = np.asarray(volume.affine)[:3]
    stored = Grid(values.shape, affine, str(volume.frame_of_reference_uid or ""))
    turn = Turn.of(stored.lps_from_index)
    mask = np.ascontiguousarray(turn.array(np.asarray(values >= _HALF)))
    label = seg.get_segment_description(number).segment_label
    return SegPart(number, str(label), mask, turn.grid(stored))
