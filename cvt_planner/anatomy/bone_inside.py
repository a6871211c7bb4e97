"""Bone with the marrow in it: what bone encloses, not only what is dense."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cvt_planner.base.arrays import Float32Array, FloatArray, MaskArray

_BONE_HU = 200.0  # above muscle and blood without contrast medium, within cancellous bone and thin cortex; assumed
_LEAST_ML = 0.3  # smaller pieces are calcifications, vessels or noise; assumed
_GAP_MM = 2.0  # openings of the cortex up to twice as wide are closed; assumed
_APART_MM = 1e6  # between slices: each is filled by itself, and bone does not grow across a disc


def bone_with_marrow(hu: Float32Array, spacing_kji_mm: FloatArray) -> MaskArray:
    """Return the voxels [k, j, i] of bone, cancellous bone and marrow, from HU averaged over voxels of about 1 mm.

    Parameters
    ----------
    hu
        Hounsfield units, slices across the body's axis; NaN counts as no bone.
    spacing_kji_mm
        Of the voxels, mm.

    Notes
    -----
    Dense voxels, grown by 2 mm, filled and shrunk again, slice by slice. So the spinal canal is filled too where
    pedicles and arch close around it: take it out where it is known. A vessel full of contrast medium counts as bone.
    Marrow is missed where cortex is destroyed widely, or cut by the border of the box.
    """
    dense = np.nan_to_num(hu, nan=-1000.0) >= _BONE_HU
    pieces, count = ndimage.label(dense)
    voxel_ml = float(np.prod(spacing_kji_mm)) / 1000.0
    large = np.bincount(pieces.ravel(), minlength=count + 1) * voxel_ml >= _LEAST_ML
    large[0] = False
    dense = large[pieces]
    if not dense.any():
        return np.asarray(dense)
    sampling = (_APART_MM, *spacing_kji_mm[1:])
    rim = [0, *(int(np.ceil(_GAP_MM / s)) for s in spacing_kji_mm[1:])]
    around = np.pad(dense, [(n, n) for n in rim], mode="edge")  # the border of the box is no edge of bone
    grown = ndimage.distance_transform_edt(~around, sampling=sampling) <= _GAP_MM
    filled = ndimage.binary_fill_holes(grown, structure=_IN_SLICE)
    shrunk = ndimage.distance_transform_edt(filled, sampling=sampling) > _GAP_MM
    return np.asarray(shrunk[tuple(slice(n, size - n) for n, size in zip(rim, around.shape, strict=True))] | dense)


_IN_SLICE = np.zeros((3, 3, 3), np.bool_)
_IN_SLICE[1] = ndimage.generate_binary_structure(2, 1)
