"""The marrow of hollow arches: what is dark, yet closed in by one vertebra's bone."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.base.arrays import FloatArray, HuArray, LabelArray, MaskArray
from cvt_planner.base.compiled import kernel, kernels_alone, parallel_kernel, prange

_LEAST_HU = -150  # fatty marrow; darker is air
_REACH_MM = 8.0  # half the thickest lamina or pillar, with room
_STEP_MM = 0.7
_LEAST_HITS = 10  # of 14 rays; what lies in a corner between processes is open on one side at least
_ROUNDS = 2

# Along the axes first (i, j, k), so that most of the soft tissue is left after two rays.
_RAYS = np.array(
    [(0, 0, 1), (0, 0, -1), (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0)]
    + [(a / 3**0.5, b / 3**0.5, c / 3**0.5) for a in (1, -1) for b in (1, -1) for c in (1, -1)]
)


@kernel
def _met(labels: Any, k: int, j: int, i: int, steps: Any, ray: int) -> int:
    """Return the first label on a ray, 0 where there is none; `steps` are its step in voxels, then how many."""
    nk, nj, ni = labels.shape
    for n in range(1, int(steps[ray, 3]) + 1):
        c, b, a = int(k + n * steps[ray, 0] + 0.5), int(j + n * steps[ray, 1] + 0.5), int(i + n * steps[ray, 2] + 0.5)
        if c < 0 or b < 0 or a < 0 or c >= nk or b >= nj or a >= ni:
            return 0
        if labels[c, b, a] != 0:
            return int(labels[c, b, a])
    return 0


@kernel
def _closed_in(labels: Any, k: int, j: int, i: int, steps: Any, least: int) -> int:
    """Return the label that enough rays from a voxel meet first, 0 where there is none."""
    own, hits, lost = 0, 0, 0
    for ray in range(steps.shape[0]):
        found = _met(labels, k, j, i, steps, ray)
        if found != 0 and own == 0:
            own = found
        if found != 0 and found == own:
            hits += 1
        else:
            lost += 1
        if lost > steps.shape[0] - least:
            return 0
    return own


@parallel_kernel
def _fill(labels: Any, hu: Any, never: Any, steps: Any, darkest: int, least: int, out: Any) -> None:
    nk, nj, ni = labels.shape
    for k in prange(nk):
        for j in range(nj):
            out[k, j] = labels[k, j]
            first, last = ni, -1
            for b in range(max(j - 1, 0), min(j + 2, nj)):
                for i in range(ni):
                    if labels[k, b, i] != 0:
                        first, last = min(first, i), max(last, i)
            for i in range(first + 1, last):  # what is closed in lies between bone in its row or the next
                if labels[k, j, i] == 0 and not never[k, j, i] and hu[k, j, i] >= darkest:
                    out[k, j, i] = _closed_in(labels, k, j, i, steps, least)


def filled(labels: LabelArray, hu: HuArray, never: MaskArray, spacing_kji_mm: FloatArray) -> LabelArray:
    """Return the labels with the marrow that one label's bone closes in, whatever its HU.

    A voxel belongs to a vertebra when at least 10 of 14 rays from it meet that vertebra first, within 8 mm: so also
    where the cortex has holes or is thinner than the voxels.

    Parameters
    ----------
    never
        What is not filled: the canal, discs, and other bone.
    """
    steps = np.column_stack([_RAYS * _STEP_MM / spacing_kji_mm, np.full(len(_RAYS), round(_REACH_MM / _STEP_MM))])
    for _ in range(_ROUNDS):
        out = np.empty_like(labels)
        with kernels_alone():
            _fill(labels, hu, never, steps, _LEAST_HU, _LEAST_HITS, out)
        labels = out
    return labels
