"""A material of its own in every voxel, held regions, metabolism, and the radial stand-in."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import erfc

from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat.isotherms import extent_mm, isotherm_points, sample_c, volume_ml
from cvt_planner.bioheat.scene import HELD, INSULATED, HeatBox, Phase, ProbeBody, Scene, Shells, Wall
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import MARROW_BONE, SOFT_TISSUE, Material
from cvt_planner.bioheat.tissue_map import TissueMap, map_of_labels

BOX = HeatBox((60.0, 60.0, 60.0), 2.0)
FREEZE = (Phase("freeze", 300.0),)
PAIR = tuple(ProbeBody((x, 1.0, -7.5), (0.0, 0.3, 1.0), 15.0, 1.47, -140.0, 30.0) for x in (-6.0, 6.0))


def labels(box: HeatBox = BOX) -> np.ndarray:
    return np.zeros(box.grid.shape_kji, np.int64)


@pytest.mark.parametrize(
    "material",
    [SOFT_TISSUE, MARROW_BONE, replace(SOFT_TISSUE, latent_law="colligative", frozen_law="rabin", t_liquidus_c=-0.53)],
)
def test_a_map_of_one_material_gives_the_ice_of_that_material(material: Material) -> None:
    even = simulate(Scene(BOX, material, PAIR, FREEZE, perfusion_w_m3k=5000.0, metabolic_w_m3=3000.0))
    tissue = map_of_labels(labels(), [material], [5000.0], [3000.0])
    mapped = simulate(Scene(BOX, material, PAIR, FREEZE, tissue=tissue))
    assert mapped.snapshots[-1].temperature_c == pytest.approx(even.snapshots[-1].temperature_c, abs=0.01)
    assert mapped.coldest_c == pytest.approx(even.coldest_c, abs=0.01)
    assert mapped.probe_heat_j == pytest.approx(even.probe_heat_j, rel=1e-4)
    assert mapped.blood_heat_j == pytest.approx(even.blood_heat_j, rel=1e-3)
    assert max(even.energy_imbalance, mapped.energy_imbalance) < 1e-3


def test_a_map_of_one_material_thaws_like_that_material() -> None:
    """What was frozen and is not any more conducts as unfrozen tissue again."""
    phases = (Phase("freeze", 60.0), Phase("thaw", 120.0, 40.0), Phase("freeze", 20.0))
    even = simulate(Scene(BOX, SOFT_TISSUE, PAIR, phases))
    mapped = simulate(Scene(BOX, SOFT_TISSUE, PAIR, phases, tissue=map_of_labels(labels(), [SOFT_TISSUE])))
    assert mapped.snapshots[-1].temperature_c == pytest.approx(even.snapshots[-1].temperature_c, abs=0.01)
    assert mapped.coldest_c == pytest.approx(even.coldest_c, abs=0.01)


@pytest.mark.parametrize("face", range(6))
def test_a_frozen_wall_freezes_a_map_like_one_material(face: int) -> None:
    walls = tuple(Wall("held", -100.0) if n == face else INSULATED for n in range(6))
    box = HeatBox((12.0, 14.0, 16.0), 1.0)
    phases = (Phase("freeze", 60.0),)
    even = simulate(Scene(box, SOFT_TISSUE, (), phases, walls=walls))
    tissue = map_of_labels(labels(box), [SOFT_TISSUE])
    mapped = simulate(Scene(box, SOFT_TISSUE, (), phases, tissue=tissue, walls=walls))
    assert even.snapshots[-1].temperature_c.min() < -40.0
    assert mapped.snapshots[-1].temperature_c == pytest.approx(even.snapshots[-1].temperature_c, abs=0.02)
    assert mapped.wall_heat_j == pytest.approx(even.wall_heat_j, rel=1e-3)
    assert max(even.energy_imbalance, mapped.energy_imbalance) < 1e-3


def test_heat_through_two_layers_in_series() -> None:
    """Steady: the flow through two slabs is that of their resistances in series, wherever the boundary lies."""
    poor = replace(SOFT_TISSUE, k_unfrozen=0.2, c_unfrozen=400.0, c_frozen=400.0)
    good = replace(SOFT_TISSUE, k_unfrozen=2.0, c_unfrozen=400.0, c_frozen=400.0)
    box = HeatBox((20.0, 3.0, 3.0), 1.0)
    value = labels(box)
    value[:, :, 7:] = 1
    walls = (Wall("held", 10.0), HELD, INSULATED, INSULATED, INSULATED, INSULATED)
    tissue = map_of_labels(value, [poor, good])
    result = simulate(Scene(box, poor, (), (Phase("freeze", 20_000.0),), tissue=tissue, walls=walls))
    flow = 27.0 / (7.0 / 0.2 + 13.0 / 2.0)
    x = np.arange(20) + 0.5
    exact = np.where(x < 7.0, 10.0 + flow * x / 0.2, 37.0 - flow * (20.0 - x) / 2.0)
    assert result.snapshots[-1].temperature_c[1, 1] == pytest.approx(exact, abs=0.02)


def test_frozen_layers_keep_their_own_front() -> None:
    """Marrow on one side of a plane through the probe, soft tissue on the other: each freezes about as far as alone."""
    box = HeatBox((60.0, 60.0, 60.0), 1.0)
    value = labels(box)
    value[:, :, 30:] = 1
    probe = ProbeBody((0.0, 0.0, -7.5), (0.0, 0.0, 1.0), 15.0, 1.47, -140.0, 30.0)
    result = simulate(
        Scene(box, SOFT_TISSUE, (probe,), FREEZE, tissue=map_of_labels(value, [SOFT_TISSUE, MARROW_BONE]))
    )
    alone = {m: simulate(Scene(box, m, (probe,), FREEZE)) for m in (SOFT_TISSUE, MARROW_BONE)}
    reach = {m: -ice(r)[0] / 2.0 for m, r in alone.items()}
    field, level = result.smooth(result.snapshots[-1].temperature_c, -1.0)
    x = isotherm_points(field, result.grid, level)[:, 0]
    assert x.min() == pytest.approx(reach[SOFT_TISSUE], abs=1.0)
    assert x.max() == pytest.approx(-reach[MARROW_BONE], abs=1.0)
    assert -x.min() > x.max() + 1.0
    assert result.energy_imbalance < 1e-3


def test_a_held_vessel_keeps_its_temperature_and_bounds_the_ice() -> None:
    value = labels()
    centres = BOX.grid.lps_of(np.stack(np.meshgrid(*[np.arange(30.0)] * 3, indexing="ij"), axis=-1))
    value[np.hypot(centres[..., 0], centres[..., 1] - 16.0) < 5.0] = 1
    tissue = map_of_labels(value, [SOFT_TISSUE] * 2, held_c={1: 37.0})
    result = simulate(Scene(BOX, SOFT_TISSUE, PAIR, (Phase("freeze", 900.0),), tissue=tissue))
    free = simulate(Scene(BOX, SOFT_TISSUE, PAIR, (Phase("freeze", 900.0),)))
    shot = result.snapshots[-1].temperature_c
    fine = value == 1
    assert shot[fine].min() > 36.0
    assert result.energy_imbalance < 1e-3
    assert result.wall_heat_j > 500.0  # what the vessel gave
    near = np.array([[0.0, 12.0, 0.0]])
    warmer = sample_c(shot, result.grid, near) - sample_c(free.snapshots[-1].temperature_c, free.grid, near)
    assert warmer[0] > 3.0


@pytest.mark.parametrize(("spacing_mm", "part"), [(1.0, 0.02), (0.5, 0.02)])
def test_held_sphere_in_perfused_tissue(spacing_mm: float, part: float) -> None:
    """A sphere of 10 mm at 0 °C, exact: 10.9377, 21.1545 and 29.9785 °C at 12, 15 and 20 mm after 600 s."""
    box = HeatBox((28.0,) * 3, spacing_mm, (14.0, 14.0, 14.0))  # an octant: three walls are planes of symmetry
    centres = box.grid.lps_of(
        np.stack(np.meshgrid(*[np.arange(float(n)) for n in box.grid.shape_kji], indexing="ij"), -1)
    )
    tissue = map_of_labels(
        (np.linalg.norm(centres, axis=-1) < 10.0).astype(np.int64), [SOFT_TISSUE] * 2, [2000.0] * 2, held_c={1: 0.0}
    )
    walls = (INSULATED, HELD, INSULATED, HELD, INSULATED, HELD)
    result = simulate(Scene(box, SOFT_TISSUE, (), (Phase("freeze", 600.0),), tissue=tissue, walls=walls))
    radii = np.array([12.0, 15.0, 20.0])
    for way in (np.array([1.0, 0.02, 0.02]), np.ones(3), np.array([1.0, 1.0, 0.02])):
        points = radii[:, None] * way / np.linalg.norm(way)
        found = sample_c(result.snapshots[-1].temperature_c, result.grid, points)
        assert found == pytest.approx(perfused_sphere(radii, 600.0), abs=part * 37.0)


def perfused_sphere(r_mm: np.ndarray, time_s: float, r0_mm: float = 10.0) -> np.ndarray:
    m, w = SOFT_TISSUE, 2000.0
    x, heat = (r_mm - r0_mm) / 1e3, m.rho * m.c_unfrozen
    decay, s = math.sqrt(m.k_unfrozen / w), math.sqrt(w / heat * time_s)
    z = x / (2.0 * math.sqrt(m.k_unfrozen / heat * time_s))
    return 37.0 - 18.5 * r0_mm / r_mm * (np.exp(-x / decay) * erfc(z - s) + np.exp(x / decay) * erfc(z + s))


def test_shells_give_the_exact_perfused_sphere() -> None:
    shells = Shells("sphere", 10.0, 60.0, 0.5)
    walls = (Wall("held", 0.0), HELD)
    result = simulate(Scene(shells, SOFT_TISSUE, (), (Phase("freeze", 600.0),), perfusion_w_m3k=2000.0, walls=walls))
    r = 10.25 + 0.5 * np.arange(100)
    assert result.snapshots[-1].temperature_c[0, 0] == pytest.approx(perfused_sphere(r, 600.0), abs=0.003 * 37.0)
    assert result.energy_imbalance < 1e-3


@pytest.mark.parametrize(("kind", "inner_mm", "radius_mm"), [("sphere", 5.0, 17.3715), ("cylinder", 0.735, 15.3417)])
def test_the_largest_ice_of_a_perfused_probe(kind: str, inner_mm: float, radius_mm: float) -> None:
    """Steady, 40 kW/m3K, probe at -140 °C, front at -1 °C: exact radii."""
    sharp = replace(SOFT_TISSUE, t_solidus_c=-1.002, t_liquidus_c=-1.0, latent_j_kg=1000.0)
    shells = Shells(kind, inner_mm, 60.0 + inner_mm, 0.25)  # type: ignore[arg-type]
    walls = (Wall("held", -140.0), HELD)
    result = simulate(Scene(shells, sharp, (), (Phase("freeze", 7200.0),), perfusion_w_m3k=40_000.0, walls=walls))
    field, level = result.smooth(result.snapshots[-1].temperature_c, -1.001)
    r = inner_mm + 0.125 + 0.25 * np.arange(field.size)
    assert np.interp(level, field[0, 0], r) == pytest.approx(radius_mm, rel=0.02)


def test_metabolism_warms_until_blood_carries_it_away() -> None:
    box = HeatBox((20.0,) * 3, 2.0)
    walls = (INSULATED,) * 6
    long = (Phase("freeze", 20_000.0),)
    result = simulate(Scene(box, SOFT_TISSUE, (), long, perfusion_w_m3k=4000.0, metabolic_w_m3=8000.0, walls=walls))
    assert result.snapshots[-1].temperature_c == pytest.approx(39.0, abs=0.01)
    alone = simulate(Scene(box, SOFT_TISSUE, (), (Phase("freeze", 3600.0),), metabolic_w_m3=4200.0, walls=walls))
    assert alone.snapshots[-1].temperature_c == pytest.approx(37.0 + 4200.0 * 3600.0 / 3.6e6, abs=0.01)


def ice(result: HeatResult) -> tuple[float, ...]:
    field, level = result.smooth(result.snapshots[-1].temperature_c, -1.0)
    return (*extent_mm(field, result.grid, level), volume_ml(field, result.grid, level))


def test_the_coarse_far_part_of_the_grid_does_not_show() -> None:
    """Forced to be fine everywhere by a wall that is hardly warmer, the ice is the same."""
    one = simulate(Scene(BOX, SOFT_TISSUE, PAIR, (Phase("freeze", 600.0),)))
    walls = (Wall("held", 37.001), HELD, HELD, HELD, HELD, HELD)
    fine = simulate(Scene(BOX, SOFT_TISSUE, PAIR, (Phase("freeze", 600.0),), walls=walls))
    assert one.solved_cells < 0.9 * fine.solved_cells == 0.9 * 30**3
    assert ice(one)[:3] == pytest.approx(ice(fine)[:3], abs=0.1)  # a twentieth of a voxel
    assert ice(one)[3] == pytest.approx(ice(fine)[3], rel=0.005)
    away = one.snapshots[-1].temperature_c - fine.snapshots[-1].temperature_c
    assert np.abs(away[fine.snapshots[-1].temperature_c > 0.0]).max() < 0.6


def test_maps_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(InputRefused, match="one freezing range"):
        map_of_labels(labels(), [SOFT_TISSUE, replace(SOFT_TISSUE, t_solidus_c=-5.0)])
    with pytest.raises(InputRefused, match="material for each"):
        map_of_labels(labels() + 1, [SOFT_TISSUE])
    tissue = map_of_labels(labels(), [SOFT_TISSUE])
    with pytest.raises(InputRefused, match="voxels"):
        Scene(HeatBox((40.0,) * 3, 2.0), SOFT_TISSUE, (), FREEZE, tissue=tissue)
    fields = {name: np.ones((4, 4, 4)) for name in TissueMap.__dataclass_fields__ if name not in ("like", "held_c")}
    TissueMap(SOFT_TISSUE, **fields, held_c=np.full((4, 4, 4), np.nan))
    for name, bad in (("k_frozen", 0.0), ("latent_j_m3", -1.0), ("heat_frozen", math.nan)):
        wrong = {**fields, name: np.full((4, 4, 4), bad)}
        with pytest.raises(InputRefused, match=name):
            TissueMap(SOFT_TISSUE, **wrong, held_c=np.full((4, 4, 4), np.nan))
    with pytest.raises(InputRefused, match="another shape"):
        TissueMap(SOFT_TISSUE, **{**fields, "k_frozen": np.ones((4, 4, 3))}, held_c=np.full((4, 4, 4), np.nan))
    with pytest.raises(InputRefused, match="held temperature"):
        TissueMap(SOFT_TISSUE, **fields, held_c=np.full((4, 4, 4), -300.0))
