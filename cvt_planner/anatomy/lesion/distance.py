"""Signed distances of drawn regions, and the ramps they are stored as."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cvt_planner.base.arrays import Float32Array, FloatArray, LabelArray

FULL = 255.0
SURFACE = 127.5


def ramp_of(distance_mm: NDArray[np.floating], width_mm: NDArray[np.floating] | float) -> LabelArray:
    """Return the ramp (uint8) of signed distances, negative inside: 255 a voxel's width inside, 0 one outside."""
    return np.asarray(np.rint(np.clip(SURFACE - SURFACE * distance_mm / width_mm, 0.0, FULL)), dtype=np.uint8)


def share_of(ramp: LabelArray) -> Float32Array:
    """Return the share of each voxel that lies inside, 0 to 1."""
    return np.asarray(np.clip(ramp * np.float32(2.0 / FULL) - np.float32(0.5), 0.0, 1.0), dtype=np.float32)


def signed_distance_mm(field: NDArray[np.generic], spacing_kji_mm: FloatArray, surface: float) -> Float32Array:
    """Return (k, j, i) the distance to where a field crosses `surface`, mm, negative where the field lies above it.

    The field is a ramp (surface at 127.5) or a share of each voxel (at 0.5). Next to the surface the distance is read
    from the crossings along the axes and from how far the field has fallen; beyond, the distance to the surface's point
    at the nearest such voxel is taken. A field that never crosses is farther away everywhere than the array is long.
    """
    values = np.asarray(field, dtype=np.float32) - np.float32(surface)
    inside = values >= 0.0
    inverse_square = np.zeros(values.shape, dtype=np.float32)
    for axis in range(3):
        if values.shape[axis] < 2:
            continue
        low = [slice(None)] * 3
        high = [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        one, other = values[tuple(low)], values[tuple(high)]
        crossed = inside[tuple(low)] != inside[tuple(high)]
        along = np.zeros(one.shape, dtype=np.float32)
        np.divide(np.abs(one), np.abs(one) + np.abs(other), out=along, where=crossed)
        step = float(spacing_kji_mm[axis])
        nearest = np.full(values.shape, np.inf, dtype=np.float32)
        first, second = nearest[tuple(low)], nearest[tuple(high)]
        first[crossed] = np.maximum(along[crossed] * step, 1e-3)
        second[crossed] = np.minimum(second[crossed], np.maximum((1.0 - along[crossed]) * step, 1e-3))
        inverse_square += 1.0 / nearest**2
    near = inverse_square > 0.0
    sign = np.where(inside, np.float32(-1.0), np.float32(1.0))
    if not near.any():
        return np.asarray(sign * float(np.linalg.norm(spacing_kji_mm * np.array(values.shape))), dtype=np.float32)
    index = ndimage.distance_transform_edt(~near, sampling=spacing_kji_mm, return_distances=False, return_indices=True)
    slopes = [_slope(values, axis, float(spacing_kji_mm[axis]))[near] for axis in range(3)]
    steep = np.maximum(np.sqrt(sum(slope * slope for slope in slopes)), 1e-6)
    # By the axes it is too far where the surface is oblique, by the field's own fall where a mask jumps.
    width = np.sqrt(sum((slope / steep * s) ** 2 for slope, s in zip(slopes, spacing_kji_mm, strict=True)))
    fall = FULL - SURFACE if surface == SURFACE else 2.0 * (1.0 - surface)
    own = np.minimum(1.0 / np.sqrt(inverse_square[near]), np.abs(values[near]) * width / fall)
    square = np.zeros(values.shape, dtype=np.float32)
    for axis in range(3):
        # From the voxel beside the surface to the surface: outwards from inside, inwards from outside.
        foot = np.zeros(values.shape, dtype=np.float32)
        foot[near] = own * sign[near] * slopes[axis] / steep
        shape = [1, 1, 1]
        shape[axis] = -1
        here = np.arange(values.shape[axis]).reshape(shape)
        along = (here - index[axis]) * np.float32(spacing_kji_mm[axis]) - foot[tuple(index)]
        square += np.asarray(along * along, dtype=np.float32)
    return np.asarray(sign * np.sqrt(square), dtype=np.float32)


def _slope(values: Float32Array, axis: int, step_mm: float) -> Float32Array:
    if values.shape[axis] < 2:
        return np.zeros_like(values)
    return np.asarray(np.gradient(values, axis=axis) / step_mm, dtype=np.float32)


def widths_mm(distance_mm: Float32Array, spacing_kji_mm: FloatArray) -> Float32Array:
    """Return (k, j, i) how wide a voxel is across the surface, mm: a slab of the same spread about its middle."""
    total = np.zeros(distance_mm.shape, dtype=np.float32)
    length = np.zeros(distance_mm.shape, dtype=np.float32)
    for axis in range(3):
        if distance_mm.shape[axis] < 2:
            continue
        step = float(spacing_kji_mm[axis])
        slope = np.gradient(distance_mm, axis=axis) / step
        total += slope * slope * step * step
        length += slope * slope
    flat = length < 1e-6
    width = np.sqrt(total / np.where(flat, 1.0, length))
    return np.asarray(np.where(flat, spacing_kji_mm.min(), width), dtype=np.float32)
