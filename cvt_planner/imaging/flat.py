"""Shapes within the slices of a stack, (n, j, i) masks: filled, grown and opened, all slices at once.

The same as `scipy.ndimage` gives slice by slice, several times quicker for the small shapes that are used here.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cvt_planner.base.arrays import MaskArray

_CROSS = np.zeros((3, 3, 3), dtype=np.bool_)
_CROSS[1] = ndimage.generate_binary_structure(2, 1)


def filled(mask: MaskArray) -> MaskArray:
    """Return the mask with the holes of each slice: what cannot be reached from its edge by steps along the axes."""
    labels, count = ndimage.label(~mask, structure=_CROSS)
    outside = np.zeros(count + 1, dtype=np.bool_)
    for edge in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        outside[edge] = True
    outside[0] = False
    return np.asarray(~outside[labels])


def grown(mask: MaskArray, reach: int) -> MaskArray:
    """Return the mask with all that lies within `reach` pixels along both axes, diagonally too."""
    for axis in (1, 2):
        mask = _shifted_or(mask, reach, axis)
    return mask


def opened(mask: MaskArray, reach: int) -> MaskArray:
    """Return the mask without what is narrower than 2 `reach` + 1 pixels: a square fits into all that is left.

    Beyond its edge a slice counts as empty.
    """
    shrunk = ~grown(np.pad(~mask, ((0, 0), (reach, reach), (reach, reach)), constant_values=True), reach)
    return grown(shrunk[:, reach : mask.shape[1] + reach, reach : mask.shape[2] + reach], reach)


def opened_by_cross(mask: MaskArray) -> MaskArray:
    """Return the mask without what a pixel with its four neighbours does not fit into."""
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    shrunk = padded.copy()
    for axis in (1, 2):
        for step in (-1, 1):
            shrunk &= np.roll(padded, step, axis)
    result = shrunk.copy()
    for axis in (1, 2):
        for step in (-1, 1):
            result |= np.roll(shrunk, step, axis)
    return result[:, 1:-1, 1:-1]


def deep(mask: MaskArray, radius_px: float) -> MaskArray:
    """Return which pixels have no pixel of their slice outside the mask nearer than `radius_px`."""
    reach = int(np.ceil(radius_px)) - 1
    outside = np.pad(~mask, ((0, 0), (reach, reach), (reach + 1, reach)))
    counts = np.cumsum(outside, axis=2, dtype=np.int16)  # equal at both ends of a run that holds none
    rows, columns = mask.shape[1:]
    near = np.zeros_like(mask)
    for down in range(-reach, reach + 1):
        half = int(np.ceil(np.sqrt(radius_px**2 - down**2))) - 1
        line = counts[:, reach + down : reach + down + rows]
        first, last = reach - half, reach + half + 1
        near |= line[:, :, last : last + columns] != line[:, :, first : first + columns]
    return ~near


def _shifted_or(mask: MaskArray, reach: int, axis: int) -> MaskArray:
    result, length = mask.copy(), mask.shape[axis]
    source, target = np.moveaxis(mask, axis, 0), np.moveaxis(result, axis, 0)
    for step in range(1, min(reach, length - 1) + 1):
        target[step:] |= source[:-step]
        target[:-step] |= source[step:]
    return result
