"""A real PACS for tests: Orthanc with its DICOMweb plug-in on free ports of the loopback, TLS on wish; and a proxy that
cuts connections."""

from __future__ import annotations

import datetime
import ipaddress
import json
import select
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from cvt_planner.imaging.pacs.nodes import DICOM, DICOMWEB, PASSWORD, Node

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
AE, OURS = "ORTHANC", "CVTTEST"
USER, WORD = "planner", "Kältespitze 17 G"
STUDY, SERIES = "1.2.826.0.1.3680043.8.498.1", "1.2.826.0.1.3680043.8.498.1.1"
_UP_S = 20.0


def program() -> str:
    """Return Orthanc's path, or skip loudly."""
    found = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")
    if not found or not PLUGIN.exists():
        warnings.warn("NOT TESTED: Orthanc with its DICOMweb plug-in is not installed.", stacklevel=2)
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    return found


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MemoryKeyring(KeyringBackend):
    """A keyring that ends with the test."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("there is none")


@dataclass(frozen=True)
class Certificates:
    """PEM files of an authority, and of a server and a workstation signed by it; and of an authority nobody knows."""

    ca: Path
    server: Path
    server_key: Path
    ours: Path
    ours_key: Path
    other_ca: Path


def make_certificates(folder: Path) -> Certificates:
    """Return fresh certificates for the loopback."""
    ca_key, ca = _certificate("test authority", None, None)
    _, other = _certificate("another authority", None, None)
    server_key, server = _certificate("localhost", ca_key, ca)
    ours_key, ours = _certificate("workstation", ca_key, ca)
    names = {"ca": ca, "server": server, "ours": ours, "other_ca": other}
    paths = {}
    for name, certificate in names.items():
        paths[name] = folder / f"{name}.pem"
        paths[name].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    for name, key in (("server_key", server_key), ("ours_key", ours_key)):
        paths[name] = folder / f"{name}.pem"
        paths[name].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    return Certificates(**paths)


def _certificate(
    name: str, signer_key: ec.EllipticCurvePrivateKey | None, signer: x509.Certificate | None
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    is_ca = signer is None
    loopback = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        builder = builder.add_extension(x509.SubjectAlternativeName(loopback), critical=False)
    return key, builder.sign(signer_key or key, hashes.SHA256())


class TlsFront:
    """Takes TLS connections for a server without, as a web server before a PACS does."""

    def __init__(self, to_port: int, certificates: Certificates) -> None:
        self._to_port = to_port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates.server, certificates.server_key)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End it."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self._to_port)) as far,
            self._context.wrap_socket(near, server_side=True) as safe,
        ):
            while True:
                ready = [safe] if safe.pending() else select.select([safe, far], [], [], 30)[0]
                if not ready:
                    return
                for source in ready:
                    data = source.recv(1 << 14)
                    if not data:
                        return
                    (far if source is safe else safe).sendall(data)


@dataclass
class Orthanc:
    """A running server."""

    folder: Path
    certificates: Certificates | None = None
    http_port: int = field(default_factory=free_port)
    dicom_port: int = field(default_factory=free_port)
    move_port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None
    _front: TlsFront | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "orthanc.json"
        settings.write_text(json.dumps(self._settings()), encoding="utf-8")
        log = (self.folder / "log.txt").open("ab")
        self._process = subprocess.Popen([program(), str(settings)], stdout=log, stderr=log, cwd=self.folder)
        log.close()
        until = time.monotonic() + _UP_S
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            if _listens(self.http_port) and _listens(self.dicom_port):
                if self.certificates is not None:
                    self._front = TlsFront(self.http_port, self.certificates)
                return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError("Orthanc did not start:\n" + (self.folder / "log.txt").read_text(errors="replace")[-3000:])

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None
        if self._front is not None:
            self._front.close()

    def node(self, **changes: Any) -> Node:
        """Return the node that speaks DICOM with it."""
        values: dict[str, Any] = {
            "name": "Test PACS", "kind": DICOM, "host": "127.0.0.1", "port": self.dicom_port, "called_ae": AE,
            "our_ae": OURS, "move_port": self.move_port, "timeout_s": 10.0, "retries": 2, "pause_s": 0.05,
        }  # fmt: skip
        if self.certificates is not None:
            values |= {
                "tls": True,
                "ca_file": str(self.certificates.ca),
                "certificate_file": str(self.certificates.ours),
                "key_file": str(self.certificates.ours_key),
            }
        return Node(**{**values, **changes})

    def web_node(self, **changes: Any) -> Node:
        """Return the node that speaks DICOMweb with it."""
        place = f"https://127.0.0.1:{self._front.port}" if self._front else f"http://127.0.0.1:{self.http_port}"
        values: dict[str, Any] = {
            "name": "Test web", "kind": DICOMWEB, "url": f"{place}/dicom-web",
            "login": PASSWORD, "user": USER, "timeout_s": 10.0, "retries": 2, "pause_s": 0.05,
            "ca_file": str(self.certificates.ca) if self.certificates else "",
        }  # fmt: skip
        return Node(**{**values, **changes})

    def ask(self, path: str, method: str = "GET") -> Any:
        """Return the answer of its own interface (not of a server with TLS)."""
        login = b64encode(f"{USER}:{WORD}".encode()).decode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", method=method)
        request.add_header("Authorization", f"Basic {login}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.loads(answer.read())

    def _settings(self) -> dict[str, Any]:
        us: dict[str, Any] = {"AET": OURS, "Host": "127.0.0.1", "Port": self.move_port}
        settings: dict[str, Any] = {
            "Name": "tests", "StorageDirectory": str(self.folder / "db"), "IndexDirectory": str(self.folder / "db"),
            "HttpPort": self.http_port, "DicomPort": self.dicom_port, "DicomAet": AE, "DicomCheckCalledAet": True,
            "AuthenticationEnabled": True, "RegisteredUsers": {USER: WORD}, "RemoteAccessAllowed": False,
            "DicomAlwaysAllowEcho": True, "DicomAlwaysAllowFind": True, "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True, "DicomAlwaysAllowStore": True, "SaveJobs": False,
            "Plugins": [str(PLUGIN)], "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }  # fmt: skip
        if self.certificates is not None:
            us["UseDicomTls"] = True
            settings |= {
                "DicomTlsEnabled": True, "DicomTlsCertificate": str(self.certificates.server),
                "DicomTlsPrivateKey": str(self.certificates.server_key),
                "DicomTlsTrustedCertificates": str(self.certificates.ca), "DicomTlsRemoteCertificateRequired": True,
            }  # fmt: skip
        return {**settings, "DicomModalities": {"us": us}}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Proxy:
    """Passes connections on to a port, and cuts the first that carries more than `limits[0]` bytes one way, then the
    first that carries more than `limits[1]`, and so on; then none any more."""

    def __init__(self, to_port: int, limits: list[int], port: int = 0) -> None:
        self.to_port = to_port
        self.limits = list(limits)
        self.cuts = 0
        self._lock = threading.Lock()
        self._server = socket.create_server(("127.0.0.1", port))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # else the waiting thread keeps the port
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.to_port))
            except OSError:
                near.close()
                continue
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pass_on, args=(near, far), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(far, near), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        passed = 0
        try:
            while data := source.recv(1 << 14):
                passed += len(data)
                if self._cut(passed):
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _cut(self, passed: int) -> bool:
        with self._lock:
            if not self.limits or passed < self.limits[0]:
                return False
            self.limits.pop(0)
            self.cuts += 1
            return True


@contextmanager
def cutting(to_port: int, limits: list[int], port: int = 0) -> Iterator[Proxy]:
    """Return a proxy that is closed at the end."""
    proxy = Proxy(to_port, limits, port)
    try:
        yield proxy
    finally:
        proxy.close()


def write_slices(
    folder: Path,
    count: int,
    *,
    series: str = SERIES,
    study: str = STUDY,
    size: int = 16,
    edit: Callable[[Dataset, int], None] | None = None,
) -> list[Path]:
    """Return the files of a synthetic axial CT, 1 mm apart, no two slices alike."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0)
    files = []
    for n in range(count):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SpecificCharacterSet = "ISO_IR 192"
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"{series}.{n + 1}"
        ds.ImageType, ds.Modality = ["ORIGINAL", "PRIMARY", "AXIAL"], "CT"
        ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID = "20260301", "101500", "A1", "1"
        ds.StudyDescription, ds.SeriesDescription, ds.SeriesNumber = "Spine", "Bone 1.0", 3
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Müller^Anna", "P1", "19720302", "F"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, f"{study}.9"
        ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, float(n)]
        ds.PixelSpacing, ds.SliceThickness, ds.InstanceNumber = [0.8, 0.8], 1.0, n + 1
        ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.Rows, ds.Columns = 1, "MONOCHROME2", size, size
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
        ds.PixelData = noise.integers(0, 4096, (size, size), dtype=np.uint16).tobytes()
        if edit is not None:
            edit(ds, n)
        files.append(folder / f"slice-{n:04d}.dcm")
        ds.save_as(files[-1], enforce_file_format=True)
    return files
