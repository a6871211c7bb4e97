"""From slices in order to the slices of a volume: what is missing, uneven or sheared, and how an upright box is made.

Nothing is corrected silently: every change is a remark, and what is missing stays missing (`gaps`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cvt_planner.base.arrays import FloatArray
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.stack import Stack

UNEVEN_MM = 0.1  # largest distance of a slice from its place in an even stack (headers round to 0.1 mm); assumed
UNEVEN_PART = 0.2  # the same as a part of the slice distance, where that is less; assumed
SIDEWAYS_MM = 0.1  # largest shift of any slice within its plane, against a straight line; assumed
WIDEST_STEP_MM = 5.0  # between neighbours that are still interpolated; assumed
WIDEST_RATIO = 3.0  # of the widest step to the narrowest that are still interpolated; assumed
COARSER_RUN = 3  # so many equal wide steps one after the other are coarser spacing, not missing slices; assumed
MOST_TILT_DEG = 45.0  # gantries tilt by up to 30 degrees; assumed


@dataclass(frozen=True)
class Pick:
    """One slice of the volume: (1 - weight) of one file's picture and `weight` of the next one's; or missing."""

    below: int
    above: int
    weight: float = 0.0
    missing: bool = False


@dataclass(frozen=True, eq=False)
class Arrangement:
    """How the slices of a stack become the slices of a volume.

    Parameters
    ----------
    grid
        Where the volume's voxels lie, axes (slice, row, column) as stored, always an upright box.
    picks
        One per slice of the volume.
    shifts_px
        (n, 2) rows and columns by which each file's picture lies further inside the box; zero unless sheared.
    gaps
        Zero-based first and last index of each run of missing slices.
    widest_step_mm
        The largest distance between neighbouring slices, gaps left out.
    remarks
        Sentences on what was changed or is missing.
    """

    grid: Grid
    picks: tuple[Pick, ...]
    shifts_px: FloatArray
    gaps: tuple[tuple[int, int], ...]
    widest_step_mm: float
    remarks: tuple[str, ...] = ()

    @property
    def is_sheared(self) -> bool:
        """Return whether pictures are moved within their planes."""
        return bool(np.any(self.shifts_px))

    @property
    def is_plain(self) -> bool:
        """Return whether each slice of the volume is one file's picture, as it is."""
        return not self.is_sheared and all(pick.weight == 0.0 for pick in self.picks)


def arranged(stack: Stack) -> Arrangement | str:
    """Return how a stack becomes a volume, or the sentence that says why it cannot."""
    spaced = _spaced(stack)
    if isinstance(spaced, str):
        return spaced
    picks, step_mm, widest, remark = spaced
    sideways = _sideways(stack)
    if isinstance(sideways, str):
        return sideways
    shifts, tilt_remark = sideways
    low, high = np.floor(shifts.min(axis=0)), np.ceil(shifts.max(axis=0))
    grid = _box(stack, len(picks), step_mm, low, high - low)
    gaps = _runs([n for n, pick in enumerate(picks) if pick.missing])
    remarks = tuple(text for text in (remark, tilt_remark) if text)
    return Arrangement(grid, picks, shifts - low, gaps, widest, remarks)


def is_even(stack: Stack) -> bool:
    """Return whether the slices lie evenly, none missing."""
    tolerance = _tolerance(float(np.median(np.diff(stack.along_mm))))
    even = stack.along_mm[0] + stack.step_mm * np.arange(len(stack.slices))
    return bool(np.abs(stack.along_mm - even).max() <= tolerance)


def _tolerance(usual_mm: float) -> float:
    return min(UNEVEN_MM, UNEVEN_PART * usual_mm)


_Spaced = tuple[tuple[Pick, ...], float, float, str]  # picks, step of the volume, widest real step, remark


def _spaced(stack: Stack) -> _Spaced | str:
    count = len(stack.slices)
    if is_even(stack):
        return tuple(Pick(n, n) for n in range(count)), stack.step_mm, stack.step_mm, ""
    steps = np.diff(stack.along_mm)
    usual = float(np.median(steps))
    multiples = np.rint(steps / usual).astype(int)
    return _with_holes(stack, steps, multiples) or _evened(stack, steps, usual)


def _with_holes(stack: Stack, steps: FloatArray, multiples: np.ndarray) -> _Spaced | str | None:
    """Return an even stack with slices missing from it; None where it is none."""
    if multiples.min() < 1 or multiples.max() < 2 or _coarser_part(multiples):
        return None
    places = np.concatenate([[0], np.cumsum(multiples)])
    step = float((stack.along_mm[-1] - stack.along_mm[0]) / places[-1])
    if np.abs(stack.along_mm - stack.along_mm[0] - step * places).max() > _tolerance(step):
        return None
    missing = int(places[-1] + 1 - len(places))
    at = int(np.argmax(steps))
    names = f"{stack.slices[at].short_name} and {stack.slices[at + 1].short_name}"
    words = (
        f"{missing} slice{'s are' if missing > 1 else ' is'} missing: {names} lie {steps[at]:.2f} mm apart, "
        f"the others lie {step:.2f} mm apart."
    )
    if missing >= len(places):
        return f"{words} More slices are missing than are there. Export the whole series again."
    picks: list[Pick] = []
    for n, many in enumerate((*multiples, 1)):
        picks.append(Pick(n, n))
        picks.extend(Pick(n, n + 1, missing=True) for _ in range(int(many) - 1))
    doing = "The gap is left empty (-1024 HU), and nothing may be planned across it. Export the whole series again."
    return tuple(picks), step, step, f"{words} {doing}"


def _coarser_part(multiples: np.ndarray) -> bool:
    """Return whether several equal wide steps follow each other: a part that was made coarser, not missing slices."""
    run = 1
    for one, other in pairwise(multiples.tolist()):
        run = run + 1 if one == other >= 2 else 1
        if run >= COARSER_RUN:
            return True
    return False


def _evened(stack: Stack, steps: FloatArray, usual: float) -> _Spaced | str:
    """Return an even stack interpolated from an uneven one."""
    at = int(np.argmax(steps))
    names = f"{stack.slices[at].short_name} and {stack.slices[at + 1].short_name}"
    words = f"The slices lie unevenly, {steps.min():.2f} to {steps.max():.2f} mm apart (widest between {names})"
    widest = float(steps.max())
    if widest > WIDEST_STEP_MM or widest > WIDEST_RATIO * float(steps.min()):
        return f"{words}. Choose or reconstruct a series of even spacing."
    length = float(stack.along_mm[-1] - stack.along_mm[0])
    count = max(round(length / usual), 2)
    step = length / count
    places = stack.along_mm[0] + step * np.arange(count + 1)
    below = np.clip(np.searchsorted(stack.along_mm, places, side="right") - 1, 0, len(steps) - 1)
    weights = np.clip((places - stack.along_mm[below]) / steps[below], 0.0, 1.0)
    near = _tolerance(step) / steps[below]
    picks = []
    for n, weight, close in zip(below.tolist(), weights.tolist(), near.tolist(), strict=True):
        if weight <= close or weight >= 1.0 - close:
            picks.append(Pick(n + round(weight), n + round(weight)))
        else:
            picks.append(Pick(n, n + 1, weight))
    remark = (
        f"{words}: they were interpolated to {step:.2f} mm along their normal. What lies between two slices is no "
        "finer for it."
    )
    return tuple(picks), step, widest, remark


def _sideways(stack: Stack) -> tuple[FloatArray, str] | str:
    """Return (n, 2) shifts in rows and columns of each picture against the first, and a remark on the tilt."""
    along = stack.along_mm - stack.along_mm[0]
    off = stack.positions - stack.positions[0] - np.outer(along, stack.normal)
    amounts = np.linalg.norm(off, axis=1)
    if amounts.max() <= SIDEWAYS_MM:
        return np.zeros((len(along), 2)), ""
    slope = (along @ off) / (along @ along)  # straight line through the first slice, least squares
    straight = np.outer(along, slope)
    jumps = np.linalg.norm(off - straight, axis=1)
    worst = int(np.argmax(jumps))
    if jumps[worst] > SIDEWAYS_MM:
        return (
            f"Slices are shifted sideways against each other by up to {amounts.max():.1f} mm (first at "
            f"{stack.slices[worst].short_name}). Choose a series with one fixed field of view."
        )
    angle = float(np.degrees(np.arctan(np.linalg.norm(slope))))
    words = f"The slices are sheared by {angle:.1f} degrees against their normal, as from a tilted gantry"
    if angle > MOST_TILT_DEG:
        return f"{words}, more than any gantry tilts. Reconstruct the series without tilt."
    first = stack.slices[0]
    assert first.spacing_mm is not None
    shifts = np.stack(
        [straight @ stack.column_step / first.spacing_mm[0], straight @ stack.row_step / first.spacing_mm[1]], axis=1
    )
    return (
        shifts,
        f"{words}: each slice was moved within its plane by linear interpolation, so that the box is upright.",
    )


def _box(stack: Stack, count: int, step_mm: float, low_px: FloatArray, more_px: FloatArray) -> Grid:
    first = stack.slices[0]
    assert first.pixels is not None and first.spacing_mm is not None
    between_rows, between_columns = first.spacing_mm
    affine = np.eye(4)
    affine[:3, 0] = stack.normal * step_mm
    affine[:3, 1] = stack.column_step * between_rows
    affine[:3, 2] = stack.row_step * between_columns
    affine[:3, 3] = stack.positions[0] + affine[:3, 1] * low_px[0] + affine[:3, 2] * low_px[1]
    shape = (count, first.pixels.rows + int(more_px[0]), first.pixels.columns + int(more_px[1]))
    return Grid(shape, affine, first.frame_of_reference_uid)


def _runs(numbers: list[int]) -> tuple[tuple[int, int], ...]:
    """Return first and last of each run of consecutive rising numbers."""
    runs: list[tuple[int, int]] = []
    for n in numbers:
        if runs and runs[-1][1] == n - 1:
            runs[-1] = (runs[-1][0], n)
        else:
            runs.append((n, n))
    return tuple(runs)
