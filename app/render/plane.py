"""A view's plane in the patient: where every screen point lies in LPS, and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PySide6.QtCore import QPointF

from app.render.view_state import Axes, Frame, ViewState
from cvt_planner.base.arrays import FloatArray, Points
from cvt_planner.geometry.frames import Grid

FIT_MARGIN = 1.04  # the fitted volume leaves a little room at the edges
_LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))  # names of +x and -x, +y and -y, +z and -z of LPS
_SECOND_LETTER = 0.4  # a second letter stands where the edge leans over 24 degrees towards another axis


def cross(one: Points, other: Points) -> Points:
    """Return (3,) the cross product of two vectors; many times quicker than numpy's for a single pair."""
    a, b, c = one.tolist()
    x, y, z = other.tolist()
    return np.array([b * z - c * y, c * x - a * z, a * y - b * x])


@dataclass(frozen=True, eq=False)
class ViewPlane:
    """What a view shows: a plane through the patient, and how large.

    Parameters
    ----------
    centre_lps_mm
        (3,) the LPS point in the widget's middle.
    right, down
        (3,) unit LPS directions of the screen's right and downward edges, at right angles.
    mm_per_px
        Millimetres per logical (device-independent) pixel, the same in both directions.
    width_px, height_px
        The widget's size in logical pixels.
    """

    centre_lps_mm: Points
    right: Points
    down: Points
    mm_per_px: float
    width_px: int
    height_px: int

    @cached_property
    def normal(self) -> Points:
        """Return (3,) the unit LPS direction away from the viewer."""
        return cross(self.right, self.down)

    @cached_property
    def key(self) -> bytes:
        """Return what tells this plane from others, for caches."""
        numbers = (*self.centre_lps_mm, *self.right, *self.down, self.mm_per_px, self.width_px, self.height_px)
        return np.round(np.array(numbers, dtype=np.float64), 6).tobytes()

    def lps_at(self, pos: QPointF) -> Points:
        """Return (3,) the LPS point, mm, under a place of the widget in logical pixels."""
        dx, dy = pos.x() - self.width_px / 2.0, pos.y() - self.height_px / 2.0
        return self.centre_lps_mm + self.mm_per_px * (dx * self.right + dy * self.down)

    def px_of(self, lps_mm: Points) -> FloatArray:
        """Return (..., 2) logical pixels of (..., 3) LPS points, taken straight onto the plane."""
        offset = np.asarray(lps_mm, dtype=np.float64) - self.centre_lps_mm
        flat = np.stack([offset @ self.right, offset @ self.down], axis=-1) / self.mm_per_px
        return np.asarray(flat + np.array([self.width_px / 2.0, self.height_px / 2.0]))

    def point_of(self, lps_mm: Points) -> QPointF:
        """Return the place of one LPS point, taken straight onto the plane, in logical pixels."""
        x, y = self.px_of(np.asarray(lps_mm))
        return QPointF(float(x), float(y))

    def distance_mm(self, lps_mm: Points) -> float:
        """Return how far a point lies behind the plane (negative: in front of it), mm."""
        return float((np.asarray(lps_mm) - self.centre_lps_mm) @ self.normal)

    @property
    def toward(self) -> Points:
        """Return the normal or its opposite: the one that points towards the head, the front or the patient's left."""
        axis = int(np.argmax(np.abs(self.normal)))
        wanted = -1.0 if axis == 1 else 1.0
        return self.normal * (wanted if self.normal[axis] > 0 else -wanted)

    def shifted(self, lps_mm: Points, by_mm: float) -> Points:
        """Return a point moved across the plane: towards the head, the front or the patient's left."""
        return np.asarray(lps_mm + by_mm * self.toward)

    def edge_letters(self) -> tuple[str, str, str, str]:
        """Return which side of the patient the left, top, right and bottom edges show: R L A P S I, or two of them."""
        return letters(-self.right), letters(-self.down), letters(self.right), letters(self.down)

    def pixel_grid(self, ratio: float) -> tuple[Points, Points, Points, int, int]:
        """Return origin, right step, down step, width and height of the picture, `ratio` pixels per logical one."""
        width, height = max(round(self.width_px * ratio), 1), max(round(self.height_px * ratio), 1)
        right = self.right * (self.mm_per_px * self.width_px / width)
        down = self.down * (self.mm_per_px * self.height_px / height)
        origin = self.centre_lps_mm - (width - 1) / 2.0 * right - (height - 1) / 2.0 * down
        return origin, right, down, width, height

    def rows(self, width: int, height: int) -> tuple[Points, Points]:
        """Return each row's first pixel and the step to the next, both (height, 3) LPS mm, of a picture so large."""
        right = self.right * (self.mm_per_px * self.width_px / width)
        down = self.down * (self.mm_per_px * self.height_px / height)
        origin = self.centre_lps_mm - (width - 1) / 2.0 * right - (height - 1) / 2.0 * down
        return origin + np.arange(height)[:, None] * down, np.broadcast_to(right, (height, 3))


def letters(direction: Points) -> str:
    """Return the patient's side that a direction points to: one letter, or two where it runs between axes."""
    order = np.argsort(-np.abs(direction))
    names = [_LETTERS[axis][0 if direction[axis] > 0 else 1] for axis in order if abs(direction[axis]) > _SECOND_LETTER]
    return "".join(names[:2])


def view_axes(orientation: str, procedure_view: bool) -> Axes:
    """Return the directions of a view's edges as radiologists hang them.

    Axial: the patient's right on the screen's left, anterior up; in the procedure view turned by 180 degrees about the
    viewing direction, never mirrored. Sagittal: anterior on the left, head up. Coronal: patient's right on the left.
    """
    if orientation == "axial":
        sign = -1.0 if procedure_view else 1.0
        return Axes((sign, 0.0, 0.0), (0.0, sign, 0.0))
    if orientation == "sagittal":
        return Axes((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))
    return Axes((1.0, 0.0, 0.0), (0.0, 0.0, -1.0))


def fit_mm_per_px(grid: Grid, axes: Axes, width_px: int, height_px: int) -> float:
    """Return the zoom at which the whole volume fits the widget, mm per logical pixel."""
    low, high = grid.bounds_lps_mm()
    size = high - low
    across = float(np.abs(axes.right) @ size)
    along = float(np.abs(axes.down) @ size)
    return FIT_MARGIN * max(across / max(width_px, 1), along / max(height_px, 1), 1e-3)


def view_plane(orientation: str, state: ViewState, grid: Grid, width_px: int, height_px: int) -> ViewPlane:
    """Return the plane a view shows: through the crosshair, zoomed and panned as its frame says."""
    axes = state.axes(orientation) or view_axes(orientation, state.procedure_view)
    right, down = np.array(axes.right), np.array(axes.down)
    frame: Frame = state.frame(orientation)
    zoom = frame.mm_per_px or fit_mm_per_px(grid, axes, width_px, height_px)
    if frame.mm_per_px is None and frame.extent_mm is not None:
        zoom = frame.extent_mm / max(min(width_px, height_px), 1)
    middle = np.array(frame.centre_lps_mm) if frame.centre_lps_mm else grid.centre_lps_mm
    normal = cross(right, down)
    centre = middle + normal * float((np.array(state.crosshair_lps_mm) - middle) @ normal)
    return ViewPlane(centre, right, down, zoom, width_px, height_px)
