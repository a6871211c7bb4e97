"""Measures of each vertebra's body and how sure it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cvt_planner.anatomy.spine.bodies import PLATE_U_MM, PLATE_V_MM
from cvt_planner.anatomy.spine.discs import Disc
from cvt_planner.anatomy.spine.model import Endplate, Vertebra
from cvt_planner.base.arrays import FloatArray, Points, vec3

if TYPE_CHECKING:
    from cvt_planner.anatomy.spine.pipeline import Column

_CUT_OFF = "Not wholly in the CT: its measures are not to be used."
_SACRUM = "The upper sacrum: only its first segment is marked, and its measures are not to be used."
_NECK = "Higher than a vertebra of its depth, or above one that is: two may be taken for one. Count by eye."
_MOST_HEIGHT = 0.95  # of the body's depth; means run from 0.61 to 0.78 (Panjabi 1991, 1992)
_NECK_CONFIDENCE = 0.4  # below what counts as doubtful
_FAINT = "Its discs are faint: the boundary to its neighbour may be off."


def measure_vertebrae(column: Column) -> tuple[Vertebra, ...]:
    """Return the vertebrae from head to feet, with centre, axes, endplates, sizes, confidence and doubts."""
    found = tuple(_measured(column, level) for level in range(column.highest, column.lowest - 1, -1))
    return (*_neck_doubted(found[:-1]), *found[-1:]) if column.sacral else _neck_doubted(found)


def _neck_doubted(found: tuple[Vertebra, ...]) -> tuple[Vertebra, ...]:
    """Return the vertebrae, those from the head down to the lowest that is too high for its depth called doubtful.

    In the neck two vertebrae may be taken for one; such a pair is as high as it is deep. The sacrum's first segment
    is so by itself and must not be among them.
    """
    high = [n for n, v in enumerate(found) if v.depth_mm > 0.0 and v.height_mm > _MOST_HEIGHT * v.depth_mm]
    last = max(high, default=-1)
    return tuple(
        replace(v, confidence=min(v.confidence, _NECK_CONFIDENCE), doubts=(*v.doubts, _NECK)) if n <= last else v
        for n, v in enumerate(found)
    )


def _measured(column: Column, level: int) -> Vertebra:
    below = level - 1 if level > 0 else None
    above = level if level < len(column.discs) else None
    period = float(column.profiles.period_mm[round(_middle_s(column, level))])
    low, low_slopes = _plate(column, below, True, level, period)
    high, high_slopes = _plate(column, above, False, level, period)
    s = 0.5 * (low + high)
    n = int(np.clip(round(s), 0, len(column.frame.up) - 1))
    radii = column.outlines.radii_mm[n]
    turn = 2.0 * np.pi * np.arange(len(radii)) / len(radii)
    ahead, aside = radii * np.cos(turn), radii * np.sin(turn)
    v = column.outlines.axis_mm[n] + 0.5 * (ahead.max() + ahead.min())
    u = 0.5 * (aside.max() + aside.min())
    frame = column.frame
    slopes = 0.5 * (low_slopes + high_slopes)
    up = _normal(column, n, slopes)
    left = frame.left[n] - (frame.left[n] @ up) * up
    left /= np.linalg.norm(left)
    whole = below is not None and above is not None
    sacral = column.sacral and level == column.lowest
    doubts = [_SACRUM] if sacral else [] if whole else [_CUT_OFF]
    confidence = level_confidence(column, level)
    if confidence < 0.5:
        doubts.append(_FAINT)
    return Vertebra(
        number=column.number_of(level),
        centre_lps_mm=vec3(frame.lps_of(np.array(s), np.array(v), np.array(u))),
        left=vec3(left),
        back=vec3(np.cross(up, left)),
        up=vec3(up),
        upper=_endplate(column, high, v, u, high_slopes),
        lower=_endplate(column, low, v, u, low_slopes),
        width_mm=float(np.ptp(aside)),
        depth_mm=float(np.ptp(ahead)),
        height_mm=float(high - low),
        complete=whole and not sacral,
        confidence=confidence,
        doubts=tuple(doubts),
    )


def _middle_s(column: Column, level: int) -> float:
    low = column.discs[level - 1].s_mm if level > 0 else column.span_mm[0]
    high = column.discs[level].s_mm if level < len(column.discs) else column.span_mm[1]
    return 0.5 * (low + high)


def _plate(column: Column, disc: int | None, top_of_disc: bool, level: int, period: float) -> tuple[float, FloatArray]:
    """Return where the plate next to a disc lies in the middle of the body, s mm, and its slopes."""
    if disc is None:
        neighbours = [d.s_mm for d in column.discs]
        if top_of_disc:
            s = max(column.span_mm[0], (neighbours[0] - period) if neighbours else column.span_mm[0])
        else:
            s = min(column.span_mm[1], (neighbours[-1] + period) if neighbours else column.span_mm[1])
        return s, np.zeros(2)
    plane, plates = column.discs[disc], column.plates[disc]
    core = np.ix_((PLATE_V_MM > 4.0) & (PLATE_V_MM < 22.0), np.abs(PLATE_U_MM) < 10.0)
    off = plates.upper if top_of_disc else plates.lower
    v, u = np.meshgrid(PLATE_V_MM - 13.0, PLATE_U_MM, indexing="ij")
    design = np.stack([v[core].ravel(), u[core].ravel(), np.ones(v[core].size)], axis=1)
    # The plate's own tilt on top of the disc's.
    tilt = np.linalg.lstsq(design, off[core].ravel(), rcond=None)[0][:2]
    slopes = np.array([plane.slope_v, plane.slope_u]) + np.clip(tilt, -0.4, 0.4)
    return float(plane.s_at(plane.v_mm, 0.0) + np.median(off[core])), slopes


def _normal(column: Column, n: int, slopes: FloatArray) -> Points:
    frame = column.frame
    up = frame.up[n] - slopes[0] * frame.front[n] - slopes[1] * frame.left[n]
    return np.asarray(up / np.linalg.norm(up))


def _endplate(column: Column, s: float, v: float, u: float, slopes: FloatArray) -> Endplate:
    n = int(np.clip(round(s), 0, len(column.frame.up) - 1))
    centre = column.frame.lps_of(np.array(s), np.array(v), np.array(u))
    return Endplate(vec3(centre), vec3(_normal(column, n, slopes)))


def level_confidence(column: Column, level: int) -> float:
    """Return how sure a level is, 0 to 1, by how clearly its discs and their faces are seen."""
    known = [d for d in (level - 1, level) if 0 <= d < len(column.discs)]
    if not known:
        return 0.3
    clear = [0.5 * _clear(column.discs[d]) + 0.5 * column.plates[d].seen for d in known]
    return float(np.clip(min(clear) * (1.0 if len(known) == 2 else 0.8), 0.05, 1.0))


def _clear(disc: Disc) -> float:
    return float(np.clip((disc.score + 0.2) / 1.0, 0.0, 1.0))
