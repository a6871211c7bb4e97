"""Vertebrae parted where the operator says a disc is, and joined where they say there is none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from cvt_planner.anatomy.spine.corrections import NEAR_MM, Boundary, Seed, boundaries
from cvt_planner.anatomy.spine.model import Endplate, Part, Spine, Vertebra
from cvt_planner.base.arrays import FloatArray, Vec3, vec3

NEW_DISC_MM = 4.0  # thickness of a disc that was not found; usual of a narrowed one, assumed
_DISC_REACH_MM = 6.0  # a disc's voxels beyond its mean thickness, as in `correction_kernels`
PARTED = "It was parted from its neighbour by hand and not measured anew."
JOINED = "It was joined of two by hand and not measured anew."
LOST = "A disc that was marked by hand lies in no vertebra that is found now, or not beside one that is not there."


def parted(spine: Spine, seeds: tuple[Seed, ...]) -> Spine:
    """Return the spine with its vertebrae parted and joined as the seeds say, in their order; else that very spine.

    A parted vertebra is divided by the plane at right angles to its own axis, with a disc of `NEW_DISC_MM` in the body;
    its posterior parts by the same plane, which runs too high behind: correct them with the brush. Vertebrae below are
    renumbered. A seed where there is nothing to part or join is left out, and a notice says so.
    """
    for seed in seeds:
        done = _part(spine, seed.lps_mm) if seed.kind == "disc" else None
        done = _join(spine, seed.lps_mm) if seed.kind == "no disc" else done
        if done is not None:
            spine = done
        elif seed.kind != "canal":
            spine = replace(spine, notices=(*spine.notices, LOST))
    return spine


def _part(spine: Spine, at_lps_mm: Vec3) -> Spine | None:
    old = _through(spine, at_lps_mm)
    if old is None:
        return None
    number = old.number
    box = find_objects(spine.vertebrae)[number - 1]
    vertebrae = spine.vertebrae + (spine.vertebrae > number).astype(np.uint8)
    parts = spine.parts.copy()
    own = vertebrae[box] == number
    height = _heights(spine, box, at_lps_mm, old.up)
    vertebrae[box][own & (height < 0.0)] = number + 1
    disc = own & (np.abs(height) <= NEW_DISC_MM / 2.0) & (parts[box] == Part.BODY)
    vertebrae[box][disc] = 0
    parts[box][disc] = Part.DISC
    at, up = np.array(at_lps_mm), np.array(old.up)
    middle = at + ((np.array(old.centre_lps_mm) - at) @ (np.eye(3) - np.outer(up, up)))  # on the vertebra's own axis
    above = _made(old, number, old.upper, Endplate(vec3(middle + NEW_DISC_MM / 2.0 * up), old.up), PARTED)
    below = _made(old, number + 1, Endplate(vec3(middle - NEW_DISC_MM / 2.0 * up), old.up), old.lower, PARTED)
    sides = [(p, float((np.array(p.isthmus_lps_mm) - at) @ up) >= 0.0) for p in old.pedicles]
    above = replace(above, pedicles=tuple(p for p, high in sides if high))
    below = replace(below, pedicles=tuple(p for p, high in sides if not high))
    found = (*spine.found[: number - 1], above, below, *_renumbered(spine.found[number:], 1))
    return replace(spine, vertebrae=vertebrae, parts=parts, found=found)


def _join(spine: Spine, at_lps_mm: Vec3) -> Spine | None:
    near = min(boundaries(spine), key=lambda b: abs(_above(b, at_lps_mm)), default=None)
    if (
        near is None
        or math.dist(near.centre_lps_mm, at_lps_mm) > 2.0 * NEAR_MM
        or abs(_above(near, at_lps_mm)) > NEAR_MM
    ):
        return None
    number = near.upper
    vertebrae = spine.vertebrae - (spine.vertebrae > number).astype(np.uint8)
    parts = spine.parts.copy()
    box = find_objects((vertebrae == number).view(np.uint8))[0]
    height = np.abs(_heights(spine, box, near.centre_lps_mm, near.normal))
    disc = (parts[box] == Part.DISC) & (height <= near.thickness_mm / 2.0 + _DISC_REACH_MM)
    vertebrae[box][disc] = number
    parts[box][disc] = Part.BODY
    above, below = spine.found[number - 1], spine.found[number]
    one = _made(above, number, above.upper, below.lower, JOINED)
    one = replace(one, pedicles=above.pedicles or below.pedicles, complete=above.complete and below.complete)
    found = (*spine.found[: number - 1], one, *_renumbered(spine.found[number + 1 :], -1))
    return replace(spine, vertebrae=vertebrae, parts=parts, found=found)


def _through(spine: Spine, at_lps_mm: Vec3) -> Vertebra | None:
    """Return the vertebra that holds a point, else the one whose body reaches its height beside it."""
    inside = spine.vertebra_at(at_lps_mm)
    if inside is not None:
        return inside
    for vertebra in spine.found:
        away = np.array(at_lps_mm) - np.array(vertebra.centre_lps_mm)
        high = abs(float(away @ np.array(vertebra.up)))
        if high < vertebra.height_mm / 2.0 and math.hypot(*away) < vertebra.width_mm:
            return vertebra
    return None


def _made(old: Vertebra, number: int, upper: Endplate, lower: Endplate, doubt: str) -> Vertebra:
    top, bottom = np.array(upper.centre_lps_mm), np.array(lower.centre_lps_mm)
    return replace(
        old, number=number, upper=upper, lower=lower, centre_lps_mm=vec3((top + bottom) / 2.0), foramina=(),
        height_mm=float(np.linalg.norm(top - bottom)), doubts=(*old.doubts, doubt),
    )  # fmt: skip


def _renumbered(found: tuple[Vertebra, ...], by: int) -> tuple[Vertebra, ...]:
    return tuple(replace(vertebra, number=vertebra.number + by) for vertebra in found)


def _above(boundary: Boundary, at_lps_mm: Vec3) -> float:
    """Return how far a point lies above a boundary's plane, mm."""
    return float((np.array(at_lps_mm) - np.array(boundary.centre_lps_mm)) @ np.array(boundary.normal))


def _heights(spine: Spine, box: tuple[slice, ...], point: Vec3, direction: Vec3) -> FloatArray:
    """Return how far each voxel of a box lies from a point along a direction, mm."""
    index: list[NDArray[np.int64]] = list(np.ogrid[box])
    along = np.array(direction) @ spine.grid.lps_from_index[:3, :3]
    start = (spine.grid.lps_from_index[:3, 3] - np.array(point)) @ np.array(direction)
    return np.asarray(start + along[0] * index[0] + along[1] * index[1] + along[2] * index[2])
