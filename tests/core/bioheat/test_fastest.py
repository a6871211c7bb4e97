"""The bound of the fastest rate, against the true one, and the steps that rest on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import eigsh

from cvt_planner.bioheat.fastest import fastest_rate
from cvt_planner.bioheat.law import frozen_gain
from cvt_planner.bioheat.run import Run
from cvt_planner.bioheat.scene import HeatBox, Phase, ProbeBody, Scene, Sleeve
from cvt_planner.bioheat.solver import simulate
from cvt_planner.bioheat.tissue import MARROW_BONE, SOFT_TISSUE
from cvt_planner.bioheat.tissue_map import map_of_labels

CHANGING = replace(SOFT_TISSUE, frozen_law="rabin", latent_law="colligative")


def tilted_probe(probe_c: float = -140.0, diameter_mm: float = 1.476, cooldown_s: float = 0.0) -> ProbeBody:
    direction = np.array([0.3, 0.5, 0.8]) / np.linalg.norm([0.3, 0.5, 0.8])
    x, y, z = (float(v) for v in direction)
    return ProbeBody((-7.5 * x, -7.5 * y, -7.5 * z), (x, y, z), 15.0, diameter_mm, probe_c, cooldown_s)


def true_rate(run: Run, gain: np.ndarray) -> float:
    """Return the fastest rate, 1/s, of the frozen cells of a run's block, those around it left out."""
    c = run.block.couplings.astype(float)
    number = np.arange(c[0].size).reshape(c.shape[1:])
    own = gain[1:-1, 1:-1, 1:-1].astype(float)
    rows, columns, values = [], [], []
    for side, (axis, step) in enumerate(((2, -1), (2, 1), (1, -1), (1, 1), (0, -1), (0, 1))):
        here, there = [slice(None)] * 3, [slice(None)] * 3
        low, high = slice(None, -1), slice(1, None)
        here[axis], there[axis] = (low, high) if step > 0 else (high, low)
        rows.append(number[tuple(here)].ravel())
        columns.append(number[tuple(there)].ravel())
        values.append(c[side][tuple(here)].ravel())
    beside = coo_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(own.size,) * 2
    )
    inside = diags(c.sum(axis=0).ravel()) - beside.tocsr()
    root = diags(np.sqrt(own.ravel()))
    matrix = root @ inside @ root
    return float(eigsh(0.5 * (matrix + matrix.T), 1, which="LA", tol=1e-4)[0][0])


@pytest.mark.parametrize("spacing_mm", [1.0, 2.0])
def test_no_rate_is_faster_than_the_bound_and_the_bound_is_near(spacing_mm: float) -> None:
    run = Run(Scene(HeatBox((60.0, 60.0, 60.0), spacing_mm), CHANGING, (tilted_probe(),), (Phase("freeze", 10.0),)))
    grid, rng = run.scene.box.grid, np.random.default_rng(3)
    shape = run.block.cell.shape
    probe = run.scene.probes[0]
    axis = np.array(probe.tip_lps_mm), np.array(probe.direction)
    k, j, i = np.unravel_index(run.block.cell, run.on.shape)
    voxels = [a.centres[at - 1] for a, at in ((run.cells.z, k), (run.cells.y, j), (run.cells.x, i))]
    from_tip = grid.lps_of(np.stack(voxels, axis=-1) - 0.5) - axis[0]
    along = np.clip(from_tip @ axis[1], 0.0, 15.0)
    away = np.linalg.norm(from_tip - along[..., None] * axis[1], axis=-1)
    for reach_mm in (4.0, 9.0, 25.0):
        celsius = -140.0 + 140.0 * np.log1p(away) / np.log1p(reach_mm) + rng.normal(0.0, 0.5, shape)
        gain = np.maximum(frozen_gain(CHANGING, celsius), np.float32(1.0))
        bound = fastest_rate(run.block, gain, 2.0 * run.on.degrees[2])
        true = true_rate(run, gain)
        everywhere = run.on.stiffness(float(gain.max()))
        assert true <= bound <= everywhere
        assert bound < max(1.16 * true, 1.001 * 2.0 * run.on.degrees[2] * float(gain[0].max())), (true, bound)


def test_the_block_of_a_map_of_one_material_is_that_of_the_material() -> None:
    box = HeatBox((40.0, 44.0, 40.0), 2.0)
    scene = Scene(box, CHANGING, (tilted_probe(),), (Phase("freeze", 10.0),))
    same = map_of_labels(np.zeros(box.grid.shape_kji, np.int64), (CHANGING,))
    one, mapped = Run(scene), Run(replace(scene, tissue=same))
    assert np.array_equal(one.block.cell, mapped.block.cell)
    np.testing.assert_allclose(mapped.block.couplings, one.block.couplings, rtol=3e-4)


@pytest.mark.parametrize("law", ["uniform", "colligative"])
@pytest.mark.parametrize(
    ("spacing_mm", "diameter_mm", "cooldown_s"), [(2.0, 2.4, 0.0), (1.0, 1.476, 30.0), (3.0, 3.8, 5.0)]
)
def test_sudden_cold_stays_stable(law: str, spacing_mm: float, diameter_mm: float, cooldown_s: float) -> None:
    """Cells that cool by 100 K in a step, and conduct three times as well after it, once broke the steps."""
    tissue = replace(CHANGING, latent_law=law)
    probes = tuple(
        replace(tilted_probe(-185.0, diameter_mm, cooldown_s), tip_lps_mm=(x, 0.0, -7.0)) for x in (-6.0, 6.0)
    )
    protocol = (Phase("freeze", 60.0), Phase("thaw", 60.0, 40.0), Phase("freeze", 100.0))
    found = simulate(Scene(HeatBox((70.0, 70.0, 70.0), spacing_mm), tissue, probes, protocol), only_end=True)
    assert found.energy_imbalance < 1e-3
    # Within a thick probe, whose pull is spread as widely as it is thick, cells are a little colder than its surface.
    assert -200.0 < found.snapshots[-1].temperature_c.min() < -100.0


def test_marrow_around_a_colder_lesion() -> None:
    """Where every cell has its own material the bound takes each one's own conductances."""
    box = HeatBox((50.0, 50.0, 50.0), 2.0)
    labels = (np.arange(box.grid.shape_kji[2]) > 12)[None, None, :] & np.ones(box.grid.shape_kji, np.bool_)
    laws = tuple(replace(m, frozen_law="rabin", latent_law="colligative") for m in (MARROW_BONE, SOFT_TISSUE))
    scene = Scene(
        box, CHANGING, (tilted_probe(),), (Phase("freeze", 400.0),), tissue=map_of_labels(labels.astype(np.int64), laws)
    )
    assert simulate(scene).energy_imbalance < 1e-3


@pytest.mark.parametrize("tip_mm", [0.0, 14.0])
def test_a_needle_that_reaches_beyond_the_fine_cells(tip_mm: float) -> None:
    sleeve = Sleeve(tip_mm=tip_mm, length_mm=60.0, outer_diameter_mm=3.0, inner_diameter_mm=2.0)
    probe = ProbeBody((0.0, -8.0, -7.0), (0.0, 0.6, 0.8), 15.0, 1.476, -140.0, 30.0, sleeve=sleeve)
    scene = Scene(HeatBox((80.0, 80.0, 80.0), 2.0), CHANGING, (probe,), (Phase("freeze", 400.0),))
    assert simulate(scene).energy_imbalance < 1e-3
