"""Chapter: exact solutions with blood: H (no freezing) and I (ice that grows no more)."""

from __future__ import annotations

import numpy as np

from cvt_planner.bioheat.solver import simulate
from cvt_planner.bioheat.tissue import SOFT_TISSUE
from tests.validation import rulers, scenes
from tests.validation.checks import Check
from tests.validation.perfused import Perfused

PLANE_LIMIT = 0.005  # of the drop between wall and blood
PERFUSIONS = (2_000.0, 11_700.0)
DEPTHS_MM = (5.0, 10.0, 20.0)


def plane_rows(quick: bool) -> list[Check]:
    """Return temperatures beyond a wall held at 0 °C: the worst over all cells, in parts of the drop, and at depths."""
    found = []
    for perfusion in PERFUSIONS:
        tissue = Perfused(SOFT_TISSUE.k_unfrozen, SOFT_TISSUE.rho * SOFT_TISSUE.c_unfrozen, perfusion)
        for spacing in (1.0,) if quick else (1.0, 0.5):
            times = (60.0, 300.0, 600.0)
            result = simulate(scenes.plane(SOFT_TISSUE, 0.0, spacing, times, perfusion_w_m3k=perfusion))
            x_mm = rulers.depth_mm(
                result.grid.lps_of(np.array([[1.0, 1.0, i] for i in range(result.grid.shape_kji[2])]))
            )
            for shot, time_s in enumerate(times):
                exact = tissue.plane_c(x_mm / 1e3, time_s, 0.0)
                row = result.snapshots[shot].temperature_c[1, 1].astype(float)
                worst = float(np.abs(row - exact).max()) / 37.0
                setting = f"plane, perfusion {perfusion:g} W/m³K, {time_s:g} s"
                found.append(Check("H plane", setting, "largest error / drop", "", 0.0, worst, PLANE_LIMIT, spacing))
            for depth in DEPTHS_MM:
                expected = float(tissue.plane_c(depth / 1e3, 600.0, 0.0))
                at = float(np.interp(depth, x_mm, row))
                setting = f"plane, perfusion {perfusion:g} W/m³K, 600 s"
                found.append(
                    Check(
                        "H plane",
                        setting,
                        f"temperature at {depth:g} mm",
                        "°C",
                        expected,
                        at,
                        37.0 * PLANE_LIMIT,
                        spacing,
                    )
                )
    return found
