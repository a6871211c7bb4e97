"""The solver against exact solutions."""

from __future__ import annotations

import math
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from scipy.special import erfc

from cvt_planner.base.arrays import Points, vec3
from cvt_planner.bioheat.isotherms import isotherm_points
from cvt_planner.bioheat.scene import HELD, INSULATED, HeatBox, Phase, ProbeBody, Scene, Wall
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import MARROW_BONE, SOFT_TISSUE, Material

FREEZE = (Phase("freeze", 600.0),)


def surface(result: HeatResult, iso_c: float, shot: int = -1) -> Points:
    field, level = result.smooth(result.snapshots[shot].temperature_c, iso_c)
    return isotherm_points(field, result.grid, level)


@pytest.mark.parametrize(("spacing_mm", "tolerance_mm"), [(1.0, 0.3), (0.5, 0.12)])
def test_plane_front_stands_where_the_exact_solution_says(
    exact: ModuleType, spacing_mm: float, tolerance_mm: float
) -> None:
    thin = 3.0 * spacing_mm
    walls = (Wall("held", -140.0), HELD, INSULATED, INSULATED, INSULATED, INSULATED)
    scene = Scene(HeatBox((70.0, thin, thin), spacing_mm), SOFT_TISSUE, (), FREEZE, report_at_s=(300, 600), walls=walls)
    result = simulate(scene)
    fronts = exact.ThreeParts(SOFT_TISSUE, 37.0, wall_c=-140.0).fronts()
    for shot, time_s in enumerate((300.0, 600.0)):
        for iso_c, eta in zip((-8.0, -1.0), fronts, strict=True):
            depth_mm = surface(result, iso_c, shot)[:, 0].mean() + 35.0
            assert depth_mm == pytest.approx(1000.0 * eta * math.sqrt(time_s), abs=tolerance_mm)
    assert result.energy_imbalance < 1e-3


def test_plane_front_under_the_law_of_ice(exact: ModuleType) -> None:
    """A layer of cells freezes at once, and the colligative law bends all along: this needs shorter steps."""
    ice = replace(SOFT_TISSUE, latent_law="colligative", frozen_law="rabin", t_liquidus_c=-0.53)
    walls = (Wall("held", -140.0), HELD, INSULATED, INSULATED, INSULATED, INSULATED)
    result = simulate(Scene(HeatBox((100.0, 3.0, 3.0), 1.0), ice, (), FREEZE, walls=walls))
    depth = exact.similarity(ice, 37.0, None, wall_c=-140.0)
    for iso_c in (-40.0, -20.0, -8.0, -0.53):
        found_mm = surface(result, iso_c)[:, 0].mean() + 50.0
        assert found_mm == pytest.approx(1000.0 * depth(iso_c, 600.0), abs=0.25), iso_c


def line_sink(material: Material, sink_w_m: float, axis: int, spacing_mm: float, off_mm: float) -> HeatResult:
    """Return the ice of an endless line of constant power: a probe at its power limit between insulated walls."""
    length = 4.0 * spacing_mm
    size, tip, direction = [80.0] * 3, [off_mm] * 3, [0.0] * 3
    size[axis], tip[axis], direction[axis] = length, -0.5 * length, 1.0
    probe = ProbeBody(vec3(tip), vec3(direction), length, 1.47, -205.0, 0.0, sink_w_m * length / 1e3)
    walls = [HELD] * 6
    walls[2 * axis] = walls[2 * axis + 1] = INSULATED
    box = HeatBox(vec3(size), spacing_mm)
    return simulate(Scene(box, material, (probe,), FREEZE, walls=tuple(walls)))


def radii_mm(result: HeatResult, axis: int, off_mm: float, iso_c: float) -> np.ndarray:
    points = np.delete(surface(result, iso_c), axis, axis=1) - off_mm
    return np.asarray(np.linalg.norm(points, axis=1))


@pytest.mark.parametrize(("axis", "off_mm"), [(0, 0.0), (1, 0.5), (2, 0.27)])
def test_line_sink_fronts_with_constant_properties(exact: ModuleType, axis: int, off_mm: float) -> None:
    result = line_sink(SOFT_TISSUE, 400.0, axis, 1.0, off_mm)
    fronts = exact.ThreeParts(SOFT_TISSUE, 37.0, sink_w_m=400.0).fronts()
    for iso_c, eta in zip((-8.0, -1.0), fronts, strict=True):
        assert radii_mm(result, axis, off_mm, iso_c).mean() == pytest.approx(1e3 * eta * math.sqrt(600.0), abs=0.12)
    assert result.probe_power_w[-1, 0] == pytest.approx(1.6, rel=1e-6)


@pytest.mark.parametrize(
    ("material", "sink_w_m"),
    [
        (replace(SOFT_TISSUE, latent_law="colligative"), 400.0),
        (replace(SOFT_TISSUE, frozen_law="rabin"), 400.0),
        (replace(SOFT_TISSUE, latent_law="colligative", frozen_law="rabin", t_liquidus_c=-0.53), 300.0),
        (MARROW_BONE, 200.0),
    ],
)
def test_line_sink_isotherms_under_every_law(exact: ModuleType, material: Material, sink_w_m: float) -> None:
    result = line_sink(material, sink_w_m, 2, 1.0, 0.2)
    exact_radius = exact.similarity(material, 37.0, sink_w_m)
    for iso_c in (-20.0, -8.0, -1.0):
        expected = 1e3 * exact_radius(iso_c, 600.0)
        assert radii_mm(result, 2, 0.2, iso_c).mean() == pytest.approx(expected, abs=0.1), iso_c


def test_both_forms_of_the_exact_solution_agree(exact: ModuleType) -> None:
    """And give known figures: 9.6977 and 11.6091 mm after 600 s at 400 W/m in soft tissue, 26.1161 mm for a plane."""
    solidus, liquidus = exact.ThreeParts(SOFT_TISSUE, 37.0, sink_w_m=400.0).fronts()
    radius = exact.similarity(SOFT_TISSUE, 37.0, 400.0)
    assert radius(-8.0, 600.0) == pytest.approx(solidus * math.sqrt(600.0), rel=1e-4)
    assert radius(-1.0, 600.0) == pytest.approx(liquidus * math.sqrt(600.0), rel=1e-4)
    assert (1e3 * solidus * math.sqrt(600.0), 1e3 * liquidus * math.sqrt(600.0)) == pytest.approx(
        (9.6977, 11.6091), abs=1e-3
    )
    plane = exact.ThreeParts(SOFT_TISSUE, 37.0, wall_c=-140.0).fronts()[1]
    assert 1e3 * plane * math.sqrt(600.0) == pytest.approx(26.1161, abs=1e-3)


def test_perfused_plane_without_freezing() -> None:
    """A wall at 0 °C on perfused tissue: two decaying waves, exact."""
    perfusion, time_s = 2000.0, 300.0
    walls = (Wall("held", 0.0), HELD, INSULATED, INSULATED, INSULATED, INSULATED)
    box = HeatBox((60.0, 3.0, 3.0), 1.0)
    scene = Scene(box, SOFT_TISSUE, (), (Phase("freeze", time_s),), perfusion_w_m3k=perfusion, walls=walls)
    result = simulate(scene)
    heat = SOFT_TISSUE.rho * SOFT_TISSUE.c_unfrozen
    decay = math.sqrt(SOFT_TISSUE.k_unfrozen / perfusion)
    x = (np.arange(60) + 0.5) / 1e3
    z, s = x / (2.0 * math.sqrt(SOFT_TISSUE.k_unfrozen / heat * time_s)), math.sqrt(perfusion / heat * time_s)
    drop = 0.5 * 37.0 * (np.exp(-x / decay) * erfc(z - s) + np.exp(x / decay) * erfc(z + s))
    assert result.snapshots[-1].temperature_c[1, 1] == pytest.approx(37.0 - drop, abs=0.005 * 37.0)
    assert result.energy_imbalance < 1e-4
