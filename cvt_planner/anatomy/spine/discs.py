"""Where the discs lie along the canal: the phase and the period of the spine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.kernels import choose_discs, plane_means, smooth_path
from cvt_planner.anatomy.spine.straight import Straight
from cvt_planner.base.arrays import Float32Array, FloatArray

# All assumed, set on real CTs of 0.8 to 5 mm.
CORE_NEAR_MM, CORE_FAR_MM, CORE_SIDE_MM = 3.0, 22.0, 9.0
_SLOPES = np.arange(-0.4, 0.41, 0.1)
_TILTS, _LEANS = np.arange(-0.4, 0.41, 0.1), np.arange(-0.3, 0.31, 0.1)
_TILT_COST = 60.0  # HU per unit of slope away from the neighbours'
_SHIFT_MM, _SHIFT_COST = 5, 0.8
_REACH_MM = 16
_PLATES_MM = 8  # from a disc's middle to its endplates at most
# Thoracic discs fuse on thick slices with their endplates; the brighter one, above, and the pedicle's upper edge then
# lead so far above the disc. Measured on a 1 mm CT thinned to 3 to 5 mm.
_FUSED_MM, _THORACIC_MM, _FUSED_SHIFT_COST = -3.0, 28.0, 2.0
_SHORTEST_MM, _LONGEST_MM = 13, 45
# Bodies no brighter than this, nor than this share of bright bone, over such a part of a level and no longer: eaten.
_EATEN_HU, _EATEN_SHARE, _EATEN_LEVELS, _EATEN_MOST_MM = 90.0, 0.4, 0.75, 80
# So far from its middle lies the endplate of such a disc's other body; it tells less than two.
_BESIDE_MM, _ONE_SIDED = (3, 4, 5), 0.6
# Levels lie about as far apart as their bodies are deep, lumbar ones nearer; measured on phantoms and real CTs.
_PERIOD_SPREAD, _LUMBAR_MM, _LUMBAR_SHARE = 0.35, 8.0, 0.67
# Where they end in front is looked for so far from the canal, so far to the sides, over so much inside and outside.
_DEPTHS_MM, _DEPTH_SIDE_MM, _DEPTH_EDGE_MM, _DEPTH_SMOOTH_MM = np.arange(10, 52), 5.0, 4, 12.0
# The neck's muscles end at fat and air more sharply than osteoporotic bodies at muscle. What is darker counts as muscle
# where bodies then end before so much of the depth.
_MUSCLE_HU, _MUCH_LESS, _SHALLOWEST_MM = 30.0, 0.7, 12  # no body is less deep
_SPACING_SIGMA_MM = 3.0
_RATIO_SIGMA = 0.15
_THICK_MM = 2.5
_THRESHOLD = 0.5
_EMPTY_COST = 1.0
_FAINT, _LEAST_ROOM_MM = 0.15, 4.0


@dataclass(frozen=True)
class Disc:
    """One disc: the plane s = s_mm + slope_v * (v - v_mm) + slope_u * u along the canal, and how clear it is."""

    s_mm: float
    v_mm: float
    slope_v: float
    slope_u: float
    score: float

    def s_at(self, v_mm: FloatArray | float, u_mm: FloatArray | float) -> Any:
        """Return where the plane lies at places beside the canal, s in mm."""
        return self.s_mm + self.slope_v * (np.asarray(v_mm) - self.v_mm) + self.slope_u * np.asarray(u_mm)


@dataclass(frozen=True, eq=False)
class DiscProfiles:
    """What tells discs along the canal, each (n,): disc score, pedicle bone, local period mm, best tilt."""

    score: FloatArray = field(repr=False)
    pedicle: FloatArray = field(repr=False)
    period_mm: FloatArray = field(repr=False)
    slope: FloatArray = field(repr=False)
    thick: bool = False


def disc_profiles(straight: Straight, slice_mm: float) -> DiscProfiles:
    """Return the profiles along the canal that the discs are chosen from."""
    pedicle = _pedicle_profile(straight)
    period = _periods(pedicle, _depths(straight))
    contrast, slope = _contrast(straight, slice_mm, period)
    step = _below_minus_above(pedicle)
    spread = max(float(np.std(step)), 1e-3)
    score = np.clip(contrast / 110.0, -0.3, 1.2) + 0.6 * np.clip(step / (1.5 * spread), -1.0, 1.0)
    return DiscProfiles(score, pedicle, period, slope, slice_mm >= _THICK_MM)


def find_discs(straight: Straight, profiles: DiscProfiles, first_mm: float, last_mm: float) -> tuple[Disc, ...]:
    """Return the discs between two places along the canal, from feet to head.

    Notes
    -----
    Discs are told by dark between two bright endplates, and by the pedicles' place on the upper half of each body,
    which survives where a body is eaten. All at once by dynamic programming: their spacing follows the pedicles'
    period and changes little from one to the next.
    """
    low, high = max(int(first_mm), 0), min(int(last_mm) + 1, len(profiles.score))
    if high - low < _SHORTEST_MM:
        return ()
    chosen = np.zeros(high - low, dtype=np.int64)
    count = choose_discs(
        profiles.score[low:high] - _THRESHOLD, profiles.period_mm[low:high], _SHORTEST_MM, _LONGEST_MM,
        _SPACING_SIGMA_MM, _RATIO_SIGMA, _EMPTY_COST, chosen,
    )  # fmt: skip
    found = [float(low + s) for s in chosen[:count]]
    for sign in (-1, 1):
        beyond = _one_beyond(found, profiles, low if sign < 0 else high - 1, sign)
        found = sorted([*found, *beyond])
    return _refined(straight, found, profiles)


def _one_beyond(found: list[float], profiles: DiscProfiles, end: int, sign: int) -> list[float]:
    """Return one more disc at an end where a whole vertebra and its disc fit, though the disc is faint, if any."""
    if not found:
        return []
    ordered = found if sign > 0 else found[::-1]
    gap = abs(ordered[-1] - ordered[-2]) if len(found) > 1 else float(profiles.period_mm[int(ordered[-1])])
    away = np.arange(round(0.75 * gap), round(1.25 * gap) + 1)
    at = (ordered[-1] + sign * away).astype(int)
    room = (end - at) * sign >= _LEAST_ROOM_MM
    if not room.any():
        return []
    worth = profiles.score[np.clip(at, 0, len(profiles.score) - 1)] - 4.0 * (away / gap - 1.0) ** 2
    worth[~room] = -np.inf
    best = int(worth.argmax())
    return [float(at[best])] if profiles.score[at[best]] > _FAINT else []


def _core(straight: Straight) -> Float32Array:
    """Return (n, v) mean HU over the middle of the bodies, v from the canal's front wall on."""
    flat = straight.hu
    side = np.abs(straight.u_mm) <= CORE_SIDE_MM
    mean = np.clip(flat[:, :, side], -150.0, 600.0).mean(axis=2)
    return _ahead(straight, mean, np.arange(CORE_NEAR_MM, CORE_FAR_MM + 0.1, 1.0))


def _ahead(straight: Straight, values: Float32Array, ahead_mm: FloatArray) -> Float32Array:
    """Return (n, m) of (n, v) values those at distances in front of the canal's front wall."""
    at = (straight.front_mm[:, None] + ahead_mm[None] - straight.v_mm[0]) / (straight.v_mm[1] - straight.v_mm[0])
    rows = np.broadcast_to(np.arange(len(values))[:, None], at.shape)
    return np.asarray(ndimage.map_coordinates(values, [rows, at], order=1, mode="nearest"), dtype=np.float32)


def _contrast(straight: Straight, slice_mm: float, period_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    core = _core(straight)
    n, depth = core.shape
    best, tilt = np.full(n, -1e9), np.zeros(n)
    lean = np.arange(depth) - (depth - 1) / 2.0
    for slope in _SLOPES:
        rows = np.arange(n)[:, None] + slope * lean[None]
        plane = ndimage.map_coordinates(
            core, [rows, np.broadcast_to(np.arange(depth)[None], rows.shape)], order=1, mode="nearest"
        ).mean(axis=1)
        value = _dark_band(plane, slice_mm) - 12.0 * abs(slope)
        better = value > best
        best, tilt = np.where(better, value, best), np.where(better, slope, tilt)
    return np.maximum(best, _beside_eaten(core, period_mm)), tilt


def _beside_eaten(core: Float32Array, period_mm: FloatArray) -> FloatArray:
    """Return (n,) the contrast of a disc one of whose two bodies is eaten, from the endplate of the other.

    Minus infinity where none is eaten. A body counts as eaten where most of a level, between bone, is no brighter than
    a disc: poor marrow between endplates is shorter, a canal followed into the pelvis longer.
    """
    mean = np.pad(core.mean(axis=1), _PLATES_MM, mode="edge")
    eaten = np.zeros(len(mean), dtype=np.bool_)
    dark, _ = ndimage.label(mean < min(_EATEN_HU, _EATEN_SHARE * float(np.percentile(core, 75))))
    for (stretch,) in ndimage.find_objects(dark):
        start, stop = stretch.start - _PLATES_MM, stretch.stop - _PLATES_MM
        least = _EATEN_LEVELS * float(np.median(period_mm[max(start, 0) : max(stop, 1)]))
        inside = stretch.start > 0 and stretch.stop < len(mean)
        eaten[stretch] = inside and least <= stretch.stop - stretch.start <= _EATEN_MOST_MM
    near = ndimage.gaussian_filter1d(mean, 0.8)
    out = np.full(len(mean), -np.inf)
    for sign in (-1, 1):
        plate = np.max([np.roll(near, sign * d) for d in _BESIDE_MM], axis=0)
        out = np.where(np.roll(eaten, -sign * _BESIDE_MM[-1]), np.maximum(out, _ONE_SIDED * (plate - near)), out)
    return np.asarray(out[_PLATES_MM:-_PLATES_MM])


def _dark_band(plane: FloatArray, slice_mm: float) -> FloatArray:
    near = ndimage.gaussian_filter1d(plane, 0.8, mode="nearest")
    upper = np.max([np.roll(_edge(near, d), -d) for d in range(3, _PLATES_MM + 1)], axis=0)
    lower = np.max([np.roll(_edge(near, -d), d) for d in range(3, _PLATES_MM + 1)], axis=0)
    dark = 0.5 * (np.minimum(upper, lower) + 0.5 * (upper + lower)) - near
    if slice_mm < _THICK_MM:
        return np.asarray(dark)
    # A thin disc between two endplates fuses into one bright line on thick slices. The endplate of a disc that is seen
    # dark by itself is bright, too, but no disc.
    flank = [np.mean([np.roll(_edge(near, s * d), -s * d) for d in range(6, 11)], axis=0) for s in (1, -1)]
    bright = near - np.maximum(flank[0], flank[1])
    dark = np.maximum(dark, 0.0)
    seen = ndimage.maximum_filter1d(dark, 2 * _PLATES_MM + 1, mode="nearest")
    return np.asarray(dark + 0.7 * np.minimum(bright, np.maximum(bright - seen, 0.0)))


def _edge(profile: FloatArray, shift: int) -> FloatArray:
    """Return the profile with the end that a roll by `-shift` wraps round replaced by the end's value."""
    out = profile.copy()
    if shift > 0:
        out[:shift] = profile[-1]
    elif shift < 0:
        out[shift:] = profile[0]
    return out


def _pedicle_profile(straight: Straight) -> FloatArray:
    """Return (n,) HU of the bone right beside the canal, 1 to 6 mm outside its side walls, both sides."""
    sides = []
    for sign, wall in ((1.0, straight.left_mm), (-1.0, straight.right_mm)):
        out = np.arange(1.0, 6.1, 1.0)
        u = sign * (wall[:, None, None] + out[None, None, :])
        v = np.arange(-2.0, 5.1, 1.0)[None, :, None] + np.zeros_like(u)
        a = v - straight.v_mm[0]
        b = u - straight.u_mm[0] + np.zeros_like(a)
        rows = np.broadcast_to(np.arange(len(wall))[:, None, None], a.shape)
        hu = ndimage.map_coordinates(straight.hu, [rows, a, b], order=1, mode="nearest")
        sides.append(np.clip(hu, -50.0, 500.0).mean(axis=(1, 2)))
    return ndimage.gaussian_filter1d(np.maximum(sides[0], sides[1]) * 0.5 + 0.25 * (sides[0] + sides[1]), 1.5)


def _below_minus_above(pedicle: FloatArray) -> FloatArray:
    below = np.mean([_shifted(pedicle, -d) for d in range(4, 16)], axis=0)
    above = np.mean([_shifted(pedicle, d) for d in range(-1, 10)], axis=0)
    return np.asarray(below - above)


def _shifted(profile: FloatArray, by: int) -> FloatArray:
    """Return profile[n + by], ends replicated."""
    return profile[np.clip(np.arange(len(profile)) + by, 0, len(profile) - 1)]


def _depths(straight: Straight) -> FloatArray:
    """Return (n,) how far in front of the canal the bodies end, mm, discs and bodies taken together."""
    deepest, of_bone = _sharpest_falls(straight, -100.0), _sharpest_falls(straight, _MUSCLE_HU)
    less = (of_bone >= _SHALLOWEST_MM) & (of_bone < _MUCH_LESS * deepest)
    neck = np.logical_and.accumulate(less[::-1])[::-1]  # from the head's end on; in the pelvis bowel would be taken so
    return np.asarray(np.where(neck, of_bone, deepest))


def _sharpest_falls(straight: Straight, darkest_hu: float) -> FloatArray:
    """Return (n,) how far in front of the canal HU fall most, mm; what is darker counts as so dark."""
    side = np.abs(straight.u_mm) <= _DEPTH_SIDE_MM
    mean = np.clip(straight.hu[:, :, side], darkest_hu, 400.0).mean(axis=2)
    ahead = np.arange(_DEPTHS_MM[-1] + _DEPTH_EDGE_MM + 1.0)
    smooth = ndimage.gaussian_filter1d(_ahead(straight, mean, ahead), _DEPTH_SMOOTH_MM, axis=0, mode="nearest")
    total = np.cumsum(np.pad(smooth, ((0, 0), (1, 0))), axis=1)
    at, by = _DEPTHS_MM, _DEPTH_EDGE_MM
    falls = 2.0 * total[:, at] - total[:, at - by] - total[:, at + by]
    return np.asarray(_DEPTHS_MM[falls.argmax(axis=1)], dtype=np.float64)


def _periods(pedicle: FloatArray, depth_mm: FloatArray) -> FloatArray:
    """Return (n,) the local distance between levels, mm, from the pedicles' autocorrelation and the bodies' depth.

    Without the depth the neck, whose levels lie 13 to 18 mm apart, is taken for half as many of twice the height.
    """
    n = len(pedicle)
    detail = pedicle - ndimage.gaussian_filter1d(pedicle, 20.0, mode="nearest")
    detail /= np.sqrt(ndimage.gaussian_filter1d(detail**2, 25.0, mode="nearest")) + 1e-6
    lags = np.arange(_SHORTEST_MM, _LONGEST_MM + 1)
    found = np.zeros((len(lags), n))
    for row, lag in enumerate(lags):
        product = np.zeros(n)
        weight = np.zeros(n)
        if lag < n:
            half = lag // 2
            product[half : half + n - lag] = detail[lag:] * detail[:-lag]
            weight[half : half + n - lag] = 1.0
        found[row] = ndimage.gaussian_filter1d(product, 25.0) / (ndimage.gaussian_filter1d(weight, 25.0) + 0.2)
    usual = np.minimum(depth_mm, _LUMBAR_MM + _LUMBAR_SHARE * depth_mm)
    found -= 0.25 * (np.log(lags[:, None] / usual) / _PERIOD_SPREAD) ** 2
    path = np.zeros(n, dtype=np.int64)
    smooth_path(found, 0.6, path)
    return np.asarray(lags[path], dtype=np.float64)


def _refined(straight: Straight, s_mm: list[float], profiles: DiscProfiles) -> tuple[Disc, ...]:
    """Return the discs at their best place within 5 mm, or 10, and their best tilts, alike those of their neighbours.

    Twice: the tilts found first, averaged over neighbours, guide the second time. Osteophytes and thick slices would
    otherwise tilt one disc alone.
    """
    fused = [profiles.thick and profiles.period_mm[int(s)] < _THORACIC_MM for s in s_mm]
    near = [
        _Surroundings(straight, s, _FUSED_MM) if f else _settled(straight, s) for s, f in zip(s_mm, fused, strict=True)
    ]
    found = [one.best(0.0, 0.0) for one in near]
    for _ in range(2):
        slopes = np.array([[slope_v, slope_u] for _, slope_v, slope_u in found]).reshape(-1, 2)
        padded = np.pad(slopes, ((1, 1), (0, 0)), mode="edge")
        guides = 0.5 * (padded[:-2] + padded[2:])
        found = [one.best(float(v), float(u)) for one, (v, u) in zip(near, guides, strict=True)]
    return tuple(
        Disc(one.s_mm + shift, one.middle_mm, slope_v, slope_u, float(profiles.score[int(s)]))
        for s, one, (shift, slope_v, slope_u) in zip(s_mm, near, found, strict=True)
    )


def _settled(straight: Straight, s_mm: float) -> _Surroundings:
    """Return the surroundings of a disc; anew about the best place in them where that lies at their end.

    There the search was cut short, not the best place found: on thick slices it starts up to 7 mm off.
    """
    first = _Surroundings(straight, s_mm, 0.0)
    shift, _, _ = first.best(0.0, 0.0)
    return first if abs(shift) < _SHIFT_MM else _Surroundings(straight, s_mm + shift, 0.0)


class _Surroundings:
    """Mean HU over planes of every tilt and offset about one disc."""

    def __init__(self, straight: Straight, s_mm: float, expected_mm: float) -> None:
        self.s_mm = s_mm
        self._expected_mm = expected_mm
        front = float(straight.front_mm[int(np.clip(round(s_mm), 0, len(straight.hu) - 1))])
        v = np.arange(front + CORE_NEAR_MM, front + CORE_FAR_MM + 0.1, 2.0)
        u = np.arange(-CORE_SIDE_MM - 3.0, CORE_SIDE_MM + 3.1, 2.0)
        self.middle_mm = float(v.mean())
        rows = np.clip(np.arange(s_mm - 25.0, s_mm + 25.1), 0, len(straight.hu) - 1).astype(int)
        a, b = (np.round(v - straight.v_mm[0]).astype(int), np.round(u - straight.u_mm[0]).astype(int))
        box = np.clip(straight.hu[np.ix_(rows, a, b)], -150.0, 600.0)
        self._values = np.empty((len(_TILTS), len(_LEANS), 2 * _REACH_MM + 1))
        for n, slope_v in enumerate(_TILTS):
            for m, slope_u in enumerate(_LEANS):
                lean = slope_v * (v - self.middle_mm)[:, None] + slope_u * u[None]
                plane_means(box, lean, 25.0 - _REACH_MM, self._values[n, m])

    def best(self, guide_v: float, guide_u: float) -> tuple[float, float, float]:
        """Return the shift, mm, and the two slopes of the darkest plane between two bright ones."""
        flank = np.lib.stride_tricks.sliding_window_view(self._values, 6, axis=2).max(axis=3)
        shifts = np.arange(-_SHIFT_MM, _SHIFT_MM + 1) + int(self._expected_mm)
        dark = self._values[:, :, _REACH_MM + shifts]
        # Brightest 3 to 8 mm above and below.
        above, below = flank[:, :, _REACH_MM + 3 + shifts], flank[:, :, _REACH_MM - 8 + shifts]
        cost = _FUSED_SHIFT_COST if self._expected_mm else _SHIFT_COST
        worth = 0.5 * (above + below) - dark - cost * (shifts - self._expected_mm) ** 2
        worth -= _TILT_COST * (np.abs(_TILTS - guide_v)[:, None, None] + np.abs(_LEANS - guide_u)[None, :, None])
        n, m, at = np.unravel_index(int(worth.argmax()), worth.shape)
        return float(shifts[at]), float(_TILTS[n]), float(_LEANS[m])
