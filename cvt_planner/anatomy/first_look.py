"""Where to look first in a CT that was just opened: somewhere in the spine."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cvt_planner.base.arrays import Vec3, vec3
from cvt_planner.base.remembered import Remembered
from cvt_planner.imaging.volume import Volume

_BODY_HU, _BONE_HU = -300.0, 180.0  # assumed
_STEP_MM = 3.0
_SLAB_MM = 45.0  # more than one level, so that a disc at mid-height does no harm
_BLOB_MM = 8.0  # about the half width of a vertebral body
_ASIDE_MM = 60.0
_FRONT = 0.35  # of the body's depth, measured from the front, is not searched: the sternum lies there


def spine_point_lps_mm(volume: Volume) -> Vec3:
    """Return a point in or near a vertebral body at mid-height, LPS mm; the volume's middle where no bone is seen.

    Notes
    -----
    The place with most bone around it, near the body's mid-line and not in its front third. Good enough to open a CT
    at; it names nothing and no measurement rests on it. Remembered with the volume.
    """
    return _POINTS.get(volume, 0, lambda: _spine_point(volume))


_POINTS: Remembered[Vec3] = Remembered(1)


def _spine_point(volume: Volume) -> Vec3:
    grid = volume.grid
    step = [max(round(_STEP_MM / float(s)), 1) for s in grid.spacing_kji_mm]
    spacing = grid.spacing_kji_mm * step
    middle, half = volume.hu.shape[0] // 2, max(round(_SLAB_MM / 2.0 / float(grid.spacing_kji_mm[0])), 1)
    first = max(middle - half, 0)
    hu = volume.hu[first : middle + half + 1 : step[0], :: step[1], :: step[2]].astype(np.float32)
    body = ndimage.binary_opening(hu > _BODY_HU, iterations=2)
    bone = hu > _BONE_HU
    if not body.any() or not (bone & body).any():
        return vec3(grid.centre_lps_mm)
    rows, columns = np.nonzero(body.any(axis=(0, 2)))[0], np.nonzero(body.any(axis=0))[1]
    j, i = np.arange(hu.shape[1])[:, None], np.arange(hu.shape[2])[None, :]
    allowed = (j > rows[0] + _FRONT * (rows[-1] - rows[0])) & (np.abs(i - np.median(columns)) * spacing[2] < _ASIDE_MM)
    dense = ndimage.gaussian_filter((bone & allowed).astype(np.float32), _BLOB_MM / spacing, mode="constant")
    dense *= 0.5 + 0.5 * np.cos(np.linspace(-1.5, 1.5, hu.shape[0]))[:, None, None]  # rather at mid-height
    at = np.array(np.unravel_index(int(dense.argmax()), dense.shape)) * step + (first, 0, 0)
    return vec3(grid.lps_of(at.astype(np.float64)))
