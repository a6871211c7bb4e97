"""The picture of a spine made straight along its canal: across it lengths are true, along it those of the canal."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from PySide6.QtCore import QPointF

from app.render.plane import FIT_MARGIN, ViewPlane
from app.render.view_state import ViewState
from cvt_planner.anatomy.spine.along import places_along
from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.base.arrays import FloatArray, Points, Vec3, vec3

ACROSS_MM = 130.0  # so much from front to back is seen when the picture is fitted; assumed
MIDDLE_V_MM = 12.0  # and its middle lies so far in front of the canal's


@dataclass(frozen=True, eq=False)
class CurvedPlane(ViewPlane):
    """A picture whose rows run from front to back at right angles to the canal, the head up.

    Every picture point is one LPS point, and back; `right` and `down` of the base hold in the middle only.

    Parameters
    ----------
    frame
        Along the canal.
    middle_svu
        Place of the widget's middle along, in front of and to the left of the canal's middle line, mm.
    """

    frame: CurvedFrame = field(kw_only=True)
    middle_svu: Vec3 = field(kw_only=True)

    @cached_property
    def key(self) -> bytes:
        """Return what tells this picture from others."""
        numbers = (*self.middle_svu, self.mm_per_px, self.width_px, self.height_px, id(self.frame))
        return b"straight" + np.round(np.array(numbers, dtype=np.float64), 6).tobytes()

    def lps_at(self, pos: QPointF) -> Points:
        """Return (3,) the LPS point, mm, under a place of the widget in logical pixels."""
        s, v, u = self.middle_svu
        across, down = pos.x() - self.width_px / 2.0, pos.y() - self.height_px / 2.0
        at = np.array([s - self.mm_per_px * down, v - self.mm_per_px * across, u])
        return self.frame.lps_of(at[0], at[1], at[2])

    def px_of(self, lps_mm: Points) -> FloatArray:
        """Return (..., 2) logical pixels of (..., 3) LPS points."""
        s, v, _ = self.middle_svu
        points = np.asarray(lps_mm, dtype=np.float64)
        place = np.array(_place(self.frame, vec3(points))) if points.ndim == 1 else places_along(self.frame, points)
        flat = np.stack([v - place[..., 1], s - place[..., 0]], axis=-1) / self.mm_per_px
        return np.asarray(flat + np.array([self.width_px / 2.0, self.height_px / 2.0]))

    def distance_mm(self, lps_mm: Points) -> float:
        """Return how far a point lies behind the picture (to the patient's right), mm."""
        return self.middle_svu[2] - _place(self.frame, vec3(np.asarray(lps_mm)))[2]

    def shifted(self, lps_mm: Points, by_mm: float) -> Points:
        """Return a point moved to the patient's left."""
        s, v, u = (np.array(value) for value in _place(self.frame, vec3(np.asarray(lps_mm))))
        return self.frame.lps_of(s, v, u + by_mm)

    def rows(self, width: int, height: int) -> tuple[Points, Points]:
        """Return each row's first pixel and the step to the next, both (height, 3) LPS mm."""
        s, v, u = self.middle_svu
        step = self.mm_per_px * self.width_px / width
        down = self.mm_per_px * self.height_px / height
        along = np.asarray(s - (np.arange(height) - (height - 1) / 2.0) * down, dtype=np.float64)
        first = self.frame.lps_of(along, np.array(v + step * (width - 1) / 2.0), np.array(u))
        following = self.frame.lps_of(along, np.array(v + step * (width - 3) / 2.0), np.array(u))
        return first, following - first


@lru_cache(maxsize=1024)
def _place(frame: CurvedFrame, lps_mm: Vec3) -> Vec3:
    """Return s, v, u of a point; names, handles and the crosshair ask for the same ones at every painting."""
    return vec3(places_along(frame, np.array(lps_mm)))


def curved_plane(frame: CurvedFrame, state: ViewState, width_px: int, height_px: int) -> CurvedPlane:
    """Return the straight picture through the crosshair, zoomed and panned as the sagittal view's frame says.

    Where that says nothing the whole canal is seen.
    """
    wish = state.frame("sagittal")
    whole = max(frame.length_mm / max(height_px, 1), ACROSS_MM / max(width_px, 1))
    zoom = wish.mm_per_px or FIT_MARGIN * whole
    s, v = frame.length_mm / 2.0, MIDDLE_V_MM
    if wish.centre_lps_mm is not None:
        s, v, _ = _place(frame, wish.centre_lps_mm)
    u = _place(frame, state.crosshair_lps_mm)[2]
    return _made(frame, (s, v, u), zoom, width_px, height_px)


@lru_cache(maxsize=8)
def _made(frame: CurvedFrame, middle_svu: Vec3, mm_per_px: float, width_px: int, height_px: int) -> CurvedPlane:
    """Return the picture; it is asked for many times in one painting."""
    s, v, u = middle_svu
    here, front, above = (
        frame.lps_of(*(np.array(x) for x in at)) for at in ((s, v, u), (s, v + 1.0, u), (s + 1.0, v, u))
    )
    right, down = here - front, here - above
    down = down - (down @ right) * right / (right @ right)
    right, down = right / np.linalg.norm(right), down / np.linalg.norm(down)
    return CurvedPlane(here, right, down, mm_per_px, width_px, height_px, frame=frame, middle_svu=middle_svu)
