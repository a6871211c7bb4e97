"""The geometry of a stack of slices, from orientation and position alone.

SliceThickness, SpacingBetweenSlices, GantryDetectorTilt and InstanceNumber are never looked at: scanners and archives
write them wrongly (ITK issue 4794, SimpleITK issues 2292 and 2186, dcm2niix issue 253).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvt_planner.base.arrays import FloatArray, Vec3
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.headers import SliceHeader

COSINE_TOLERANCE = 1e-3  # of the length of, and the angle between, direction cosines; headers round to 4 digits
SAME_PLACE_MM = 0.01  # slices closer than this lie at the same place; assumed
UNEVEN_MM = 0.1  # largest distance of a slice from its place in an even stack (headers round to 0.1 mm); assumed
UNEVEN_PART = 0.2  # the same as a part of the slice distance, where that is less; assumed
SIDEWAYS_MM = 0.1  # largest shift of any slice within its plane, against the first; assumed


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

    def grid(self) -> Grid:
        """Return where the voxels lie, axes (slice, row, column). The stack must be without fault."""
        first = self.slices[0]
        assert first.pixels is not None and first.spacing_mm is not None
        between_rows, between_columns = first.spacing_mm
        affine = np.eye(4)
        affine[:3, 0] = self.normal * self.step_mm
        affine[:3, 1] = self.column_step * between_rows
        affine[:3, 2] = self.row_step * between_columns
        affine[:3, 3] = self.positions[0]
        shape = (len(self.slices), first.pixels.rows, first.pixels.columns)
        return Grid(shape, affine, first.frame_of_reference_uid)


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
    names = [h.ref for h in headers]
    order = sorted(range(len(headers)), key=lambda n: (round(float(along[n]) / SAME_PLACE_MM), names[n]))
    # The sum keeps a negative zero out of the grid.
    return Stack(
        tuple(headers[n] for n in order), row + 0.0, column + 0.0, normal + 0.0, positions[order], along[order]
    )


def repeated_places(stack: Stack) -> list[list[int]]:
    """Return groups of indices of slices that lie at the same place (to `SAME_PLACE_MM`), each of two or more."""
    groups: list[list[int]] = [[0]]
    for n in range(1, len(stack.slices)):
        near = np.linalg.norm(stack.positions[n] - stack.positions[groups[-1][0]]) <= SAME_PLACE_MM
        if near:
            groups[-1].append(n)
        else:
            groups.append([n])
    return [group for group in groups if len(group) > 1]


def spacing_fault(stack: Stack) -> str:
    """Return a sentence when slices are missing, unevenly spaced, shifted or sheared; else an empty string."""
    steps = np.diff(stack.along_mm)
    usual = float(np.median(steps))
    tolerance = min(UNEVEN_MM, UNEVEN_PART * usual)
    even = stack.along_mm[0] + stack.step_mm * np.arange(len(stack.slices))
    if np.abs(stack.along_mm - even).max() > tolerance:
        return _uneven_fault(stack, steps, usual, tolerance)
    return _shift_fault(stack)


def _uneven_fault(stack: Stack, steps: FloatArray, usual: float, tolerance: float) -> str:
    multiples = np.rint(steps / usual)
    # An even stack with holes in it, rather than an uneven one.
    holes = bool(np.all(np.abs(steps - multiples * usual) <= 2 * tolerance) and multiples.min() >= 1)
    worst = int(np.argmax(steps))
    names = f"{stack.slices[worst].ref.short_name} and {stack.slices[worst + 1].ref.short_name}"
    if holes and multiples.max() >= 2:
        missing = int((multiples - 1).sum())
        return (
            f"{missing} slice{'s are' if missing > 1 else ' is'} missing: {names} lie {steps[worst]:.2f} mm apart, "
            f"the others lie {usual:.2f} mm apart. Export the whole series again."
        )
    return (
        f"The slices lie unevenly, {steps.min():.2f} to {steps.max():.2f} mm apart (widest between {names}). "
        "Choose or reconstruct a series of even spacing."
    )


def _shift_fault(stack: Stack) -> str:
    along = stack.along_mm - stack.along_mm[0]
    sideways = stack.positions - stack.positions[0] - np.outer(along, stack.normal)
    amounts = np.linalg.norm(sideways, axis=1)
    if amounts.max() <= SIDEWAYS_MM:
        return ""
    straight = np.outer(along / along[-1], sideways[-1])
    if np.linalg.norm(sideways - straight, axis=1).max() <= SIDEWAYS_MM:
        angle = float(np.degrees(np.arctan2(amounts[-1], along[-1])))
        return (
            f"The slices are sheared by {angle:.1f} degrees against their normal, as from a tilted gantry; the stack "
            "is no upright box and is not corrected here. Reconstruct it without tilt."
        )
    worst = int(np.argmax(np.linalg.norm(sideways - straight, axis=1)))
    return (
        f"Slices are shifted sideways against each other by up to {amounts.max():.1f} mm (first at "
        f"{stack.slices[worst].ref.short_name}). Choose a series with one fixed field of view."
    )


def orientation_name(normal: FloatArray) -> str:
    """Return "axial", "coronal" or "sagittal", with "oblique" before it when over 10 degrees off, of a unit normal."""
    axis = int(np.argmax(np.abs(normal)))
    name = ("sagittal", "coronal", "axial")[axis]
    return name if abs(normal[axis]) >= np.cos(np.radians(10.0)) else f"oblique {name}"
