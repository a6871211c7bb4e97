"""The geometry of a stack of slices, from orientation and position alone.

SliceThickness, SpacingBetweenSlices, GantryDetectorTilt and InstanceNumber are never looked at: scanners and archives
write them wrongly (ITK issue 4794, SimpleITK issues 2292 and 2186, dcm2niix issue 253).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cvt_planner.base.arrays import FloatArray, Vec3
from cvt_planner.imaging.headers import SliceHeader

COSINE_TOLERANCE = 1e-3  # of the length of, and the angle between, direction cosines; headers round to 4 digits
SAME_PLACE_MM = 0.01  # slices closer than this lie at the same place; assumed


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices in the order of their place along their common normal."""

    slices: tuple[SliceHeader, ...]
    row_step: FloatArray  # (3,) unit vector to the next column
    column_step: FloatArray  # (3,) unit vector to the next row
    normal: FloatArray  # (3,) unit vector, row_step x column_step
    positions: FloatArray  # (n, 3) LPS mm of each slice's first pixel
    along_mm: FloatArray  # (n,) places along the normal, rising

    @property
    def step_mm(self) -> float:
        """Return the mean distance between neighbouring slices, mm; 0 for one slice."""
        return float((self.along_mm[-1] - self.along_mm[0]) / max(len(self.slices) - 1, 1))


@lru_cache(maxsize=256)  # the slices of a series share theirs
def cosine_fault(orientation: tuple[Vec3, Vec3]) -> bool:
    """Return whether direction cosines are not two perpendicular unit vectors, to `COSINE_TOLERANCE`."""
    row, column = np.array(orientation[0]), np.array(orientation[1])
    lengths = abs(np.linalg.norm(row) - 1), abs(np.linalg.norm(column) - 1)
    return bool(max(lengths) > COSINE_TOLERANCE or abs(row @ column) > COSINE_TOLERANCE)


def sorted_stack(headers: Sequence[SliceHeader]) -> Stack:
    """Return slices of one orientation, ordered by place, then by file name."""
    orientation = headers[0].orientation
    assert orientation is not None
    row = np.array(orientation[0]) / np.linalg.norm(orientation[0])
    column = np.array(orientation[1]) - row * (row @ np.array(orientation[1]))
    column /= np.linalg.norm(column)
    normal = np.cross(row, column)
    positions = np.array([h.position for h in headers], dtype=np.float64).reshape(-1, 3)
    along = positions @ normal
    names = [h.order for h in headers]
    order = sorted(range(len(headers)), key=lambda n: (round(float(along[n]) / SAME_PLACE_MM), names[n]))
    # The sum keeps a negative zero out of the grid.
    return Stack(
        tuple(headers[n] for n in order), row + 0.0, column + 0.0, normal + 0.0, positions[order], along[order]
    )


def repeated_places(stack: Stack) -> list[list[int]]:
    """Return groups of indices of slices that lie at the same place (to `SAME_PLACE_MM`), each of two or more."""
    groups: list[list[int]] = [[0]]
    steps = np.linalg.norm(np.diff(stack.positions, axis=0), axis=1)
    if not (steps <= SAME_PLACE_MM).any():  # as in nearly every series
        return []
    for n in range(1, len(stack.slices)):
        near = np.linalg.norm(stack.positions[n] - stack.positions[groups[-1][0]]) <= SAME_PLACE_MM
        if near:
            groups[-1].append(n)
        else:
            groups.append([n])
    return [group for group in groups if len(group) > 1]


def orientation_name(normal: FloatArray) -> str:
    """Return "axial", "coronal" or "sagittal", with "oblique" before it when over 10 degrees off, of a unit normal."""
    axis = int(np.argmax(np.abs(normal)))
    name = ("sagittal", "coronal", "axial")[axis]
    return name if abs(normal[axis]) >= np.cos(np.radians(10.0)) else f"oblique {name}"
