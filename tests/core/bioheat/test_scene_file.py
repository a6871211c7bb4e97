"""SCENE.json: the contract, and what is refused with which words."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat.scene import HeatBox, Phase, ProbeBody, Scene, Sleeve
from cvt_planner.bioheat.scene_file import read_scene, run_scene_file
from cvt_planner.bioheat.tissue import SOFT_TISSUE, Material
from cvt_planner.imaging.nrrd import read_nrrd, write_nrrd

SCENE: dict[str, Any] = {
    "spacing_mm": 2.0,
    "size_mm": [50, 50, 50],
    "initial_c": 37,
    "perfusion_w_m3k": 0,
    "material": {
        "k_frozen": 2.0,
        "k_unfrozen": 0.5,
        "rho": 1000,
        "c_frozen": 1800,
        "c_unfrozen": 3600,
        "latent_j_kg": 250000,
        "t_solidus_c": -8,
        "t_liquidus_c": -1,
    },
    "probes": [
        {
            "tip_lps_mm": [0, 0, -7],
            "direction": [0, 0, 1],
            "active_length_mm": 15,
            "diameter_mm": 1.47,
            "temperature_c": -140,
        }
    ],
    "protocol": [{"phase": "freeze", "seconds": 60}, {"phase": "thaw", "seconds": 30}],
    "isotherms_c": [-1, -20],
    "report_at_s": [30, 60],
    "sample_points_lps_mm": [[0, 5, 0], [24, 24, 24]],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the scene with one value changed; the path is like ``probes.0.diameter_mm``."""
    data = copy.deepcopy(SCENE)
    spot: Any = data
    *way, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    for part in way:
        spot = spot[part]
    if value is ...:
        del spot[last]
    else:
        spot[last] = value
    return data


def test_a_scene_is_answered_as_the_contract_says(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps(SCENE), encoding="utf-8")
    answer = run_scene_file(tmp_path / "s.json", tmp_path / "t.nrrd")
    assert json.loads(json.dumps(answer)) == answer
    assert [(i["time_s"], i["temp_c"]) for i in answer["isotherms"]] == [(30, -1), (30, -20), (60, -1), (60, -20)]
    assert all(len(i["extent_mm"]) == 3 and i["volume_ml"] > 0 for i in answer["isotherms"])
    assert [s["time_s"] for s in answer["samples"]] == [30, 60]
    near, far = answer["samples"][1]["temps_c"]
    assert near < 0.0 and far == pytest.approx(37.0, abs=0.01)
    assert answer["cells"] == 25**3 and answer["steps"] > 0 and answer["wall_s"] > 0
    assert answer["energy_imbalance"] < 1e-3
    array, grid = read_nrrd(tmp_path / "t.nrrd")
    assert array.dtype == np.float32 and array.shape == (25, 25, 25)
    assert grid.lps_of(np.zeros(3)) == pytest.approx((-24, -24, -24))
    place = np.array(np.unravel_index(np.argmin(array), array.shape), dtype=float)
    assert np.abs(grid.lps_of(place)[:2]).max() <= 2.0


def test_only_probes_and_protocol_are_needed() -> None:
    request = read_scene({"probes": SCENE["probes"], "protocol": SCENE["protocol"]})
    assert request.scene.material == SOFT_TISSUE
    assert request.scene.box.size_mm == (80.0, 80.0, 80.0)
    assert request.scene.report_at_s == (90.0,)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("metabolic_w_m3", -1, "metabolic"),
        ("regions", [{"shape": "cone"}], "cone"),
        ("regions", [{"shape": "sphere", "radius_mm": 5}], "centre_lps_mm"),
        ("regions", [{"shape": "sphere", "centre_lps_mm": [0, 0, 0], "radius_mm": 0}], "radius_mm"),
        ("regions", [{"shape": "box", "low_lps_mm": [0, 0, 0], "high_lps_mm": [1, 1, 1], "k": 3}], "'k'"),
        ("regions", [{"shape": "cylinder", "from_lps_mm": [1, 1, 1], "to_lps_mm": [1, 1, 1], "radius_mm": 2}], "ends"),
        ("labels", {"nrrd": "none.nrrd", "fills": {}}, r"none\.nrrd"),
        ("labels", {"nrrd": 3, "fills": {}}, "path"),
        ("probes.0.duty", 0, "duty"),
        ("probes.0.power_curve_w", [[1, 2, 3]], "pairs"),
        ("probes.0.needle", {"tip_mm": 20}, "outer_diameter_mm"),
        ("probes.0.needle", {"tip_mm": 20, "outer_diameter_mm": 1.4, "inner_diameter_mm": 1.2}, "bore"),
        ("spacing", 1.0, "'spacing'"),
        ("material.k", 1.0, "'k'"),
        ("probes.0.speed", 1.0, "'speed'"),
        ("protocol.0.power", 1.0, "'power'"),
        ("probes", ..., "'probes'"),
        ("material.rho", ..., "'rho'"),
        ("protocol.1.seconds", ..., "'seconds'"),
        ("spacing_mm", "one", "spacing_mm.*a text"),
        ("spacing_mm", True, "spacing_mm.*true or false"),
        ("size_mm", [50, 50], "three numbers"),
        ("probes.0.tip_lps_mm", {"x": 1}, "tip_lps_mm.*an object"),
        ("isotherms_c", [None], "isotherms_c.*null"),
        ("material.latent_law", "sudden", "latent law"),
        ("material.frozen_law", 3, "frozen_law"),
        ("protocol.0.phase", "warm", "warm"),
        ("protocol.0.seconds", 0, "0 s"),
        ("protocol", [], "empty"),
        ("protocol.0.temperature_c", -20, "freeze"),
        ("probes.0.active_length_mm", 0, "active length"),
        ("probes.0.active_length_mm", 5000, "active length"),
        ("probes.0.diameter_mm", -1, "diameter"),
        ("probes.0.direction", [0, 0, 0], "direction"),
        ("probes.0.tip_lps_mm", [0, 0, 20], "Probe 1 leaves the box"),
        ("probes.0.temperature_c", math.nan, "finite"),
        ("probes.0.temperature_c", -300, "-300"),
        ("initial_c", math.inf, "finite"),
        ("perfusion_w_m3k", -5, "perfusion"),
        ("report_at_s", [500], "lasts 90 s"),
        ("sample_points_lps_mm", [[0, 0, 90]], "sample_points"),
        ("spacing_mm", 0.01, "spacing"),
        ("size_mm", [900, 900, 900], "too large"),
        ("material.t_solidus_c", 5, "solidus"),
        ("material.k_frozen", 0, "k_frozen"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(path: str, value: Any, words: str) -> None:
    with pytest.raises(InputRefused, match=words):
        read_scene(
            changed(path, value) if path != "size_mm" or value[0] != 900 else changed(path, value) | {"spacing_mm": 1}
        )


def test_regions_and_labels_make_a_map_of_tissue(tmp_path: Path) -> None:
    marrow = {**SCENE["material"], "k_frozen": 0.63, "k_unfrozen": 0.33, "rho": 1140}
    ball = {"shape": "sphere", "centre_lps_mm": [10, 0, 0], "radius_mm": 6, "held_c": 30}
    slab = {"shape": "box", "low_lps_mm": [-25, -25, -25], "high_lps_mm": [0, 25, 25], "material": marrow}
    rod = {"shape": "cylinder", "from_lps_mm": [0, 15, -20], "to_lps_mm": [0, 15, 20], "radius_mm": 3}
    regions = [slab, ball, {**rod, "perfusion_w_m3k": 40_000, "metabolic_w_m3": 700}]
    tissue = read_scene(SCENE | {"regions": regions}).scene.tissue
    assert tissue is not None
    grid = read_scene(SCENE).scene.box.grid

    def at(field: np.ndarray, x: float, y: float, z: float) -> float:
        return float(field[tuple(np.rint(grid.index_of(np.array([x, y, z]))).astype(int))])

    assert at(tissue.k_frozen, -10, 0, 0) == pytest.approx(0.63) and at(tissue.k_frozen, 20, 0, 0) == 2.0
    assert at(tissue.held_c, 10, 0, 0) == 30.0 and math.isnan(at(tissue.held_c, 20, 0, 0))
    assert at(tissue.perfusion_w_m3k, 0, 15, 10) == 40_000 and at(tissue.perfusion_w_m3k, 0, 15, 24) == 0.0
    assert at(tissue.metabolic_w_m3, 0, 15, 10) == 700
    values = np.zeros((25, 25, 25), np.uint8)
    values[:, :, 13:] = 2
    write_nrrd(tmp_path / "l.nrrd", values, grid)
    labels = {"nrrd": "l.nrrd", "fills": {"2": {"material": marrow}}}
    (tmp_path / "s.json").write_text(json.dumps(SCENE | {"labels": labels, "regions": [ball]}), encoding="utf-8")
    tissue = read_scene(SCENE | {"labels": labels}, tmp_path).scene.tissue
    assert tissue is not None
    assert at(tissue.k_frozen, 20, 0, 0) == pytest.approx(0.63) and at(tissue.k_frozen, -10, 0, 0) == 2.0
    assert run_scene_file(tmp_path / "s.json")["energy_imbalance"] < 1e-3


def test_all_that_a_probe_may_say_is_read() -> None:
    needle = {"tip_mm": 20, "outer_diameter_mm": 2.413, "inner_diameter_mm": 1.803}
    probe = SCENE["probes"][0] | {"dead_tip_mm": 3, "start_delay_s": 20, "duty": 0.8, "needle": needle}
    read = read_scene(SCENE | {"probes": [probe | {"power_curve_w": [[0, 0], [60, 8]]}]}).scene.probes[0]
    assert (read.dead_tip_mm, read.start_delay_s, read.duty) == (3, 20, 0.8)
    assert read.power_curve_w == ((0, 0), (60, 8))
    assert read.sleeve == Sleeve(20, 2.413, 1.803)


def test_probes_that_cross_or_coincide_are_refused() -> None:
    upright = ProbeBody((0.0, 0.0, -7.0), (0.0, 0.0, 1.0), 15.0, 1.47, -140.0)
    box, freeze = HeatBox((50.0, 50.0, 50.0), 2.0), (Phase("freeze", 10.0),)
    crossing = ProbeBody((-7.0, 0.5, 0.0), (1.0, 0.0, 0.0), 15.0, 1.47, -140.0)
    shaft = ProbeBody((-14.0, 0.0, 12.0), (1.0, 0.0, 0.0), 5.0, 1.47, -140.0)
    beside = ProbeBody((1.6, 0.0, -7.0), (0.0, 0.0, 1.0), 15.0, 1.47, -140.0)
    for other in (upright, crossing, shaft):
        with pytest.raises(InputRefused, match="Probes 1 and 2 cross or touch"):
            Scene(box, SOFT_TISSUE, (upright, other), freeze)
    Scene(box, SOFT_TISSUE, (upright, beside), freeze)
    assert ProbeBody((0.0, 0.0, 0.0), (0.0, 3.0, 4.0), 5.0, 1.0, -50.0).direction == pytest.approx((0.0, 0.6, 0.8))


@pytest.mark.parametrize("text", ["", "{", "[1]", '"ice"', "\ufeff{}", "[" * 100_000])
def test_a_file_that_is_no_scene_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused, match=r"bad\.json"):
        run_scene_file(tmp_path / "bad.json")
    with pytest.raises(InputRefused, match=r"absent\.json"):
        run_scene_file(tmp_path / "absent.json")
    with pytest.raises(InputRefused):
        run_scene_file(tmp_path)


def test_colligative_ice_needs_a_liquidus_below_zero() -> None:
    with pytest.raises(InputRefused, match="colligative"):
        Material(2.0, 0.5, 1000.0, 1800.0, 3600.0, 250e3, -8.0, 0.5, latent_law="colligative")
