"""The smoothest region that evidence per voxel allows: a convex two-class segmentation by total variation.

The energy is that of Chan, Esedoglu and Nikolova (SIAM J Appl Math 2006;66:1632), minimised by the primal-dual steps of
Chambolle and Pock (J Math Imaging Vis 2011;40:120).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cvt_planner.anatomy.morphology import bounding_box
from cvt_planner.base.arrays import Float32Array, FloatArray
from cvt_planner.base.compiled import kernel

_FORBIDDEN = -2.0  # evidence below this forbids


@kernel
def _dual(u: Any, p: Any, steps: Any, smooth: Any) -> None:
    nk, nj, ni = u.shape
    a, b, c = steps[0], steps[1], steps[2]
    limit = smooth * smooth
    for k in range(nk):
        up = k + 1 if k + 1 < nk else k
        for j in range(nj):
            on = j + 1 if j + 1 < nj else j
            for i in range(ni):
                right = i + 1 if i + 1 < ni else i
                here = u[k, j, i]
                x = p[0, k, j, i] + a * (u[up, j, i] - here)
                y = p[1, k, j, i] + b * (u[k, on, i] - here)
                z = p[2, k, j, i] + c * (u[k, j, right] - here)
                square = x * x + y * y + z * z
                if square > limit:
                    shrink = smooth / math.sqrt(square)
                    x, y, z = x * shrink, y * shrink, z * shrink
                p[0, k, j, i], p[1, k, j, i], p[2, k, j, i] = x, y, z


@kernel
def _primal(inside: Any, u: Any, p: Any, evidence: Any, steps: Any, step: Any) -> float:
    """Carry `inside` on, put the point it is heading for into u, and return the largest change."""
    nk, nj, ni = u.shape
    a, b, c = steps[0], steps[1], steps[2]
    most = 0.0
    for k in range(nk):
        for j in range(nj):
            for i in range(ni):
                if evidence[k, j, i] < _FORBIDDEN:
                    continue  # stays 0
                flow = a * p[0, k, j, i] + b * p[1, k, j, i] + c * p[2, k, j, i]
                if k > 0:
                    flow -= a * p[0, k - 1, j, i]
                if j > 0:
                    flow -= b * p[1, k, j - 1, i]
                if i > 0:
                    flow -= c * p[2, k, j, i - 1]
                old = inside[k, j, i]
                new = old + flow + step * evidence[k, j, i]
                new = 0.0 if new < 0.0 else (1.0 if new > 1.0 else new)
                most = max(most, abs(new - old))
                inside[k, j, i] = new
                u[k, j, i] = 2.0 * new - old
    return most


def smooth_region(
    evidence: Float32Array, spacing_kji_mm: FloatArray, smooth_mm: float, most_steps: int = 80
) -> Float32Array:
    """Return (k, j, i) how far each voxel lies inside the region, 0 to 1; its surface is at 0.5.

    Parameters
    ----------
    evidence
        For each voxel -1 (outside for sure) to 1 (inside for sure); below -2 the region may not lie there at all.
    smooth_mm
        What a square millimetre of surface costs, in cubic millimetres of sure evidence: parts thinner than twice this
        vanish, and gaps thinner than that close.

    Notes
    -----
    The surface of a ball of radius R comes to lie where the evidence is 2 smooth_mm / R, not at 0.
    """
    # |gradient|^2 is at most 4 sum(1/s^2); both steps are chosen at that limit, the dual one for u in [0, 1].
    box = bounding_box(evidence >= _FORBIDDEN, 1)
    whole, evidence = np.zeros(evidence.shape, dtype=np.float32), np.ascontiguousarray(evidence[box])
    norm = math.sqrt(4.0 * float(np.sum(1.0 / spacing_kji_mm**2)))
    step, dual_step = 1.0 / norm, 1.0 / norm
    inside = (evidence > 0.0).astype(np.float32)
    u = inside.copy()
    p = np.zeros((3, *evidence.shape), dtype=np.float32)
    to_dual = (dual_step / spacing_kji_mm).astype(np.float32)
    to_primal = (step / spacing_kji_mm).astype(np.float32)
    for _ in range(most_steps):
        _dual(u, p, to_dual, np.float32(smooth_mm))
        if _primal(inside, u, p, evidence, to_primal, np.float32(step)) < 0.01:
            break
    whole[box] = inside
    return whole
