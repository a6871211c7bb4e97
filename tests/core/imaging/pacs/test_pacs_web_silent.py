"""A DICOMweb server that keeps silent: a stop is heard at once, whatever is awaited."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cvt_planner.base.errors import Cancelled
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pacs.nodes import DICOMWEB, Node
from cvt_planner.imaging.pacs.peer import peer_of
from cvt_planner.imaging.pacs.retrieve import retrieve_series
from cvt_planner.imaging.pacs.send import send_path
from tests.orthanc import SERIES, STUDY, write_slices

TIMEOUT_S = 20.0
AT_ONCE_S = 1.0
SLICES = 6


class Server(ThreadingHTTPServer):
    """Lists the images of a folder, sends so many of them, and then nothing until it is let go."""

    daemon_threads = True

    def __init__(self, images: list[Path], sends: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.images = images
        self.sends = sends
        self.silent = threading.Event()
        self.let_go = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def node(self) -> Node:
        url = f"http://127.0.0.1:{self.server_address[1]}/dicom-web"
        return Node("Silent web", kind=DICOMWEB, url=url, timeout_s=TIMEOUT_S, retries=0)


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if "/instances" in self.path:
            rows = [_row(n) for n in range(SLICES)] if "offset=0" in self.path else []
            self._head("application/dicom+json")
            self.wfile.write(json.dumps(rows).encode())
            return
        if self.server.sends:
            self._head('multipart/related; type="application/dicom"; boundary=cut')
            for path in self.server.images[: self.server.sends]:
                head = b"\r\n--cut\r\nContent-Type: application/dicom\r\n\r\n"
                self.wfile.write(head + path.read_bytes())
            self.wfile.write(b"\r\n--cut\r\nContent-Type: application/dicom\r\n\r\n" + bytes(1 << 19))
            self.wfile.flush()
        self._keep_silent()

    def do_POST(self) -> None:
        self._keep_silent()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _head(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def _keep_silent(self) -> None:
        self.server.silent.set()
        self.server.let_go.wait(2 * TIMEOUT_S)


def _row(n: int) -> dict[str, object]:
    return {
        "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
        "00080018": {"vr": "UI", "Value": [f"{SERIES}.{n + 1}"]},
    }


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[int], Server]]:
    made: list[Server] = []
    images = write_slices(tmp_path / "there", SLICES, size=256)

    def start(sends: int) -> Server:
        made.append(Server(images, sends))
        return made[-1]

    yield start
    for server in made:
        server.let_go.set()
        server.shutdown()
        server.server_close()


def _stopped_when_silent(server: Server, work: Callable[[Progress], object]) -> float:
    """Return how long after a stop the work ended, s; the stop comes while the server keeps silent."""
    progress, stopped = Progress(), [0.0]

    def stop() -> None:
        assert server.silent.wait(TIMEOUT_S)
        time.sleep(0.3)  # the client is waiting by now
        stopped[0] = time.monotonic()
        progress.stop()

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(Cancelled):
        work(progress)
    return time.monotonic() - stopped[0]


@pytest.mark.parametrize("sends", [0, 3])
def test_a_stop_is_heard_while_a_series_is_awaited(serve: Callable[[int], Server], sends: int, tmp_path: Path) -> None:
    server, out = serve(sends), tmp_path / "out"
    took = _stopped_when_silent(
        server, lambda progress: retrieve_series(peer_of(server.node), STUDY, SERIES, out, progress)
    )
    print(f"\nstopped {took:.2f} s after it was asked for")
    assert took < AT_ONCE_S and not out.exists()
    kept = len(list((tmp_path / "out.incomplete").rglob("*.dcm")))
    assert kept == max(sends - 1, 0), "only the part after an image shows that it came whole"


def test_a_stop_is_heard_while_an_answer_to_sending_is_awaited(serve: Callable[[int], Server], tmp_path: Path) -> None:
    server = serve(0)
    took = _stopped_when_silent(server, lambda progress: send_path(peer_of(server.node), tmp_path / "there", progress))
    assert took < AT_ONCE_S
