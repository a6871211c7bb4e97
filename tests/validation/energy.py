"""Chapter: does heat stay accounted for, and where does it go over the protocol."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cvt_planner.bioheat.scene import HeatBox, Phase, Scene
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import MARROW_BONE, SOFT_TISSUE, Material
from tests.validation import scenes
from tests.validation.checks import Check

IMBALANCE_LIMIT = 1e-3
PAIR_MM = 10.3125


def pair_scene(material: Material, grid_mm: float, seconds: float = 1500.0, perfusion: float = 0.0) -> Scene:
    """Return two probes in an 80 mm cube, the first `seconds` of 10-5-10."""
    probes = scenes.parallel_probes(scenes.two(PAIR_MM), 15.0, -140.0, 1.476)
    phases, left = [], seconds
    for phase in scenes.TEN_FIVE_TEN:
        if left > 0.0:
            phases.append(Phase(phase.kind, min(phase.seconds, left)))
            left -= phase.seconds
    return Scene(HeatBox((80.0, 80.0, 80.0), grid_mm), material, probes, tuple(phases), 37.0, perfusion)


def imbalance_rows(quick: bool) -> list[Check]:
    """Return the energy imbalance over the whole protocol for several tissues."""
    changing = replace(SOFT_TISSUE, frozen_law="rabin", latent_law="colligative", t_liquidus_c=-0.53)
    cases: list[tuple[str, Scene]] = []
    for grid in (2.0,) if quick else (2.0, 1.0):
        cases += [
            (f"soft tissue, {grid:g} mm", pair_scene(SOFT_TISSUE, grid)),
            (f"k(T), c(T), colligative, {grid:g} mm", pair_scene(changing, grid)),
            (f"soft tissue, perfusion 11700 W/m³K, {grid:g} mm", pair_scene(SOFT_TISSUE, grid, perfusion=11_700.0)),
            (
                f"marrow-filled bone, perfusion 11700 W/m³K, {grid:g} mm",
                pair_scene(MARROW_BONE, grid, perfusion=11_700.0),
            ),
        ]
    plain = pair_scene(SOFT_TISSUE, 1.0)
    assert isinstance(plain.box, HeatBox)
    mapped = replace(plain, tissue=scenes.lesion_in_bone(plain.box, SOFT_TISSUE))
    cases.append(("marrow-filled bone with a lesion of soft tissue, voxel by voxel, perfusion, 1 mm", mapped))
    found = []
    for words, scene in cases:
        imbalance = simulate(scene).energy_imbalance
        found.append(Check("energy", words, "imbalance over 10-5-10", "", 0.0, imbalance, IMBALANCE_LIMIT))
    return found


@dataclass(frozen=True)
class Ledger:
    """Heat since the start at rising times, kJ: drawn by probes, come through walls and by blood, lost by tissue."""

    time_s: np.ndarray
    probes_kj: np.ndarray
    walls_kj: np.ndarray
    blood_kj: np.ndarray
    tissue_kj: np.ndarray
    imbalance: np.ndarray


def lost_by_tissue_j(result: HeatResult) -> float:
    """Return how much less heat the last snapshot holds than the start, from its temperatures (constant laws)."""
    m, start_c = result.scene.material, result.scene.initial_c
    nodes_c = np.array([-210.0, m.t_solidus_c, m.t_liquidus_c, 120.0])
    middle = 0.5 * (m.c_frozen + m.c_unfrozen) + m.latent_j_kg / (m.t_liquidus_c - m.t_solidus_c)
    steps = m.rho * np.array([m.c_frozen, middle, m.c_unfrozen]) * np.diff(nodes_c)
    nodes_h = np.concatenate([[0.0], np.cumsum(steps)])
    now = np.interp(result.snapshots[-1].temperature_c.astype(float), nodes_c, nodes_h)
    return float((np.interp(start_c, nodes_c, nodes_h) - now).sum()) * result.grid.voxel_volume_mm3 * 1e-9


def ledger(grid_mm: float) -> Ledger:
    """Return the ledger of the protocol with blood, one run up to each time."""
    times = np.array([30.0, 120.0, 300.0, 450.0, 600.0, 660.0, 750.0, 900.0, 960.0, 1050.0, 1200.0, 1350.0, 1500.0])
    rows = []
    for seconds in times:
        r = simulate(pair_scene(SOFT_TISSUE, grid_mm, float(seconds), 2000.0))
        rows.append((sum(r.probe_heat_j), r.wall_heat_j, r.blood_heat_j, lost_by_tissue_j(r), 1e3 * r.energy_imbalance))
    table = np.array(rows).T / 1e3
    return Ledger(times, *table)
