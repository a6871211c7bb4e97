"""Which voxels are bone: solid pieces whose rim is where the CT has fallen half-way from the cortex; and flooding."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.base.arrays import FloatArray, HuArray, LabelArray, MaskArray
from cvt_planner.base.compiled import kernel

BONE_HU = 160  # spongy bone of most arches, above muscle and enhanced soft tissue; assumed
_SOFT_HU = 40.0  # what surrounds bone
_PEAK_MM = 1.5  # the cortex's brightest voxel lies so near its outer edge
_HIGHEST_EDGE_HU = 600.0  # enamel, metal and cement do not move the edge of the bone beside them
_BRIGHT_HU = 600.0  # cortex, blurred
_DEAR = 30.0  # how much dearer a way through soft tissue is than through cortex; assumed
_UNITS_PER_MM = 8.0


@kernel
def _solid(hu: Any, least: int, out: Any) -> None:
    """Mark voxels above a limit, and those between two of them along at least two axes."""
    nk, nj, ni = hu.shape
    for k in range(nk):
        for j in range(nj):
            for i in range(ni):
                if hu[k, j, i] > least:
                    out[k, j, i] = True
                    continue
                between = 0
                if 0 < k < nk - 1 and hu[k - 1, j, i] > least and hu[k + 1, j, i] > least:
                    between += 1
                if 0 < j < nj - 1 and hu[k, j - 1, i] > least and hu[k, j + 1, i] > least:
                    between += 1
                if 0 < i < ni - 1 and hu[k, j, i - 1] > least and hu[k, j, i + 1] > least:
                    between += 1
                out[k, j, i] = between >= 2


@kernel
def _pared(hu: Any, solid: Any, reach: Any, soft: float, least: float, highest: float, out: Any) -> None:
    """Take away rim voxels that lie below half the height of the brightest voxel near them."""
    nk, nj, ni = hu.shape
    for k in range(nk):
        for j in range(nj):
            for i in range(ni):
                out[k, j, i] = solid[k, j, i]
                if not solid[k, j, i] or not (0 < k < nk - 1 and 0 < j < nj - 1 and 0 < i < ni - 1):
                    continue
                if (
                    solid[k - 1, j, i]
                    and solid[k + 1, j, i]
                    and solid[k, j - 1, i]
                    and solid[k, j + 1, i]
                    and solid[k, j, i - 1]
                    and solid[k, j, i + 1]
                ):
                    continue
                peak = -1024
                for c in range(max(k - reach[0], 0), min(k + reach[0] + 1, nk)):
                    for b in range(max(j - reach[1], 0), min(j + reach[1] + 1, nj)):
                        for a in range(max(i - reach[2], 0), min(i + reach[2] + 1, ni)):
                            peak = max(peak, hu[c, b, a])
                edge = min(max(0.5 * (peak + soft), least), highest)
                out[k, j, i] = hu[k, j, i] > edge


def bone_mask(hu: HuArray, spacing_kji_mm: FloatArray) -> MaskArray:
    """Return the voxels that are bone.

    Everything above 160 HU with its one-voxel holes filled, less those voxels of its rim that lie below half the height
    between soft tissue and the brightest voxel within 1.5 mm: a fixed threshold makes thin bright arches half a
    millimetre too thick all round.

    Notes
    -----
    Bone that a lysis has brought below 160 HU, and arches hollowed by osteoporosis, are not in it.
    """
    solid = np.empty(hu.shape, dtype=np.bool_)
    _solid(hu, BONE_HU, solid)
    out = np.empty(hu.shape, dtype=np.bool_)
    reach = np.array([round(_PEAK_MM / s) for s in spacing_kji_mm], dtype=np.int64)
    _pared(hu, solid, reach, _SOFT_HU, float(BONE_HU), _HIGHEST_EDGE_HU, out)
    return out


@kernel
def _sown(labels: Any, inside: Any, cost: Any, room: Any, ends: Any) -> int:
    """Put all labelled voxels into the first bucket, at no cost; return how many they are."""
    ends[:] = -1
    used = 0
    for n in range(labels.shape[0]):
        cost[n] = 2**30
        if labels[n] != 0 and inside[n]:
            cost[n] = 0
            room[used, 0], room[used, 1] = n, ends[0]
            ends[0] = used
            used += 1
    return used


@kernel
def _flood(hu: Any, within: Any, steps: Any, dear: float, labels: Any, reached: Any, room: Any, ends: Any) -> None:
    """Dijkstra's search from all labels at once; `ends` are buckets by cost, used in a ring, of entries in `room`.

    An entry is a voxel and the next entry of its bucket. `steps` are a voxel's sizes in units of cost.
    """
    nk, nj, ni = labels.shape
    flat, inside, values, cost = labels.ravel(), within.ravel(), hu.ravel(), reached.ravel()
    ring = ends.shape[0]
    used = _sown(flat, inside, cost, room, ends)
    waiting, now = used, 0
    while waiting > 0:
        entry = ends[now % ring]
        if entry < 0:
            now += 1
            continue
        n, ends[now % ring] = room[entry, 0], room[entry, 1]
        waiting -= 1
        if cost[n] != now:  # found a cheaper way since
            continue
        k, rest = n // (nj * ni), n % (nj * ni)
        j, i = rest // ni, rest % ni
        for side in range(6):
            axis = side // 2
            at, size, jump = (k, nk, nj * ni) if axis == 0 else ((j, nj, ni) if axis == 1 else (i, ni, 1))
            if side % 2 == 0:
                ok, m = at > 0, n - jump
            else:
                ok, m = at < size - 1, n + jump
            if not ok or not inside[m]:
                continue
            dark = max(min((_BRIGHT_HU - values[m]) / (_BRIGHT_HU - _SOFT_HU), 1.0), 0.0)
            price = now + int(steps[axis] * (1.0 + dear * dark * dark) + 0.5)
            if price >= cost[m]:
                continue
            cost[m], flat[m] = price, flat[n]
            room[used, 0], room[used, 1] = m, ends[price % ring]
            ends[price % ring] = used
            used += 1
            waiting += 1


def flooded_from(hu: HuArray, within: MaskArray, seeds: LabelArray, spacing_kji_mm: FloatArray) -> LabelArray:
    """Return the seeds' labels spread over a mask, each voxel to the seed with the cheapest way to it.

    A millimetre through cortex costs 1, through what is as dark as soft tissue 1 + `_DEAR`: so labels meet in joints,
    and where bones touch, half-way between them. Voxels that no seed reaches stay 0.
    """
    labels = np.ascontiguousarray(seeds)
    steps = np.asarray(spacing_kji_mm * _UNITS_PER_MM)
    ring = np.empty(int(steps.max() * (1.0 + _DEAR)) + 2, dtype=np.int32)
    entries = np.empty((7 * int(within.sum()) + 1, 2), dtype=np.int32)  # each neighbour enters a voxel once at most
    reached = np.empty(labels.shape, dtype=np.int32)
    _flood(hu, np.ascontiguousarray(within), steps, _DEAR, labels, reached, entries, ring)
    return labels
