"""RT structure sets: closed planar contours, painted into the CT's voxels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy import ndimage

from cvt_planner.base.arrays import FloatArray, MaskArray, Points
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid

RTSTRUCT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
OFF_PLANE = 0.25  # of a slice: a contour whose points scatter more across slices is not in the CT's planes
_MOST_POINTS = 5_000_000
_MOST_BETWEEN = 8  # slices between two contours that still belong together; assumed


@dataclass(frozen=True)
class Roi:
    """One structure painted into a whole CT: mask of the CT's shape, and how many planes were filled in between."""

    number: int
    name: str
    mask: MaskArray
    filled_planes: int


def rois(dataset: Dataset, grid: Grid, name: str) -> Iterator[Roi]:
    """Yield the structures of an RTSTRUCT that hold closed contours, painted into a CT's grid.

    Where two contours of a plane overlap the inner one is a hole (even-odd rule). Planes without a contour between
    two that have one are filled by the mean of their signed distances.

    Raises
    ------
    InputRefused
        If contours do not lie in the CT's slices, or the object holds none.
    """
    names = {int(roi.ROINumber): str(roi.get("ROIName", "")) for roi in dataset.get("StructureSetROISequence", ())}
    any_closed = False
    for item in dataset.get("ROIContourSequence", ()):
        number = int(item.get("ReferencedROINumber", -1))
        contours = [
            points for contour in item.get("ContourSequence", ()) if (points := _closed(contour, name)) is not None
        ]
        if not contours:
            continue
        any_closed = True
        mask = np.zeros(grid.shape_kji, dtype=np.bool_)
        for points in contours:
            _paint(mask, grid, points, f"{name}, structure {names.get(number, number)!r}")
        yield Roi(number, names.get(number, ""), mask, _fill_between(mask))
    if not any_closed:
        raise InputRefused(f"{name} holds no closed contours. Export the structures as contours on the CT's slices.")


def _closed(contour: Dataset, name: str) -> Points | None:
    if str(contour.get("ContourGeometricType", "")) not in CLOSED:
        return None
    data = contour.get("ContourData") or []
    if len(data) % 3 or len(data) > _MOST_POINTS:
        raise InputRefused(f"{name} holds a damaged contour ({len(data)} numbers). Export the structures again.")
    points = np.array([float(v) for v in data], dtype=np.float64).reshape(-1, 3)
    if not np.all(np.isfinite(points)):
        raise InputRefused(f"{name} holds a contour whose points are no numbers. Export the structures again.")
    return points if len(points) >= 3 else None


def _paint(mask: MaskArray, grid: Grid, points: Points, name: str) -> None:
    index = grid.index_of(points)
    k = index[:, 0]
    if float(np.ptp(k)) > 2.0 * OFF_PLANE:
        raise InputRefused(
            f"{name}: a contour crosses the CT's slices instead of lying in one. The structures were drawn on another "
            "series; export them on this CT."
        )
    plane = int(np.rint(k.mean()))
    if not 0 <= plane < mask.shape[0]:
        return
    inside, (j0, i0) = polygon_mask(index[:, 1:], mask.shape[1:])
    part = mask[plane, j0 : j0 + inside.shape[0], i0 : i0 + inside.shape[1]]
    part ^= inside


def polygon_mask(corners_ji: FloatArray, shape: tuple[int, ...]) -> tuple[MaskArray, tuple[int, int]]:
    """Return which pixel centres lie inside a closed polygon (even-odd), as a box, and the box's first row and column.

    Parameters
    ----------
    corners_ji
        (n, 2) fractional rows and columns.
    shape
        Rows and columns of the picture; what lies outside it is left out.
    """
    low = np.maximum(np.ceil(corners_ji.min(axis=0)).astype(int), 0)
    high = np.minimum(np.floor(corners_ji.max(axis=0)).astype(int), np.array(shape) - 1)
    if np.any(high < low):
        return np.zeros((0, 0), dtype=np.bool_), (int(low[0]), int(low[1]))
    rows = np.arange(low[0], high[0] + 1, dtype=np.float64)
    columns: NDArray[np.float64] = np.arange(low[1], high[1] + 1, dtype=np.float64)
    inside = np.zeros((len(rows), len(columns)), dtype=np.bool_)
    for (ja, ia), (jb, ib) in zip(corners_ji, np.roll(corners_ji, -1, axis=0), strict=True):
        crossed = np.nonzero((rows >= ja) != (rows >= jb))[0]
        if len(crossed):
            at = ia + (rows[crossed] - ja) * (ib - ia) / (jb - ja)
            inside[crossed] ^= columns[None, :] < at[:, None]
    return inside, (int(low[0]), int(low[1]))


def _fill_between(mask: MaskArray) -> int:
    """Fill planes between two painted ones; return how many."""
    painted = np.nonzero(mask.any(axis=(1, 2)))[0]
    filled = 0
    for a, b in itertools.pairwise(painted.tolist()):
        if 1 < b - a <= _MOST_BETWEEN + 1:
            low, high = _signed_distance(mask[a]), _signed_distance(mask[b])
            for k in range(a + 1, b):
                share = (k - a) / (b - a)
                mask[k] = (1.0 - share) * low + share * high > 0.0
                filled += 1
    return filled


def _signed_distance(plane: MaskArray) -> FloatArray:
    inside = np.asarray(ndimage.distance_transform_edt(plane))
    outside = np.asarray(ndimage.distance_transform_edt(~plane))
    return inside - outside
