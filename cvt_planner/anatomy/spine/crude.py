"""Posterior parts by the nearest level along the canal; stands where `posterior` does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.model import Part
from cvt_planner.base.arrays import LabelArray
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume

if TYPE_CHECKING:
    from cvt_planner.anatomy.spine.pipeline import Column, Labelled

_BONE_HU = 150


def crude_posterior(
    volume: Volume, column: Column, labelled: Labelled, progress: Progress
) -> tuple[LabelArray, LabelArray]:
    """Return (k, j, i) vertebra numbers and parts, arches given to levels by sloping planes."""
    s, v, u = labelled.coordinates
    parts, level = labelled.parts.copy(), labelled.level
    numbers = np.zeros(parts.shape, dtype=np.uint8)
    body = parts == Part.BODY
    numbers[body] = (column.highest - level[body].astype(np.int64) + 1).astype(np.uint8)
    k, j, i = labelled.corner_kji
    shape = parts.shape
    hu = volume.hu[k : k + shape[0], j : j + shape[1], i : i + shape[2]]
    n = np.clip(np.nan_to_num(s), 0, len(column.straight.front_mm) - 1).astype(int)
    behind = ~np.isnan(s) & (v < column.straight.front_mm[n] + 3.0) & (np.abs(u) < 45.0) & (parts == 0)
    bone = behind & (hu > _BONE_HU)
    progress.check()
    bone = ndimage.binary_fill_holes(bone) & (parts == 0)
    at = np.zeros(parts.shape, dtype=np.int16)
    for disc in column.discs:
        roof = disc.s_at(8.0, 0.0) - 5.0 - 0.4 * np.maximum(-v - 6.0, 0.0)
        at += s > roof
    valid = bone & (at >= column.lowest) & (at <= column.highest)
    numbers[valid] = (column.highest - at[valid] + 1).astype(np.uint8)
    parts[valid] = Part.POSTERIOR
    return numbers, parts
