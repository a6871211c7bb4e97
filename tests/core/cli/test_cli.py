"""The command line: its contract of exit codes, JSON and messages, on a small phantom."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import app.__main__ as door
from cvt_planner import cli
from cvt_planner.base.errors import Cancelled, PlannerError
from cvt_planner.cli import commands
from cvt_planner.cli.drawing import Drawing
from cvt_planner.cli.output import ProgressLine, table
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.nrrd import read_nrrd
from cvt_planner.imaging.read import read_volume
from cvt_planner.storage.plan_file import load_plan, save_plan

ROOT = Path(__file__).resolve().parents[3]


def run_json(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> dict[str, Any]:
    assert cli.main([str(a) for a in arguments]) == code
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 1, "one JSON object and nothing else"
    values: dict[str, Any] = json.loads(lines[0])
    return values


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "small"
    assert cli.main(["phantom", "--out", str(folder), "--case", "small", "--seed", "0"]) == 0
    return folder


@pytest.fixture(scope="module")
def tested(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the results of a self-test on the phantom."""
    out = tmp_path_factory.mktemp("selftest")
    assert cli.main(["selftest", "--sample", str(phantom), "--out", str(out)]) == 0
    return out


def test_phantom_holds_dicom_and_truth(phantom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = json.loads((phantom / "truth.json").read_text(encoding="utf-8"))
    assert truth["lesions"]
    assert list(phantom.glob("labels_*.nrrd"))
    values = run_json(capsys, "phantom", "--out", phantom, "--json", code=3)
    assert "empty" in values["error"]
    values = run_json(capsys, "phantom", "--out", phantom / "x", "--case", "nonsense", "--json", code=3)
    assert "standard" in values["error"]


def test_series(phantom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = run_json(capsys, "series", phantom, "--json")
    (series,) = values["series"]
    assert series["verdict"] in ("usable", "warning")
    assert series["slices"] == len(list(phantom.rglob("*.dcm")))
    assert cli.main(["series", str(phantom)]) == 0
    assert series["uid"] in capsys.readouterr().out


def test_volume(phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "v.nrrd"
    values = run_json(capsys, "volume", phantom, "--out", out, "--json")
    hu, grid = read_nrrd(out)
    made = read_volume(phantom)
    assert np.array_equal(hu, made.hu)
    assert grid.same_as(made.grid)
    assert values["content_hash"] == made.content_hash
    run_json(capsys, "volume", phantom, "--out", tmp_path / "v.txt", "--json", code=3)
    run_json(capsys, "volume", phantom, "--series", "1.2.3", "--out", out, "--json", code=3)


def test_simulate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = {
        "spacing_mm": 2.0,
        "size_mm": [40, 40, 40],
        "material": {
            "k_frozen": 2.0, "k_unfrozen": 0.5, "rho": 1000, "c_frozen": 1800, "c_unfrozen": 3600,
            "latent_j_kg": 250000, "t_solidus_c": -8, "t_liquidus_c": -1,
        },
        "probes": [
            {"tip_lps_mm": [0, 0, -5], "direction": [0, 0, 1], "active_length_mm": 10, "diameter_mm": 1.47,
             "temperature_c": -140}
        ],
        "protocol": [{"phase": "freeze", "seconds": 60}],
        "isotherms_c": [-1],
        "report_at_s": [60],
        "sample_points_lps_mm": [[0, 0, 0]],
    }  # fmt: skip
    path = tmp_path / "SCENE.json"
    path.write_text(json.dumps(scene), encoding="utf-8")
    values = run_json(capsys, "simulate", path, "--out", tmp_path / "t.nrrd", "--json")
    assert values["isotherms"][0]["volume_ml"] > 0.3
    assert set(values) >= {"isotherms", "samples", "cells", "steps", "wall_s", "energy_imbalance"}
    field, _ = read_nrrd(tmp_path / "t.nrrd")
    assert (field.shape, field.dtype) == ((20, 20, 20), np.float32)
    path.write_text(json.dumps({**scene, "unknown": 1}), encoding="utf-8")
    assert "unknown" in run_json(capsys, "simulate", path, "--json", code=3)["error"]
    run_json(capsys, "simulate", path, "--out", tmp_path / "t.mha", "--json", code=3)
    run_json(capsys, "simulate", tmp_path / "absent.json", "--json", code=3)


def test_anatomy(phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, parts = tmp_path / "labels.nrrd", tmp_path / "parts.nrrd"
    truth = json.loads((phantom / "truth.json").read_text(encoding="utf-8"))
    row = next(level for level in truth["levels"] if level["name"] == "L2")
    at = ",".join(str(v) for v in row["centre_lps_mm"])
    values = run_json(
        capsys, "anatomy", phantom, "--out", out, "--parts", parts, "--level", "L2", "--at", at, "--json"
    )  # fmt: skip
    labels, grid = read_nrrd(out)
    assert grid.shape_kji == labels.shape == read_volume(phantom).grid.shape_kji
    assert read_nrrd(parts)[0].shape == labels.shape
    names = {name: int(label) for label, name in values["labels"].items()}
    k, j, i = np.rint(grid.index_of(np.array(row["centre_lps_mm"]))).astype(int)
    assert labels[k, j, i] == names["L2"] == names["L1"] + 1
    assert (labels == names["canal"]).any()
    assert values["names_are"] == "counted from L2"
    assert {v["label"] for v in values["vertebrae"]} == set(np.unique(labels)) - {0, names["canal"]}
    run_json(capsys, "anatomy", phantom, "--out", tmp_path / "labels.mha", "--json", code=3)
    run_json(capsys, "anatomy", phantom, "--out", out, "--level", "L2", "--json", code=3)


def test_selftest_does_the_whole_job(tested: Path) -> None:
    report = json.loads((tested / "report.json").read_text(encoding="utf-8"))
    assert report["passed"]
    assert report["three_d"] == "3-D not drawn"
    steps = [step["step"] for step in report["steps"]]
    assert steps == ["open", "anatomy", "mark", "needles", "freeze", "cement", "check", "draw", "save", "draw_3d"]
    pillow = pytest.importorskip("PIL.Image")
    pictures = list(tested.glob("*.png"))
    assert len(pictures) == 3
    for path in pictures:
        pixels = np.asarray(pillow.open(path).convert("RGB")).astype(int)
        lesion = np.all(pixels == (230, 60, 200), axis=-1)
        assert lesion.sum() > 20
        assert np.hypot(*(np.argwhere(lesion).mean(axis=0) - np.array(lesion.shape) / 2.0)) < 15.0
    stored = load_plan(tested / "sample.cvtplan")
    assert len(stored.plan.assemblies) == 2 * len(stored.plan.lesions)
    assert {a.side.value for a in stored.plan.assemblies} == {"left", "right"}
    assert stored.thumbnail_png


def test_selftest_fails_when_something_is_broken(
    phantom: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cvt_planner.cli import selftest

    monkeypatch.setattr(selftest, "GROWN_WITHIN_PERCENT", -1.0)
    values = run_json(capsys, "selftest", "--sample", phantom, "--json", code=5)
    assert not values["passed"]
    assert values["failure"].startswith("mark:")


def test_check_with_stored_with_new_and_without_ice(
    tested: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tested / "sample.cvtplan"
    values = run_json(capsys, "check", plan, "--json")
    by_key = {check["key"]: check for check in values["checks"]}
    assert by_key["coverage"]["verdict"] != "not judged"
    assert {"figure", "limit", "verdict", "sentence", "unit", "source"} <= set(by_key["canal-ice"])
    assert values["levels"]["established"] and values["levels"]["confirmed"]
    stored = load_plan(plan)
    save_plan(replace(stored.plan, levels=()), (), tmp_path / "bare.cvtplan")
    bare = run_json(capsys, "check", tmp_path / "bare.cvtplan", "--json")
    assert {c["verdict"] for c in bare["checks"] if c["key"] == "coverage"} == {"not judged"}
    assert not bare["levels"]["established"] and "mark and confirm" in bare["levels"]["doubts"][0]
    assert cli.main(["check", str(tmp_path / "bare.cvtplan")]) == 0
    assert "withheld" in capsys.readouterr().out
    save_plan(stored.plan, (), tmp_path / "bare.cvtplan")
    frozen = run_json(capsys, "check", tmp_path / "bare.cvtplan", "--freeze", "--spacing", "2", "--json")
    assert frozen["ice"][0]["isotherms"] == values["ice"][0]["isotherms"] or frozen["ice"][0][
        "canal_minimum_c"
    ] == pytest.approx(values["ice"][0]["canal_minimum_c"], abs=0.02)
    assert cli.main(["check", str(plan)]) == 0
    assert "not a cleared medical device" in capsys.readouterr().out


def test_check_refuses_another_ct_and_damaged_plans(
    tested: Path, phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tested / "sample.cvtplan"
    cut = tmp_path / "cut"
    shutil.copytree(phantom, cut)
    first = find_series(cut).series[0].slices[0].ref.path
    first.unlink()
    values = run_json(capsys, "check", plan, "--ct", cut, "--json", code=4)
    assert str(cut) in values["error"]
    (tmp_path / "empty").mkdir()
    run_json(capsys, "check", plan, "--ct", tmp_path / "empty", "--json", code=3)
    broken = tmp_path / "broken.cvtplan"
    broken.write_bytes(plan.read_bytes()[:5000])
    assert "broken.cvtplan" in run_json(capsys, "check", broken, "--json", code=3)["error"]
    newer = tmp_path / "newer.cvtplan"
    with zipfile.ZipFile(newer, "w") as archive:
        archive.writestr("plan.json", json.dumps({"format": "cvtplan", "schema_version": 7}))
    assert "newer" in run_json(capsys, "check", newer, "--json", code=3)["error"]


def test_bad_inputs_are_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("hello")
    for name in ("empty", "texts", "absent"):
        assert name in run_json(capsys, "series", tmp_path / name, "--json", code=3)["error"]


def test_wrong_usage_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["volume", "somewhere"]) == 2
    assert cli.main(["nonsense"]) == 2
    assert cli.main([]) == 2
    capsys.readouterr()
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("CVT Planner ")
    assert cli.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in cli.HEADLESS)


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (KeyboardInterrupt(), 130, "Stopped"),
        (Cancelled("Stopped."), 130, "Stopped"),
        (ZeroDivisionError("x"), 5, "defect"),
    ],
)
def test_ends_that_are_no_answer(
    error: BaseException, code: int, word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> commands.Answer:
        raise error

    monkeypatch.setattr(commands, "series", fail)
    assert cli.main(["series", "x", "--json"]) == code
    said = capsys.readouterr()
    assert word in json.loads(said.out)["error"]
    assert word in said.err


def test_headless_subcommands_load_neither_qt_nor_vtk() -> None:
    program = (
        "import sys, app.__main__ as door\n"
        "code = door.main(['series', '.', '--json'])\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('PySide6', 'vtkmodules')], file=sys.stderr)\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT / "docs", capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    assert done.stderr.strip().endswith("[]")


def test_the_door_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(door, "_installed", lambda package: False)
    assert door.main([]) == 3
    assert "Qt and VTK" in capsys.readouterr().err
    assert door.main(["open", "somewhere"]) == 3
    assert door.main(["open", "two", "paths"]) == 2
    assert door.main(["--version"]) == 0


def test_without_a_display_the_window_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(door, "_installed", lambda _package: True)
    assert door.main(["open"]) == 3
    assert "no display" in capsys.readouterr().err


def test_numbers_that_are_none_and_plans_that_are_no_ct_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = tmp_path / "scene.json"
    scene.write_text('{"isotherms_c": [NaN], "probes": [], "protocol": [{"phase": "freeze", "seconds": 1}]}')
    assert cli.main(["simulate", str(scene), "--json"]) == 3
    assert "isotherms_c[0]" in capsys.readouterr().err
    plan = Path(__file__).resolve().parents[2] / "golden" / "v1.cvtplan"
    assert cli.main(["series", str(plan)]) == 3
    assert "is a plan" in capsys.readouterr().err


def test_progress_on_a_pipe_is_a_line_per_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    quiet, verbose = ProgressLine(verbose=False), ProgressLine(verbose=True)
    for line in (quiet, verbose):
        progress = line.progress()
        for n in range(101):
            progress.report(n / 100.0, "work")
    assert len(capsys.readouterr().err.splitlines()) == 11


def test_tables_are_aligned() -> None:
    assert table(("a", "bb"), [("xxx", "y"), ("z", "w")]) == "a    bb\nxxx  y\nz    w"


def test_what_the_disk_refuses_is_no_defect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> commands.Answer:
        raise OSError(28, "No space left on device", "v.nrrd")

    monkeypatch.setattr(commands, "series", full)
    assert run_json(capsys, "series", "x", "--json", code=3)["error"].startswith("v.nrrd: No space left")


def test_the_3d_picture_is_drawn_by_whoever_can(phantom: Path, tmp_path: Path) -> None:
    def draw(volume: object, plan: object, ice: object, path: Path) -> None:
        path.write_bytes(bytes(2000))

    def cannot(*_: object) -> None:
        raise PlannerError("OpenGL is absent.")

    for number, (hook, words) in enumerate(((draw, "scene3d.png"), (cannot, "3-D not drawn: OpenGL is absent."))):
        out, drawing = tmp_path / str(number), Drawing(hook, lambda *given: given[-1].write_bytes(given[-2].encode()))
        assert cli.main(["selftest", "--sample", str(phantom), "--out", str(out)], drawing) == 0
        assert {path.read_text() for path in out.glob("L2_*.png")} == {"axial", "sagittal", "coronal"}
        assert json.loads((out / "report.json").read_text(encoding="utf-8"))["three_d"] == words


def test_probes_lists_the_catalogue_with_sources(capsys: pytest.CaptureFixture[str]) -> None:
    values = run_json(capsys, "probes", "--json")
    assert {"17g-15", "icerod-1.5", "visica2"} <= {probe["key"] for probe in values["probes"]}
    assert all(probe["source"] for probe in values["probes"])
    assert "not manufacturer data" in values["notice"]
    assert cli.main(["probes"]) == 0
    said = capsys.readouterr().out
    assert "IceRod" in said and "assumed" in said and "doi" in said


def test_probe_card_fits_and_shows_the_misfit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = {
        "format": "cvt-probe-card", "schema_version": 1, "medium": "soft tissue", "start_c": 37,
        "probe": {"name": "Test 10", "gauge": "17 G", "outer_diameter_mm": 1.47, "active_length_mm": 10},
        "protocol": [{"kind": "freeze", "seconds": 120}],
        "isotherms": [{"temperature_c": -1, "width_mm": 12.5, "length_mm": 17.5}],
        "source": "a test", "date": "2026-01-31", "typed_by": "test",
    }  # fmt: skip
    path, out = tmp_path / "card.json", tmp_path / "probe.json"
    path.write_text(json.dumps(card), encoding="utf-8")
    values = run_json(capsys, "probe-card", path, "--out", out, "--json")
    assert values["probe"]["origin"] == "hospital card"
    assert {row["figure"] for row in values["fit"]["misfits"]} == {"width", "length"}
    assert json.loads(out.read_text(encoding="utf-8"))["probe"] == values["probe"]
    assert cli.main(["probe-card", str(path)]) == 0
    said = capsys.readouterr().out
    assert "difference mm" in said and "RMS" in said
    path.write_text(json.dumps({**card, "medium": "jelly"}), encoding="utf-8")
    error = run_json(capsys, "probe-card", path, "--json", code=3)["error"]
    assert str(path) in error and "'medium'" in error
    run_json(capsys, "probe-card", tmp_path / "absent.json", "--json", code=3)
    path.write_text(json.dumps(card), encoding="utf-8")
    run_json(capsys, "probe-card", path, "--out", tmp_path / "probe.txt", "--json", code=3)
