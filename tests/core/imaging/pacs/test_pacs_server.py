"""Against a real server: test, find, fetch each way, send; what is refused, and how it is said."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from cvt_planner.base.errors import Cancelled, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.incomplete import MARKER
from cvt_planner.imaging.pacs.faults import ConnectionBroken, Incomplete, PacsRefused
from cvt_planner.imaging.pacs.found import Query
from cvt_planner.imaging.pacs.nodes import Node
from cvt_planner.imaging.pacs.peer import Peer, peer_of
from cvt_planner.imaging.pacs.retrieve import retrieve_into_store, retrieve_series
from cvt_planner.imaging.pacs.send import send_path
from cvt_planner.imaging.pacs.staging import staging_of, unfinished_below
from cvt_planner.imaging.read import read_volume
from tests.orthanc import SERIES, STUDY, Certificates, Orthanc, cutting, free_port, write_slices

COMPRESSED = f"{STUDY}.2"
SLICES = 24
WAYS = ("get", "move", "web")


def peer(server: Orthanc, way: str, **changes: Any) -> Peer:
    node = server.web_node(**changes) if way == "web" else server.node(**changes)
    return peer_of(node, way)


def data_sets(folder: Path) -> dict[str, bytes]:
    """Return the bytes of each file after its file meta information, and its transfer syntax, by SOP Instance UID."""
    found = {}
    for path in folder.iterdir():
        data = path.read_bytes()
        meta = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True).file_meta
        start = 132 + 12 + meta.FileMetaInformationGroupLength
        found[meta.MediaStorageSOPInstanceUID] = meta.TransferSyntaxUID.encode() + data[start:]
    return found


@pytest.mark.parametrize("way", ["get", "web"])
def test_a_running_server_answers(orthanc: Orthanc, way: str) -> None:
    assert "answers" in peer(orthanc, way).echo(Progress())


@pytest.mark.parametrize("way", ["get", "web"])
def test_find_by_id_name_and_date(orthanc: Orthanc, way: str) -> None:
    asked = peer(orthanc, way)
    # This server's own DICOMweb plug-in finds no name by letters beyond ASCII; its C-FIND does.
    names = ("M", "m*") if way == "web" else ("Mül", "müller", "Müller, Anna")
    days = Query(dates="2026-02-01..2026-03-01")
    for query in (Query("P1"), *(Query(name=name) for name in names), days):
        found = asked.studies(query, Progress())
        assert [one.study_uid for one in found.studies] == [STUDY], query
        assert not found.more
    (study,) = found.studies
    assert (study.patient, study.patient_id, study.birth_date, study.day) == (
        "Müller, Anna",
        "P1",
        "1972-03-02",
        "2026-03-01",
    )
    for query in (Query("P2"), Query(name="Muster"), Query(dates="20260302"), Query(modality="MR")):
        assert not asked.studies(query, Progress()).studies, query
    series = asked.series(STUDY, Progress())
    assert {(one.series_uid, one.modality, one.image_count, one.description) for one in series} == {
        (SERIES, "CT", SLICES, "Bone 1.0"),
        (COMPRESSED, "CT", SLICES, "Bone 1.0"),
    }


@pytest.mark.parametrize("way", WAYS)
def test_a_series_comes_unchanged(orthanc: Orthanc, originals: Any, way: str, tmp_path: Path) -> None:
    for uid, folder in ((SERIES, originals.plain), (COMPRESSED, originals.mixed)):
        out = tmp_path / uid
        done = retrieve_series(peer(orthanc, way), STUDY, uid, out)
        assert (done.images, done.resumed) == (SLICES, 0)
        assert data_sets(out) == data_sets(folder), "data set or transfer syntax differs"
        assert not staging_of(out).exists()
        assert not any(uid.encode() in path.name.encode() for path in out.iterdir())
        ours, theirs = read_volume(out), read_volume(folder)
        np.testing.assert_array_equal(ours.hu, theirs.hu)
        assert ours.content_hash == theirs.content_hash


@pytest.mark.parametrize("way", WAYS)
def test_a_cut_connection_leaves_an_unfinished_series_that_is_resumed(
    orthanc: Orthanc, originals: Any, way: str, tmp_path: Path
) -> None:
    out = tmp_path / "store" / "series"
    half = 48 * 48 * 2 * SLICES // 2
    with cutting(*_cut(orthanc, way, half)) as proxy:
        with pytest.raises(Incomplete) as cut:
            retrieve_series(_through(orthanc, way, proxy.port, retries=0, pause_s=0.0), STUDY, SERIES, out)
        assert proxy.cuts >= 1
        have = cut.value.have
        assert 0 < have < SLICES and cut.value.total == SLICES
        assert f"{have} of {SLICES} images; press Resume" in str(cut.value)

        staging = staging_of(out)
        assert not out.exists()
        for place in (staging, staging / "images", next((staging / "images").iterdir())):
            with pytest.raises(InputRefused, match=f"holds {have} of {SLICES} images of a series that was not fetched"):
                find_series(place)
        listing = find_series(out.parent)
        assert not listing.series and "Resume" in listing.hint
        with pytest.raises(InputRefused, match="Resume"):
            read_volume(staging)
        with pytest.raises(InputRefused, match="Resume"):
            send_path(peer(orthanc, "get"), staging)
        assert [(one.have, one.total, one.out) for one in unfinished_below(out.parent)] == [(have, SLICES, out)]
        _check_zip(staging, tmp_path, have)

        proxy.limits.clear()
        done = retrieve_series(_through(orthanc, way, proxy.port), STUDY, SERIES, out)
    assert (done.images, done.resumed) == (SLICES, have)
    assert done.bytes < (SLICES - have + 1) * 7000, "what was here came again"
    assert data_sets(out) == data_sets(originals.plain)
    assert len(find_series(out).readable) == 1


def _cut(server: Orthanc, way: str, after: int) -> tuple[int, list[int], int]:
    """Return what a proxy on the way of the images needs: C-MOVE brings them to a port of ours."""
    if way == "move":
        return server.move_port + 1, [after], server.move_port
    return server.http_port if way == "web" else server.dicom_port, [after], 0


def _through(server: Orthanc, way: str, port: int, **changes: Any) -> Peer:
    if way == "move":
        return peer(server, way, move_port=server.move_port + 1, **changes)
    if way == "web":
        return peer(server, way, url=f"http://127.0.0.1:{port}/dicom-web", **changes)
    return peer(server, way, port=port, **changes)


def _check_zip(staging: Path, folder: Path, have: int) -> None:
    archive = folder / "sent.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in staging.rglob("*"):
            packed.write(path, path.relative_to(staging.parent))
    assert any(name.endswith(MARKER) for name in zipfile.ZipFile(archive).namelist())
    listing = find_series(archive)
    assert not listing.series and f"{have} of {SLICES} images" in listing.hint


def test_a_connection_that_breaks_again_and_again_is_taken_up_again(orthanc: Orthanc, tmp_path: Path) -> None:
    with cutting(orthanc.dicom_port, [40_000, 40_000, 40_000]) as proxy:
        done = retrieve_series(_through(orthanc, "get", proxy.port), STUDY, SERIES, tmp_path / "out")
        assert proxy.cuts == 3
    assert (done.images, done.attempts) == (SLICES, 4)


def test_questions_whose_connection_breaks_are_asked_again(orthanc: Orthanc, tmp_path: Path) -> None:
    """The list of the images at the beginning, which the first cut spoils, and the last look whether there are more."""
    with cutting(orthanc.dicom_port, [300]) as proxy:
        through = _through(orthanc, "get", proxy.port)
        fetch = through.fetch

        def fetched_then_cut(*arguments: Any) -> str:
            reason = fetch(*arguments)
            proxy.limits.append(300)
            return reason

        through.fetch = fetched_then_cut  # type: ignore[method-assign]
        done = retrieve_series(through, STUDY, SERIES, tmp_path / "out")
        assert proxy.cuts == 2
    assert (done.images, done.attempts) == (SLICES, 1)


@pytest.mark.parametrize(("way", "limits"), [("get", [300, 30_000, 30_000, 30_000]), ("web", [2_000, 2_000])])
def test_a_sending_that_breaks_again_and_again_is_taken_up_again(
    orthanc: Orthanc, originals: Any, way: str, limits: list[int]
) -> None:
    with cutting(orthanc.http_port if way == "web" else orthanc.dicom_port, limits) as proxy:
        sent = send_path(_through(orthanc, way, proxy.port), originals.plain)
        assert proxy.cuts == len(limits)
    assert (sent.images, sent.refused) == (SLICES, ())


def test_a_program_that_is_held_up_for_longer_than_the_timeout_sends_the_rest(orthanc: Orthanc, originals: Any) -> None:
    """As on a busy machine: the association takes the silence for the server's and ends itself."""
    words: list[str] = []

    def held_up(fraction: float, said: str) -> None:
        if said.startswith("5 of") and said not in words:
            time.sleep(2.0)
        words.append(said)

    sent = send_path(peer(orthanc, "get", timeout_s=1.0), originals.plain, Progress(held_up))
    assert (sent.images, sent.refused) == (SLICES, ())
    assert any("asking again" in said for said in words)


def test_a_sending_that_cannot_go_on_says_how_far_it_came(orthanc: Orthanc, originals: Any) -> None:
    said = pytest.raises(ConnectionBroken, match=rf"^\d+ of {SLICES} images were sent, then .* Send again\.$")
    with cutting(orthanc.dicom_port, [60_000, 100, 100, 100, 100]) as proxy, said:
        send_path(_through(orthanc, "get", proxy.port, retries=1), originals.plain)
    with pytest.raises(ConnectionBroken, match="nothing listens there"):  # at once: it was never reached
        send_path(_through(orthanc, "get", proxy.port, retries=20, pause_s=60.0), originals.plain)


def test_a_stopped_retrieval_keeps_what_came(orthanc: Orthanc, tmp_path: Path) -> None:
    progress = Progress()
    progress.listener = lambda fraction, _words: progress.stop() if fraction > 0.3 else None
    started = time.monotonic()
    with pytest.raises(Cancelled, match=rf"of {SLICES} images are kept"):
        retrieve_series(peer(orthanc, "get"), STUDY, SERIES, tmp_path / "out", progress)
    assert time.monotonic() - started < 5
    done = retrieve_series(peer(orthanc, "get"), STUDY, SERIES, tmp_path / "out")
    assert 0 < done.resumed < SLICES and done.images == SLICES


def test_the_store_knows_what_it_has(orthanc: Orthanc, tmp_path: Path) -> None:
    first = retrieve_into_store(peer(orthanc, "get"), STUDY, SERIES, tmp_path)
    again = retrieve_into_store(peer(orthanc, "get"), STUDY, SERIES, tmp_path)
    assert again.folder == first.folder and again.attempts == 0
    assert STUDY not in first.folder.name


def test_six_hundred_slices(orthanc: Orthanc, tmp_path: Path) -> None:
    series = f"{STUDY}.600"
    write_slices(tmp_path / "sent", 600, series=series, study=f"{STUDY}.0")
    try:
        started = time.monotonic()
        assert send_path(peer(orthanc, "get"), tmp_path / "sent").images == 600
        sent_s = time.monotonic() - started
        came: list[float] = []
        told = Progress(lambda _fraction, _words: came.append(time.monotonic()))
        done = retrieve_series(peer(orthanc, "get"), f"{STUDY}.0", series, tmp_path / "out", told)
        print(f"600 slices: sent in {sent_s:.1f} s, fetched in {done.seconds:.1f} s")
        assert data_sets(tmp_path / "out") == data_sets(tmp_path / "sent")
        # The median: a machine that is held up now and then says nothing about the connection.
        wait_s = float(np.median(np.diff(came)))
        assert wait_s < 0.03, "an image that waits for the acknowledgement of the one before takes 45 ms"
    finally:
        for study in orthanc.ask("/studies?expand"):
            if study["MainDicomTags"]["StudyInstanceUID"] == f"{STUDY}.0":
                orthanc.ask(f"/studies/{study['ID']}", "DELETE")


@pytest.mark.parametrize("way", ["get", "web"])
def test_sending_from_a_zip_and_beside_other_files(orthanc: Orthanc, originals: Any, way: str, tmp_path: Path) -> None:
    archive = tmp_path / "study.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(originals.mixed.iterdir())[:4]:
            packed.write(path, path.name)
        packed.writestr("readme.txt", "no image")
    sent = send_path(peer(orthanc, way), archive)
    assert (sent.images, sent.skipped, sent.refused) == (4, 1, ())


@pytest.mark.parametrize("way", WAYS)
def test_what_the_server_does_not_have_is_said(orthanc: Orthanc, way: str, tmp_path: Path) -> None:
    with pytest.raises(PacsRefused, match=r"has no images of series 1\.2\.3 in study"):
        retrieve_series(peer(orthanc, way), STUDY, "1.2.3", tmp_path / "out")
    assert not list(tmp_path.glob("out*"))
    with pytest.raises(InputRefused, match="no series UID"):
        retrieve_series(peer(orthanc, way), STUDY, "*", tmp_path / "out")


def test_a_wrong_ae_title_is_said(orthanc: Orthanc) -> None:
    with pytest.raises(PacsRefused, match="does not go by the AE title 'WRONG'"):
        peer(orthanc, "get", called_ae="WRONG").echo(Progress())


def test_a_move_to_nobody_is_said(orthanc: Orthanc, tmp_path: Path) -> None:
    with pytest.raises(PacsRefused, match=r"NOBODY.*(registered|C-GET)"):
        retrieve_series(peer(orthanc, "move", our_ae="NOBODY"), STUDY, SERIES, tmp_path / "out")
    with pytest.raises(PacsRefused, match="no port for C-MOVE"):
        retrieve_series(peer(orthanc, "move", move_port=0), STUDY, SERIES, tmp_path / "out2")


def test_a_port_of_ours_that_is_taken_is_said(orthanc: Orthanc, tmp_path: Path) -> None:
    with pytest.raises(PacsRefused, match="cannot be listened on"):
        retrieve_series(peer(orthanc, "move", move_port=orthanc.dicom_port), STUDY, SERIES, tmp_path / "out")


def test_a_server_that_is_down_is_said(orthanc: Orthanc, tmp_path: Path) -> None:
    port = free_port()
    nodes = (orthanc.node(port=port), orthanc.web_node(url=f"http://127.0.0.1:{port}/dicom-web"))
    for node in nodes:
        started = time.monotonic()
        with pytest.raises(ConnectionBroken, match=r"does not answer|cannot be reached"):
            peer_of(node).echo(Progress())
        with pytest.raises(ConnectionBroken):
            retrieve_series(peer_of(node), STUDY, SERIES, tmp_path / "out")
        assert time.monotonic() - started < 3


def test_wrong_doors_are_said(orthanc: Orthanc, memory_keyring: Any) -> None:
    refusals: list[tuple[Node, str]] = [
        (orthanc.web_node(url=f"http://127.0.0.1:{orthanc.http_port}/nothing"), "404"),
        (orthanc.web_node(url=f"http://127.0.0.1:{orthanc.http_port}/system"), "404|DICOMweb"),
        (orthanc.web_node(user="somebody"), "refused the login"),
        (orthanc.web_node(login="none"), "refused the login"),
        (orthanc.web_node(name="unknown to the keyring"), "keyring holds no password"),
        (orthanc.node(port=orthanc.http_port, timeout_s=2.0), "without a DICOM answer|does not answer"),
    ]
    for node, words in refusals:
        with pytest.raises(InputRefused, match=words):
            peer_of(node).echo(Progress())


@pytest.mark.parametrize("way", WAYS)
def test_fetch_over_tls(tls_orthanc: Orthanc, originals: Any, way: str, tmp_path: Path) -> None:
    assert "answers" in peer(tls_orthanc, way).echo(Progress())
    retrieve_series(peer(tls_orthanc, way), STUDY, SERIES, tmp_path / "out")
    assert data_sets(tmp_path / "out") == data_sets(originals.plain)


@pytest.mark.parametrize("way", ["get", "web"])
def test_a_server_whose_certificate_is_not_trusted_gets_nothing(
    tls_orthanc: Orthanc, certificates: Certificates, way: str
) -> None:
    spoilt: list[Callable[[Node], Node]] = [
        lambda node: replace(node, ca_file=str(certificates.other_ca)),
        lambda node: replace(node, ca_file=""),  # those that the system trusts
    ]
    for spoil in spoilt:
        with pytest.raises(PacsRefused, match=r"(?s)(not trusted|TLS).*(certificate|authority)"):
            peer_of(spoil(peer(tls_orthanc, way).node)).echo(Progress())
    with pytest.raises(PacsRefused, match=r"missing\.pem is not there"):
        peer(tls_orthanc, way, ca_file="missing.pem").echo(Progress())
    with pytest.raises(PacsRefused, match=r"holds no certificate|TLS"):
        peer(tls_orthanc, way, ca_file=str(certificates.ours_key)).echo(Progress())


def test_the_name_in_the_certificate_counts(tls_orthanc: Orthanc) -> None:
    with pytest.raises(PacsRefused, match="not trusted"):
        peer(tls_orthanc, "get", tls_name="another.example").echo(Progress())
    assert peer(tls_orthanc, "get", tls_name="localhost").echo(Progress())


def test_plain_against_tls_and_tls_without_our_certificate(tls_orthanc: Orthanc, orthanc: Orthanc) -> None:
    for node in (
        tls_orthanc.node(tls=False),
        tls_orthanc.node(certificate_file="", key_file=""),
        tls_orthanc.node(port=orthanc.dicom_port),
    ):
        with pytest.raises(InputRefused, match=r"TLS|certificate"):
            peer_of(node).echo(Progress())
