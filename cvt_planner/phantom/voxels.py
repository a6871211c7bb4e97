"""From shapes to voxels: the mean over the pieces of each voxel, with volumes and labels; compiled."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cvt_planner.base.arrays import Float32Array, FloatArray
from cvt_planner.base.compiled import kernel, parallel_kernel, prange
from cvt_planner.phantom.tissue import (
    ARCH,
    BODY,
    CORD,
    DISC,
    LESION,
    NOTHING,
    TUMOUR,
    bone_at,
    canal_content,
    canal_mm,
)


@kernel
def _add_moments(row: FloatArray, first: int, weight: float, x: float, y: float, z: float) -> None:
    row[first] += weight
    row[first + 1] += weight * x
    row[first + 2] += weight * y
    row[first + 3] += weight * z


@kernel
def _add(
    tally: FloatArray,
    found: tuple[int, int, int, float, float, float],
    p: tuple[float, float, float],
    dc: float,
    weight: float,
    canal: FloatArray,
    sums: FloatArray,
    lesion_sums: FloatArray,
) -> None:
    """Add a piece of a voxel to its tally (0 HU, 1 spine, 2 spongy, 3 body, 4 canal, 5 cord) and to the sums.

    `weight` is the piece's volume in mm3. Tally 6 and 7 are the vertebra and its share, 8 and 9 the lesion's.
    """
    what, n, m, hu, soft, _ = found
    if what == NOTHING and dc < 0.0:
        what, hu = canal_content(canal, p[0], p[1], p[2])
    if what != NOTHING:
        tally[0] += hu * weight
        tally[1] += weight
        tally[2] += soft * weight
    tally[4] += weight if dc < 0.0 and what not in (ARCH, BODY, DISC) else 0.0
    tally[5] += weight if what == CORD else 0.0
    if n >= 0:
        sums[n, 0] += weight
        if tally[6] < 0.0 or tally[6] == n:
            tally[6] = n
            tally[7] += weight
    if what in (BODY, LESION):
        tally[3] += weight
        _add_moments(sums[n], 1, weight, p[0], p[1], p[2])
    if m >= 0:
        tally[8] = m
        tally[9] += weight
        _add_moments(lesion_sums[m], 0, weight, p[0], p[1], p[2])
        lesion_sums[m, 4] += weight if what == TUMOUR else 0.0
        lesion_sums[m, 5] += weight if dc < 0.0 else 0.0


@kernel
def _fill(
    stack: FloatArray,
    tally: FloatArray,
    p: tuple[float, float, float],
    size: tuple[float, float, float],
    smallest: float,
    bodies: FloatArray,
    pedicles: FloatArray,
    struts: FloatArray,
    lesions: FloatArray,
    canal: FloatArray,
    sums: FloatArray,
    lesion_sums: FloatArray,
) -> None:
    """Add a block about p to the tally, halved along every side longer than `smallest` until nothing changes in it.

    `stack` is room for the blocks still to do, each a centre and its sizes: at most 7 wait at each halving.
    """
    stack[0, 0], stack[0, 1], stack[0, 2] = p
    stack[0, 3], stack[0, 4], stack[0, 5] = size
    waiting = 1
    while waiting > 0:
        waiting -= 1
        x, y, z = stack[waiting, 0], stack[waiting, 1], stack[waiting, 2]
        sx, sy, sz = stack[waiting, 3], stack[waiting, 4], stack[waiting, 5]
        reach = 0.575 * math.sqrt(sx * sx + sy * sy + sz * sz)
        dc = canal_mm(canal, x, y, z)
        found = bone_at(x, y, z, dc, bodies, pedicles, struts, lesions)
        in_canal = dc < reach and found[0] == NOTHING
        in_canal = in_canal and (dc > -reach or found[5] < reach or sx + sy > 1.1)
        clear = found[5] > reach and (abs(dc) > reach or found[0] != NOTHING) and not in_canal
        nx, ny, nz = (2 if sx > smallest else 1), (2 if sy > smallest else 1), (2 if sz > smallest else 1)
        if clear or nx + ny + nz == 3:
            _add(tally, found, (x, y, z), dc, sx * sy * sz, canal, sums, lesion_sums)
            continue
        sx, sy, sz = sx / nx, sy / ny, sz / nz
        for c in range(nx * ny * nz):
            stack[waiting, 0] = x + (c % nx - 0.5 * (nx - 1)) * sx
            stack[waiting, 1] = y + ((c // nx) % ny - 0.5 * (ny - 1)) * sy
            stack[waiting, 2] = z + (c // (nx * ny) - 0.5 * (nz - 1)) * sz
            stack[waiting, 3], stack[waiting, 4], stack[waiting, 5] = sx, sy, sz
            waiting += 1


@parallel_kernel
def fill_spine(
    start: FloatArray,
    step: FloatArray,
    smallest: float,
    bodies: FloatArray,
    pedicles: FloatArray,
    struts: FloatArray,
    lesions: FloatArray,
    canal: FloatArray,
    shares: Float32Array,
    labels: Any,
    sums: FloatArray,
    lesion_sums: FloatArray,
) -> None:
    """Fill a box of voxels with the mean of their pieces, halved to `smallest` (mm) wherever anything changes.

    Parameters
    ----------
    start, step
        LPS mm of the first voxel's centre and the steps (x, y, z).
    shares
        Out, (3, k, j, i): HU times the share of the voxel that is spine, that share, the share that is spongy.
    labels
        Out, (5, k, j, i) uint8: 1 + row of the vertebra, the same for bodies, canal, cord, 1 + row of the lesion;
        each where it fills at least half of the voxel.
    sums
        Out, (k, n, 6): per slice and vertebra: bone volume, body volume and its first moments; mm3, mm4.
    lesion_sums
        Out, (k, m, 6): per slice and lesion: volume, first moments, volume outside the bone, volume in the canal.
    """
    volume = step[0] * step[1] * step[2]
    size = (step[0], step[1], step[2])
    for k in prange(shares.shape[1]):
        tally, stack = np.zeros(10), np.empty((64, 6))
        for j in range(shares.shape[2]):
            for i in range(shares.shape[3]):
                p = (start[0] + i * step[0], start[1] + j * step[1], start[2] + k * step[2])
                tally[:] = 0.0
                tally[6], tally[8] = -1.0, -1.0
                _fill(
                    stack,
                    tally,
                    p,
                    size,
                    smallest,
                    bodies,
                    pedicles,
                    struts,
                    lesions,
                    canal,
                    sums[k],
                    lesion_sums[k],
                )
                for c in range(3):
                    shares[c, k, j, i] = tally[c] / volume
                half = 0.4999999 * volume
                labels[0, k, j, i] = int(tally[6]) + 1 if tally[7] >= half else 0
                labels[1, k, j, i] = int(tally[6]) + 1 if tally[3] >= half else 0
                labels[2, k, j, i] = 1 if tally[4] >= half else 0
                labels[3, k, j, i] = 1 if tally[5] >= half else 0
                labels[4, k, j, i] = int(tally[8]) + 1 if tally[9] >= half else 0
