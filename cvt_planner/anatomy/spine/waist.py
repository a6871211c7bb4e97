"""The waist of a bony tube: the hyperboloid of one sheet through the edges of the sections about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvt_planner.base.arrays import FloatArray, Points

_ROUNDS = 4
_STRAY_MM = 0.3  # an edge so far off the surface counts half or less; assumed
_ALIKE = 4.0  # edges 10 degrees and half a millimetre apart, in voxels of about a millimetre, that say the same
_LEAST_EDGES = 60
_TINY = 1e-9 * np.eye(9)


@dataclass(frozen=True)
class Waist:
    """Where a tube's axis runs, in the frame of the sections: (2,) to the side and up, at the place `along_mm`.

    Parameters
    ----------
    slope
        (2,) mm to the side and up per mm along: the surface's own axis, not the line of the sections' middles, which
        leans over by as much again, and more, where a tube that flares is cut askew.
    error_deg
        Standard error of the axis, from how far the edges lie off the surface.
    """

    along_mm: float
    middle_mm: FloatArray
    slope: FloatArray
    error_deg: float


def waist_of(edges_mm: Points, says: FloatArray, narrowest_mm: float) -> Waist | None:
    """Return the waist of the quadric nearest to (n, 3) edges; None where that is no hyperboloid about the axis.

    Parameters
    ----------
    edges_mm
        To the side, up and along the axis of the sections, mm.
    says
        (n,) how much each edge counts, at most 1.
    narrowest_mm
        Where along the axis the narrowest section lies: the quadric itself hardly tells in a tube that flares little.

    Notes
    -----
    Its own axis is the direction in which it is least curved inwards. Edges that stray count less and less. Not
    modelled: a flare that is stronger on one side bends the axis.
    """
    if len(edges_mm) < _LEAST_EDGES:
        return None
    points = edges_mm - [0.0, 0.0, narrowest_mm]
    x, y, t = points.T
    design = np.stack([x * x, 2 * x * y, y * y, 2 * x * t, 2 * y * t, t * t, x, y, t], axis=1)
    weight = says
    for _ in range(_ROUNDS):
        rows = design * weight[:, None]
        form = np.linalg.solve(rows.T @ design + _TINY, rows.sum(axis=0))
        surface = form[[[0, 1, 3], [1, 2, 4], [3, 4, 5]]]
        steep = np.maximum(np.linalg.norm(2.0 * points @ surface + form[6:], axis=1), 1e-3)
        miss = design @ form - 1.0
        scale = max(_STRAY_MM, 1.5 * float(np.median(np.abs(miss / steep))))
        weight = says / ((1.0 + (miss / steep / scale) ** 2) * steep) ** 2
        weight /= weight.max()
    across = surface[:2, :2]
    if across[0, 0] <= 0.0 or np.linalg.det(across) <= 0.0:
        return None
    axis = np.linalg.eigh(surface)[1][:, 0]
    if np.abs(axis).argmax() != 2:
        return None
    spread = (weight * miss**2).sum() / max(float(weight.sum()), 1.0)
    errors = np.sqrt(_ALIKE * spread * np.diag(np.linalg.inv(rows.T @ design + _TINY))[3:5])
    errors /= form[[0, 2]] - form[5]
    middle = -0.5 * np.linalg.solve(across, form[6:8])
    return Waist(narrowest_mm, middle, axis[:2] / axis[2], float(np.degrees(np.abs(errors).max())))
