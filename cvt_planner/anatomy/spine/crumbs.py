"""Small pieces of a vertebra's label that do not hang on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.anatomy.spine.faces import Rows, jump_across, place_of
from cvt_planner.base.arrays import LabelArray
from cvt_planner.base.compiled import kernel

_SEEN = 128  # on top of a label: its piece is known


@kernel
def _gather(labels: Any, first: int, queue: Any, start: int) -> int:
    """Write the voxels that hang on one into the queue from `start` on, and return where they end; all become seen."""
    flat = labels.ravel()
    own = flat[first]
    flat[first] = own + _SEEN
    queue[start], end, at = first, start + 1, start
    while at < end:
        n = queue[at]
        at += 1
        place = place_of(n, labels.shape)
        for side in range(6):
            m = n + jump_across(side, place, labels.shape)
            if flat[m] == own:
                flat[m] = own + _SEEN
                queue[end] = m
                end += 1
    return end


@kernel
def _let_go(labels: Any, bodies: Any, share: float, rows: Any, queue: Any) -> None:
    nk, nj, ni = labels.shape
    flat, body = labels.ravel(), bodies.ravel()
    whole = np.zeros(256, np.int64)
    ends = [0]
    for k in range(nk):
        for j in range(nj):
            for n in range((k * nj + j) * ni + rows[k, j, 0], (k * nj + j) * ni + rows[k, j, 1]):
                if 0 < flat[n] < _SEEN:
                    ends.append(_gather(labels, n, queue, ends[-1]))
                    whole[flat[n] - _SEEN] += ends[-1] - ends[-2]
    for piece in range(1, len(ends)):
        first, end = ends[piece - 1], ends[piece]
        own = flat[queue[first]] - _SEEN
        kept = end - first >= share * whole[own]
        for at in range(first, end):
            n = queue[at]
            flat[n] = own if kept else body[n]


def let_crumbs_go(labels: LabelArray, bodies: LabelArray, share: float, rows: Rows) -> None:
    """Take away, in `labels` (1 to 127), pieces smaller than a share of their label's voxels, but for those of bodies.

    A piece is what hangs together face to face.
    """
    _let_go(labels, bodies, share, rows, np.empty(int(np.count_nonzero(labels)), dtype=np.int32))
