"""Orthanc for the tests of PACS: one plain, one with TLS on everything; and a keyring in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keyring
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLSLossless

from cvt_planner.imaging.pacs.peer import peer_of
from cvt_planner.imaging.pacs.send import send_path
from tests.orthanc import STUDY, WORD, Certificates, MemoryKeyring, Orthanc, make_certificates, program, write_slices

COMPRESSED = f"{STUDY}.2"
SLICES = 24


@pytest.fixture(autouse=True)
def memory_keyring() -> Iterator[MemoryKeyring]:
    """Return a keyring that knows the password of the test server."""
    before = keyring.get_keyring()
    mine = MemoryKeyring()
    for name in ("Test web", "Test web TLS"):
        mine.set_password("CVT Planner PACS", name, WORD)
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


@pytest.fixture(autouse=True)
def config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return this test's own configuration folder."""
    folder = tmp_path / "config"
    monkeypatch.setenv("CVT_PLANNER_CONFIG", str(folder))
    return folder


def compress(ds: Dataset, n: int) -> None:
    """Compress every second slice, as some PACS hold them mixed."""
    if n % 2:
        ds.compress(JPEGLSLossless)


@dataclass(frozen=True)
class Originals:
    """The files that the test servers hold."""

    plain: Path
    mixed: Path


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Originals:
    folder = tmp_path_factory.mktemp("originals")
    write_slices(folder / "plain", SLICES, size=48)
    write_slices(folder / "mixed", SLICES, size=48, series=COMPRESSED, edit=compress)
    return Originals(folder / "plain", folder / "mixed")


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: pytest.TempPathFactory, originals: Originals) -> Iterator[Orthanc]:
    """Return a running Orthanc that holds the study."""
    program()
    server = Orthanc(tmp_path_factory.mktemp("orthanc"))
    server.start()
    try:
        for folder in (originals.plain, originals.mixed):
            assert not send_path(peer_of(server.node()), folder).refused
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def tls_orthanc(
    tmp_path_factory: pytest.TempPathFactory, originals: Originals, certificates: Certificates
) -> Iterator[Orthanc]:
    """Return a running Orthanc with TLS on DICOM and on the web, which asks for our certificate; it holds the study."""
    program()
    server = Orthanc(tmp_path_factory.mktemp("tls_orthanc"), certificates)
    server.start()
    try:
        assert not send_path(peer_of(server.node()), originals.plain).refused
        yield server
    finally:
        server.stop()
