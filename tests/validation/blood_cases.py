"""Chapter: exact solutions with blood: H (no freezing) and I (ice that grows no more)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from cvt_planner.base.arrays import FloatArray
from cvt_planner.bioheat.scene import HELD, HeatBox, Phase, Scene, Shells, Wall
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import SOFT_TISSUE, Material
from cvt_planner.bioheat.tissue_map import map_of_labels
from tests.validation import rulers, scenes
from tests.validation.checks import Check
from tests.validation.perfused import LargestIce, Perfused

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


RADIAL_LIMIT = 0.003  # by the radial mode of the same kernel
BOX_LIMIT = 0.02  # in three dimensions, where the ball is made of voxels
BALL_MM = 10.0


def _held(value_c: float) -> tuple[Wall, Wall]:
    return (Wall("held", value_c), HELD)


def sphere_rows(quick: bool) -> list[Check]:
    """Return temperatures around a held ball in perfused tissue: the worst over the drop, radial and in a box."""
    found = []
    perfusion, times = 2_000.0, (60.0, 300.0, 600.0)
    tissue = Perfused(SOFT_TISSUE.k_unfrozen, SOFT_TISSUE.rho * SOFT_TISSUE.c_unfrozen, perfusion)
    for spacing in (0.5,) if quick else (0.5, 0.25):
        box = Shells("sphere", BALL_MM, 80.0, spacing)
        phases = (Phase("freeze", times[-1]),)
        result = simulate(Scene(box, SOFT_TISSUE, (), phases, 37.0, perfusion, times, _held(0.0)))
        r_mm = BALL_MM + (np.arange(box.cells_xyz[0]) + 0.5) * float(box.spacing_xyz_mm[0])
        for shot, time_s in enumerate(times):
            exact = tissue.sphere_c(r_mm / 1e3, time_s, BALL_MM / 1e3, 0.0)
            worst = float(np.abs(result.snapshots[shot].temperature_c[0, 0] - exact).max()) / 37.0
            setting = f"ball of {BALL_MM:g} mm, radial, perfusion {perfusion:g} W/m³K, {time_s:g} s"
            found.append(Check("H sphere", setting, "largest error / drop", "", 0.0, worst, RADIAL_LIMIT, spacing))
    result, away, ball = ball_in_a_box(BALL_MM, 0.0, perfusion, times, 64.0)
    for shot, time_s in enumerate(times):
        exact = tissue.sphere_c(away / 1e3, time_s, ball / 1e3, 0.0)
        use = away > ball + 2.0
        worst = float(np.abs(result.snapshots[shot].temperature_c.astype(float) - exact)[use].max()) / 37.0
        setting = f"ball of {ball:.3f} mm made of voxels, in a box, {time_s:g} s, two voxels and more away"
        found.append(Check("H sphere 3-D", setting, "largest error / drop", "", 0.0, worst, BOX_LIMIT, 1.0))
    return found


def ball_in_a_box(
    radius_mm: float, held_c: float, perfusion: float, times_s: tuple[float, ...], size_mm: float,
    material: Material = SOFT_TISSUE,
) -> tuple[HeatResult, FloatArray, float]:  # fmt: skip
    """Return tissue around held voxels, every voxel's distance from the centre, and the radius of the ball of their
    volume, mm."""
    box = HeatBox((size_mm, size_mm, size_mm), 1.0)
    index = np.stack(np.meshgrid(*[np.arange(float(n)) for n in box.grid.shape_kji], indexing="ij"), axis=-1)
    away = np.asarray(np.linalg.norm(box.grid.lps_of(index), axis=-1))
    labels = (away < radius_mm).astype(np.int64)
    ball_mm = float((3.0 * labels.sum() / (4.0 * np.pi)) ** (1.0 / 3.0))
    tissue = map_of_labels(labels, (material, material), (perfusion, 0.0), held_c={1: held_c})
    phases = (Phase("freeze", max(times_s)),)
    return simulate(Scene(box, material, (), phases, 37.0, report_at_s=times_s, tissue=tissue)), away, ball_mm


NARROW = replace(SOFT_TISSUE, t_solidus_c=-1.01)  # no freezing range: conductivity jumps at -1 °C


# Kind and radius, mm, of what is held at -140 degC, perfusion, metabolic heat, hours.
_Core = tuple[Literal["sphere", "cylinder"], float, float, float, float]
CORES: tuple[_Core, ...] = (
    ("sphere", 5.0, 2_000.0, 0.0, 8.0),
    ("sphere", 5.0, 2_000.0, 4_200.0, 8.0),
    ("sphere", 5.0, 10_000.0, 0.0, 4.0),
    ("sphere", 5.0, 40_000.0, 0.0, 2.0),
    ("cylinder", 0.735, 2_000.0, 0.0, 24.0),
    ("cylinder", 0.735, 10_000.0, 0.0, 6.0),
    ("cylinder", 0.735, 40_000.0, 0.0, 2.0),
)


def largest_ice_check(core: _Core, spacing: float) -> Check:
    """Return the radius of the ice when nothing changes any more, by the radial mode."""
    kind, inner, perfusion, metabolic, hours = core
    ice = LargestIce(2.0, 0.5, perfusion, -140.0, metabolic_w_m3=metabolic)
    radius = 1e3 * ice.radius_m(inner / 1e3, kind == "sphere")
    box = Shells(kind, inner, radius + 8e3 * ice.decay_m, spacing)
    phases = (Phase("freeze", 3600.0 * hours),)
    result = simulate(Scene(box, NARROW, (), phases, 37.0, perfusion, (), _held(-140.0), metabolic))
    r_mm = inner + (np.arange(box.cells_xyz[0]) + 0.5) * float(box.spacing_xyz_mm[0])
    field, level = result.smooth(result.snapshots[-1].temperature_c, -1.0)
    at = float(np.interp(level, field[0, 0], r_mm))
    made = f", metabolism {metabolic:g} W/m³" if metabolic else ""
    setting = f"{kind} of {inner:g} mm at -140 °C, perfusion {perfusion:g} W/m³K{made}, {hours:g} h"
    return Check("I", setting, "radius of the ice", "mm", radius, at, RADIAL_LIMIT, spacing, True)


def largest_ice_rows(quick: bool) -> list[Check]:
    """Return the radius of the ice when nothing changes any more."""
    found = [largest_ice_check(core, spacing) for core in CORES for spacing in ((0.5,) if quick else (0.5, 0.1))]
    if not quick:
        found.append(_largest_ice_in_a_box())
    return found


def _largest_ice_in_a_box() -> Check:
    perfusion = 40_000.0
    result, _, ball = ball_in_a_box(5.0, -140.0, perfusion, (3600.0,), 60.0, NARROW)
    expected = 1e3 * LargestIce(2.0, 0.5, perfusion, -140.0).radius_m(ball / 1e3, True)
    at = float(np.linalg.norm(rulers.isotherm(result, -1.0), axis=1).mean())
    setting = f"ball of {ball:.3f} mm made of voxels, in a box, perfusion {perfusion:g} W/m³K, 1 h"
    return Check("I 3-D", setting, "radius of the ice", "mm", expected, at, BOX_LIMIT, 1.0, True)
