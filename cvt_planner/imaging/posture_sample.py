"""A coarse look at a CT: some slices at about 2.5 mm with the body's outline, for judging how the patient lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cvt_planner.base.arrays import FloatArray, HuArray, MaskArray
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.flat import filled, opened

PIXEL_MM = 2.5
MOST_SLICES = 36
LEAST_BODY_CM2 = 100.0  # of a trunk's section; assumed
LEAST_FIELD_MM = 200.0  # a smaller field shows no outline; assumed
THIN_MM = 15.0  # what is thinner is couch, tube or arm board, not body; assumed
UPRIGHT = 0.8  # of the cosine between k and the body axis: beyond it slices are no sections of the body; assumed


@dataclass(frozen=True, eq=False)
class Sample:
    """Some slices of a CT on coarse pixels, axes canonical.

    Parameters
    ----------
    hu
        (n, j, i) HU of single voxels.
    brightest
        (n, j, i) the brightest voxel of each coarse pixel: thin shells do not get lost in it.
    body
        (n, j, i) the body's outline, filled, without couch.
    pixel_mm
        Edge of a coarse pixel.
    slice_mm
        Between the slices of the sample.
    """

    hu: HuArray
    brightest: HuArray
    body: MaskArray
    pixel_mm: float
    slice_mm: float

    def is_whole(self, n: int) -> bool:
        """Return whether a slice shows a trunk with air before and behind it."""
        body = self.body[n]
        size = float(body.sum()) * self.pixel_mm**2 / 100.0
        cut = float(body[0].sum() + body[-1].sum()) * self.pixel_mm
        return size >= LEAST_BODY_CM2 and cut < 30.0


def sampled(hu: HuArray, grid: Grid) -> Sample | None:
    """Return a coarse sample of a canonical volume; None where it shows no trunk with its outline."""
    spacing = grid.spacing_kji_mm
    upright = grid.lps_from_index[2, 0] / spacing[0]
    depth, rows, columns = hu.shape
    if upright < UPRIGHT or rows * spacing[1] < LEAST_FIELD_MM or columns * spacing[2] < LEAST_FIELD_MM or depth < 3:
        return None
    ks = np.unique(np.linspace(0, depth - 1, MOST_SLICES).round().astype(int))
    steps = [max(round(PIXEL_MM / float(s)), 1) for s in spacing[1:]]
    bj, bi = rows // steps[0], columns // steps[1]
    cut = hu[ks, : bj * steps[0], : bi * steps[1]]
    rows_of = [cut[:, down :: steps[0]] for down in range(steps[0])]
    brightest = np.maximum.reduce(rows_of) if steps[0] > 1 else cut  # whole rows first: they lie in one piece
    brightest = np.maximum.reduce([brightest[:, :, right :: steps[1]] for right in range(steps[1])])
    pixel = float(np.sqrt(steps[0] * spacing[1] * steps[1] * spacing[2]))
    body = _body(brightest, pixel)
    slice_mm = float(spacing[0] * (ks[-1] - ks[0]) / (len(ks) - 1))
    sample = Sample(
        cut[:, steps[0] // 2 :: steps[0], steps[1] // 2 :: steps[1]].copy(), brightest, body, pixel, slice_mm
    )
    whole = sum(sample.is_whole(n) for n in range(len(ks)))
    return sample if whole >= max(3, len(ks) // 2) else None


def _body(brightest: HuArray, pixel_mm: float) -> MaskArray:
    """Return the largest thing that is not thin, filled within each slice."""
    solid = opened(filled(brightest > -300), round(THIN_MM / 2.0 / pixel_mm))
    labels, count = ndimage.label(solid)
    if count == 0:
        return np.zeros_like(solid)
    largest = int(np.argmax(np.bincount(labels.ravel())[1:])) + 1
    return filled(labels == largest)


def halves(body: MaskArray) -> FloatArray:
    """Return (i,) the place of each column within a body section: -1 at its right edge, +1 at its left."""
    columns = np.flatnonzero(body.any(axis=0))
    middle, half = (columns[0] + columns[-1]) / 2.0, max((columns[-1] - columns[0]) / 2.0, 1.0)
    return np.asarray((np.arange(body.shape[1]) - middle) / half)
