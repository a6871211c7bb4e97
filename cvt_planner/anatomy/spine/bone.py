"""Which voxels are bone: solid pieces whose rim is where the CT has fallen half-way from the cortex; and flooding."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.anatomy.spine.faces import Rows, jump_across, place_of
from cvt_planner.base.arrays import FloatArray, HuArray, LabelArray, MaskArray
from cvt_planner.base.compiled import kernel, kernels_alone, parallel_kernel, prange

BONE_HU = 160  # spongy bone of most arches, above muscle and enhanced soft tissue; assumed
_SOFT_HU = 40.0  # what surrounds bone
_PEAK_MM = 1.5  # the cortex's brightest voxel lies so near its outer edge
_THICKEST_MM = 3.5  # slices farther apart show another part of the bone; assumed
_HIGHEST_EDGE_HU = 600.0  # enamel, metal and cement do not move the edge of the bone beside them
_BRIGHT_HU = 600.0  # cortex, blurred
_DEAR = 30.0  # how much dearer a way through soft tissue is than through cortex; assumed
_UNITS_PER_MM = 8.0
_FAR = 2**16 - 1  # cost, in these units, of what is not reached


@parallel_kernel
def _cut(hu: Any, corner: Any, rows: Any, out: Any) -> None:
    for k in prange(out.shape[0]):
        for j in range(out.shape[1]):
            first, end = rows[k, j, 0], rows[k, j, 1]
            out[k, j, first:end] = hu[corner[0] + k, corner[1] + j, corner[2] + first : corner[2] + end]


def cut_out(hu: HuArray, corner_kji: tuple[int, int, int], rows: Rows, shape_kji: tuple[int, int, int]) -> HuArray:
    """Return (k, j, i) HU of a box of the CT, 0 beyond the rows that are looked at."""
    out = np.zeros(shape_kji, dtype=np.int16)
    with kernels_alone():
        _cut(hu, np.array(corner_kji), rows, out)
    return out


@parallel_kernel
def _solid(hu: Any, least: int, rows: Any, out: Any) -> None:
    """Mark voxels above a limit, and those between two of them along at least two axes."""
    nk, nj, _ = hu.shape
    for k in prange(nk):
        for j in range(nj):
            first, end = rows[k, j, 0], rows[k, j, 1]
            here, row = hu[k, j, first:end], out[k, j, first:end]
            above, below = hu[min(k + 1, nk - 1), j, first:end], hu[max(k - 1, 0), j, first:end]
            behind, before = hu[k, min(j + 1, nj - 1), first:end], hu[k, max(j - 1, 0), first:end]
            last = end - first - 1
            for i in range(last + 1):
                row[i] = here[i] > least
            # At the box's border a voxel is its own neighbour, and below the limit it is between no two.
            for i in range(1, last):
                between = min(above[i], below[i]) > least
                across = min(behind[i], before[i]) > least
                aside = min(here[i - 1], here[i + 1]) > least
                row[i] |= (between & across) | (between & aside) | (across & aside)
            if last > 0:
                for i in (0, last):
                    row[i] |= min(above[i], below[i], behind[i], before[i]) > least


@kernel
def _is_rim(hu: Any, k: int, j: int, i: int, reach: Any, brightest: float) -> bool:
    """Return whether something as bright as that lies in the box about a voxel."""
    nk, nj, ni = hu.shape
    for c in range(max(k - reach[0], 0), min(k + reach[0] + 1, nk)):
        for b in range(max(j - reach[1], 0), min(j + reach[1] + 1, nj)):
            for a in range(max(i - reach[2], 0), min(i + reach[2] + 1, ni)):
                if hu[c, b, a] >= brightest:
                    return True
    return False


@parallel_kernel
def _pared(hu: Any, solid: Any, reach: Any, soft: float, least: float, highest: float, rows: Any, out: Any) -> None:
    """Take away rim voxels that lie below half the height of the brightest voxel near them."""
    nk, nj, ni = hu.shape
    for k in prange(nk):
        for j in range(nj):
            first, end = rows[k, j, 0], rows[k, j, 1]
            out[k, j, first:end] = solid[k, j, first:end]
            if not 0 < k < nk - 1 or not 0 < j < nj - 1:
                continue
            for i in range(max(first, 1), min(end, ni - 1)):
                if not solid[k, j, i] or (
                    solid[k - 1, j, i]
                    and solid[k + 1, j, i]
                    and solid[k, j - 1, i]
                    and solid[k, j + 1, i]
                    and solid[k, j, i - 1]
                    and solid[k, j, i + 1]
                ):
                    continue
                value = hu[k, j, i]
                # Half-way between soft tissue and twice the voxel's height above it lies the voxel itself.
                keeps = value > least and not _is_rim(hu, k, j, i, reach, 2.0 * value - soft)
                out[k, j, i] = value > highest or keeps


def bone_masks(hu: HuArray, spacing_kji_mm: FloatArray, rows: Rows) -> tuple[MaskArray, MaskArray]:
    """Return the voxels that are bone, and those and their blurred rim, of the rows that are looked at.

    The latter is everything above 160 HU with its one-voxel holes filled. Bone are those less the voxels of the rim
    that lie below half the height between soft tissue and the brightest voxel within 1.5 mm, or in the next slice up to
    3.5 mm away: a fixed threshold makes thin bright arches half a millimetre too thick all round.

    Notes
    -----
    Bone that a lysis has brought below 160 HU, and arches hollowed by osteoporosis, are not in it.
    """
    solid = np.zeros(hu.shape, dtype=np.bool_)
    out = np.zeros(hu.shape, dtype=np.bool_)
    reach = np.array([round(_PEAK_MM / s) for s in spacing_kji_mm], dtype=np.int64)
    if reach.any():  # in the next slice, too: half of a thin arch may lie there
        reach = np.where(spacing_kji_mm <= _THICKEST_MM, np.maximum(reach, 1), reach)
    with kernels_alone():
        _solid(hu, BONE_HU, rows, solid)
        _pared(hu, solid, reach, _SOFT_HU, float(BONE_HU), _HIGHEST_EDGE_HU, rows, out)
    return out, solid


@parallel_kernel
def _freed(within: Any, seeds: Any, rows: Any, reached: Any) -> int:
    """Write what it has cost to come to each voxel, 0 where a flood never goes; return to how many it may go."""
    nk, nj, _ = within.shape
    count = 0
    for k in prange(nk):
        for j in range(nj):
            first, end = rows[k, j, 0], rows[k, j, 1]
            inside, seed, cost = within[k, j, first:end], seeds[k, j, first:end], reached[k, j, first:end]
            for i in range(end - first):
                free = inside[i] and seed[i] == 0
                cost[i] = _FAR if free else 0
                count += free
    return count


@kernel
def _next_to_free(cost: Any, shape: Any, n: int, k: int, j: int, i: int) -> bool:
    """Return whether the flood may go from a voxel to one of its neighbours."""
    nk, nj, ni = shape
    return bool(
        (k > 0 and cost[n - nj * ni] > 0)
        or (k < nk - 1 and cost[n + nj * ni] > 0)
        or (j > 0 and cost[n - ni] > 0)
        or (j < nj - 1 and cost[n + ni] > 0)
        or (i > 0 and cost[n - 1] > 0)
        or (i < ni - 1 and cost[n + 1] > 0)
    )


@kernel
def _sown(labels: Any, cost: Any, rows: Any, room: Any, ends: Any) -> int:
    """Put the labelled voxels beside free ones into the first bucket, at no cost; return how many they are."""
    nk, nj, ni = labels.shape
    flat = labels.ravel()
    ends[:] = -1
    used = 0
    for k in range(nk):
        for j in range(nj):
            for i in range(rows[k, j, 0], rows[k, j, 1]):
                n = (k * nj + j) * ni + i
                if flat[n] != 0 and _next_to_free(cost, labels.shape, n, k, j, i):
                    room[used, 0], room[used, 1] = n, ends[0]
                    ends[0] = used
                    used += 1
    return used


@kernel
def _flood(
    hu: Any, bone: Any, steps: Any, dear: float, labels: Any, reached: Any, rows: Any, room: Any, ends: Any
) -> None:
    """Dijkstra's search from all labels at once; `ends` are buckets by cost, used in a ring, of entries in `room`.

    An entry is a voxel and the next entry of its bucket; those that are done with are used again. `steps` are a voxel's
    sizes in units of cost. `reached` holds `_FAR` where the flood may go, else 0.
    """
    flat, values, cost, sound = labels.ravel(), hu.ravel(), reached.ravel(), bone.ravel()
    ring = ends.shape[0]
    used = _sown(labels, cost, rows, room, ends)
    waiting, now, spare = used, 0, -1
    while waiting > 0:
        entry = ends[now % ring]
        if entry < 0:
            now += 1
            continue
        n, ends[now % ring] = room[entry, 0], room[entry, 1]
        room[entry, 1], spare = spare, entry
        waiting -= 1
        if cost[n] != now:  # found a cheaper way since
            continue
        place = place_of(n, labels.shape)
        for side in range(6):
            m = n + jump_across(side, place, labels.shape)
            if cost[m] <= now:  # its own is, too
                continue
            dark = max(min((_BRIGHT_HU - values[m]) / (_BRIGHT_HU - _SOFT_HU), 1.0), 0.0) if sound[m] else 1.0
            price = now + int(steps[side // 2] * (1.0 + dear * dark * dark) + 0.5)
            if price >= cost[m]:
                continue
            cost[m], flat[m] = price, flat[n]
            if spare >= 0:
                entry, spare = spare, room[spare, 1]
            else:
                entry, used = used, used + 1
            room[entry, 0], room[entry, 1] = m, ends[price % ring]
            ends[price % ring] = entry
            waiting += 1


def flooded_from(
    hu: HuArray, within: MaskArray, bone: MaskArray, seeds: LabelArray, spacing_kji_mm: FloatArray, rows: Rows
) -> LabelArray:
    """Return the seeds' labels spread over a mask, each voxel to the seed with the cheapest way to it.

    A millimetre through cortex costs 1, through what is as dark as soft tissue, and through what is no `bone`,
    1 + `_DEAR`: so labels meet in joints, and where bones touch, half-way between them. Voxels that no seed reaches
    stay 0, also those over 260 mm of the darkest bone away.
    """
    labels = seeds.copy()
    steps = np.asarray(spacing_kji_mm * _UNITS_PER_MM)
    ring = np.empty(int(steps.max() * (1.0 + _DEAR)) + 2, dtype=np.int32)
    reached = np.zeros(seeds.shape, dtype=np.uint16)
    with kernels_alone():
        free = _freed(within, seeds, rows, reached)
    # Each neighbour enters a voxel once at most; hardly any of this is ever touched.
    entries = np.empty((6 * free + int(np.count_nonzero(seeds)) + 1, 2), dtype=np.int32)
    _flood(hu, bone, steps, _DEAR, labels, reached, rows, entries, ring)
    return labels
