"""The ice as it is drawn: the Kirchhoff variable of one moment, of which isotherms are surfaces of one value.

The Kirchhoff variable (integral of k dT) has no kink at the edge of the ice as the temperature has, so isotherms lie
right between voxels too, on coarse grids above all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvt_planner.base.arrays import Float32Array, read_only
from cvt_planner.base.remembered import Remembered
from cvt_planner.bioheat import isotherms
from cvt_planner.geometry.contour import contours
from cvt_planner.geometry.frames import Grid
from cvt_planner.geometry.reslice import reslice_hu
from cvt_planner.plan.results import CENTI, SOFT_TISSUE, IceField, IceFrames
from cvt_planner.planning.ice_scene import BODY_C, law_of


@dataclass(frozen=True, eq=False)
class DrawnIce:
    """One moment of the ice in one kind of tissue."""

    tissue: str  # SOFT_TISSUE or MARROW_BONE
    values: Float32Array = field(repr=False)  # (k, j, i) Kirchhoff variable counted from 37 degC, W/m, read-only
    grid: Grid = field(repr=False)

    def level(self, temperature_c: float) -> float:
        """Return the value of an isotherm, W/m."""
        return float(law_of(self.tissue).theta_of(temperature_c))

    @property
    def warm(self) -> float:
        """Return the value of tissue at 37 degC, which stands outside the grid too."""
        return self.level(BODY_C)

    def volume_ml(self, temperature_c: float) -> float:
        """Return the volume inside an isotherm, mL."""
        return isotherms.volume_ml(self.values, self.grid, self.level(temperature_c))


_AT_THE_END: Remembered[DrawnIce] = Remembered(2)
_FRAMES: Remembered[DrawnIce] = Remembered(4)


def drawn_at_the_end(ice: IceField) -> DrawnIce:
    """Return the ice at the end of the last freeze, which the figures of record speak of."""
    return _AT_THE_END.get(ice, 0, lambda: drawn_from(ice.tissue, ice.temperature_c, ice.grid))


def drawn_at(ice: IceField, time_s: float) -> DrawnIce | None:
    """Return the ice at a moment, s from the start; None where no frames were kept.

    Between two frames the Kirchhoff variable is taken as changing evenly.
    """
    frames = ice.frames
    if frames is None:
        return None
    return _FRAMES.get(frames, (ice.tissue, float(time_s)), lambda: _between(frames, ice.tissue, time_s))


def drawn_from(tissue: str, temperature_c: Float32Array, grid: Grid) -> DrawnIce:
    """Return what to draw of temperatures (k, j, i), degC, on a grid."""
    return DrawnIce(tissue, read_only(law_of(tissue).theta_of(temperature_c).astype(np.float32)), grid)


def warm_up_drawing() -> None:
    """Compile what volumes and sections of drawn ice need, or load it from its cache."""
    temperature_c = np.full((4, 4, 4), BODY_C, np.float32)
    temperature_c[1:3, 1:3, 1:3] = -50.0
    drawn = drawn_from(SOFT_TISSUE, temperature_c, Grid((4, 4, 4), np.eye(4)))
    drawn.volume_ml(0.0)
    x, y, _ = np.eye(3)
    cut = reslice_hu(drawn.values, drawn.grid.index_from_lps, 1.5 * (1.0 - x - y), 0.5 * x, 0.5 * y, 7, 7, drawn.warm)
    contours(cut, drawn.level(0.0))


def frame(frames: IceFrames, tissue: str, number: int) -> Float32Array:
    """Return (k, j, i) the Kirchhoff variable of one of the frames, W/m."""
    return law_of(tissue).theta_of(frames.centi_c[number] / np.float32(CENTI)).astype(np.float32)


def _between(frames: IceFrames, tissue: str, time_s: float) -> DrawnIce:
    times = np.array(frames.times_s)
    now = min(max(float(time_s), times[0]), times[-1])
    after = min(max(int(np.searchsorted(times, now)), 1), len(times) - 1)
    share = np.float32((now - times[after - 1]) / (times[after] - times[after - 1]))
    values = frame(frames, tissue, after)
    if share < 1.0:
        before = frame(frames, tissue, after - 1)
        values = before + share * (values - before)
    return DrawnIce(tissue, read_only(values), frames.grid)
