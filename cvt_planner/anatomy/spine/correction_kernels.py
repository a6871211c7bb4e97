"""Writing corrections into the label arrays of a spine; loops over a box of voxels."""

from __future__ import annotations

from typing import Any

from cvt_planner.anatomy.spine.model import Part
from cvt_planner.base.compiled import kernel

BODY, POSTERIOR, DISC = int(Part.BODY), int(Part.POSTERIOR), int(Part.DISC)
_DISC_REACH_MM = 6.0  # a disc's voxels beyond its mean thickness: endplates are hollow; assumed


@kernel
def _height(matrix: Any, k: int, j: int, i: int, point: Any, direction: Any) -> float:
    """Return how far a voxel's centre lies from a point along a direction, mm."""
    total = 0.0
    for axis in range(3):
        at = matrix[axis, 0] * k + matrix[axis, 1] * j + matrix[axis, 2] * i + matrix[axis, 3]
        total += (at - point[axis]) * direction[axis]
    return total


@kernel
def set_boundary(
    vertebrae: Any, parts: Any, matrix: Any, start: Any, end: Any, pair: Any, planes: Any, half_mm: float
) -> None:
    """Divide two bodies and the disc between them anew: the disc within `half_mm` of the new plane.

    `pair` holds the numbers above and below; `planes` (4, 3) the old plane's point and normal, then the new one's.
    """
    for k in range(start[0], end[0]):
        for j in range(start[1], end[1]):
            for i in range(start[2], end[2]):
                number, part = vertebrae[k, j, i], parts[k, j, i]
                of_bodies = part == BODY and (number == pair[0] or number == pair[1])
                if not of_bodies and part != DISC:
                    continue
                if part == DISC:
                    old = _height(matrix, k, j, i, planes[0], planes[1])
                    if abs(old) > half_mm + _DISC_REACH_MM:
                        continue  # of another boundary
                new = _height(matrix, k, j, i, planes[2], planes[3])
                if abs(new) <= half_mm:
                    vertebrae[k, j, i], parts[k, j, i] = 0, DISC
                else:
                    vertebrae[k, j, i], parts[k, j, i] = pair[0] if new > 0.0 else pair[1], BODY


@kernel
def _square_to_piece(x: float, y: float, z: float, ends: Any) -> float:
    """Return the square of the distance of a place to a straight piece, mm2."""
    ax, ay, az = ends[0, 0], ends[0, 1], ends[0, 2]
    bx, by, bz = ends[1, 0] - ax, ends[1, 1] - ay, ends[1, 2] - az
    length = bx * bx + by * by + bz * bz
    t = 0.0
    if length > 0.0:
        t = min(max(((x - ax) * bx + (y - ay) * by + (z - az) * bz) / length, 0.0), 1.0)
    dx, dy, dz = x - ax - t * bx, y - ay - t * by, z - az - t * bz
    return float(dx * dx + dy * dy + dz * dz)


@kernel
def paint_piece(
    vertebrae: Any, parts: Any, matrix: Any, start: Any, end: Any, ends: Any, radius_mm: float, number: int,
    part: int, plane: Any,
) -> None:  # fmt: skip
    """Paint all voxels whose centres lie within a radius of a straight piece of a stroke.

    With a number: that vertebra; a voxel that was no bone becomes body in front of the plane (point, normal to the
    back) and posterior behind it. Without: `part` (0 erases).
    """
    for k in range(start[0], end[0]):
        for j in range(start[1], end[1]):
            for i in range(start[2], end[2]):
                x = matrix[0, 0] * k + matrix[0, 1] * j + matrix[0, 2] * i + matrix[0, 3]
                y = matrix[1, 0] * k + matrix[1, 1] * j + matrix[1, 2] * i + matrix[1, 3]
                z = matrix[2, 0] * k + matrix[2, 1] * j + matrix[2, 2] * i + matrix[2, 3]
                if _square_to_piece(x, y, z, ends) > radius_mm * radius_mm:
                    continue
                vertebrae[k, j, i] = number
                if number == 0:
                    parts[k, j, i] = part
                elif parts[k, j, i] < BODY or parts[k, j, i] > POSTERIOR:
                    behind = _height(matrix, k, j, i, plane[0], plane[1]) > 0.0
                    parts[k, j, i] = POSTERIOR if behind else BODY
