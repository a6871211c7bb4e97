"""The family `pacs` of the command line, against a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cvt_planner import cli
from tests.orthanc import AE, OURS, SERIES, STUDY, USER, WORD, Orthanc


def run(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> dict[str, Any]:
    assert cli.main([str(a) for a in arguments]) == code, capsys.readouterr()
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 1, "one JSON object and nothing else"
    values: dict[str, Any] = json.loads(lines[0])
    return values


def test_from_an_empty_list_to_an_opened_series(
    orthanc: Orthanc, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "pacs", "nodes", "--json")["nodes"] == []
    assert "None is remembered yet" in run(capsys, "pacs", "echo", "Ward", "--json", code=3)["error"]
    titles = ("--called-ae", AE, "--our-ae", OURS, "--move-port", orthanc.move_port)
    where = ("--host", "127.0.0.1", "--port", orthanc.dicom_port)
    run(capsys, "pacs", "nodes", "add", "Ward", *where, *titles, "--json")
    word = tmp_path / "word"
    word.write_text(f"{WORD}\n", encoding="utf-8")
    url = f"http://127.0.0.1:{orthanc.http_port}/dicom-web"
    run(capsys, "pacs", "nodes", "add", "Web", "--url", url, "--user", USER, "--password-file", word, "--json")
    assert [node["name"] for node in run(capsys, "pacs", "nodes", "list", "--json")["nodes"]] == ["Ward", "Web"]

    for name, ways in (("Ward", ("get", "move")), ("Web", ("web",))):
        assert run(capsys, "pacs", "echo", name, "--json")["answers"] is True
        found = run(capsys, "pacs", "find", name, "--patient", "P1", "--json")
        assert [one["study_uid"] for one in found["studies"]] == [STUDY]
        found = run(capsys, "pacs", "find", name, "--study", STUDY, "--json")
        assert {one["series_uid"]: one["image_count"] for one in found["series"]}[SERIES] == 24
        for way in ways:
            out = tmp_path / way
            got = ("pacs", "get", name, "--study", STUDY, "--series", SERIES, "--out", out, "--by", way, "--json")
            assert run(capsys, *got)["images"] == 24
            (series,) = run(capsys, "series", out, "--json")["series"]
            assert (series["uid"], series["slices"], series["verdict"]) == (SERIES, 24, "usable")
            assert "not an empty folder" in run(capsys, *got, code=3)["error"]
        assert run(capsys, "pacs", "send", name, tmp_path / "get", "--json")["images"] == 24

    assert cli.main(["pacs", "find", "Ward", "--name", "Müller", "--study", STUDY]) == 0
    text = capsys.readouterr().out
    assert "Müller, Anna" in text and SERIES in text
    run(capsys, "pacs", "nodes", "remove", "Ward", "--json")
    assert [node["name"] for node in run(capsys, "pacs", "nodes", "--json")["nodes"]] == ["Web"]


def test_refusals_end_in_a_sentence_and_exit_3(
    orthanc: Orthanc, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--host", "127.0.0.1", "--port", orthanc.dicom_port)
    run(capsys, "pacs", "nodes", "add", "Ward", *where, "--called-ae", "WRONG", "--json")
    assert "AE title" in run(capsys, "pacs", "echo", "Ward", "--json", code=3)["error"]
    run(capsys, "pacs", "nodes", "add", "Ward", *where, "--called-ae", AE, "--json")
    study = ("pacs", "find", "Ward", "--study", "1.2.3", "--json")
    assert "no study 1.2.3" in run(capsys, *study, code=3)["error"]
    assert "no day" in run(capsys, "pacs", "find", "Ward", "--date", "soon", "--json", code=3)["error"]
    get = ("pacs", "get", "Ward", "--study", STUDY, "--series", "1.2.3", "--out", tmp_path / "out", "--json")
    assert "no images of series" in run(capsys, *get, code=3)["error"]
    assert "does not exist" in run(capsys, "pacs", "send", "Ward", tmp_path / "nothing", "--json", code=3)["error"]
    web = ("pacs", "nodes", "add", "Web", "--url", "http://pacs.example.org/x", "--user", "u", "--json")
    assert "https" in run(capsys, *web, code=3)["error"]
    assert cli.main(["pacs", "get", "Ward"]) == 2
    assert cli.main(["pacs"]) == 2
