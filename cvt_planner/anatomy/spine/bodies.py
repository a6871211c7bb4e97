"""The bodies' outlines about an axis in front of the canal, and the endplates beside each disc."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.discs import Disc
from cvt_planner.anatomy.spine.kernels import best_outlines, fan
from cvt_planner.anatomy.spine.straight import Straight
from cvt_planner.base.arrays import Float32Array, FloatArray

RAYS = 48
PLATE_V_MM = np.arange(-4.0, 56.1, 1.0)  # in front of the canal's front wall
PLATE_U_MM = np.arange(-34.0, 34.1, 1.0)
_STEP_MM = 0.5
_NEAR_MM, _FAR_MM = 4.0, 33.0
_AXIS_MM = 14.0  # in front of the canal's front wall: the middle of a lumbar body; less where levels are short
_STEEP = 2  # steps of radius from one ray to the next
_ROUNDS = 3
_CAP_MM = 7.0
_PLATE_SMOOTH_MM = 3.0
_LEAST_CONTRAST_HU = 50.0
# The half height of a thin bright plate lies so far outside its true face; measured on phantoms, grows with the blur.
_PLATE_BLUR_MM, _PLATE_BLUR_PER_MM, _SIDE_BLUR_MM = 0.45, 0.1, 0.2


@dataclass(frozen=True, eq=False)
class Outlines:
    """The bodies' sides: (n, 48) radii, mm, about an axis `axis_mm` (n,) in front of the canal's middle line.

    Ray 0 runs to the front, ray 12 to the left.
    """

    radii_mm: FloatArray = field(repr=False)
    axis_mm: FloatArray = field(repr=False)

    def width_mm(self) -> FloatArray:
        """Return (n,) the bodies' width at each section, mm."""
        return np.asarray(self.radii_mm[:, RAYS // 4] + self.radii_mm[:, 3 * RAYS // 4])


@dataclass(frozen=True, eq=False)
class Plates:
    """The two bony faces of one disc: offsets from its plane, mm, over `PLATE_V_MM` and `PLATE_U_MM`.

    `upper` is the lower endplate of the vertebra above (positive), `lower` the upper endplate of the one below
    (negative); `seen` the share of columns where both were seen.
    """

    upper: FloatArray = field(repr=False)
    lower: FloatArray = field(repr=False)
    seen: float


def find_outlines(straight: Straight, period_mm: FloatArray) -> Outlines:
    """Return the bodies' sides from bright to dark, smooth along the spine.

    No threshold: where a lesion has eaten the wall, it is bridged.
    """
    axis = straight.front_mm + np.clip(0.5 * ndimage.gaussian_filter1d(period_mm, 10.0), 7.0, _AXIS_MM)
    gain, limit = _edges(straight, axis)
    prior = np.full(gain.shape[:2], 16.0 / _STEP_MM)
    radii = np.empty(gain.shape[:2])
    for n in range(_ROUNDS):
        best_outlines(gain, limit / _STEP_MM, prior, 0.0 if n == 0 else 0.004, _NEAR_MM / _STEP_MM, _STEEP, radii)
        wrapped = np.pad(radii, ((0, 0), (1, 1)), mode="wrap")
        prior = ndimage.median_filter(wrapped, size=(9, 3), mode="nearest")[:, 1:-1]
        prior = ndimage.gaussian_filter(prior, (5.0, 1.0), mode=("nearest", "wrap"))
    smooth = ndimage.gaussian_filter(radii, (1.0, 0.8), mode=("nearest", "wrap")) * _STEP_MM - _SIDE_BLUR_MM
    return Outlines(np.minimum(smooth, limit), axis)


def _edges(straight: Straight, axis: FloatArray) -> tuple[Float32Array, FloatArray]:
    """Return (n, 48, r) how much brighter it is inside than outside, and (n, 48) the farthest radius, mm."""
    turn = 2.0 * np.pi * np.arange(RAYS) / RAYS
    r = np.arange(0.0, _FAR_MM + 2.0, _STEP_MM)
    hu = np.empty((len(axis), RAYS, len(r)), dtype=np.float32)
    fan(straight.hu, straight.v_mm[0], straight.u_mm[0], axis, np.cos(turn), np.sin(turn), _STEP_MM, hu)
    hu = np.clip(hu, -120.0, 400.0)
    # 1.5 mm inside against 1.5 mm outside.
    total = np.cumsum(np.pad(hu, ((0, 0), (0, 0), (4, 3)), mode="edge"), axis=2)
    inside = total[:, :, 3 : 3 + len(r)] - total[:, :, : len(r)]
    outside = total[:, :, 6 : 6 + len(r)] - total[:, :, 3 : 3 + len(r)]
    gain = np.clip((inside - outside) / 3.0, 0.0, 350.0) / 350.0
    gain = ndimage.gaussian_filter1d(gain, 1.0, axis=0, mode="nearest")
    with np.errstate(divide="ignore"):
        to_canal = np.where(
            np.cos(turn)[None] < -0.15,
            (axis - straight.front_mm)[:, None] / np.maximum(-np.cos(turn), 1e-3)[None],
            _FAR_MM,
        )
    return gain.astype(np.float32), np.minimum(to_canal, _FAR_MM)


def find_plates(straight: Straight, discs: Sequence[Disc], slice_mm: float) -> tuple[Plates, ...]:
    """Return the two faces of each disc, where the HU rise half-way to the endplate's."""
    return tuple(_plates(straight, disc, slice_mm) for disc in discs)


def _plates(straight: Straight, disc: Disc, slice_mm: float) -> Plates:
    n = int(np.clip(round(disc.s_mm), 0, len(straight.hu) - 1))
    v = straight.front_mm[n] + PLATE_V_MM
    offsets = np.arange(-11.0, 11.01, 0.5)
    plane = disc.s_at(v[:, None], PLATE_U_MM[None])
    rows = plane[None] + offsets[:, None, None]
    a = np.broadcast_to((v - straight.v_mm[0])[None, :, None], rows.shape)
    b = np.broadcast_to((PLATE_U_MM - straight.u_mm[0])[None, None, :], rows.shape)
    hu = ndimage.map_coordinates(straight.hu, [rows, a, b], order=1, mode="nearest", output=np.float32)
    hu = ndimage.gaussian_filter(np.clip(hu, -150.0, 700.0), (0.0, 1.0, 1.0))
    upper, upper_known = _face(hu, offsets, 1)
    lower, lower_known = _face(hu, offsets, -1)
    core = (PLATE_V_MM > 3.0) & (PLATE_V_MM < 22.0)
    middle = np.abs(PLATE_U_MM) < 10.0
    both = (upper_known & lower_known)[np.ix_(core, middle)]
    standard = 2.0 if slice_mm < 2.5 else 2.5
    blur = _PLATE_BLUR_MM + _PLATE_BLUR_PER_MM * min(max(slice_mm - 1.0, 0.0), 4.0)
    return Plates(
        _filled(upper + blur, upper_known, core, middle, standard),
        -_filled(-lower + blur, lower_known, core, middle, standard),
        float(both.mean()),
    )


def _face(hu: Float32Array, offsets: FloatArray, sign: int) -> tuple[FloatArray, Any]:
    """Return the offset of the bony face on one side of the disc, and where it was seen."""
    ordered = hu if sign > 0 else hu[::-1]
    zero = len(offsets) // 2
    near = ordered[zero - 4 : zero + 5]
    start = near.argmin(axis=0) + zero - 4
    dark = near.min(axis=0)
    steps = np.arange(len(offsets))[:, None, None]
    beyond = np.where((steps >= start[None]) & (steps <= zero + 16), ordered, -1e4)
    bright = beyond.max(axis=0)
    half = 0.5 * (dark + bright)
    above = (beyond > half[None]) & (steps > start[None])
    first = above.argmax(axis=0)
    take = np.take_along_axis
    high = take(ordered, first[None], axis=0)[0]
    low = take(ordered, np.maximum(first - 1, 0)[None], axis=0)[0]
    share = np.clip((half - low) / np.maximum(high - low, 1e-3), 0.0, 1.0)
    offset = 0.5 * (first - 1 + share - zero)
    return sign * offset, above.any(axis=0) & (bright - dark > _LEAST_CONTRAST_HU)


def _filled(offset: FloatArray, known: Any, core: Any, middle: Any, standard: float) -> FloatArray:
    """Return the face smoothed, with what was not seen filled from beside it; never behind the plane."""
    inner = offset[np.ix_(core, middle)][known[np.ix_(core, middle)]]
    usual = float(np.median(inner)) if inner.size >= 30 else standard
    trusted = known & (np.abs(offset - usual) < 4.0)
    weight = ndimage.gaussian_filter(trusted.astype(np.float64), _PLATE_SMOOTH_MM)
    value = ndimage.gaussian_filter(np.where(trusted, offset - usual, 0.0), _PLATE_SMOOTH_MM)
    return np.asarray(np.clip(usual + value / (weight + 0.05), 0.3, _CAP_MM))
