"""Where the flood of the bone behind the bodies starts: sure places of each vertebra, and of what is none."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.anatomy.spine.canal_profile import CanalProfile
from cvt_planner.anatomy.spine.faces import Rows, jump_across, place_of
from cvt_planner.anatomy.spine.gaps import Gaps
from cvt_planner.anatomy.spine.lattice import Lattice, blend_row, in_row
from cvt_planner.base.arrays import FloatArray, LabelArray, MaskArray
from cvt_planner.base.compiled import kernel, kernels_alone, parallel_kernel, prange

OTHER = 255  # ribs, hips and what else is bright and no vertebra

_NEAR_CANAL_MM = 7.0
_PEDICLE_SHARE = (0.28, 0.62)  # of a level's height below its upper border
_ROOT_SHARE = (0.10, 0.85)  # where a pedicle's root may be
_ROOF_SHARE = (0.25, 0.80)  # of the way from the upper gap to the lower
# Bone so far before the canal's front, beside no body, is rib or other; where a pedicle may be, farther: most so beside
# wide bodies, whose processes spring from their side. Measured at L5.
_BEFORE_CANAL_MM, _BEFORE_PEDICLE_MM = 3.0, (13.0, 25.0)
# How far aside of the canal a pedicle may reach, by the body's width: the means of Panjabi and Zindrick, with room.
_REACH_MM, _REACH_PER_WIDTH, _NARROW_BODY_MM = (9.0, 24.0), 1.1, 34.5
_PROCESS_REACH_MM = 18.0  # where pedicles reach farther than this, their processes lie before the canal, too; assumed
_SIDE_MM, _RIB_MM = 42.0, 57.0  # what reaches from one to the other is rib or hip: no transverse process is so long
_NARROW_RIB_MM = 47.0  # those of the neck and of the upper chest end at 40 mm, and the first rib reaches little farther
# Beside narrow bodies a rib's neck runs back and aside in front of its transverse process: so far beside the canal's
# wall the line between the two lies so far behind the canal's front, and falls by so much per mm. Measured.
_PAST_WALL_MM, _LINE_MM, _LINE_FALL = 10.0, -10.0, 0.5
# How far before the canal's front and beside its wall transverse processes of the neck reach; assumed.
_BEFORE_NECK_MM, _NECK_REACH_MM = 14.0, 20.0
_TIPS_MM = 27.0  # no transverse process of a narrow vertebra reaches so far beside the canal's wall
# Where such a process surely is: not its tip, where the rib lies against it; behind the line; of the level's height.
_PROCESS_MM, _BEHIND_LINE_MM, _PROCESS_SHARE = 20.0, (8.0, 26.0), (0.15, 0.50)
_SPINOUS_U_MM, _SPINOUS_V_MM, _GAP_MARGIN_MM = 3.0, 3.0, 2.5
_BEYOND_RIB, _ASIDE_OTHER, _ASIDE = 254, 253, 252  # marks of what may be rib, until it is judged


@kernel
def _gap(gaps: Any, border: int, v: float) -> float:
    """Return s of a gap at a place v mm in front of the canal's middle; `gaps` are 1 mm apart on the way back."""
    at = min(max(-v, 0.0), gaps.shape[1] - 1.0)
    n = int(min(at, gaps.shape[1] - 2.0))
    return float(gaps[border, n] + (at - n) * (gaps[border, n + 1] - gaps[border, n]))


@kernel
def _height(borders: Any, number: int, s: float, v: float) -> float:
    """Return how far below a level's upper border a place lies, as a share of the level's height."""
    upper = borders[number, 0] + borders[number, 1] * v
    lower = borders[number + 1, 0] + borders[number + 1, 1] * v
    return float((upper - s) / max(upper - lower, 1.0))


@kernel
def _sure(borders: Any, gaps: Any, s: float, v: float, aside: float, back: float, half: float) -> int:
    """Return the number of the vertebra that a place surely belongs to, `OTHER` beyond the ends, 0 where none is sure.

    The first and last level are the neighbours' beyond.
    """
    pedicle = 0.6 * half < aside < half + _NEAR_CANAL_MM and -0.4 * back < v < 0.8 * back
    lamina = -back - _NEAR_CANAL_MM < v <= -0.6 * back and aside < half
    spinous = v < -back - _SPINOUS_V_MM and aside < _SPINOUS_U_MM
    found = 0
    if not (pedicle or lamina or spinous):
        return found
    levels = borders.shape[0] - 1
    for number in range(levels):
        sure = pedicle and _PEDICLE_SHARE[0] < _height(borders, number, s, v) < _PEDICLE_SHARE[1]
        if lamina or spinous:
            above, below = _gap(gaps, number, v), _gap(gaps, number + 1, v)
            way = (above - s) / max(above - below, 1.0)
            sure |= lamina and _ROOF_SHARE[0] < way < _ROOF_SHARE[1]
            sure |= spinous and below + _GAP_MARGIN_MM < s < above - _GAP_MARGIN_MM
        if sure:
            found = number if 0 < number < levels - 1 else OTHER
    return found


@kernel
def _is_root(borders: Any, s: float, v: float) -> bool:
    """Return whether a place lies as high in any level as the roots of its pedicles."""
    for number in range(borders.shape[0] - 1):
        if _ROOT_SHARE[0] < _height(borders, number, s, v) < _ROOT_SHARE[1]:
            return True
    return False


@kernel
def _is_before(borders: Any, s: float, v: float, before: float, past: float, reach: float) -> bool:
    """Return whether a place beside no body lies so far before the canal's front that it is rib or other.

    `past` is how far it lies beside the canal's wall, `reach` how far a pedicle may.
    """
    if before <= _BEFORE_CANAL_MM:
        return False
    wide = (reach - _REACH_MM[0]) / (_REACH_MM[1] - _REACH_MM[0])
    farthest = _BEFORE_PEDICLE_MM[0] + wide * (_BEFORE_PEDICLE_MM[1] - _BEFORE_PEDICLE_MM[0])
    within_reach = past < reach or reach > _PROCESS_REACH_MM
    return bool(before > farthest or not (within_reach and _is_root(borders, s, v)))


@kernel
def _beside_narrow(borders: Any, s: float, v: float, past: float, before: float, beside: bool) -> int:
    """Return the number of the vertebra whose transverse process a place beside a narrow one surely is.

    `_BEYOND_RIB` beyond the tips of these processes: also a first rib that ends soon. `_ASIDE` where it may be the neck
    of a rib in front of them, else 0.
    """
    ahead = before - _LINE_MM + _LINE_FALL * (past - _PAST_WALL_MM)
    if past <= _PAST_WALL_MM:
        return 0
    if not beside and past > _TIPS_MM:
        return _BEYOND_RIB
    if not beside and ahead > 0.0:
        return _ASIDE
    if past < _PROCESS_MM and _BEHIND_LINE_MM[0] < -ahead < _BEHIND_LINE_MM[1]:
        levels = borders.shape[0] - 1
        for number in range(levels):
            if _PROCESS_SHARE[0] < _height(borders, number, s, v) < _PROCESS_SHARE[1]:
                return number if 0 < number < levels - 1 else OTHER
    return 0


@kernel
def _marked(found: int, aside: float, narrow: bool) -> int:
    """Return what a place is, as a mark where it lies so far aside that it may be rib, or surely is one."""
    if found == _BEYOND_RIB or aside > (_NARROW_RIB_MM if narrow else _RIB_MM):
        return _BEYOND_RIB
    if aside > _SIDE_MM:
        return _ASIDE_OTHER if found == OTHER else _ASIDE
    return found


@parallel_kernel
def _sow(
    free: Any, beside: Any, rows: Any, svu: Any, step: Any, step_mm: float, borders: Any, gaps: Any, walls: Any,
    reach: Any, neck: Any, seeds: Any,
) -> None:  # fmt: skip
    nk, nj, _ = free.shape
    for k in prange(nk):
        row = np.empty((svu.shape[2], 3), np.float32)
        for j in range(nj):
            first, end = rows[k, j, 0], rows[k, j, 1]
            if not free[k, j, first:end].any():
                continue
            blend_row(svu, step, k, j, first // step[2], (end - 1) // step[2] + 2, row)
            for i in range(first, end):
                if not free[k, j, i]:
                    continue
                s, v, u = in_row(row, step[2], i)
                if np.isnan(s):
                    continue
                aside = abs(u)
                n = int(min(max(s / step_mm + 0.5, 0.0), walls.shape[1] - 1.0))
                back, front, half = walls[0, n], walls[1, n], walls[2, n]
                found = _sure(borders, gaps, s, v, aside, back, half)
                narrow = reach[n] <= _REACH_MM[0]
                if found == 0 and narrow:
                    found = _beside_narrow(borders, s, v, aside - half, v - front, beside[k, j, i])
                if not beside[k, j, i] and _is_before(borders, s, v, v - front, aside - half, reach[n]):
                    process = neck[n] and v - front <= _BEFORE_NECK_MM and aside - half <= _NECK_REACH_MM
                    found = _ASIDE if process else OTHER
                seeds[k, j, i] = _marked(found, aside, narrow)


@kernel
def _spread_aside(seeds: Any, rows: Any, stack: Any) -> None:
    """Make `OTHER` of all that may be rib and hangs together with bone farther aside."""
    nk, nj, ni = seeds.shape
    flat = seeds.ravel()
    top = 0
    for k in range(nk):
        for j in range(nj):
            for n in range((k * nj + j) * ni + rows[k, j, 0], (k * nj + j) * ni + rows[k, j, 1]):
                if flat[n] == _BEYOND_RIB:
                    flat[n] = OTHER
                    stack[top] = n
                    top += 1
    while top > 0:
        top -= 1
        n = stack[top]
        place = place_of(n, seeds.shape)
        for side in range(6):
            m = n + jump_across(side, place, seeds.shape)
            if _ASIDE <= flat[m] <= _ASIDE_OTHER:
                flat[m] = OTHER
                stack[top] = m
                top += 1


@parallel_kernel
def _as_they_were(seeds: Any, rows: Any) -> None:
    for k in prange(seeds.shape[0]):
        for j in range(seeds.shape[1]):
            for i in range(rows[k, j, 0], rows[k, j, 1]):
                if _ASIDE <= seeds[k, j, i] <= _ASIDE_OTHER:
                    seeds[k, j, i] = OTHER if seeds[k, j, i] == _ASIDE_OTHER else 0


def sown(
    free: MaskArray, beside: MaskArray, bodies: LabelArray, lattice: Lattice, borders_mm: FloatArray, gaps: Gaps,
    profile: CanalProfile, width_mm: FloatArray, neck: MaskArray, rows: Rows,
) -> LabelArray:  # fmt: skip
    """Return (k, j, i) the number of the vertebra that a voxel surely belongs to, bodies included; 0 elsewhere.

    `OTHER` is what surely belongs to no vertebra. Pedicles of wide bodies, the lower lumbar ones, reach far aside, and
    their processes spring from the body's side; those of thoracic bodies end before the rib's head begins.

    Parameters
    ----------
    free, beside
        Bone that is no body, disc or canal; where of it a body is near.
    borders_mm, gaps
        Of all levels and of one more at each end, head to feet; those of the latter are `OTHER`.
    width_mm
        (frame length,) the bodies' width along the canal.
    neck
        (frame length,) where the canal is the neck's.
    """
    seeds = bodies.copy()
    reach = np.clip(_REACH_MM[0] + _REACH_PER_WIDTH * (width_mm - _NARROW_BODY_MM), *_REACH_MM)
    walls = np.stack([profile.back_mm, profile.front_mm, profile.side_mm])
    with kernels_alone():
        _sow(
            free, beside, rows, lattice.svu_mm, lattice.step_kji, profile.step_mm, borders_mm, gaps.s_mm, walls, reach,
            neck, seeds,
        )  # fmt: skip
    _spread_aside(seeds, rows, np.empty(int(np.count_nonzero(free)), dtype=np.int32))
    with kernels_alone():
        _as_they_were(seeds, rows)
    return seeds
