"""The decisive cases of `make validate` in short, and the exact solutions themselves; docs/validation.md has all."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cvt_planner.bioheat.scene import HeatBox, Scene
from cvt_planner.bioheat.solver import simulate
from cvt_planner.bioheat.tissue import SOFT_TISSUE
from tests.validation import blood_cases, exact_cases, literature, point_sink, scenes, size_cases
from tests.validation.checks import Chapter, Check, figures_table
from tests.validation.perfused import LargestIce, Perfused
from tests.validation.report import text
from tests.validation.sharp_front import SharpFront
from tests.validation.similarity import ThreeParts, similarity
from tests.validation.size_tables import PAIRS

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "reference" / "analytic_reference.py"


def assert_met(checks: Iterable[Check]) -> None:
    checks = list(checks)
    assert checks
    assert not [f"{c.setting}, {c.quantity}: {c.found:.4g} for {c.expected:.4g} {c.unit}" for c in checks if not c.met]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """Return the independently written exact solutions; skips, loudly, where they are not at hand."""
    if not REFERENCE.exists():
        pytest.skip(f"NOT COMPARED with the independent reference: {REFERENCE.name} is not beside this checkout")
    spec = importlib.util.spec_from_file_location("independent_reference", REFERENCE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sharp_fronts_and_blood_have_known_figures() -> None:
    """Section 4 of the physics data sheet: radii and depths in mm after 600 s, temperatures in degC."""
    root = 600.0**0.5 * 1e3
    found = [
        SharpFront(SOFT_TISSUE, -1.0, 37.0, wall_c=-140.0).front() * root,
        SharpFront(SOFT_TISSUE, -1.0, 37.0, line_w_m=400.0).front() * root,
        SharpFront(SOFT_TISSUE, -1.0, 37.0, point_w_sqrt_s=1.0).front() * root,
        1e3 * LargestIce(2.0, 0.5, 2_000.0, -140.0).radius_m(5e-3, True),
        1e3 * LargestIce(2.0, 0.5, 2_000.0, -140.0).radius_m(0.735e-3, False),
        LargestIce(2.0, 0.5, 2_000.0, -140.0).power(0.735e-3, False),
    ]
    assert found == pytest.approx([26.0991, 11.1459, 15.4525, 30.1612, 47.9663, 418.04], abs=1e-2)
    tissue = Perfused(0.5, 3.6e6, 2_000.0)
    assert tissue.plane_c(np.array([5e-3, 0.02]), 600.0, 0.0) == pytest.approx([13.2318, 33.3989], abs=1e-4)
    assert tissue.sphere_c(np.array([0.012, 0.03]), 600.0, 0.01, 0.0) == pytest.approx([10.9377, 35.7996], abs=1e-4)


def test_all_three_geometries_of_the_similarity_equation() -> None:
    """A narrow freezing range is a sharp front, and both forms agree for a wall."""
    narrow = replace(SOFT_TISSUE, t_solidus_c=-1.002)
    for drive in ({"wall_c": -140.0}, {"sink_w_m": 400.0}, {"point_w_sqrt_s": 1.0}):
        shot = similarity(narrow, 37.0, **drive)(-1.001, 600.0)  # type: ignore[arg-type]  # one name per case
        sharp = {"line_w_m" if name == "sink_w_m" else name: value for name, value in drive.items()}
        assert shot == pytest.approx(SharpFront(SOFT_TISSUE, -1.0, 37.0, **sharp).front() * 600.0**0.5, rel=3e-4)
    solidus, _ = ThreeParts(SOFT_TISSUE, 37.0, wall_c=-140.0).fronts()
    assert similarity(SOFT_TISSUE, 37.0, wall_c=-140.0)(-8.0, 600.0) == pytest.approx(solidus * 600.0**0.5, rel=1e-5)


def test_exact_solutions_agree_with_an_independent_reference(reference: ModuleType) -> None:
    at = np.array([2.0, 6.0, 10.0, 15.0, 25.0]) / 1e3
    plane = SharpFront(SOFT_TISSUE, -1.0, 37.0, wall_c=-100.0)
    theirs = reference.T_neumann_planar(at, 300.0, -100.0, reference.neumann_planar(-100.0))
    assert plane.temperature_c(at, 300.0) == pytest.approx(theirs, abs=1e-6)
    line = SharpFront(SOFT_TISSUE, -1.0, 37.0, line_w_m=300.0)
    theirs = reference.T_line_sink(at, 300.0, 300.0, reference.line_sink(300.0))
    assert line.temperature_c(at, 300.0) == pytest.approx(theirs, abs=1e-6)
    ice = LargestIce(2.0, 0.5, 5_000.0, -120.0, metabolic_w_m3=4_200.0)
    for sphere, theirs in (
        (True, reference.steady_iceball_sphere(4e-3, -120.0, -1.0, 37.0, 2.0, 0.5, 5_000.0, 4_200.0)),
        (False, reference.steady_iceball_cyl(1e-3, -120.0, -1.0, 37.0, 2.0, 0.5, 5_000.0, 4_200.0)),
    ):
        inner = 4e-3 if sphere else 1e-3
        assert (ice.radius_m(inner, sphere), ice.power(inner, sphere)) == pytest.approx(theirs[:2], rel=1e-8)


def test_sharp_fronts_of_walls_and_lines() -> None:
    for case, drives in exact_cases.sharp_drives().items():
        assert_met(exact_cases.sharp_checks(case, drives[0], 1.0))
    assert_met(exact_cases.sharp_checks("C", exact_cases.sharp_drives()["C"][1], 0.5))


def test_tissues_drawn_at_random() -> None:
    for case, drives in exact_cases.mushy_drives().items():
        for drive in drives[-2:]:
            assert_met(exact_cases.mushy_checks(case, drive, 1.0))


def test_a_growing_point_sink_in_three_dimensions() -> None:
    sink = point_sink.sinks()[0]
    result = sink.run(1.0)
    assert point_sink.distances_mm(result, -1).mean() == pytest.approx(sink.radius_mm(600.0), abs=0.4)


def test_balls_in_perfused_tissue() -> None:
    assert_met(c for c in blood_cases.sphere_rows(True))
    largest = blood_cases.largest_ice_rows(True)[0]
    assert largest.met, largest


def test_a_pair_turned_off_the_voxels() -> None:
    turn = size_cases.TURNS[3]
    result = size_cases.pair_result(20.625, turn)
    rows = [r for r in PAIRS if r.spacing_mm == 20.625]
    assert_met(c for row in rows for c in size_cases.pair_checks(row, turn, result))


def test_a_map_of_one_material_is_that_material() -> None:
    box = HeatBox((50.0, 50.0, 50.0), 2.0)
    probes = scenes.parallel_probes(scenes.two(12.0), 15.0, -140.0, 1.476)
    plain = Scene(box, SOFT_TISSUE, probes, scenes.TEN_FIVE_TEN)
    tissue = replace(scenes.lesion_in_bone(box, SOFT_TISSUE))
    everywhere = {
        name: np.full(tissue.shape_kji, value, np.float32)
        for name, value in (
            ("k_frozen", 2.0), ("k_unfrozen", 0.5), ("heat_frozen", 1.8e6), ("heat_unfrozen", 3.6e6),
            ("latent_j_m3", 2.5e8), ("perfusion_w_m3k", 0.0),
        )
    }  # fmt: skip
    one, other = simulate(plain), simulate(replace(plain, tissue=replace(tissue, **everywhere)))
    size = [size_cases.rulers.ice_size(r, -20.0, np.eye(3), (0.0, 0.0, 0.0)) for r in (one, other)]
    assert size[0].extent_mm == pytest.approx(size[1].extent_mm, abs=0.1)
    assert other.energy_imbalance < 1e-3


def test_lethal_ice_of_several_probes_in_gel() -> None:
    """Littrup 2009: two and four probes, at the temperature fitted to the visible ice."""
    for count in (2, 4):
        _, lethal = literature.littrup(count, -101.0, 2.4, 2.0)
        assert lethal == pytest.approx(literature.LETHAL_CM[count - 1], rel=literature.LITERATURE_LIMIT)


def test_a_figure_that_misses_its_limit_is_printed_as_such() -> None:
    good = Check("A", "wall", "front", "mm", 10.0, 10.1, 0.2, 1.0)
    bad = Check("A", "wall", "front", "mm", 10.0, 10.3, 0.2, 0.5)
    nothing = Check("B", "wall", "front", "mm", 10.0, float("nan"), 0.2, 1.0)
    aim = Check("speed NumPy", "NumPy", "times", "", 30.0, 29.0, 0.0, at_least=True)
    assert (good.met, bad.met, nothing.met, aim.met) == (True, False, False, False)
    table = figures_table([good, bad])
    assert "NOT MET" in table and "+0.300" in table
    chapter = Chapter("Walls")
    chapter.show([good, bad, nothing])
    written = text([chapter], "quick", 60.0)
    assert written.count("**NOT MET** (1 of 2 figures)") == 1 and "not run" in written


def test_the_largest_ice_in_well_perfused_tissue() -> None:
    """The cell beside the front is fed by as much of it as is not frozen, else the ice ends a cell or two early."""
    assert_met(blood_cases.largest_ice_check(core, 0.5) for core in (blood_cases.CORES[2], blood_cases.CORES[6]))
