"""The remembered PACS, their secrets, what is asked for, and the staging folder: without any server."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from pydicom.dataset import Dataset

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.pacs.faults import PacsRefused
from cvt_planner.imaging.pacs.found import ImageFound, Query, dicom_dates, images_of_series
from cvt_planner.imaging.pacs.nodes import Node, add_node, config_folder, load_nodes, nodes_file, remove_node
from cvt_planner.imaging.pacs.peer import peer_of
from cvt_planner.imaging.pacs.secrets import keep_secret, secret_of
from cvt_planner.imaging.pacs.staging import Staging
from tests.orthanc import SERIES, STUDY, write_slices

WARD = Node("Ward", host="pacs.example.org", called_ae="ARCHIVE")
WEB = Node("Web", kind="dicomweb", url="https://pacs.example.org/dicom-web", login="password", user="planner")


def test_nodes_are_remembered_without_their_secrets(config_folder: Path, memory_keyring: Any) -> None:
    assert nodes_file() == config_folder / "pacs.json"
    add_node(WARD)
    keep_secret(WEB, "very secret")
    add_node(WEB)
    add_node(replace(WARD, port=11112))
    assert load_nodes().nodes == (replace(WARD, port=11112), WEB)
    assert secret_of(WEB) == "very secret"
    assert not [p for p in config_folder.rglob("*") if p.is_file() and b"very secret" in p.read_bytes()]
    assert load_nodes().node("ward").port == 11112
    with pytest.raises(InputRefused, match=r"no PACS called 'Other'.*Ward, Web"):
        load_nodes().node("Other")
    remove_node("WARD")
    assert load_nodes().names == ("Web",)


def test_the_folder_is_the_one_of_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CVT_PLANNER_CONFIG")
    monkeypatch.setenv("CVT_PLANNER_SETTINGS", str(tmp_path / "own" / "settings.ini"))
    assert config_folder() == tmp_path / "own"


def test_a_damaged_entry_hides_no_other_and_is_not_written_over() -> None:
    add_node(WARD)
    rows = json.loads(nodes_file().read_text())["nodes"]
    spoilt = [{**rows[0], "name": "B", "port": "104"}, 7, {**rows[0], "name": "C", "host": "a b"}, {"kind": "dicom"}]
    nodes_file().write_text(json.dumps({"nodes": [*rows, *spoilt]}))
    book = load_nodes()
    assert book.names == ("Ward",)
    assert book.notice.count("was left out") == 4
    before = nodes_file().read_bytes()
    with pytest.raises(InputRefused, match="not written over"):
        add_node(WEB)
    nodes_file().write_bytes(b"\xff{")
    assert "damaged" in load_nodes().notice
    assert before != nodes_file().read_bytes()


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (replace(WARD, name="../x"), "a name"),
        (replace(WARD, host=""), "host"),
        (replace(WARD, called_ae="SEVENTEEN LETTERS"), "AE title"),
        (replace(WARD, our_ae="A\\B"), "AE title"),
        (replace(WARD, port=0), "ports"),
        (replace(WARD, timeout_s=float("nan")), "timeout"),
        (replace(WARD, certificate_file="c.pem"), "belong together"),
        (replace(WEB, url="http://pacs.example.org/dicom-web"), "only sent over https"),
        (replace(WEB, url="https://planner:word@pacs.example.org/"), "DICOMweb address"),
        (replace(WEB, url="ftp://pacs.example.org/"), "DICOMweb address"),
        (replace(WEB, user=""), "needs a user"),
    ],
)
def test_values_that_cannot_be_used_are_said(node: Node, words: str) -> None:
    with pytest.raises(InputRefused, match=words):
        add_node(node)
    assert not nodes_file().exists()


def test_without_a_keyring_there_is_no_login() -> None:
    keyring.set_keyring(NoKeyring())
    with pytest.raises(InputRefused, match="no keyring"):
        keep_secret(WEB, "word")
    with pytest.raises(InputRefused, match="no keyring"):
        secret_of(WEB)


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("", ""),
        ("2026-03-01", "20260301"),
        ("20260301", "20260301"),
        ("2026-03-01..2026-03-31", "20260301-20260331"),
        ("20260301-20260331", "20260301-20260331"),
        ("2026-03-01..", "20260301-"),
        ("..20260301", "-20260301"),
    ],
)
def test_days(text: str, dates: str) -> None:
    assert dicom_dates(text) == dates


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "20260302..20260301", "..", "*", "2026"])
def test_no_days(text: str) -> None:
    with pytest.raises(InputRefused):
        dicom_dates(text)


def test_a_query_cannot_smuggle_in_another_value() -> None:
    assert Query(name="Müller, Anna").filters() == {"PatientName": "Müller*^Anna*"}
    for query in (Query("1\\2"), Query(name="a\nb"), Query(study_uid="*"), Query("x" * 65)):
        with pytest.raises(InputRefused):
            query.filters()


def test_a_node_is_asked_only_the_way_it_speaks() -> None:
    for node, way in ((WARD, "web"), (WEB, "get"), (WEB, "move"), (WARD, "post")):
        with pytest.raises(InputRefused):
            peer_of(node, way)


def test_staging_takes_only_what_was_asked_for(tmp_path: Path) -> None:
    asked, other = write_slices(tmp_path / "a", 2)
    foreign = write_slices(tmp_path / "b", 1, series=f"{SERIES}.7")[0]
    uid, foreign_uid = f"{SERIES}.1", f"{SERIES}.7.1"
    staging = Staging(tmp_path / "out", "Ward", STUDY, SERIES)
    staging.expect([ImageFound(uid), ImageFound(foreign_uid)])
    assert not staging.take("1.2.3", asked.read_bytes()), "not asked for"
    assert not staging.take(uid, other.read_bytes()), "another image under its name"
    assert not staging.take(foreign_uid, foreign.read_bytes()), "of another series"
    assert not staging.take(uid, b"no image"), "no image"
    assert not staging.take(uid, asked.read_bytes()[:200]), "cut off"
    assert staging.take(uid, asked.read_bytes())
    assert (staging.have, staging.total) == (1, 2)
    assert [image.sop_uid for image in staging.missing()] == [foreign_uid]
    for name in (p.name for p in staging.folder.rglob("*")):
        assert "P1" not in name and uid not in name
    with pytest.raises(InputRefused, match="another series"):
        Staging(tmp_path / "out", "Ward", STUDY, "1.2.3")
    with pytest.raises(InputRefused, match="not an empty folder"):
        Staging(tmp_path / "a", "Ward", STUDY, SERIES)


@pytest.mark.parametrize("uid", ["", "not a number"])
def test_an_image_without_a_number_is_never_left_out_of_a_series(uid: str) -> None:
    answers = [Dataset(), Dataset()]
    for answer, own in zip(answers, ("1.2.3", uid), strict=True):
        answer.SOPInstanceUID, answer.SeriesInstanceUID = own, "1.2"
    with pytest.raises(PacsRefused, match=r"series 1\.2 .*cannot be told whether"):
        images_of_series("1.2", answers)
    assert [image.sop_uid for image in images_of_series("1.2", answers[:1])] == ["1.2.3"]
