"""Where the spine ends: how far the CT shows the bodies, and where the sacrum begins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.discs import Disc
from cvt_planner.anatomy.spine.straight import Straight
from cvt_planner.base.arrays import FloatArray
from cvt_planner.imaging.volume import Volume

_ALA_BONE_HU = 120.0  # marrow of the sacral alae, also osteoporotic with its cortex averaged in; assumed
_LOOK_BELOW_MM = 14.0
_LEAST_WIDTH_MM = 33.0  # narrower ones that run as steeply are upper thoracic
_LEAST_TILT_DEG = 25.0
_SACRAL = 0.74
# So much bone beside a body stands at no other level, however upright the sacrum: lumbar ones of phantoms come to 0.05,
# an L5 of a real CT to 0.17, other levels to 0.12, sacra to 0.2 to 0.7.
_WINGED, _LEAST_WINGED_TILT_DEG, _LEAST_WINGED_WIDTH_MM = 0.3, 10.0, 28.0


def seen_span(
    frame: CurvedFrame, straight: Straight, volume: Volume, canal_span_mm: tuple[float, float]
) -> tuple[float, float]:
    """Return where along the canal the middle of the bodies lies in the CT, and the canal was seen nearby."""
    n = len(frame.up)
    s = np.arange(n, dtype=np.float64)
    inside = np.ones(n, dtype=np.bool_)
    last = np.array(volume.grid.shape_kji) - 1.0
    for ahead in (6.0, 18.0):
        index = volume.grid.index_of(frame.lps_of(s, straight.front_mm + ahead, np.zeros(n)))
        inside &= np.all((index >= -0.5) & (index <= last + 0.5), axis=1)
    inside[: max(int(canal_span_mm[0]) - 25, 0)] = False
    inside[int(canal_span_mm[1]) + 26 :] = False
    seen = np.flatnonzero(inside)
    if seen.size == 0:
        return canal_span_mm
    return float(seen[0]), float(seen[-1])


def end_at_sacrum(
    frame: CurvedFrame, straight: Straight, width_mm: FloatArray, discs: Sequence[Disc], span_mm: tuple[float, float]
) -> int | None:
    """Return the level (discs below it) that is the upper sacrum; None where none is in view.

    The canal runs steeply backwards on its way down there, and bone wings stand beside a wide body; broad ones tell
    also where it runs less steeply. Lower levels are sacrum too.
    """
    ala = ala_profile(straight)
    edges = [span_mm[0], *(d.s_mm for d in discs)]
    for level in range(len(discs) - 1, -1, -1):
        low, high = edges[level], edges[level + 1]
        if high - low < 8.0:
            continue
        at = round(max(high - _LOOK_BELOW_MM, low))
        tilt_deg = float(_lean_deg(frame)[at])
        wings = float(ala[at : round(high - 3.0) + 1].mean())
        width = width_mm[at]
        steep = width >= _LEAST_WIDTH_MM and tilt_deg > _LEAST_TILT_DEG and tilt_deg / 45.0 + wings > _SACRAL
        winged = width >= _LEAST_WINGED_WIDTH_MM and tilt_deg > _LEAST_WINGED_TILT_DEG and wings >= _WINGED
        if steep or winged:
            return level
    return None


def sacral_top_mm(frame: CurvedFrame, low_mm: float, high_mm: float) -> float | None:
    """Return the highest place between two along the canal where it leans back as a sacrum does; None if nowhere."""
    first = max(round(low_mm), 0)
    steep = np.flatnonzero(_lean_deg(frame)[first : max(round(high_mm), first)] >= _LEAST_TILT_DEG)
    return float(first + steep[-1]) if steep.size else None


def _lean_deg(frame: CurvedFrame) -> FloatArray:
    """Return (n,) by how much the canal leans, degrees: positive where its lower part lies farther back."""
    return np.asarray(np.rad2deg(np.arctan2(-frame.up[:, 1], frame.up[:, 2])))


def ala_profile(straight: Straight) -> FloatArray:
    """Return (n,) the share of bone beside the body, where a lumbar vertebra has muscle; the poorer of both sides."""
    v = straight.v_mm
    sides = []
    for sign in (1.0, -1.0):
        u = (straight.u_mm * sign >= 28.0) & (straight.u_mm * sign <= 40.0)
        box = straight.hu[:, :, u]
        ahead = v[None, :] - straight.front_mm[:, None]
        rows = (ahead >= 2.0) & (ahead <= 16.0)
        bone = (box > _ALA_BONE_HU).mean(axis=2)
        sides.append((bone * rows).sum(axis=1) / np.maximum(rows.sum(axis=1), 1))
    return np.asarray(ndimage.gaussian_filter1d(np.minimum(sides[0], sides[1]), 2.0))
