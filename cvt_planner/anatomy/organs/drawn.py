"""The organs as smooth fields on coarse grids, whose level lines are their outlines at any zoom and obliqueness."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.organs.model import Aorta, Organ, Organs
from cvt_planner.base.arrays import LabelArray, read_only
from cvt_planner.base.remembered import Remembered
from cvt_planner.geometry.frames import Grid

SURFACE = 127.5  # of a field
_SMOOTH_CELLS = 0.7  # takes the steps of cells off, and no more than half a cell of a surface
_TUBE_STEP_MM, _TUBE_MARGIN_MM, _RAMP_MM = 2.0, 6.0, 4.0


@dataclass(frozen=True, eq=False)
class OrganField:
    """One outline: (k, j, i) uint8 values that cross `SURFACE` at it, higher inside, 0 outside the grid."""

    name: str  # "skin", "right lung", "left lung", "air", "aorta"
    values: LabelArray = field(repr=False)
    grid: Grid


_KNOWN: Remembered[tuple[OrganField, ...]] = Remembered(2)


def organ_fields(organs: Organs) -> tuple[OrganField, ...]:
    """Return the outlines of what was found, kept as long as it is; takes some tenths of a second the first time."""
    return _KNOWN.get(organs, "fields", lambda: _made(organs))


def known_fields(organs: Organs) -> tuple[OrganField, ...]:
    """Return the outlines where they were made already, else nothing; at once."""
    return _KNOWN.known(organs, "fields") or ()


def _made(organs: Organs) -> tuple[OrganField, ...]:
    made = [OrganField("skin", _smooth(organs.labels > 0), organs.grid)]
    for organ in (Organ.RIGHT_LUNG, Organ.LEFT_LUNG, Organ.AIR):
        box = ndimage.find_objects((organs.labels == organ).view(np.uint8))
        if box:
            low = np.maximum([b.start - 2 for b in box[0]], 0)
            high = np.minimum([b.stop + 2 for b in box[0]], organs.labels.shape)
            part = organs.labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
            shape = (int(part.shape[0]), int(part.shape[1]), int(part.shape[2]))
            grid = organs.grid.crop((int(low[0]), int(low[1]), int(low[2])), shape)
            made.append(OrganField(organ.words, _smooth(part == organ), grid))
    if organs.aorta is not None:
        made.append(_tube(organs.aorta))
    return tuple(made)


def _smooth(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> LabelArray:
    values = ndimage.gaussian_filter(mask * np.float32(255.0), _SMOOTH_CELLS, mode="nearest", truncate=3.0)
    return read_only(np.rint(values).astype(np.uint8))


def _tube(aorta: Aorta) -> OrganField:
    """Return the field of a tube: how far inside its transverse circle a place lies."""
    centres, radii = aorta.centres_lps_mm, aorta.radii_mm
    order = np.argsort(centres[:, 2])
    reach = np.array([radii.max() + _TUBE_MARGIN_MM] * 2 + [0.0])
    low, high = centres.min(axis=0) - reach, centres.max(axis=0) + reach
    shape = np.ceil((high - low) / _TUBE_STEP_MM).astype(int) + 1
    x, y, z = (low[axis] + _TUBE_STEP_MM * np.arange(shape[axis]) for axis in range(3))
    at_x, at_y, radius = (np.interp(z, centres[order, 2], v[order]) for v in (centres[:, 0], centres[:, 1], radii))
    away = np.hypot(x[None, None] - at_x[:, None, None], y[None, :, None] - at_y[:, None, None])
    values = np.clip(SURFACE * (1.0 + (radius[:, None, None] - away) / _RAMP_MM), 0.0, 255.0)
    affine = np.zeros((4, 4))
    affine[2, 0] = affine[1, 1] = affine[0, 2] = _TUBE_STEP_MM
    affine[:3, 3], affine[3, 3] = low, 1.0
    return OrganField("aorta", read_only(np.rint(values).astype(np.uint8)), Grid((len(z), len(y), len(x)), affine))
