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

    Next to the surface the crossings along the three axes are interpolated; beyond, distances to those voxels are
    added to theirs. Exact for planes; for a ball of 6 voxels' radius good to 0.1 voxel. A field that never crosses is
    one voxel diagonal and more away everywhere.
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
    own = np.zeros(values.shape, dtype=np.float32)
    own[near] = 1.0 / np.sqrt(inverse_square[near])
    away, index = ndimage.distance_transform_edt(~near, sampling=spacing_kji_mm, return_indices=True)
    return np.asarray(sign * (away + own[tuple(index)]), dtype=np.float32)


def widths_mm(distance_mm: Float32Array, spacing_kji_mm: FloatArray) -> Float32Array:
    """Return (k, j, i) how wide a voxel is across the surface: its box seen along the distance's gradient, mm."""
    total = np.zeros(distance_mm.shape, dtype=np.float32)
    length = np.zeros(distance_mm.shape, dtype=np.float32)
    for axis in range(3):
        if distance_mm.shape[axis] < 2:
            continue
        step = float(spacing_kji_mm[axis])
        slope = np.gradient(distance_mm, axis=axis) / step
        total += np.abs(slope) * step
        length += slope * slope
    flat = length < 1e-6
    width = total / np.sqrt(np.where(flat, 1.0, length))
    return np.asarray(np.where(flat, spacing_kji_mm.min(), width), dtype=np.float32)
