"""The marrow of hollow arches: what is dark, yet closed in by one vertebra's bone."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.anatomy.spine.faces import Rows
from cvt_planner.anatomy.spine.model import Part
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
_ACROSS = (4, 5)  # those across slices


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
def _closed_in(labels: Any, k: int, j: int, i: int, steps: Any, least: int, neck: bool) -> int:
    """Return the label that enough rays from a voxel meet first, 0 where there is none.

    In the neck one of those across slices must be among them: open above and below is the vertebral artery's foramen.
    """
    own, hits, lost, over = 0, 0, 0, 0
    for ray in range(steps.shape[0]):
        found = _met(labels, k, j, i, steps, ray)
        if found != 0 and own == 0:
            own = found
        if found != 0 and found == own:
            hits += 1
            over += ray in _ACROSS
        else:
            lost += 1
        if lost > steps.shape[0] - least:
            return 0
    return own if over > 0 or not neck else 0


@parallel_kernel
def _ends(labels: Any, rows: Any, ends: Any) -> None:
    """Write the first and the last labelled voxel of each row; none: the last before the first."""
    nk, nj, ni = labels.shape
    for k in prange(nk):
        for j in range(nj):
            row = labels[k, j, rows[k, j, 0] : rows[k, j, 1]]
            held = False
            for i in range(len(row)):
                held |= row[i] != 0
            if not held:
                ends[k, j, 0], ends[k, j, 1] = ni, -1
                continue
            first, last = 0, len(row) - 1
            while row[first] == 0:
                first += 1
            while row[last] == 0:
                last -= 1
            ends[k, j, 0], ends[k, j, 1] = rows[k, j, 0] + first, rows[k, j, 0] + last


@parallel_kernel
def _fill(
    labels: Any, hu: Any, never: Any, steps: Any, darkest: int, least: int, neck: Any, ends: Any, out: Any
) -> None:
    nk, nj, _ = labels.shape
    for k in prange(nk):
        for j in range(nj):
            about = ends[k, max(j - 1, 0) : j + 2]
            first, last = about[:, 0].min(), about[:, 1].max()
            for i in range(first, last + 1):
                own = labels[k, j, i]
                # What is closed in lies between bone in its row or the next.
                if own == 0 and first < i < last and not never[k, j, i] and hu[k, j, i] >= darkest:
                    own = _closed_in(labels, k, j, i, steps, least, neck[k])
                out[k, j, i] = own


@parallel_kernel
def _set_apart(labels: Any, other: int, bone: Any, parts: Any, disc: int, rows: Any, never: Any) -> None:
    nk, nj, _ = labels.shape
    for k in prange(nk):
        for j in range(nj):
            first, end = rows[k, j, 0], rows[k, j, 1]
            own, part, out = labels[k, j, first:end], parts[k, j, first:end], never[k, j, first:end]
            sound = bone[k, j, first:end]
            for i in range(end - first):
                out[i] |= (own[i] == other) | (part[i] == disc)
                own[i] = 0 if own[i] == other or (part[i] == 0 and not sound[i]) else own[i]


def set_apart(labels: LabelArray, other: int, bone: MaskArray, parts: LabelArray, rows: Rows, never: MaskArray) -> None:
    """Take a label that is no vertebra's out of `labels`, and add its voxels and the discs' to what is never filled.

    What is neither bone nor one of the parts is taken out, too: the rim over which thin bone was reached.
    """
    with kernels_alone():
        _set_apart(labels, other, bone, parts, int(Part.DISC), rows, never)


def filled(
    labels: LabelArray, hu: HuArray, never: MaskArray, neck: MaskArray, spacing_kji_mm: FloatArray, rows: Rows
) -> LabelArray:
    """Return the labels with the marrow that one label's bone closes in, whatever its HU.

    A voxel belongs to a vertebra when at least 10 of 14 rays from it meet that vertebra first, within 8 mm: so also
    where the cortex has holes or is thinner than the voxels.

    Parameters
    ----------
    never
        What is not filled: the canal, discs, and other bone.
    neck
        (k,) slices of the neck, where transverse processes have a foramen.
    """
    steps = np.column_stack([_RAYS * _STEP_MM / spacing_kji_mm, np.full(len(_RAYS), round(_REACH_MM / _STEP_MM))])
    ends = np.empty_like(rows)
    for _ in range(_ROUNDS):
        out = np.zeros_like(labels)
        with kernels_alone():
            _ends(labels, rows, ends)
            _fill(labels, hu, never, steps, _LEAST_HU, _LEAST_HITS, neck, ends, out)
        labels = out
    return labels
