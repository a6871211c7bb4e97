"""Ribs, nerve roots, and the couch the patient lies on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from cvt_planner.base.arrays import FloatArray
from cvt_planner.phantom.layout import FAT, Layout
from cvt_planner.phantom.person import MEAN, Person
from cvt_planner.phantom.proportions import levels_of
from cvt_planner.phantom.soft import Organ
from cvt_planner.phantom.spine import Spine

_POWER = 2 / 2.35  # of the trunk's outline, as an exponent of sine and cosine
_STEP_DEG = 6.0
_UPPER = {1: 0.48, 2: 0.62, 3: 0.74, 4: 0.83, 5: 0.9, 6: 0.96}  # width of the upper ribs against the lower, assumed


def tubes(at: Layout, spine: Spine, person: Person = MEAN) -> tuple[FloatArray, FloatArray]:
    """Return nerve roots in their fat and the ribs, as `soft.paint_tubes` wants them, in the order of painting."""
    rows: list[list[float]] = []
    spread: list[list[float]] = []
    for n in range(len(spine.parts)):
        for sign in (1, -1):
            _root(spine, n, sign, rows, spread)
    levels = levels_of(person)
    first = levels.index(spine.parts[0].name)
    for number in range(1, person.rib_pairs + 1):  # ribs whose vertebrae lie above the scan still cross it at the side
        for sign in (1, -1):
            points = _rib(at, spine, levels.index("T1") + number - 1 - first, sign, number)
            for p, q in pairwise(points):
                rows.append([*p, *q, 3.1, 950.0, 170.0])
                spread.append([1.9, 1.5])
    return np.array(rows).reshape(-1, 9), np.array(spread).reshape(-1, 2)


def _root(spine: Spine, n: int, sign: int, rows: list[list[float]], spread: list[list[float]]) -> None:
    """Add the root that leaves below the pedicle: fat of the foramen, the ganglion, the nerve beyond it."""
    part, pedicle = spine.parts[n], spine.pedicles[n, 0 if sign > 0 else 1]
    low = pedicle[2] - pedicle[4]
    start = np.array([sign * part.canal_width_mm * 0.36, part.depth_mm / 2 + 5.0, low + 3.0])
    knot = np.array([pedicle[0], part.depth_mm / 2 + 4.0, low - 5.0])
    end = knot + np.array([sign * 16.0, -9.0, -14.0])
    a, b, c = (spine.to_lps(n, p) for p in (start, knot, end))
    rows += [[*a, *b, 6.0, FAT, FAT], [*a, *b, 1.6, 35.0, 35.0], [*b, *b, 2.9, 42.0, 42.0], [*b, *c, 1.7, 35.0, 35.0]]
    spread += [[1.2, 1.0], [1.0, 0.5], [1.5, 0.5], [1.0, 0.5]]


def _rib(at: Layout, spine: Spine, n: int, sign: int, number: int) -> FloatArray:
    """Return (m, 3) points along one rib, LPS mm; only its part round the trunk where its vertebra is missing."""
    shell = at.outline(at.fat_mm + 13.0, at.fat_mm + 2.0 + 13.0)
    cy, a, b = (float(v) for v in shell[:, 1:4].mean(axis=0))
    if 0 <= n < len(spine.parts):
        start = _joint(spine, n, sign, number)
    elif n < 0:
        start = _joint(spine, 0, sign, number) + np.array([0.0, 0.0, -25.0 * n])
    else:
        return np.zeros((0, 3))
    last = {13: 38.0, 12: 55.0, 11: 85.0}.get(number, 128.0)  # degrees round the trunk from behind
    shrink = _UPPER.get(number, 1.0)  # the cage narrows towards the neck
    a, b, cy = a * shrink, b * shrink, cy + b * (1.0 - shrink)
    first = float(np.degrees(np.arctan2(abs(start[1, 0]) / a + 0.16, (start[1, 1] - cy) / b)))
    angles = np.radians(np.arange(max(first, 20.0), last, _STEP_DEG))
    if not angles.size:  # a short rib of a vertebra above the scan does not reach round to it
        return start if n >= 0 else np.zeros((0, 3))
    drop = (angles - angles[0]) * (46.0 if number < 11 else 56.0)
    sin, cos = np.sin(angles), np.cos(angles)
    x = sign * a * np.abs(sin) ** _POWER
    ring = np.column_stack([x, cy + b * np.sign(cos) * np.abs(cos) ** _POWER, start[1, 2] - 3.0 - drop])
    return np.vstack([start, ring]) if n >= 0 else ring


def _joint(spine: Spine, n: int, sign: int, number: int) -> FloatArray:
    """Return (2, 3) head and knee of a rib, LPS mm: beside the body, and before the tip of the transverse process."""
    part = spine.parts[n]
    height = part.posterior_height_mm / 2 - (1.0 if number < 11 else 6.0)
    end = spine.struts[n, 4 if sign > 0 else 9, 3:6]
    head = [sign * (part.width_mm / 2 + 3.6), part.depth_mm * 0.36, height]
    return spine.to_lps(n, np.array([head, [end[0] + sign * 1.0, end[1] - 7.5, height - 2.0]]))


def couch(at: Layout, axis: int, way: float) -> tuple[list[Organ], float]:
    """Return the couch under one side of the body: what to paint first (board, core, air above), and its top.

    Parameters
    ----------
    axis, way
        Where down is in the patient: LPS axis 0 or 1, and 1.0 along it (left, back) or -1.0 against it (right, belly).
        The top is the coordinate along that axis, mm.
    """
    trunk = at.outline(0.0)
    top = way * (float((way * trunk[:, axis] + trunk[:, 2 + axis]).max()) + 3.0)
    arc = 500.0
    middle = [0.0, 0.0]
    middle[axis] = top - way * arc
    shells = ((17.0, 60.0), (15.0, -930.0), (2.0, 60.0), (0.0, -1000.0))
    return [Organ(at.sections(middle[0], middle[1], arc + r, arc + r), hu, 0.0) for r, hu in shells], top
