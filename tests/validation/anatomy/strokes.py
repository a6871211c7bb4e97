"""What a careful operator makes of a lesion after the one click, with at most two strokes of the product's brush.

Where the lesion is drawn too small on the whole, a stroke goes to the largest region that is missing, else to the
largest that is too much. It is drawn in one transverse, sagittal or coronal slice with a ball whose radius suits the
region; the hand stays where the ball keeps within the true lesion (or, erasing, outside it) to half a voxel. Of a few
radii and the three planes it takes those that mend most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.lesion.brush import Brush, Canvas
from cvt_planner.anatomy.lesion_shape import Region
from cvt_planner.base.arrays import FloatArray, MaskArray
from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.volume import Volume

MOST_STROKES, LIMIT = 2, 0.04
_RADII_MM = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.5, 8.0, 10.0, 12.5)
_MARGIN_MM = 14.0  # of the box in which strokes are chosen


@dataclass(frozen=True)
class Corrected:
    """A lesion after at most two strokes: its volume, mL, and its Dice against the label."""

    strokes: int
    volume_ml: float
    dice: float


@dataclass(frozen=True, eq=False)
class _Stroke:
    """Places of the ball's middle, (n, 3) in voxels of the box, in the order of the hand, and what it mends, voxels."""

    radius_mm: float
    erase: bool
    places: FloatArray
    mends: int


def corrected(volume: Volume, region: Region | None, true: MaskArray, true_ml: float) -> Corrected:
    """Return the lesion after as many strokes as it needs to come within 4 %, at most two; None starts from nothing."""
    canvas = Canvas.of(volume, region)
    box = _box(true, region, volume)
    start = np.array([part.start for part in box])
    wanted = true[box]
    strokes = 0
    while strokes < MOST_STROKES and abs(_ml(canvas) / true_ml - 1.0) > LIMIT:
        painted = _painted(canvas, box)
        best = max(_candidates(painted, wanted, volume.grid.spacing_kji_mm), key=lambda s: s.mends, default=None)
        if best is None or best.mends <= 0:
            break
        path = volume.grid.lps_of(best.places + start)
        brush = Brush(best.radius_mm, best.erase)
        for one, other in zip(path, np.concatenate([path[1:], path[-1:]]), strict=True):
            canvas.stroke(brush, one, other)
        strokes += 1
    painted = _painted(canvas, box)
    overlap = 2.0 * np.count_nonzero(painted & wanted) / max(np.count_nonzero(painted) + np.count_nonzero(wanted), 1)
    return Corrected(strokes, _ml(canvas), float(overlap))


def _ml(canvas: Canvas) -> float:
    try:
        return canvas.region().volume_ml
    except InputRefused:
        return 0.0


def _box(true: MaskArray, region: Region | None, volume: Volume) -> tuple[slice, ...]:
    """Return the box of the CT about the true lesion and the found one."""
    at = np.argwhere(true)
    if region is not None:
        at = np.concatenate(
            [at, np.rint(volume.grid.index_of(region.grid.lps_of(np.argwhere(region.mask)))).astype(int)]
        )
    margin = np.ceil(_MARGIN_MM / volume.grid.spacing_kji_mm).astype(int)
    low = np.maximum(at.min(axis=0) - margin, 0)
    high = np.minimum(at.max(axis=0) + margin + 1, true.shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def _painted(canvas: Canvas, box: tuple[slice, ...]) -> MaskArray:
    """Return what is on the canvas, in the box."""
    out = np.zeros([part.stop - part.start for part in box], dtype=np.bool_)
    index = np.argwhere(canvas.ramp >= 128) + np.array(canvas.start_kji) - np.array([part.start for part in box])
    index = index[np.all((index >= 0) & (index < out.shape), axis=1)]
    out[tuple(index.T)] = True
    return out


def _candidates(painted: MaskArray, wanted: MaskArray, spacing: FloatArray) -> Iterator[_Stroke]:
    """Yield strokes that may mend the largest missing region of a lesion drawn too small, or what is too much."""
    missing, surplus = wanted & ~painted, painted & ~wanted
    erase = np.count_nonzero(surplus) > np.count_nonzero(missing)
    region = _largest(surplus if erase else missing)
    if not region.any():
        return
    room = ndimage.distance_transform_edt(~wanted if erase else wanted, sampling=spacing)
    tolerance = 0.5 * float(spacing.min())
    for radius in _RADII_MM:
        allowed = room + tolerance >= radius
        reach = ndimage.distance_transform_edt(~region, sampling=spacing) <= radius  # places from which it is touched
        for axis in range(3):
            section = _section(allowed & reach, region, axis)
            if section is None:
                continue
            path = _in_order(_thinned(section, max(radius / 2.0, 1.0), spacing), spacing)
            hit = ndimage.distance_transform_edt(~_passed(path, wanted.shape), sampling=spacing) <= radius
            changed = hit & (painted if erase else ~painted)
            right = changed & (~wanted if erase else wanted)
            mends = 2 * np.count_nonzero(right) - np.count_nonzero(changed)
            yield _Stroke(radius, erase, path, mends)


def _largest(mask: MaskArray) -> MaskArray:
    labels, count = ndimage.label(mask)
    return labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:])) if count else mask


def _section(where: MaskArray, region: MaskArray, axis: int) -> FloatArray | None:
    """Return the places, (n, 3) voxels, in the slice that shows most of the region; None where there are none."""
    others = tuple(n for n in range(3) if n != axis)
    shown = region.sum(axis=others) * where.any(axis=others)
    if not shown.any():
        return None
    at = np.argwhere(where)
    return at[at[:, axis] == int(shown.argmax())].astype(np.float64)


def _thinned(places: FloatArray, apart_mm: float, spacing: FloatArray) -> FloatArray:
    """Return places of which no two lie nearer than `apart_mm`, along rows."""
    kept: list[FloatArray] = []
    for place in places:
        if all(np.linalg.norm((place - other) * spacing) >= apart_mm for other in kept):
            kept.append(place)
    return np.array(kept)


def _passed(path: FloatArray, shape: tuple[int, ...]) -> MaskArray:
    """Return the voxels that the ball's middle passes, those between its places too."""
    out = np.zeros(shape, dtype=np.bool_)
    for one, other in zip(path, np.concatenate([path[1:], path[-1:]]), strict=True):
        steps = int(np.abs(other - one).max()) + 1
        out[tuple(np.rint(one + np.linspace(0.0, 1.0, steps + 1)[:, None] * (other - one)).astype(int).T)] = True
    return out


def _in_order(places: FloatArray, spacing: FloatArray) -> FloatArray:
    """Return the places as a hand runs over them, always to the nearest that is left, until that lies far off."""
    left, path, usual = list(places[1:]), [places[0]], 0.0
    while left:
        away = [float(np.linalg.norm((place - path[-1]) * spacing)) for place in left]
        nearest = int(np.argmin(away))
        usual = usual or away[nearest]
        if away[nearest] > 3.0 * usual:
            break
        path.append(left.pop(nearest))
    return np.array(path)
