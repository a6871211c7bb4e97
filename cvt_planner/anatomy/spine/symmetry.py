"""How alike the body is on both sides of a path: about the canal alone is it the same to the left and to the right."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.coarse import Coarse
from cvt_planner.base.arrays import FloatArray

# Assumed; they hold the vertebra with its arch and the muscles beside it, but neither bowel nor aorta.
_FRONT_MM, _BACK_MM, _STEP_MM = 24.0, 30.0, 2.0
_EVERY_MM = 6.0
_NEAR_MM, _FAR_MM = 4.0, 30.0  # to each side; nearer all is canal
_SHIFTS_MM = (-3.0, -1.5, 0.0, 1.5, 3.0)  # a path runs within a cell or two of the middle
_LEAST_HU, _MOST_HU = -100.0, 400.0


def symmetry_about(coarse: Coarse, path_kji: FloatArray) -> float:
    """Return how alike the HU to the left and to the right of a path are, -1 to 1, over all its sections together.

    Parameters
    ----------
    path_kji
        (n, 3) voxels of `coarse`, one in each transverse section; as for the search, rows run from front to back.

    Notes
    -----
    The part of the variance within each section that its mirror image tells, by the best of five middle planes up to
    3 mm aside. About canals of real CTs it is 0.5 to 0.85, 0.25 with half a vertebra gone; about paths in muscle and
    fat -0.25 to 0.2. Not modelled: turned vertebrae, which lower it.
    """
    dk, dj, di = (float(v) for v in coarse.grid.spacing_kji_mm)
    v = np.arange(-_BACK_MM, _FRONT_MM + 0.1, _STEP_MM)
    u = np.arange(_NEAR_MM, _FAR_MM + 0.1, _STEP_MM)
    k, j, i = (path_kji[:: max(round(_EVERY_MM / dk), 1), axis, None, None] for axis in range(3))
    best = -1.0
    for shift in _SHIFTS_MM:
        places = [np.broadcast_arrays(k, j - v[:, None] / dj, i + (shift + sign * u) / di) for sign in (-1.0, 1.0)]
        sides = [
            np.clip(
                ndimage.map_coordinates(coarse.hu, place, order=1, mode="nearest", output=np.float64),
                _LEAST_HU,
                _MOST_HU,
            )
            for place in places
        ]
        middle = 0.5 * (sides[0] + sides[1]).mean(axis=(1, 2), keepdims=True)
        right, left = sides[0] - middle, sides[1] - middle
        best = max(best, 2.0 * float((left * right).sum()) / max(float((left**2 + right**2).sum()), 1e-9))
    return best
