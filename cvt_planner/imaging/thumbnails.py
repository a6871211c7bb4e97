"""One small picture of a series: a single slice in grey, upright and with the patient's own proportions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import HuArray, Vec3
from cvt_planner.imaging.headers import SliceHeader
from cvt_planner.imaging.kinds import DERIVED, IMAGE, LOCALISER
from cvt_planner.imaging.pixels import hu_slice
from cvt_planner.imaging.rank import is_bone
from cvt_planner.imaging.series import SeriesInfo
from cvt_planner.imaging.sources import Opener

THUMBNAIL_PX = 96
BONE_HU = (300.0, 1500.0)  # centre and width; usual windows, assumed
SOFT_HU = (40.0, 400.0)

# Where on the picture the patient's axes go, by the axis the picture is seen along: (right, down) in LPS.
_RIGHT_AND_DOWN = {
    0: ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
    1: ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    2: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
}


@dataclass(frozen=True)
class Upright:
    """How stored rows and columns are turned: the head or the front up, the patient's left on the right."""

    swapped: bool = False
    flipped_down: bool = False
    flipped_right: bool = False

    @staticmethod
    def of(orientation: tuple[Vec3, Vec3] | None) -> Upright:
        """Return it for the unit steps along a row and down a column, LPS; as stored where they are unknown."""
        if orientation is None:
            return Upright()
        row, column = np.array(orientation[0]), np.array(orientation[1])
        right, down = (np.array(v) for v in _RIGHT_AND_DOWN[int(np.argmax(np.abs(np.cross(row, column))))])
        swapped = abs(float(row @ right)) < abs(float(column @ right))
        to_right, to_down = (column, row) if swapped else (row, column)
        return Upright(swapped, bool(to_down @ down < 0), bool(to_right @ right < 0))

    def array(self, stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a view of stored (rows, columns) as it is shown."""
        shown = stored.T if self.swapped else stored
        return shown[:: -1 if self.flipped_down else 1, :: -1 if self.flipped_right else 1]

    def place(self, column: float, row: float, shape: tuple[int, int]) -> tuple[float, float]:
        """Return (right, down), in pixels as shown, of a place in pixels of a stored picture of (rows, columns)."""
        right, down = (row, column) if self.swapped else (column, row)
        rows, columns = shape[::-1] if self.swapped else shape
        return (
            columns - 1 - right if self.flipped_right else right,
            rows - 1 - down if self.flipped_down else down,
        )


@dataclass(frozen=True, eq=False)
class Picture:
    """One image in grey.

    Parameters
    ----------
    grey
        (rows, columns) uint8; its pixels are square.
    header
        Of the image it shows.
    upright
        How the stored image was turned for it.
    """

    grey: NDArray[np.uint8]
    header: SliceHeader
    upright: Upright

    def place(self, column: float, row: float) -> tuple[float, float]:
        """Return (right, down) as fractions of the picture, of a place in pixels of the stored image."""
        layout = self.header.pixels
        assert layout is not None
        shape = (layout.rows, layout.columns)
        right, down = self.upright.place(column, row, shape)
        rows, columns = shape[::-1] if self.upright.swapped else shape
        return (right + 0.5) / columns, (down + 0.5) / rows

    @property
    def edge_letters(self) -> tuple[str, str]:
        """Return which side of the patient lies to the left of the picture, and which at its top; empty if unknown."""
        if self.header.orientation is None:
            return "", ""
        row, column = (np.array(step) for step in self.header.orientation)
        right, down = (column, row) if self.upright.swapped else (row, column)
        right = -right if self.upright.flipped_right else right
        down = -down if self.upright.flipped_down else down
        return _letter(-right), _letter(-down)


def _letter(towards: NDArray[np.float64]) -> str:
    axis = int(np.argmax(np.abs(towards)))
    return ("RL", "AP", "FH")[axis][int(towards[axis] > 0)]


def pictured(info: SeriesInfo) -> tuple[SliceHeader, ...]:
    """Return the images that show a series: the middle slice, every image of a localiser, nothing of a report."""
    if info.kind == LOCALISER:
        return tuple(header for header in info.images if header.pixels is not None)
    if info.kind not in (IMAGE, DERIVED):
        return ()
    slices = info.slices or tuple(h for h in info.images if h.pixels is not None and h.slope is not None)
    return (slices[len(slices) // 2],) if slices else ()


def picture(opener: Opener, header: SliceHeader, longest_px: int, window_hu: tuple[float, float] | None) -> Picture:
    """Return one image in grey, its longer side `longest_px` long.

    Parameters
    ----------
    window_hu
        Centre and width; None takes the range of the image itself, as a localiser needs, whose values are no HU.

    Raises
    ------
    InputRefused
        If the pixels cannot be read; the text names the file.
    """
    hu = hu_slice(opener, header)
    upright = Upright.of(header.orientation)
    between_rows, between_columns = header.spacing_mm or (1.0, 1.0)
    if not between_rows > 0 or not between_columns > 0:
        between_rows = between_columns = 1.0
    size_mm = np.array([hu.shape[0] * between_rows, hu.shape[1] * between_columns])
    rows, columns = (max(1, round(side)) for side in size_mm * (longest_px / size_mm.max()))
    small = _resampled(_resampled(hu.astype(np.float32), rows, 0), columns, 1)
    return Picture(np.ascontiguousarray(upright.array(_grey(small, window_hu or _own_window(hu)))), header, upright)


def window_of(info: SeriesInfo) -> tuple[float, float] | None:
    """Return the grey window, centre and width in HU, in which a series is shown; None for a localiser's own range."""
    if info.kind == LOCALISER:
        return None
    return BONE_HU if is_bone(info.identity.kernel, info.description) else SOFT_HU


def _own_window(hu: HuArray) -> tuple[float, float]:
    low, high = (float(v) for v in np.percentile(hu[::2, ::2], (2.0, 99.0)))
    return (low + high) / 2.0, max(high - low, 1.0)


def _grey(hu: NDArray[np.float32], window_hu: tuple[float, float]) -> NDArray[np.uint8]:
    centre, width = window_hu
    return np.asarray(np.clip((hu - centre) / width + 0.5, 0.0, 1.0) * 255.0 + 0.5, dtype=np.uint8)


def _resampled(values: NDArray[np.float32], count: int, axis: int) -> NDArray[np.float32]:
    """Return values with `count` along an axis, covering the same extent: linear between, averaged where there are
    more than are shown."""
    old = values.shape[axis]
    each = -(-old // count)  # samples averaged into one
    at = np.clip((np.arange(count * each) + 0.5) * (old / (count * each)) - 0.5, 0.0, old - 1.0)
    low = np.minimum(at.astype(np.intp), max(old - 2, 0))
    part = (at - low).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
    fine = values.take(low, axis) * (1.0 - part) + values.take(np.minimum(low + 1, old - 1), axis) * part
    shape = (count, each, fine.shape[1]) if axis == 0 else (fine.shape[0], count, each)
    return np.asarray(fine.reshape(shape).mean(axis=axis + 1), dtype=np.float32)
