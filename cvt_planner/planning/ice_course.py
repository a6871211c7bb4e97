"""How the ice grows and melts: moments that are kept of a solution, and the volume of each isotherm over time."""

from __future__ import annotations

import math

import numpy as np

from cvt_planner.base.arrays import FloatArray
from cvt_planner.base.progress import Progress
from cvt_planner.base.remembered import Remembered
from cvt_planner.bioheat import isotherms
from cvt_planner.bioheat.scene import HeatBox, Phase
from cvt_planner.bioheat.solver import HeatResult
from cvt_planner.geometry.frames import Grid
from cvt_planner.plan.results import CENTI, IceField, IceFrames
from cvt_planner.planning.ice_drawn import drawn_at, drawn_at_the_end, frame
from cvt_planner.planning.ice_scene import law_of

FRAMES_EVERY_S = 30.0
FRAME_SPACING_MM = 2.0  # frames keep every n-th voxel, so that they lie at most so far apart where the grid is finer
MOST_FRAMES = 90
# What the solver may hold of all moments at once before they are thinned, bytes: fine grids get fewer frames.
MOST_BYTES = 400_000_000


def frame_times_s(protocol: tuple[Phase, ...], box: HeatBox) -> tuple[float, ...]:
    """Return the moments to keep, s from the start: evenly spaced, and the end of every phase."""
    ends = np.cumsum([phase.seconds for phase in protocol])
    total = float(ends[-1])
    possible = MOST_BYTES // (4 * math.prod(box.cells_xyz))
    most = max(min(MOST_FRAMES, possible) - len(ends), 2)
    every = FRAMES_EVERY_S * max(math.ceil(total / most / FRAMES_EVERY_S), 1)
    return tuple(sorted({*np.arange(0.0, total, every).tolist(), *ends.tolist()}))


def frames_of(result: HeatResult) -> IceFrames:
    """Return the snapshots of a solution, thinned to `FRAME_SPACING_MM` and kept to 0.01 degC."""
    grid = result.grid
    step = [max(int(FRAME_SPACING_MM / spacing + 1e-6), 1) for spacing in grid.spacing_kji_mm]
    start = [(count - 1) % n // 2 for count, n in zip(grid.shape_kji, step, strict=True)]
    cut = tuple(slice(first, None, n) for first, n in zip(start, step, strict=True))
    kept = np.stack([np.rint(shot.temperature_c[cut] * CENTI).astype(np.int16) for shot in result.snapshots])
    kept.flags.writeable = False
    affine = grid.lps_from_index.copy()
    affine[:3, 3] = grid.lps_of(np.array(start, dtype=np.float64))
    affine[:3, :3] *= np.array(step, dtype=np.float64)
    return IceFrames(
        times_s=tuple(shot.time_s for shot in result.snapshots),
        centi_c=kept,
        grid=Grid(kept.shape[1:], affine, grid.frame_of_reference_uid),
    )


def volumes_ml(ice: IceField, levels_c: tuple[float, ...], time_s: float | None = None) -> tuple[float, ...] | None:
    """Return the volume inside each isotherm at a moment, mL; None where no frames were kept.

    Without a moment those at the end of the last freeze, as computed on the full grid.
    """
    if time_s is not None:
        drawn = drawn_at(ice, time_s)
        return None if drawn is None else tuple(drawn.volume_ml(level) for level in levels_c)
    known = dict(ice.volumes_ml)
    return _VOLUMES.get(
        ice, levels_c, lambda: tuple(known[c] if c in known else drawn_at_the_end(ice).volume_ml(c) for c in levels_c)
    )


_VOLUMES: Remembered[tuple[float, ...]] = Remembered()
_COURSES: Remembered[FloatArray] = Remembered(4)


def known_course(ice: IceField, levels_c: tuple[float, ...]) -> FloatArray | None:
    """Return what `course` found for these isotherms; None where it was not asked yet."""
    return None if ice.frames is None else _COURSES.known(ice.frames, levels_c)


def course(ice: IceField, levels_c: tuple[float, ...], progress: Progress | None = None) -> FloatArray | None:
    """Return (isotherms, frames) the volume inside each isotherm at each frame, mL; None where no frames were kept.

    Takes some tenths of a second: not for the window's thread.

    Raises
    ------
    Cancelled
        If `progress` was stopped.
    """
    frames = ice.frames
    if frames is None:
        return None
    return _COURSES.get(frames, levels_c, lambda: _course(frames, ice.tissue, levels_c, progress or Progress()))


def _course(frames: IceFrames, tissue: str, levels_c: tuple[float, ...], progress: Progress) -> FloatArray:
    found = np.zeros((len(levels_c), len(frames.times_s)))
    levels = [float(law_of(tissue).theta_of(level)) for level in levels_c]
    for number in range(len(frames.times_s)):
        progress.report(number / len(frames.times_s), "Volumes over time")
        values = frame(frames, tissue, number)
        found[:, number] = [isotherms.volume_ml(values, frames.grid, level) for level in levels]
    return found
