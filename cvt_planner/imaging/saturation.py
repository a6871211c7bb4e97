"""HU that the files could not hold: clipped at a ceiling (3071 in 12 bits), or wrapped round to the darkest values."""

from __future__ import annotations

import numpy as np

from cvt_planner.base.arrays import HuArray
from cvt_planner.imaging.volume import Saturation

LOWEST_CEILING_HU = 2000  # nothing but metal and enamel is clipped over it; assumed
FEWEST_VOXELS = 20  # fewer at the largest value are noise; assumed
SPIKE = 10.0  # times more voxels at the ceiling than at each value below it; assumed
_BELOW_HU = 50  # the values below the ceiling that it is compared with
WRAP_BRIGHT_HU, WRAP_DARK_HU = 2500, -950  # neighbours that no scanner's blur lets stand side by side; assumed


def saturation_of(hu: HuArray) -> Saturation | None:
    """Return where HU are clipped or wrapped; None where they are not.

    Clipped: a spike of equal voxels at the largest value. Wrapped: voxels as dark as air right beside voxels of over
    2500 HU. Both are found from the values alone, because headers do not say how a scanner limits them.

    Parameters
    ----------
    hu
        (k, j, i) int16 HU.
    """
    ceiling = int(hu.max(initial=-32768))
    if ceiling < LOWEST_CEILING_HU:
        return None
    bright = hu > min(ceiling - _BELOW_HU - 1, WRAP_BRIGHT_HU - 1)
    wrapped = _wrapped(hu, bright)
    values = hu[bright]
    top = int((values == ceiling).sum())
    below = float(((values >= ceiling - _BELOW_HU) & (values < ceiling)).sum()) / _BELOW_HU
    clipped = top if top >= FEWEST_VOXELS and top >= SPIKE * max(below, 1.0) else 0
    if not clipped and wrapped < FEWEST_VOXELS:
        return None
    wrapped = wrapped if wrapped >= FEWEST_VOXELS else 0
    return Saturation(ceiling, clipped, wrapped, (clipped + wrapped) / hu.size)


def _wrapped(hu: HuArray, bright: np.ndarray) -> int:
    """Return how many dark voxels touch a bright one within their slice, two neighbours or more."""
    index = np.argwhere(bright & (hu >= WRAP_BRIGHT_HU))
    if not len(index):
        return 0
    touched: dict[tuple[int, int, int], int] = {}
    for step in ((0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)):
        beside = index + step
        inside = np.all((beside >= 0) & (beside < hu.shape), axis=1)
        beside = beside[inside]
        dark = beside[hu[tuple(beside.T)] <= WRAP_DARK_HU]
        for k, j, i in dark.tolist():
            touched[k, j, i] = touched.get((k, j, i), 0) + 1
    return sum(count >= 2 for count in touched.values())
