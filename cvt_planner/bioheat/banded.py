"""Compiled: weighted sums along the axes of a field, for weights that are zero but for a few beside each other.

Not `numpy.matmul`: the threads of its library go on spinning for a while after each product, on the cores that the
solver needs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array
from cvt_planner.base.compiled import kernel

Ints = NDArray[np.int64]


def along_axes(field: Float32Array, z: Float32Array, y: Float32Array, x: Float32Array) -> Float32Array:
    """Return sums over a field [k, j, i] with weights (new, old) for each of its axes."""
    k, j, i = field.shape
    by_x = np.empty((k * j, x.shape[0], 1), np.float32)
    sums(by_x, field.reshape(k * j, i, 1), x, _bands(x))
    by_y = np.empty((k, y.shape[0], x.shape[0]), np.float32)
    sums(by_y, by_x.reshape(k, j, -1), y, _bands(y))
    by_z = np.empty((1, z.shape[0], y.shape[0] * x.shape[0]), np.float32)
    sums(by_z, by_y.reshape(1, k, -1), z, _bands(z))
    return by_z.reshape(z.shape[0], y.shape[0], x.shape[0])


def _bands(weights: Float32Array) -> Ints:
    """Return (new, 2) from where to where (exclusive) each row's weights are not zero."""
    some = weights != 0.0
    return np.stack([some.argmax(axis=1), weights.shape[1] - some[:, ::-1].argmax(axis=1)], axis=1)


@kernel
def sums(out: Float32Array, field: Float32Array, weights: Float32Array, bands: Ints) -> None:
    """Write (a, new, b) the sums over the middle axis of a field (a, old, b)."""
    rows, _, wide = field.shape
    for a in range(rows):
        for n in range(weights.shape[0]):
            if wide == 1:
                total = np.float32(0.0)
                for m in range(bands[n, 0], bands[n, 1]):
                    total += weights[n, m] * field[a, m, 0]
                out[a, n, 0] = total
                continue
            target = out[a, n]
            target[:] = np.float32(0.0)
            for m in range(bands[n, 0], bands[n, 1]):
                weight, source = weights[n, m], field[a, m]
                for b in range(wide):
                    target[b] += weight * source[b]
