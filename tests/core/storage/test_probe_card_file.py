"""Card files: what is refused and how, and that cards and fitted probes survive the disk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat.scene import Phase
from cvt_planner.devices.cryoprobe import ProbeOrigin, cryoprobe
from cvt_planner.planning.probe_card import MediumKind, protocol_of, protocol_text
from cvt_planner.planning.probe_fit import Misfit, ProbeFit
from cvt_planner.planning.probe_isotherms import IsothermSize
from cvt_planner.storage.probe_card_json import (
    card_as_json,
    card_from_json,
    fit_as_json,
    read_card,
    read_probe,
    write_probe,
)
from cvt_planner.storage.probe_folder import add_probe, load_probes, remove_probe
from cvt_planner.storage.record import Record

DOCS = Path(__file__).resolve().parents[3] / "docs" / "probe-card.md"


def example() -> dict[str, Any]:
    """Return the example of the documentation: it must always be readable."""
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    block = [line for line in lines if line.startswith("    ")]
    values: dict[str, Any] = json.loads("\n".join(block))
    return values


def refused(tmp_path: Path, values: object) -> str:
    file = tmp_path / "card.json"
    file.write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")
    with pytest.raises(InputRefused) as error:
        read_card(file)
    sentence = str(error.value)
    assert str(file) in sentence and sentence.endswith(".")
    return sentence


def test_the_example_of_the_documentation_is_read(tmp_path: Path) -> None:
    card = card_from_json(Record.of(example(), "the file"))
    assert card.bench.medium is MediumKind.GEL and card.bench.start_c == 22.0
    assert [row.temperature_c for row in card.isotherms] == [0.0, -20.0, -40.0]
    assert {row.at_s for row in card.isotherms} == {600.0}
    assert card.probe.assumed == ()
    assert card_from_json(Record.of(card_as_json(card), "again")) == card


def test_a_medium_of_ones_own_and_what_may_be_left_out(tmp_path: Path) -> None:
    values = example()
    values["medium"] = {
        "k_frozen": 1.9, "k_unfrozen": 0.5, "rho": 1000, "c_frozen": 1900, "c_unfrozen": 3900, "latent_j_kg": 300e3,
        "t_solidus_c": -4, "t_liquidus_c": -0.5,
    }  # fmt: skip
    for key in ("dead_tip_mm", "shaft_length_mm", "cooldown_s"):
        del values["probe"][key]
    values["isotherms"][0]["beyond_tip_mm"] = 6.5
    values["isotherms"][0]["at_s"] = 300
    del values["duty_percent"]
    file = tmp_path / "card.json"
    file.write_text(json.dumps(values), encoding="utf-8")
    card = read_card(file)
    assert card.bench.medium is MediumKind.CUSTOM and card.material.k_frozen == 1.9
    assert set(card.probe.assumed) == {"dead_tip_mm", "shaft_length_mm", "cooldown_s"}
    assert card.isotherms[0].at_s == 300.0 and card.isotherms[0].beyond_tip_mm == 6.5
    assert card_from_json(Record.of(card_as_json(card), "again")) == card


def _put(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(values: dict[str, Any]) -> None:
        place: Any = values
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return change


def _drop(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(values: dict[str, Any]) -> None:
        place: Any = values
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


BAD: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "another format": (_put("format", to="cvtplan"), "'format'"),
    "newer version": (_put("schema_version", to=2), "'schema_version' is 2"),
    "no version": (_drop("schema_version"), "lacks 'schema_version'"),
    "missing key": (_drop("isotherms", 1, "width_mm"), r"isotherms\[1\] lacks 'width_mm'"),
    "missing probe": (_drop("probe"), "lacks 'probe'"),
    "missing medium": (_drop("medium"), "lacks 'medium'"),
    "misspelt key": (_put("probe", "diameter", to=1.5), "unknown key 'diameter'"),
    "negative width": (_put("isotherms", 0, "width_mm", to=-3), r"'width_mm' of the file.isotherms\[0\] is -3"),
    "not a number": (_put("isotherms", 0, "width_mm", to=float("nan")), "'width_mm'.*finite"),
    "text for a number": (_put("start_c", to="22"), "'start_c'.*a number"),
    "colder is wider": (_put("isotherms", 2, "width_mm", to=40), "width_mm: the -40 °C.*wider than the warmer -20 °C"),
    "colder is longer": (_put("isotherms", 1, "length_mm", to=60), "length_mm: the -20 °C.*longer than the warmer 0"),
    "empty isotherms": (_put("isotherms", to=[]), "isotherms is empty"),
    "twice": (_put("isotherms", 1, "temperature_c", to=0), "given twice"),
    "warm isotherm": (_put("isotherms", 0, "temperature_c", to=5), "'temperature_c'.*is 5"),
    "unknown medium": (_put("medium", to="jelly"), "'medium'.*gel, soft tissue"),
    "custom without properties": (_put("medium", to="custom"), "thermal properties"),
    "half a medium": (_put("medium", to={"k_frozen": 2.0}), "medium lacks 'k_unfrozen'"),
    "absurd length": (
        _put("isotherms", 0, "length_mm", to=5000),
        "'length_mm'.*is 5000; it must lie between 1 and 150",
    ),
    "absurd active length": (_put("probe", "active_length_mm", to=300), "'active_length_mm'.*is 300"),
    "centimetres": (_put("isotherms", 2, "width_mm", to=1.2), "no wider than the probe itself"),
    "frozen at the start": (_put("start_c", to=0), "start_c: the medium starts at 0 °C"),
    "after the end": (_put("isotherms", 0, "at_s", to=900), "at_s: .*ends at 600 s"),
    "wholly beyond": (_put("isotherms", 2, "beyond_tip_mm", to=45), "beyond_tip_mm: the -40 °C"),
    "thaw first": (_put("protocol", to=[{"kind": "thaw", "seconds": 60}]), "protocol: .*alternate"),
    "no protocol": (_put("protocol", to=[]), "protocol: .*alternate"),
    "unknown phase": (_put("protocol", 0, "kind", to="warm"), "'kind'.*freeze or thaw"),
    "too long": (_put("protocol", 0, "seconds", to=7200), "protocol: it lasts 7200 s"),
    "duty": (_put("duty_percent", to=0), "'duty_percent'.*is 0"),
    "no date": (_put("date", to="31.1.2026"), "date: '31.1.2026' is no date"),
    "nobody": (_put("typed_by", to=" "), "typed_by is empty"),
    "no source": (_put("source", to=""), "source is empty"),
    "assumed nonsense": (_put("probe", "assumed", to=["name"]), "'assumed'.*'name'"),
    "isotherm no object": (_put("isotherms", 0, to=3), r"isotherms\[0\] is not an object"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_card_is_refused_by_name(case: str, tmp_path: Path) -> None:
    change, wanted = BAD[case]
    values = example()
    change(values)
    sentence = refused(tmp_path, values)
    assert re.search(wanted, sentence), sentence


def test_what_is_no_json_or_no_object_or_not_there(tmp_path: Path) -> None:
    assert "not JSON" in refused(tmp_path, "{")
    assert "not an object" in refused(tmp_path, "[1, 2]")
    assert "too large" in refused(tmp_path, " " * 1_000_001)
    with pytest.raises(InputRefused, match="There is no probe card"):
        read_card(tmp_path / "absent.json")


def test_protocols_as_words() -> None:
    assert protocol_of("10") == (Phase("freeze", 600.0),)
    assert protocol_of("10-5-10") == (Phase("freeze", 600.0), Phase("thaw", 300.0), Phase("freeze", 600.0))
    assert protocol_text(protocol_of("7.5-2-10")) == "7.5-2-10"
    for bad in ("", "ten", "10-5", "0", "-10", "90", "nan"):
        with pytest.raises(InputRefused, match="protocol"):
            protocol_of(bad)


def fit_of_the_example(worst_mm: float = 0.4) -> ProbeFit:
    card = card_from_json(Record.of(example(), "the file"))
    probe = replace(
        cryoprobe("17g-30"), key="card-example-1", name="Example 30, 17 G", source="card", tip_temperature_c=-131.0,
        origin=ProbeOrigin.HOSPITAL_CARD, assumed=("cooldown_s",), power_limit_w=15.5,
    )  # fmt: skip
    misfits = tuple(
        Misfit(row, IsothermSize(row.at_s, row.temperature_c, row.width_mm + 0.4, row.length_mm, 3.0))
        for row in card.isotherms
    )
    return ProbeFit(card, probe, misfits, ("tip_temperature_c",), 0.3, worst_mm, "the width of 0 °C", ("So.",), 12)


def test_hospital_probes_live_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "probes"
    assert load_probes(folder).probes == ()
    fit = fit_of_the_example()
    assert add_probe(fit, folder) == fit.probe
    add_probe(fit, folder)
    other = replace(fit, probe=replace(fit.probe, key="card-example-2", name="Another, 17 G"))
    add_probe(other, folder)
    (folder / "broken.json").write_text("{", encoding="utf-8")
    found = load_probes(folder)
    assert found.probes == (other.probe, fit.probe)
    assert found.probes[0].choice_text == "Another, 17 G (hospital card)"
    assert len(found.notices) == 1 and "broken.json" in found.notices[0]
    remove_probe("card-example-2", folder)
    assert load_probes(folder).probes == (fit.probe,)
    values = fit_as_json(fit)
    values["probe"]["outer_diameter_mm"] = 60
    (folder / "odd.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(InputRefused, match=r"odd\.json.*Outer diameter"):
        read_probe(folder / "odd.json")


def test_a_probe_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="could not be written"):
        write_probe(fit_of_the_example(), tmp_path / "nowhere" / "probe.json")
