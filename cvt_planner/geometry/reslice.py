"""Cut a plane out of a volume: Hounsfield units, grey levels for the screen, or labels. One core, no lock held.

A plane is given by the LPS place of the centre of its first (upper left) pixel and the LPS steps from one pixel to its
right and lower neighbours; it may lie at any angle. Voxels are trilinearly interpolated. Half a voxel beyond the outer
voxel centres still belongs to the volume and takes the value of the outer voxel; farther out the fill value stands.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array, Matrix4, Points
from cvt_planner.base.compiled import kernel

OUTSIDE_HU = -1024.0
_STRIP = 64  # columns done together down the picture, so that an oblique plane finds its voxels still in the cache


@kernel
def _span(first: float, step: float, count: int, width: int) -> tuple[int, int]:
    """Return the columns (start, end) whose index along one axis lies in -0.5 .. count - 0.5."""
    low, high = -0.5, count - 0.5
    if abs(step) < 1e-12:
        return (0, width) if low <= first <= high else (0, 0)
    a, b = (low - first) / step, (high - first) / step
    if a > b:
        a, b = b, a
    start = int(np.ceil(max(a - 1e-9, 0.0)))
    end = int(np.floor(min(b + 1e-9, width - 1.0))) + 1
    return start, max(end, start)


@kernel
def _spans(first: Any, right: Any, down: Any, shape: Any, height: int, width: int) -> Any:
    """Return (height, 2) the columns (start, end) of each row that lie in the volume."""
    spans = np.empty((height, 2), dtype=np.int64)
    for row in range(height):
        start, end = 0, width
        for axis in range(3):
            s, e = _span(first[axis] + row * down[axis], right[axis], shape[axis], width)
            start, end = max(start, s), min(end, e)
        spans[row, 0], spans[row, 1] = start, max(end, start)
    return spans


@kernel
def _linear(values: Any, k: float, j: float, i: float, last_k: float, last_j: float, last_i: float) -> np.float32:
    """Return the interpolated value; an index beyond the outer voxel centres counts as on them.

    The voxels are addressed by unsigned numbers: signed ones cost a test for negative indices at each of eight reads.
    """
    k, j, i = min(max(k, 0.0), last_k), min(max(j, 0.0), last_j), min(max(i, 0.0), last_i)
    k0, j0, i0 = np.uint64(k), np.uint64(j), np.uint64(i)
    fk, fj, fi = np.float32(k - np.float64(k0)), np.float32(j - np.float64(j0)), np.float32(i - np.float64(i0))
    k1 = np.uint64(min(np.float64(k0) + 1.0, last_k))
    j1 = np.uint64(min(np.float64(j0) + 1.0, last_j))
    i1 = np.uint64(min(np.float64(i0) + 1.0, last_i))
    c00 = np.float32(values[k0, j0, i0])
    c00 += (np.float32(values[k0, j0, i1]) - c00) * fi
    c01 = np.float32(values[k0, j1, i0])
    c01 += (np.float32(values[k0, j1, i1]) - c01) * fi
    c10 = np.float32(values[k1, j0, i0])
    c10 += (np.float32(values[k1, j0, i1]) - c10) * fi
    c11 = np.float32(values[k1, j1, i0])
    c11 += (np.float32(values[k1, j1, i1]) - c11) * fi
    c00 += (c01 - c00) * fj
    c10 += (c11 - c10) * fj
    return c00 + (c10 - c00) * fk


@kernel
def _fill_linear(values: Any, first: Any, right: Any, down: Any, out: Any) -> None:
    height, width = out.shape
    last_k, last_j, last_i = values.shape[0] - 1.0, values.shape[1] - 1.0, values.shape[2] - 1.0
    spans = _spans(first, right, down, values.shape, height, width)
    for strip in range(0, width, _STRIP):
        for row in range(height):
            at_k, at_j, at_i = first[0] + row * down[0], first[1] + row * down[1], first[2] + row * down[2]
            for column in range(max(strip, spans[row, 0]), min(strip + _STRIP, spans[row, 1])):
                k, j, i = at_k + column * right[0], at_j + column * right[1], at_i + column * right[2]
                out[row, column] = _linear(values, k, j, i, last_k, last_j, last_i)


@kernel
def _fill_nearest(values: Any, first: Any, right: Any, down: Any, out: Any) -> None:
    height, width = out.shape
    spans = _spans(first, right, down, values.shape, height, width)
    for strip in range(0, width, _STRIP):
        for row in range(height):
            at_k, at_j, at_i = first[0] + row * down[0], first[1] + row * down[1], first[2] + row * down[2]
            for column in range(max(strip, spans[row, 0]), min(strip + _STRIP, spans[row, 1])):
                k = min(max(int(np.floor(at_k + column * right[0] + 0.5)), 0), values.shape[0] - 1)
                j = min(max(int(np.floor(at_j + column * right[1] + 0.5)), 0), values.shape[1] - 1)
                i = min(max(int(np.floor(at_i + column * right[2] + 0.5)), 0), values.shape[2] - 1)
                out[row, column] = values[k, j, i]


@kernel
def _fill_gray(values: Any, first: Any, right: Any, down: Any, low: Any, scale: Any, flip: Any, out: Any) -> None:
    height, width = out.shape
    last_k, last_j, last_i = values.shape[0] - 1.0, values.shape[1] - 1.0, values.shape[2] - 1.0
    top = np.float32(255.0)
    spans = _spans(first, right, down, values.shape, height, width)
    for strip in range(0, width, _STRIP):
        for row in range(height):
            at_k, at_j, at_i = first[0] + row * down[0], first[1] + row * down[1], first[2] + row * down[2]
            for column in range(max(strip, spans[row, 0]), min(strip + _STRIP, spans[row, 1])):
                k, j, i = at_k + column * right[0], at_j + column * right[1], at_i + column * right[2]
                hu = _linear(values, k, j, i, last_k, last_j, last_i)
                gray = min(max((hu - low) * scale, np.float32(0.0)), top)
                out[row, column] = np.uint8((top - gray if flip else gray) + np.float32(0.5))


def _in_index(index_from_lps: Matrix4, origin: Points, right: Points, down: Points) -> tuple[Points, Points, Points]:
    turn = np.ascontiguousarray(index_from_lps[:3, :3])
    first = turn @ np.asarray(origin, dtype=np.float64) + index_from_lps[:3, 3]
    return first, turn @ np.asarray(right, dtype=np.float64), turn @ np.asarray(down, dtype=np.float64)


def reslice_hu(
    values: NDArray[Any],
    index_from_lps: Matrix4,
    origin_lps: Points,
    right_step_lps: Points,
    down_step_lps: Points,
    width: int,
    height: int,
    fill: float = OUTSIDE_HU,
) -> Float32Array:
    """Return (height, width) float32 interpolated values on a plane.

    Parameters
    ----------
    values
        (k, j, i) of any numeric type: Hounsfield units, temperatures, or a mask as 0 and 1.
    index_from_lps
        (4, 4); takes LPS mm to zero-based indices in array order (`Grid.index_from_lps`).
    origin_lps, right_step_lps, down_step_lps
        (3,) LPS mm: the centre of the upper left pixel, and the steps to the pixels right of it and below it.
    fill
        Value of pixels outside the volume.
    """
    out = np.full((height, width), fill, dtype=np.float32)
    first, right, down = _in_index(index_from_lps, origin_lps, right_step_lps, down_step_lps)
    _fill_linear(values, first, right, down, out)
    return out


def reslice_labels(
    labels: NDArray[np.uint8],
    index_from_lps: Matrix4,
    origin_lps: Points,
    right_step_lps: Points,
    down_step_lps: Points,
    width: int,
    height: int,
) -> NDArray[np.uint8]:
    """Return (height, width) uint8 values of the nearest voxels on a plane, 0 outside; arguments as `reslice_hu`."""
    out = np.zeros((height, width), dtype=np.uint8)
    first, right, down = _in_index(index_from_lps, origin_lps, right_step_lps, down_step_lps)
    _fill_nearest(labels, first, right, down, out)
    return out


def reslice_gray(
    hu: NDArray[np.int16],
    index_from_lps: Matrix4,
    origin_lps: Points,
    right_step_lps: Points,
    down_step_lps: Points,
    width: int,
    height: int,
    centre_hu: float,
    width_hu: float,
    inverted: bool = False,
    outside_gray: int = 0,
) -> NDArray[np.uint8]:
    """Return (height, width) uint8 grey levels on a plane through a window of Hounsfield units.

    `centre_hu` maps to middle grey, half of `width_hu` below and above it to black and white (exchanged when
    inverted); the window is linear. Pixels outside the volume are `outside_gray`. Other arguments as `reslice_hu`.
    """
    span = max(float(width_hu), 1.0)
    out = np.full((height, width), outside_gray, dtype=np.uint8)
    first, right, down = _in_index(index_from_lps, origin_lps, right_step_lps, down_step_lps)
    low, scale = np.float32(centre_hu - span / 2.0), np.float32(255.0 / span)
    _fill_gray(hu, first, right, down, low, scale, inverted, out)
    return out
