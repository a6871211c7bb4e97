"""The command line on CTs that are loaded with doubts: sides not confirmed, slices missing, slices far apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from cvt_planner import cli
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.read import read_volume
from cvt_planner.plan import edits
from cvt_planner.plan.model import Assembly, Lesion, LesionKind, Plan, Side
from cvt_planner.storage.plan_file import load_plan, save_plan
from cvt_planner.workspace import new_plan

SAMPLE = Path(__file__).resolve().parents[3] / "sample_dicom" / "standard"


def run_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert cli.main([*(str(a) for a in arguments), "--json"]) == 0
    values: dict[str, Any] = json.loads(capsys.readouterr().out)
    return values


def planned(ct: Path, target: Path) -> Plan:
    """Write a plan with a lesion and one needle in the middle of a CT."""
    volume = read_volume(ct)
    x, y, z = (float(v) for v in volume.grid.centre_lps_mm)
    lesion = Lesion("a", "Lesion 1", "L2", LesionKind.LYTIC, Ellipsoid((x, y, z), (8.0, 8.0, 8.0)))
    skin = (x + 40.0, y + 90.0, z)
    needle = Assembly("l", "a", Side.LEFT, (x + 6.0, y, z), skin, skin_entry_lps_mm=skin)
    plan = edits.add_assembly(needle)(edits.add_lesion(lesion)(new_plan(volume)))
    save_plan(plan, (), target)
    return plan


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return every third slice of the sample, sound in itself."""
    return edited(SAMPLE, tmp_path_factory.mktemp("doubtful") / "base", keep=slice(None, None, 3), position="HFS")


def edited(
    source: Path, folder: Path, keep: slice = slice(None), drop: frozenset[int] = frozenset(), position: str = ""
) -> Path:
    """Write slices of a CT in the order of their places, less some, with another patient position."""
    folder.mkdir()
    headers = list(enumerate(find_series(source).series[0].slices))[keep]
    for n, header in headers:
        if n not in drop:
            ds = dcmread(header.ref.path)
            ds.PatientPosition = position
            ds.save_as(folder / header.ref.path.name)
    return folder


def of(values: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [check for check in values["checks"] if check["key"] == key]


def test_check_stops_until_the_sides_are_confirmed(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.cvtplan"
    planned(base, file)
    sound = run_json(capsys, "check", file)
    assert [c["verdict"] for c in of(sound, "sides-confirmed")] == ["ok"] and sound["sides"]["named"]
    ct = edited(base, tmp_path / "no_position")
    (stop,) = of(run_json(capsys, "check", file, "--ct", ct), "sides-confirmed")
    assert stop["verdict"] == "stop" and "does not say how the patient lies" in stop["sentence"]
    confirmed = run_json(capsys, "check", file, "--ct", ct, "--confirm-sides")
    (look,) = of(confirmed, "sides-confirmed")
    assert look["verdict"] == "look" and "confirmed by" in look["sentence"] and confirmed["sides"]["mark"]["as_header"]
    assert cli.main(["check", str(file), "--ct", str(ct)]) == 0
    said = capsys.readouterr()
    assert "--confirm-sides" in said.err and "STOP" in said.out


def test_a_wrong_position_stops_and_turned_sides_stay_stopped(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip # noqa: E501
    from cvt_planner.planning.sides import sides_mark

    file = tmp_path / "p.cvtplan"
    plan = planned(base, file)
    ct = edited(base, tmp_path / "prone", position="HFP")
    (stop,) = of(run_json(capsys, "check", file, "--ct", ct), "sides-confirmed")
    assert stop["verdict"] == "stop" and "couch lies at the patient's back" in stop["sentence"]
    turned = edits.mark_sides(sides_mark(read_volume(ct), as_header=False))(plan)
    save_plan(turned, (), file)
    assert load_plan(file).plan.sides == turned.sides
    for more in ([], ["--confirm-sides"]):
        (stop,) = of(run_json(capsys, "check", file, "--ct", ct, *more), "sides-confirmed")
        assert stop["verdict"] == "stop" and "turned" in stop["sentence"]


def test_a_needle_across_missing_slices_is_stopped(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = read_volume(base)
    middle = round(float(whole.grid.index_of(whole.grid.centre_lps_mm)[0]))
    ct = edited(base, tmp_path / "gap", drop=frozenset({middle}), position="HFS")
    file = tmp_path / "p.cvtplan"
    planned(ct, file)
    crossed = of(run_json(capsys, "check", file), "missing-slices")
    assert {c["verdict"] for c in crossed} == {"stop"} and len(crossed) == 2
    assert "The needle L2? left passes between" in crossed[0]["sentence"]
    assert "Lesion 1 reaches between" in crossed[1]["sentence"]
    values = run_json(capsys, "volume", ct, "--out", tmp_path / "v.nrrd")
    assert len(values["gaps"]) == 1 and "1 slice is missing" in values["notices"][0]


def test_slices_far_apart_are_not_judged(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    distance = read_volume(base).slice_distance_mm
    assert distance > 1.5
    file = tmp_path / "p.cvtplan"
    planned(base, file)
    (thick,) = of(run_json(capsys, "check", file), "slice-distance")
    assert thick["verdict"] == "not judged" and np.isclose(thick["figure"], distance)
