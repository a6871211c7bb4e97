"""HU that the files could not hold: clipped at a ceiling (3071 in 12 bits), or wrapped round to the darkest values."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from cvt_planner.base.arrays import HuArray
from cvt_planner.imaging.volume import Saturation

LOWEST_CEILING_HU = 2000  # nothing but metal and enamel is clipped over it; assumed
FEWEST_VOXELS = 20  # fewer at the largest value are noise; assumed
SPIKE = 10.0  # times more voxels at the ceiling than at each value below it; assumed
_BELOW_HU = 50  # the values below the ceiling that it is compared with
WRAP_BRIGHT_HU = 2000  # a ring of at least this encloses what has wrapped round; assumed
WRAP_DARK_HU = 0  # nothing within a ring of metal is really as dark; assumed


def saturation_of(hu: HuArray, brightest: HuArray) -> Saturation | None:
    """Return where HU are clipped or wrapped; None where they are not.

    Clipped: a spike of equal voxels at the largest value. Wrapped: dark voxels enclosed by voxels of over 2000 HU in
    their slice; the bore of a hollow needle looks the same. Both are found from the values alone, because headers do
    not say how a scanner limits them.

    Parameters
    ----------
    hu
        (k, j, i) int16 HU.
    brightest
        (k,) the largest of each plane: few planes have to be looked at again.
    """
    ceiling = int(brightest.max(initial=-32768))
    if ceiling < LOWEST_CEILING_HU:
        return None
    wrapped = _wrapped(hu[n] for n in np.flatnonzero(brightest >= WRAP_BRIGHT_HU))
    near = [hu[n][hu[n] >= ceiling - _BELOW_HU] for n in np.flatnonzero(brightest >= ceiling - _BELOW_HU)]
    values = np.concatenate(near)
    top = int((values == ceiling).sum())
    below = float((values < ceiling).sum()) / _BELOW_HU
    clipped = top if top >= FEWEST_VOXELS and top >= SPIKE * max(below, 1.0) else 0
    if not clipped and wrapped < FEWEST_VOXELS:
        return None
    wrapped = wrapped if wrapped >= FEWEST_VOXELS else 0
    return Saturation(ceiling, clipped, wrapped, (clipped + wrapped) / hu.size)


def _wrapped(slices: Iterable[HuArray]) -> int:
    """Return how many dark voxels are enclosed by bright ones within their slice."""
    count = 0
    for one in slices:
        bright = one >= WRAP_BRIGHT_HU
        if int(bright.sum()) >= FEWEST_VOXELS:
            count += int((ndimage.binary_fill_holes(bright) & (one <= WRAP_DARK_HU)).sum())
    return count
