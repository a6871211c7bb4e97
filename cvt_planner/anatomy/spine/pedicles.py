"""The two pedicles of every vertebra: axis, isthmus, width and height between outer cortices."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cvt_planner.anatomy.neighbourhood import index_kji
from cvt_planner.anatomy.spine.canal_profile import CanalProfile
from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.lattice import Lattice
from cvt_planner.anatomy.spine.model import Pedicle, SideName
from cvt_planner.anatomy.spine.sections import Sections, cuts
from cvt_planner.anatomy.spine.straight_walls import straight_walls
from cvt_planner.anatomy.spine.waist import Waist, waist_of
from cvt_planner.base.arrays import FloatArray, LabelArray, MaskArray, Points, vec3
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

_AT_ONCE = 2  # vertebrae, for two cores: most of the work lets go of the interpreter
_BEHIND_WALL_MM = (2.0, 5.0)  # of the body's hind wall: where a pedicle is looked for first
_START_U_MM, _REACH_U_MM = 12.0, 22.0  # beside the canal's wall: of the first place, and of what may be looked at
_OFF_WALL_MM = 3.5  # a pedicle's inner side is the canal's side wall, give or take; assumed
_OUTSIDE_MM = 2.5  # of a pedicle's inner side from there outward in the end; assumed
_BEFORE_MM, _BEYOND_MM = 12.0, 3.0  # behind and in front of the hind wall: where an isthmus may lie; assumed
_SHARE = (-0.05, 0.80)  # of the body's height below its upper end
_ALONG_MM = np.arange(-7.0, 6.01, 0.5)
_COARSE_MM = np.arange(-5.0, 5.01, 1.25)
_TURNED_IN_DEG = (0.0, 20.0, 40.0)  # T12 to C3 and L5: the range seen
_TURNS, _WHOLE_TURNS = 6, 2  # later ones by half, so that an axis does not swing about its place
_LARGEST_TURN = 0.35  # of the axis at once; assumed
_SETTLED = 0.03  # 1.7 degrees: an axis that turned by more the last time is not certain
_LARGEST_ERROR_DEG = 3.0  # the error to be met; beyond, the walls do not tell where the axis runs
_STEEPEST = 0.36  # 20 degrees against the canal's section; assumed
_FARTHEST_MM = 12.0  # from the first place; beyond, another tube was found (a rib, a transverse process)
_NEAR_MM = 6.0  # along the axis from the last isthmus, where a section counts half as narrow; assumed
_TUBE = 1.25  # sections up to so much larger than the narrowest belong to the tube; assumed
_FLARE = (0.36, 0.24)  # wider and higher by such a share counts little; assumed
_LEAST_WEIGHT = 1e-3  # so that a surface through them is always defined
_ALIKE = 3  # neighbouring sections that are looked at together
_WALLS = 10  # sections before and behind the narrowest, 5 mm, in which walls may run on; assumed
_CORTEX_HU = 250.0  # least median peak of a cortex that is whole; assumed
_LEAST_EDGES, _WHOLE_EDGES = 0.65, 0.75
_WIDTHS_MM, _HEIGHTS_MM = (2.0, 26.0), (5.0, 26.0)  # seen in adults, C3 to S1, with room
# A pedicle lower than this share of the other side's is not judged. Of 200 pairs of phantoms and real CTs whole
# ones come to 0.83 and more, eaten ones and those at the edge of the CT to 0.35 to 0.74.
_LEAST_OF_OTHER = 0.75

_TRIES = 3  # first places, until an axis comes to rest

_Start = tuple[Points, Points, Points]
SIDES: tuple[SideName, SideName] = ("left", "right")
THICK = "Slices lie {:.1f} mm apart; width and height need 1.5 mm or less."
UNSEEN = "This pedicle is not seen: it is eaten, cut off by the edge of the CT, or never formed."
MIRRORED = "Its place is mirrored from the other side."
UNSETTLED = "Its axis is not certain: its walls do not tell the direction to 3°."
IN_PART = "It is far lower than the other side's: eaten or cut off in part."
EATEN = "The cortex is not whole all round the pedicle."


@dataclass(frozen=True, eq=False)
class _Here:
    """Where one vertebra's pedicles may be.

    (n, 3) s, v, u of its bone beside the canal, v of its hind wall, and u of the canal's side wall; mm.
    """

    svu: FloatArray = field(repr=False)
    wall_mm: float
    side_mm: float


def measure_pedicles(
    volume: Volume,
    box: Grid,
    frame: CurvedFrame,
    lattice: Lattice,
    profile: CanalProfile,
    vertebrae: LabelArray,
    bodies: LabelArray,
    progress: Progress | None = None,
) -> tuple[tuple[Pedicle, ...], ...]:
    """Return the pedicles of vertebrae 1, 2, ...: left then right, each with its doubts.

    From a first place behind the body, sections are cut across the axis; a hyperboloid is laid through their edges
    where the walls run straight past the narrowest (`straight_walls`, `waist_of`), and the axis turned into its own
    until it rests. Where it does not, other first places are tried, last that of the other side; whatever the first
    place, a pedicle is measured on its own bone. Width and height are those of the sections where it is narrowest.

    Notes
    -----
    The axis is that of the tube at the isthmus, not of the whole way to the front of the body. A pedicle that is not
    seen is mirrored from the other side, `judged` False; where neither is seen there is none. One much lower than the
    other is not judged. Not modelled: a rib grown together with the pedicle.
    """
    steps = progress or Progress()
    # Every second voxel tells as well where a vertebra lies, give or take one, in an eighth of the time.
    places: list[tuple[slice, ...] | None] = list(ndimage.find_objects(vertebrae[::2, ::2, ::2]))

    def of_vertebra(number: int) -> tuple[Pedicle, ...]:
        where = places[number - 1]
        if where is None:
            return ()
        near = tuple(slice(max(2 * w.start - 2, 0), 2 * w.stop + 1) for w in where)
        grid = box.crop(index_kji(np.array([w.start for w in near])), vertebrae[near].shape)
        bone = (vertebrae[near] == number).view(np.uint8)
        here = _here(lattice, near, profile, bone, bodies[near])
        if here is None:
            return ()
        found = {side: _sought(volume, grid, frame, bone, here, side) for side in SIDES}
        for side, other in zip(SIDES, reversed(SIDES), strict=True):
            sure = found[other]
            if _is_open(found[side]) and sure is not None and sure.judged:
                again = _measured(volume, grid, frame, bone, here, side, _opposite(frame, sure))
                found[side] = found[side] if _is_open(again) else again
        return compared(_both(frame, {side: pedicle for side, pedicle in found.items() if pedicle is not None}))

    out: list[tuple[Pedicle, ...]] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for pedicles in pool.map(of_vertebra, range(1, len(places) + 1)):
            out.append(pedicles)
            steps.report(len(out) / len(places), "Pedicles")
    return tuple(out)


def _here(
    lattice: Lattice, where: tuple[slice, ...], profile: CanalProfile, bone: LabelArray, bodies: LabelArray
) -> _Here | None:
    """Return where the pedicles of the vertebra in a part of the box may be; None without a body or aught behind it."""
    index = np.argwhere(bone)
    svu = lattice.at(index + [w.start for w in where]).astype(np.float64)
    known = np.isfinite(svu[:, 0])  # a process may reach beyond the frame
    index, svu = index[known], svu[known]
    body = bodies[tuple(index.T)] > 0
    of_body, behind = svu[body], svu[~body]
    if not len(of_body) or not len(behind):
        return None
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
    return _Here(behind[may_be], wall, float(np.median(side)))


def _sought(
    volume: Volume, grid: Grid, frame: CurvedFrame, bone: LabelArray, here: _Here, side: SideName
) -> Pedicle | None:
    """Return one pedicle from the likeliest first place from which one comes to rest; None where no tube is found."""
    found = None
    for start in _starts(volume, grid, frame, bone, here, side)[:_TRIES]:
        last = _measured(volume, grid, frame, bone, here, side, start)
        found = found if _is_open(last) and found is not None else last
        if not _is_open(found):
            break
    return found


def _is_open(pedicle: Pedicle | None) -> bool:
    """Return whether a pedicle may still be found from another first place: an eaten one stays eaten."""
    return pedicle is None or (UNSETTLED in pedicle.doubt and EATEN not in pedicle.doubt)


def _measured(
    volume: Volume, grid: Grid, frame: CurvedFrame, bone: LabelArray, here: _Here, side: SideName, start: _Start
) -> Pedicle | None:
    """Return one pedicle from a first place, its direction to the front, and up; None where no tube is found."""
    middle, forward, up = start
    first, settled, kept = middle, False, None
    for turn in range(_TURNS):
        found, aside, over = cuts(volume, grid, bone, middle, forward, up, _ALONG_MM)
        waist = _waist(found)
        if waist is None:
            settled = False
            break
        middle = middle + waist.along_mm * forward + waist.middle_mm[0] * aside + waist.middle_mm[1] * over
        slope = np.clip(waist.slope * (1.0 if turn < _WHOLE_TURNS else 0.5), -_LARGEST_TURN, _LARGEST_TURN)
        forward = _within(forward + slope[0] * aside + slope[1] * over, up)
        rests = float(np.abs(slope).max()) < _SETTLED
        settled, kept = rests and waist.error_deg < _LARGEST_ERROR_DEG, found
        if settled and turn > 0:
            break
    if kept is None or np.linalg.norm(middle - first) > _FARTHEST_MM:
        return None
    pedicle = _judged(volume, side, middle, forward, kept, settled)
    off_wall = float(np.abs(frame.svu_of(middle[None])[0, 2])) - 0.5 * pedicle.width_mm - here.side_mm
    if settled and not -_OFF_WALL_MM < off_wall < _OUTSIDE_MM:  # likelier a rib, or what a lesion has left
        return _judged(volume, side, middle, forward, kept, settled=False)
    return pedicle


def _waist(found: Sections) -> Waist | None:
    """Return the waist of the surface through the edges where the walls run straight past the narrowest section."""
    size = _steady(found, _ALONG_MM)
    if not np.isfinite(size).any():
        return None
    narrowest = int(size.argmin())
    straight = straight_walls(found.outline_mm, _ALONG_MM, narrowest, _WALLS)
    along = np.broadcast_to(_ALONG_MM[:, None, None], (*straight.shape, 1))
    edges = np.concatenate([found.outline_mm, along], axis=2)
    says = np.broadcast_to(_weights(found, narrowest)[:, None], straight.shape)
    return waist_of(edges[straight], says[straight], float(_ALONG_MM[narrowest]))


def _weights(found: Sections, narrowest: int) -> FloatArray:
    """Return how much each section says of the axis: little where the tube flares, and its walls become the body's."""
    near = slice(max(narrowest - 1, 0), narrowest + 2)
    flares = [
        np.maximum(sizes / np.median(sizes[near]) - 1.0, 0.0) / share
        for sizes, share in zip((found.width_mm, found.height_mm), _FLARE, strict=True)
    ]
    return np.asarray(np.maximum(np.nan_to_num(np.exp(-0.5 * (flares[0] ** 2 + flares[1] ** 2))), _LEAST_WEIGHT))


def _within(direction: Points, up: Points) -> Points:
    """Return a direction as a unit vector, its rise kept within what pedicles have: a flare beside a rib bends it."""
    level = direction - (direction @ up) * up
    rise = float(np.clip((direction @ up) / np.linalg.norm(level), -_STEEPEST, _STEEPEST))
    turned = level / np.linalg.norm(level) + rise * up
    return np.asarray(turned / np.linalg.norm(turned))


def _starts(
    volume: Volume, grid: Grid, frame: CurvedFrame, bone: LabelArray, here: _Here, side: SideName
) -> list[_Start]:
    """Return first places in one pedicle, with directions to the front and up, the likeliest first; none, no bone.

    From some places beside the canal and in directions that turn in towards the middle, each the smallest section
    whose inner side is the canal's; the smaller, the likelier.
    """
    sign = 1.0 if side == "left" else -1.0
    own = here.svu[(np.sign(here.svu[:, 2]) == sign) & (np.abs(here.svu[:, 2]) < here.side_mm + _START_U_MM)]
    starts: list[tuple[float, _Start]] = []
    for behind_mm in _BEHIND_WALL_MM:
        near = own[np.abs(own[:, 1] - here.wall_mm + behind_mm) < 1.0]
        if len(near) < 12:
            continue
        s, v, u = np.median(near, axis=0)
        n = int(np.clip(round(s / frame.step_mm), 0, len(frame.up) - 1))
        middle, up, front = frame.lps_of(s, v, u), frame.up[n], frame.front[n]
        for turn in np.radians(_TURNED_IN_DEG):
            forward = np.cos(turn) * front + np.sin(turn) * sign * np.cross(up, -front)
            found, aside, over = cuts(volume, grid, bone, middle, forward, up, _COARSE_MM)
            places = middle + _COARSE_MM[:, None] * forward + found.middle_mm @ np.stack([aside, over])
            _, v_mm, u_mm = frame.svu_of(np.nan_to_num(places)).astype(np.float64).T
            off_wall = np.abs(u_mm) - 0.5 * found.width_mm * np.cos(turn) - here.side_mm
            ahead = v_mm - here.wall_mm
            fits = (np.abs(off_wall) < _OFF_WALL_MM) & (ahead > -_BEFORE_MM) & (ahead < _BEYOND_MM)
            for size in (np.where(fits, s, np.inf) for s in (_steady(found, _COARSE_MM), _sizes(found, _COARSE_MM))):
                if np.isfinite(size).any():
                    starts.append((float(size.min()), (places[size.argmin()], forward, up)))
                    break
    return [start for _, start in sorted(starts, key=lambda s: s[0])]


def _plausible(found: Sections) -> MaskArray:
    """Return which sections may be a pedicle's."""
    wide = (found.width_mm > _WIDTHS_MM[0]) & (found.width_mm < _WIDTHS_MM[1])
    high = (found.height_mm > _HEIGHTS_MM[0]) & (found.height_mm < _HEIGHTS_MM[1])
    return np.asarray(wide & high & (found.edges >= _LEAST_EDGES))


def _sizes(found: Sections, along_mm: FloatArray) -> FloatArray:
    """Return what is least at the isthmus: the sections' areas, more where edges stray or far from the last one."""
    size = found.width_mm * found.height_mm / np.maximum(found.edges, 0.1) ** 2 * (1.0 + (along_mm / _NEAR_MM) ** 2)
    return np.where(_plausible(found), size, np.inf)


def _steady(found: Sections, along_mm: FloatArray) -> FloatArray:
    """Return the middle size of each three neighbours: one small section by itself lies on edges of something else."""
    return np.asarray(ndimage.median_filter(_sizes(found, along_mm), _ALIKE, mode="nearest"))


def _tube_of(found: Sections) -> NDArray[np.int64]:
    """Return which sections belong to the unbroken stretch about the narrowest that is hardly wider or higher."""
    least = int(_steady(found, _ALONG_MM).argmin())
    near = slice(max(least - 1, 0), least + 2)
    width, height = np.nanmedian(found.width_mm[near]), np.nanmedian(found.height_mm[near])
    belongs = _plausible(found) & (found.width_mm < _TUBE * width) & (found.height_mm < _TUBE * height)
    belongs[near] = True
    first, last = least, least
    while first > 0 and belongs[first - 1]:
        first -= 1
    while last < len(belongs) - 1 and belongs[last + 1]:
        last += 1
    stretch = np.arange(first, last + 1)
    return stretch[np.isfinite(found.width_mm[stretch])]  # one beside the narrowest may lie beyond the edge of the CT


def _judged(volume: Volume, side: SideName, middle: Points, forward: Points, found: Sections, settled: bool) -> Pedicle:
    """Return the pedicle with the size of the sections where it is narrowest, and the doubts."""
    tube = _tube_of(found)
    width_mm, height_mm = (
        ndimage.median_filter(sizes[tube], _ALIKE, mode="nearest") for sizes in (found.width_mm, found.height_mm)
    )
    narrow = np.argsort(width_mm)[:_ALIKE]
    width, height, edges, peak = (
        float(np.median(values[narrow])) for values in (width_mm, height_mm, found.edges[tube], found.peak_hu[tube])
    )
    doubts = []
    if volume.is_thick:
        doubts.append(THICK.format(volume.slice_distance_mm))
    if edges < _WHOLE_EDGES or peak < _CORTEX_HU:
        doubts.append(EATEN)
    if not settled:
        doubts.append(UNSETTLED)
    return Pedicle(side, vec3(middle), vec3(forward), width, height, not doubts, " ".join(doubts))


def compared(pedicles: tuple[Pedicle, ...]) -> tuple[Pedicle, ...]:
    """Return the pedicles of one vertebra; one that is judged, but far lower than another that is, is not any more.

    What an earlier comparison said is forgotten first.
    """
    fresh = [replace(p, judged=True, doubt="") if p.doubt == IN_PART else p for p in pedicles]
    highest = max((p.height_mm for p in fresh if p.judged), default=0.0)
    return tuple(
        replace(p, judged=False, doubt=IN_PART) if p.judged and p.height_mm < _LEAST_OF_OTHER * highest else p
        for p in fresh
    )


def _both(frame: CurvedFrame, sides: dict[SideName, Pedicle]) -> tuple[Pedicle, ...]:
    """Return both pedicles, one that is missing mirrored from the other."""
    if not sides:
        return ()
    return tuple(sides[side] if side in sides else _mirrored(frame, next(iter(sides.values())), side) for side in SIDES)


def _mirrored(frame: CurvedFrame, other: Pedicle, side: SideName) -> Pedicle:
    at, forward, _ = _opposite(frame, other)
    return Pedicle(side, vec3(at), vec3(forward), other.width_mm, other.height_mm, False, f"{UNSEEN} {MIRRORED}")


def _opposite(frame: CurvedFrame, other: Pedicle) -> _Start:
    """Return the place and direction of the other side's pedicle on this side, and up."""
    places = np.array(other.isthmus_lps_mm) + np.array([[0.0], [1.0]]) * np.array(other.forward)
    s, v, u = frame.svu_of(places).astype(np.float64).T
    at, ahead = frame.lps_of(s, v, -u)
    up = frame.up[int(np.clip(round(s[0] / frame.step_mm), 0, len(frame.up) - 1))]
    return at, (ahead - at) / np.linalg.norm(ahead - at), up
