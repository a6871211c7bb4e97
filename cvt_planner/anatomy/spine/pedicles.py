"""The two pedicles of every vertebra: axis, isthmus, width and height between outer cortices."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.neighbourhood import index_kji
from cvt_planner.anatomy.spine.canal_profile import CanalProfile
from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.model import Pedicle, SideName
from cvt_planner.anatomy.spine.sections import Sections, cuts
from cvt_planner.base.arrays import FloatArray, LabelArray, MaskArray, Points, vec3
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

_BEHIND_WALL_MM = (3.0, 5.0, 1.0)  # of the body's hind wall: where a pedicle is looked for first
_REACH_U_MM = 22.0  # beside the canal's wall
_SHARE = (-0.05, 0.80)  # of the body's height below its upper end
_ALONG_MM = np.arange(-7.0, 6.01, 0.5)  # fine; the first turns take every other
_COARSE_MM = np.arange(-5.0, 5.01, 1.25)
_TURNED_IN_DEG = (0.0, 15.0, 30.0, 45.0)  # T12 to C3 and L5: the range seen
_TURNS = 5
_LARGEST_TURN = 0.25  # of the axis at once: where the tube flares beside a rib it would swing out of it; assumed
_SETTLED = 0.05  # 3 degrees: an axis that turned by more the last time is not certain
_STEEPEST = 0.36  # 20 degrees against the canal's section; assumed
_FARTHEST_MM = 12.0  # from the first place; beyond, another tube was found (a rib, a transverse process)
_TUBE = 1.08  # sections up to so much larger than the least belong to the tube, beyond it flares; assumed
_FLARE = (0.03, 0.012)  # wider and higher by such a share counts little; assumed
_LEAST_TUBE = 3  # sections
_LEAST_WEIGHT = 1e-3  # so that a line through them is always defined
_CORTEX_HU = 250.0  # least median peak of a cortex that is whole; assumed
_LEAST_EDGES, _WHOLE_EDGES = 0.65, 0.75
_WIDTHS_MM, _HEIGHTS_MM = (2.0, 26.0), (5.0, 26.0)  # seen in adults, C3 to S1, with room

SIDES: tuple[SideName, SideName] = ("left", "right")
THICK = "Slices lie {:.1f} mm apart; width and height need 1.5 mm or less."
UNSEEN = "This pedicle is not seen: it is eaten, cut off by the edge of the CT, or never formed."
MIRRORED = "Its place is mirrored from the other side."
UNSETTLED = "Its axis is not certain: it still turned when it was measured last."
EATEN = "The cortex is not whole all round the pedicle."


@dataclass(frozen=True, eq=False)
class _Here:
    """Where one vertebra's pedicles may be: (n, 3) s, v, u of its bone beside the canal, and v of its hind wall."""

    svu: FloatArray = field(repr=False)
    wall_mm: float


def measure_pedicles(
    volume: Volume,
    box: Grid,
    frame: CurvedFrame,
    canal: MaskArray,
    vertebrae: LabelArray,
    bodies: LabelArray | MaskArray,
    progress: Progress | None = None,
) -> tuple[tuple[Pedicle, ...], ...]:
    """Return the pedicles of vertebrae 1, 2, ...: left then right, each with its doubts.

    From a first place behind the body, ellipses are fitted to sections across the axis; the axis is turned until it
    runs through their middles, along the stretch where they are narrowest.

    Notes
    -----
    The axis is that of the tube at the isthmus, not of the whole way to the front of the body. A pedicle that is not
    seen is mirrored from the other side, `judged` False; where neither is seen there is none.
    """
    steps = progress or Progress()
    profile = CanalProfile.of(frame, box, canal)
    out: list[tuple[Pedicle, ...]] = []
    places: list[tuple[slice, ...] | None] = list(ndimage.find_objects(vertebrae))
    for number, where in enumerate(places, start=1):
        steps.report((number - 1) / len(places), "Pedicles")
        if where is None:
            out.append(())
            continue
        near = tuple(slice(max(w.start - 1, 0), w.stop + 1) for w in where)
        grid = box.crop(index_kji(np.array([w.start for w in near])), vertebrae[near].shape)
        bone = (vertebrae[near] == number).view(np.uint8)
        body = (bodies[near] > 0) & (bone > 0)
        here = _here(grid, frame, profile, bone, body)
        sides: dict[SideName, Pedicle] = {}
        if here is not None:
            for side in SIDES:
                found = _measured(volume, grid, frame, bone, here, side)
                if found is not None:
                    sides[side] = found
        out.append(_both(frame, sides))
    return tuple(out)


def _here(grid: Grid, frame: CurvedFrame, profile: CanalProfile, bone: LabelArray, body: MaskArray) -> _Here | None:
    """Return where one vertebra's pedicles may be; None where it has no body or nothing behind it."""
    if not body.any() or not (bone > body).any():
        return None
    of_body = frame.svu_of(grid.lps_of(np.argwhere(body).astype(np.float64))).astype(np.float64)
    behind = frame.svu_of(grid.lps_of(np.argwhere(bone > body).astype(np.float64))).astype(np.float64)
    middle = np.abs(of_body[:, 2]) < 10.0
    if not middle.any():
        return None
    wall = float(np.percentile(of_body[middle, 1], 3))
    rear = of_body[of_body[:, 1] < wall + 10.0, 0]
    bottom, top = (float(v) for v in np.percentile(rear, (3, 97)))
    _, _, side = profile.at(behind[:, 0])
    share = (top - behind[:, 0]) / max(top - bottom, 1.0)
    beside = np.abs(behind[:, 2]) - side
    may_be = (share > _SHARE[0]) & (share < _SHARE[1]) & (beside > -0.5 * side) & (beside < _REACH_U_MM)
    return _Here(behind[may_be], wall)


def _measured(
    volume: Volume, grid: Grid, frame: CurvedFrame, bone: LabelArray, here: _Here, side: SideName
) -> Pedicle | None:
    """Return one pedicle; None where no tube is found."""
    start = _start(frame, here, 1.0 if side == "left" else -1.0)
    if start is None:
        return None
    middle, forward, up = _turned_in(volume, grid, bone, *start, 1.0 if side == "left" else -1.0)
    first = middle
    settled, kept = False, None
    for turn in range(_TURNS):
        along = _ALONG_MM[::2] if turn < _TURNS - 2 else _ALONG_MM
        found, aside, over = cuts(volume, grid, bone, middle, forward, up, along)
        tube = _tube_of(found)
        if tube is None:
            settled = False
            break
        t, off = along[tube], found.middle_mm[tube]
        narrow = t[int(np.argmin((found.width_mm * found.height_mm)[tube]))]
        at, slope = np.polynomial.polynomial.polyfit(t - narrow, off, 1, w=_weights(found, tube))
        middle = middle + narrow * forward + at[0] * aside + at[1] * over
        slope = np.clip(slope, -_LARGEST_TURN, _LARGEST_TURN)
        forward = _within(forward + slope[0] * aside + slope[1] * over, up)
        settled, kept = bool(np.abs(slope).max() < _SETTLED), (found, tube)
    if kept is None or np.linalg.norm(middle - first) > _FARTHEST_MM:
        return None
    return _judged(volume, side, middle, forward, *kept, settled)


def _within(direction: Points, up: Points) -> Points:
    """Return a direction as a unit vector, its rise kept within what pedicles have: a flare beside a rib bends it."""
    level = direction - (direction @ up) * up
    rise = float(np.clip((direction @ up) / np.linalg.norm(level), -_STEEPEST, _STEEPEST))
    turned = level / np.linalg.norm(level) + rise * up
    return np.asarray(turned / np.linalg.norm(turned))


def _start(frame: CurvedFrame, here: _Here, sign: float) -> tuple[Points, Points, Points] | None:
    """Return a first place in one pedicle, the direction to the front and up there; None where there is no bone."""
    for behind_mm in _BEHIND_WALL_MM:
        own = (np.sign(here.svu[:, 2]) == sign) & (np.abs(here.svu[:, 1] - here.wall_mm + behind_mm) < 1.0)
        if own.sum() < 12:
            continue
        s, v, u = np.median(here.svu[own], axis=0)
        n = int(np.clip(round(s / frame.step_mm), 0, len(frame.up) - 1))
        return frame.lps_of(s, v, u), frame.front[n], frame.up[n]
    return None


def _turned_in(
    volume: Volume, grid: Grid, bone: LabelArray, middle: Points, front: Points, up: Points, sign: float
) -> tuple[Points, Points, Points]:
    """Return the start with the direction, of some that turn in towards the middle, whose sections are smallest."""
    inwards = sign * np.cross(up, -front)
    best, least = front, np.inf
    for turn in np.radians(_TURNED_IN_DEG):
        forward = np.cos(turn) * front + np.sin(turn) * inwards
        found, _, _ = cuts(volume, grid, bone, middle, forward, up, _COARSE_MM)
        size = np.where(_plausible(found), found.width_mm * found.height_mm, np.inf)
        if np.nanmin(size, initial=np.inf) < least:
            best, least = forward, float(np.nanmin(size))
    return middle, best, up


def _plausible(found: Sections) -> MaskArray:
    """Return which sections may be a pedicle's."""
    wide = (found.width_mm > _WIDTHS_MM[0]) & (found.width_mm < _WIDTHS_MM[1])
    high = (found.height_mm > _HEIGHTS_MM[0]) & (found.height_mm < _HEIGHTS_MM[1])
    return np.asarray(wide & high & (found.edges >= _LEAST_EDGES))


def _tube_of(found: Sections) -> slice | None:
    """Return the unbroken stretch about the narrowest section that is hardly wider or higher than it."""
    size = np.where(_plausible(found), found.width_mm * found.height_mm, np.nan)
    if not np.isfinite(size).any():
        return None
    least = int(np.nanargmin(size))
    belongs = (found.width_mm < _TUBE * found.width_mm[least]) & (found.height_mm < _TUBE * found.height_mm[least])
    first, last = least, least
    while first > 0 and belongs[first - 1]:
        first -= 1
    while last < len(belongs) - 1 and belongs[last + 1]:
        last += 1
    if last - first + 1 < _LEAST_TUBE:  # a real isthmus is often shorter than such a stretch: its neighbours count too
        first, last = max(least - 1, 0), min(least + 1, len(belongs) - 1)
        if last - first + 1 < _LEAST_TUBE or not np.isfinite(size[first : last + 1]).all():
            return None
    return slice(first, last + 1)


def _weights(found: Sections, tube: slice) -> FloatArray:
    """Return how much each section says of the axis: little where the tube begins to flare, which is lopsided."""
    width, height = found.width_mm[tube], found.height_mm[tube]
    flare = ((width / width.min() - 1.0) / _FLARE[0]) ** 2 + ((height / height.min() - 1.0) / _FLARE[1]) ** 2
    return np.asarray(np.maximum(np.exp(-0.25 * flare), _LEAST_WEIGHT))


def _judged(
    volume: Volume, side: SideName, middle: Points, forward: Points, found: Sections, tube: slice, settled: bool
) -> Pedicle:
    narrow = np.argsort((found.width_mm * found.height_mm)[tube])[:_LEAST_TUBE]
    width, height, edges, peak = (
        float(np.median(values[tube][narrow]))
        for values in (found.width_mm, found.height_mm, found.edges, found.peak_hu)
    )
    doubts = []
    if volume.is_thick:
        doubts.append(THICK.format(volume.slice_distance_mm))
    if edges < _WHOLE_EDGES or peak < _CORTEX_HU:
        doubts.append(EATEN)
    if not settled:
        doubts.append(UNSETTLED)
    return Pedicle(side, vec3(middle), vec3(forward), width, height, not doubts, " ".join(doubts))


def _both(frame: CurvedFrame, sides: dict[SideName, Pedicle]) -> tuple[Pedicle, ...]:
    """Return both pedicles, one that is missing mirrored from the other."""
    if not sides:
        return ()
    return tuple(sides[side] if side in sides else _mirrored(frame, next(iter(sides.values())), side) for side in SIDES)


def _mirrored(frame: CurvedFrame, other: Pedicle, side: SideName) -> Pedicle:
    places = np.array(other.isthmus_lps_mm) + np.array([[0.0], [1.0]]) * np.array(other.forward)
    s, v, u = frame.svu_of(places).astype(np.float64).T
    at, ahead = frame.lps_of(s, v, -u)
    forward = (ahead - at) / np.linalg.norm(ahead - at)
    return Pedicle(side, vec3(at), vec3(forward), other.width_mm, other.height_mm, False, f"{UNSEEN} {MIRRORED}")
