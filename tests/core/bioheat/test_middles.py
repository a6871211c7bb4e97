"""The heat content at the middle of a cell: the law's mean over the cell is the cell's own, and fronts move evenly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cvt_planner.bioheat import law_kernels as lk
from cvt_planner.bioheat.isotherms import isotherm_points
from cvt_planner.bioheat.law import HeatLaw
from cvt_planner.bioheat.middle_kernels import at_middle
from cvt_planner.bioheat.scene import HELD, INSULATED, HeatBox, Phase, Scene, Wall
from cvt_planner.bioheat.solver import simulate
from cvt_planner.bioheat.tissue import MARROW_BONE, SOFT_TISSUE, Material


@pytest.mark.parametrize("material", [SOFT_TISSUE, MARROW_BONE, replace(SOFT_TISSUE, latent_j_kg=5000.0)])
@pytest.mark.parametrize("ranges", [0.2, 0.6, 1.0])
def test_the_mean_over_a_cell_around_its_middle_is_the_cells(material: Material, ranges: float) -> None:
    c = HeatLaw(material, 37.0).constants()
    half = 0.5 * (1.0 + c[lk.KAPPA])
    within, frozen = c[lk.WIDTH] / (c[lk.RANGE_K] * half), c[lk.FROZEN_SLOPE] / (c[lk.KAPPA] * c[lk.FOLD])
    depth = half * c[lk.RANGE_K]
    w = ranges * depth

    def heat(x: np.ndarray) -> np.ndarray:
        """Heat content at psi x above the liquidus."""
        return np.asarray(x + (within - 1.0) * np.minimum(x, 0.0) - (within - frozen) * np.minimum(x + depth, 0.0))

    part = (np.arange(2000) + 0.5) / 2000.0 - 0.5
    for x in np.linspace(-depth - 0.7 * w, 0.7 * w, 41):
        mean = heat(x + part * w).mean()
        found = at_middle(*(np.float32(v) for v in (mean, w, 0.0, c[lk.WIDTH], within, frozen)))
        assert found == pytest.approx(float(heat(np.array(x))), abs=2e-3 * float(c[lk.WIDTH] + w))


def test_a_plane_front_does_not_move_by_fits_and_starts() -> None:
    """Exact: distances grow as the root of time. Taking means for middles, up to 0.17 mm off."""
    times = (150.0, 300.0, 600.0)
    walls = (Wall("held", -140.0), HELD, INSULATED, INSULATED, INSULATED, INSULATED)
    box = HeatBox((140.0, 3.0, 3.0), 1.0)
    result = simulate(Scene(box, SOFT_TISSUE, (), (Phase("freeze", 600.0),), report_at_s=times, walls=walls))
    for iso_c, root in ((-20.0, 22.09), (-8.0, 24.6418)):
        for shot, time_s in zip(result.snapshots, times, strict=True):
            field, level = result.smooth(shot.temperature_c, iso_c)
            depth_mm = isotherm_points(field, result.grid, level)[:, 0].mean() + 70.0
            assert depth_mm == pytest.approx(root * np.sqrt(time_s / 600.0), abs=0.06)
