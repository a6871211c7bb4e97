"""Distances and angles of points, lines and segments in LPS, mm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cvt_planner.base.arrays import Points, Vec3, vec3

_PARALLEL = 1e-12  # squared sine below which two directions count as parallel


def _three(values: Points | Vec3) -> Points:
    return np.asarray(values, dtype=np.float64)


def nearest_on_segment(point: Points | Vec3, start: Points | Vec3, end: Points | Vec3) -> tuple[Vec3, float]:
    """Return the point of a segment nearest to a point, and its share of the way from start to end (0 to 1)."""
    a, along = _three(start), _three(end) - _three(start)
    square = float(along @ along)
    share = 0.0 if square == 0.0 else min(max(float((_three(point) - a) @ along) / square, 0.0), 1.0)
    return vec3(a + share * along), share


@dataclass(frozen=True)
class SegmentGap:
    """The shortest connection between two segments: its length and its ends on the first and on the second."""

    distance_mm: float
    first_lps_mm: Vec3
    second_lps_mm: Vec3


def segment_gap(
    first_start: Points | Vec3, first_end: Points | Vec3, second_start: Points | Vec3, second_end: Points | Vec3
) -> SegmentGap:
    """Return the shortest connection between two segments, LPS mm; exact, also for parallel and pointlike ones."""
    a, b = _three(first_start), _three(first_end)
    c, d = _three(second_start), _three(second_end)
    # The shortest connection has an end at an end of a segment, or lies inside both.
    candidates = [
        (vec3(a), nearest_on_segment(a, c, d)[0]),
        (vec3(b), nearest_on_segment(b, c, d)[0]),
        (nearest_on_segment(c, a, b)[0], vec3(c)),
        (nearest_on_segment(d, a, b)[0], vec3(d)),
    ]
    u, v, w = b - a, d - c, a - c
    uu, vv, uv = float(u @ u), float(v @ v), float(u @ v)
    determinant = uu * vv - uv * uv
    if determinant > _PARALLEL * uu * vv:
        s = (uv * float(v @ w) - vv * float(u @ w)) / determinant
        t = (uu * float(v @ w) - uv * float(u @ w)) / determinant
        if 0.0 <= s <= 1.0 and 0.0 <= t <= 1.0:
            candidates.append((vec3(a + s * u), vec3(c + t * v)))
    first, second = min(candidates, key=lambda pair: math.dist(*pair))
    return SegmentGap(math.dist(first, second), first, second)


def angle_between_deg(first_direction: Points | Vec3, second_direction: Points | Vec3) -> float:
    """Return the angle between two undirected lines, 0 (parallel) to 90 degrees.

    Raises
    ------
    ValueError
        If a direction has no length.
    """
    u, v = _three(first_direction), _three(second_direction)
    if not (u.any() and v.any()):
        raise ValueError("a line needs a direction")
    # From sine and cosine, since the cosine alone loses small angles to rounding.
    return math.degrees(math.atan2(float(np.linalg.norm(np.cross(u, v))), abs(float(u @ v))))
