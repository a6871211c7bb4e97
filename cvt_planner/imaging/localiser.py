"""Where the slices of a CT cross its localiser (scout view): lines on the picture, from geometry alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvt_planner.base.arrays import FloatArray
from cvt_planner.base.errors import GeometryMismatch
from cvt_planner.imaging.headers import SliceHeader
from cvt_planner.imaging.stack import cosine_fault

EVERY = 10  # between the ends every tenth slice is drawn
_LEAST_ANGLE = 0.1  # sine of the angle between slice and localiser below which there is no line; assumed
Place = tuple[float, float]  # column, row; (0, 0) is the centre of the first pixel


@dataclass(frozen=True)
class LevelLine:
    """One slice on the localiser: where it crosses, in pixels (column, row) of the stored picture."""

    slice_index: int  # in the order of the slices given
    start: Place
    end: Place
    is_end: bool  # whether it is the first or the last slice


def level_lines(localiser: SliceHeader, slices: Sequence[SliceHeader]) -> tuple[LevelLine, ...]:
    """Return where the first, the last and every tenth slice cross the localiser's picture.

    A line is as long as the slice's footprint, seen along the localiser's own direction; what lies beside the picture
    is cut off, and a slice that lies beside it altogether, or nearly in its plane, has none.

    Raises
    ------
    GeometryMismatch
        If it is not certain that both lie in one frame of reference, or one of them does not say where it lies.

    Notes
    -----
    A localiser is a projection whose rays spread across the table: along the table lines are exact, across it a line's
    ends may be off by the magnification, which headers do not give.
    """
    if not slices:
        return ()
    frame = localiser.frame_of_reference_uid
    if not frame or any(header.frame_of_reference_uid != frame for header in slices):
        raise GeometryMismatch("The localiser and this series do not share a frame of reference: no lines are drawn.")
    last = len(slices) - 1
    shown = sorted({0, last, *range(EVERY, last, EVERY)})
    lines = []
    for index in shown:
        ends = _crossing(localiser, slices[index])
        if ends is not None:
            lines.append(LevelLine(index, *ends, index in (0, last)))
    return tuple(lines)


@dataclass(frozen=True, eq=False)
class _Plane:
    """An image in space: origin (3,), unit steps (3,) to the next column and row, spacing and size along both."""

    origin: FloatArray
    right: FloatArray
    down: FloatArray
    pixel_mm: FloatArray  # (2,): along `right`, along `down`
    size: FloatArray  # (2,): columns, rows

    @staticmethod
    def of(header: SliceHeader) -> _Plane:
        layout = header.pixels
        known = header.orientation and header.position and header.spacing_mm and layout
        if not known or cosine_fault(header.orientation) or min(header.spacing_mm) <= 0:  # type: ignore[arg-type]
            raise GeometryMismatch(f"{header.ref.short_name} does not say where it lies: no lines are drawn.")
        assert header.orientation and header.position and header.spacing_mm and layout
        right, down = (np.array(step, dtype=np.float64) for step in header.orientation)
        between_rows, between_columns = header.spacing_mm
        return _Plane(
            np.array(header.position),
            right / np.linalg.norm(right),
            down / np.linalg.norm(down),
            np.array([between_columns, between_rows]),
            np.array([layout.columns, layout.rows], dtype=np.float64),
        )

    @property
    def normal(self) -> FloatArray:
        return np.cross(self.right, self.down)

    @property
    def corners(self) -> FloatArray:
        """Return the four corners of the outermost pixels, (4, 3) LPS mm."""
        ends = np.array([[a, b] for a in (-0.5, self.size[0] - 0.5) for b in (-0.5, self.size[1] - 0.5)])
        offsets = ends * self.pixel_mm
        return np.asarray(self.origin + offsets[:, :1] * self.right + offsets[:, 1:] * self.down)

    def pixel(self, point: FloatArray) -> FloatArray:
        """Return (column, row) of a point, (3,) LPS mm, projected onto the image."""
        away = point - self.origin
        return np.array([away @ self.right, away @ self.down]) / self.pixel_mm


def _crossing(localiser: SliceHeader, header: SliceHeader) -> tuple[Place, Place] | None:
    picture, cut = _Plane.of(localiser), _Plane.of(header)
    along = np.cross(cut.normal, picture.normal)
    sine = float(np.linalg.norm(along))
    if sine < _LEAST_ANGLE:
        return None
    along = along / sine
    corners = cut.corners
    middle = corners.mean(axis=0)
    planes = np.array([picture.normal, cut.normal, along])
    through = np.linalg.solve(planes, [picture.normal @ picture.origin, cut.normal @ cut.origin, along @ middle])
    reach = (corners - through) @ along
    ends = [picture.pixel(through + t * along) for t in (reach.min(), reach.max())]
    return _clipped(ends[0], ends[1], picture.size)


def _clipped(start: FloatArray, end: FloatArray, size: FloatArray) -> tuple[Place, Place] | None:
    """Return the part of a line within a picture of (columns, rows); None when there is none."""
    first, last = 0.0, 1.0
    step = end - start
    for axis in (0, 1):
        low, high = -0.5 - start[axis], size[axis] - 0.5 - start[axis]
        if abs(step[axis]) < 1e-9:
            if low > 0 or high < 0:
                return None
            continue
        near, far = sorted((low / step[axis], high / step[axis]))
        first, last = max(first, near), min(last, far)
    if first >= last:
        return None
    one, other = start + first * step, start + last * step
    return (float(one[0]), float(one[1])), (float(other[0]), float(other[1]))
