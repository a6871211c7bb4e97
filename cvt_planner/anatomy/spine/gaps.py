"""The gaps between neighbouring spinous processes, in the middle plane behind the canal."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.base.arrays import Float32Array, FloatArray
from cvt_planner.imaging.volume import Volume

DEEPEST_MM = 75.0  # behind the canal's middle; no spinous process reaches farther
_HALF_SLAB_MM = 3.0
_LINE_MM = 30.0
# Where a gap starts at the canal's roof, as shares of a level's height from the disc's plane (up is positive), and how
# far it falls per mm on its way back: the ranges measured on real CTs, with room.
_STARTS = np.linspace(-0.70, 0.30, 26)
_FALLS = np.linspace(0.0, 2.4, 17)
_START_SPREAD_MM, _FALL_SPREAD = 3.0, 0.3  # how far neighbouring gaps differ; assumed
_ALIKE = 60.0  # HU a departure by one spread costs; assumed
_WANDER_MM = 4  # how far the gap may leave its straight line
_CORE_HU = (-100.0, 400.0)


@dataclass(frozen=True, eq=False)
class Gaps:
    """Where the gaps run: for each border between vertebrae s, mm, behind the canal's middle.

    Parameters
    ----------
    s_mm
        (n + 1, m) from head to feet: `s_mm[0]` above the first vertebra, `s_mm[n]` below the last; at 0, 1, 2, ... mm
        behind the canal's middle.
    """

    s_mm: FloatArray = field(repr=False)


def find_gaps(volume: Volume, frame: CurvedFrame, borders_mm: FloatArray, roof_mm: FloatArray) -> Gaps:
    """Return the gaps between spinous processes.

    A straight line from the canal's roof through the darkest tissue in the middle plane, for all levels at once: each
    may start and fall a little differently from its neighbours', and no two cross. Then each follows the darkest way
    within 4 mm of its line.

    Parameters
    ----------
    borders_mm
        (n + 1, 2) s of the borders between vertebrae on the canal's middle line, and their slope ds/dv; head to feet.
    roof_mm
        (frame length,) distance from the canal's middle back to its roof at each mm of the frame.

    Notes
    -----
    Baastrup contact, fused and split spinous processes are not modelled: there the gap is where its neighbours say.
    """
    behind = np.arange(0.0, DEEPEST_MM + 1.0)
    u = np.arange(-_HALF_SLAB_MM, _HALF_SLAB_MM + 1.0)
    slab = np.clip(frame.straightened(volume, -behind, u), *_CORE_HU)
    slab = np.sort(slab, axis=2)[:, :, 2:].mean(axis=2)  # a process a little aside still shows
    picture = ndimage.gaussian_filter(slab, (0.7, 0.7))
    heights = _level_heights(borders_mm)
    starts, falls = (np.ravel(a) for a in np.meshgrid(_STARTS, _FALLS, indexing="ij"))
    costs, at_roof = [], []
    for (s, slope), height in zip(borders_mm, heights, strict=True):
        roof = float(np.interp(s, np.arange(len(roof_mm)) * frame.step_mm, roof_mm))
        start = s - slope * roof + starts * height
        costs.append(_line_costs(picture, frame.step_mm, start, falls, roof))
        at_roof.append((start, roof))
    chosen = _viterbi(costs, [start for start, _ in at_roof], starts * float(np.mean(heights)), falls)
    rows = []
    for n, pick in enumerate(chosen):
        start, roof = at_roof[n]
        line = start[pick] - falls[pick] * (behind - roof)
        line = np.where(
            behind < roof, borders_mm[n, 0] + (start[pick] - borders_mm[n, 0]) * behind / max(roof, 1.0), line
        )
        rows.append(_followed(picture, frame.step_mm, line, round(roof)))
    return Gaps(np.array(rows))


def _level_heights(borders_mm: FloatArray) -> FloatArray:
    """Return (n + 1,) the mean height of the two vertebrae beside each border, mm."""
    spans = -np.diff(borders_mm[:, 0])
    return np.concatenate([spans[:1], 0.5 * (spans[1:] + spans[:-1]), spans[-1:]])


def _line_costs(picture: Float32Array, step_mm: float, start: FloatArray, falls: FloatArray, roof: float) -> FloatArray:
    """Return (states,) mean HU along each line, less that of the brighter of the lines 6 mm above and below."""
    along = np.arange(0.0, _LINE_MM + 1.0)
    s = (start[:, None] - falls[:, None] * along) / step_mm
    b = np.broadcast_to(roof + 1.0 + along, s.shape)

    def mean(shift_mm: float) -> FloatArray:
        places = np.array([s + shift_mm / step_mm, b])
        return np.asarray(ndimage.map_coordinates(picture, places, order=1, mode="nearest").mean(axis=1))

    return mean(0.0) - 0.5 * np.minimum(mean(7.0), mean(-7.0))


def _viterbi(costs: list[FloatArray], places: list[FloatArray], offsets: FloatArray, falls: FloatArray) -> list[int]:
    change = (offsets[:, None] - offsets[None]) ** 2 / (2.0 * _START_SPREAD_MM**2)
    change = _ALIKE * (change + (falls[:, None] - falls[None]) ** 2 / (2.0 * _FALL_SPREAD**2))
    total, back = costs[0], []
    for n in range(1, len(costs)):
        apart = places[n - 1][:, None] - places[n][None]  # must go towards the feet, here and at the tips
        tips = apart - _LINE_MM * (falls[:, None] - falls[None])
        steps = total[:, None] + change + np.where((apart < 8.0) | (tips < 8.0), 1e4, 0.0)
        back.append(np.argmin(steps, axis=0))
        total = steps.min(axis=0) + costs[n]
    chosen = [int(np.argmin(total))]
    for pointers in reversed(back):
        chosen.append(int(pointers[chosen[-1]]))
    return chosen[::-1]


def _followed(picture: Float32Array, step_mm: float, line: FloatArray, roof: int) -> FloatArray:
    """Return the line moved to the darkest way within a corridor around it, behind the roof."""
    moves = np.arange(-_WANDER_MM, _WANDER_MM + 1)
    columns = np.arange(len(line))
    places = np.array([(line[None] + moves[:, None]) / step_mm, np.broadcast_to(columns, (len(moves), len(line)))])
    cost = ndimage.map_coordinates(picture, places, order=1, mode="nearest") + 4.0 * moves[:, None] ** 2
    cost[:, :roof] = 30.0 * moves[:, None] ** 2
    total = cost[:, 0]
    back = []
    for b in columns[1:]:
        ways = np.stack([np.roll(total, 1), total, np.roll(total, -1)])
        ways[0, 0] = ways[2, -1] = np.inf
        ways[[0, 2]] += 15.0
        pick = np.argmin(ways, axis=0)
        back.append(pick - 1)
        total = ways.min(axis=0) + cost[:, b]
    at = int(np.argmin(total))
    path = [at]
    for pick in reversed(back):
        at = at + int(pick[at])
        path.append(at)
    return line + moves[path[::-1]]
