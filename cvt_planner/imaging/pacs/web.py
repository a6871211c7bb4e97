"""A PACS that speaks DICOMweb: QIDO-RS, WADO-RS and STOW-RS."""

from __future__ import annotations

import logging
import uuid
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import requests
from dicomweb_client import DICOMwebClient
from pydicom.dataset import Dataset

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pacs.faults import ConnectionBroken, PacsRefused
from cvt_planner.imaging.pacs.found import (
    IMAGE_KEYS,
    MOST_STUDIES,
    SERIES_KEYS,
    STUDY_KEYS,
    ImageFound,
    Query,
    SeriesFound,
    Studies,
    Take,
    images_of_series,
    series_of_study,
    studies_of,
    unreadable_image,
)
from cvt_planner.imaging.pacs.nodes import PASSWORD, TOKEN, Node
from cvt_planner.imaging.pacs.outgoing import Outgoing, Settle, identity_of
from cvt_planner.imaging.pacs.secrets import secret_of
from cvt_planner.imaging.pacs.tls import check_files
from cvt_planner.imaging.pacs.waiting import stoppable, stoppable_parts
from cvt_planner.imaging.pacs.web_faults import NotThere, faults_of
from cvt_planner.imaging.sources import Opener

_T = TypeVar("_T")
_AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_ANY_MULTIPART = 'multipart/related; type="*/*"'  # how the client asks for parts that it hands on as bytes
_CHUNK_BYTES = 1 << 18
_TAIL_BYTES = 256
_SEND_AT_ONCE_BYTES = 32 << 20  # of one STOW request; assumed
_PAGE = 5000  # images of one answer; assumed
for _name in ("dicomweb_client", "urllib3", "requests"):  # queries hold names: nothing of them is logged
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class _Session(requests.Session):
    """Asks for files as they are stored, keeps the login to its own server, and knows whether an answer came whole."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node
        self.max_redirects = 3
        if node.login == PASSWORD:
            self.auth = _Header("Basic " + b64encode(f"{node.user}:{secret_of(node)}".encode()).decode())
        elif node.login == TOKEN:
            self.auth = _Header(f"Bearer {secret_of(node)}")
        check_files(node)
        self.verify = node.ca_file or True
        if node.certificate_file:
            self.cert = (node.certificate_file, node.key_file)
        self.hooks["response"].append(self._watch)
        self._sized, self._end, self._tail = True, b"", b""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Return the answer to a request."""
        if str(request.headers.get("Accept", "")).startswith(_ANY_MULTIPART):
            request.headers["Accept"] = _AS_STORED
        address, mark, asked = (request.url or "").partition("?")
        # Both wildcards are allowed in a query as they are, and some servers know them only so.
        request.url = address + mark + asked.replace("%2A", "*").replace("%3F", "?")
        if self._node.ca_file:  # the library lets a bundle named in the environment come before it
            options["verify"] = self._node.ca_file
        return super().send(request, **options)

    def came_whole(self) -> bool:
        """Return whether the last answer was read to its end: as long as it said, or up to its closing boundary.

        Servers that say no length end an answer by closing the connection, just as a fault does.
        """
        return self._sized or (bool(self._end) and self._tail.rstrip().endswith(self._end))

    def _watch(self, answer: requests.Response, *_: Any, **__: Any) -> None:
        chunked = answer.headers.get("Transfer-Encoding", "").lower() == "chunked"
        self._sized, self._tail = chunked or "Content-Length" in answer.headers, b""
        boundary = answer.headers.get("Content-Type", "").partition("boundary=")[2].partition(";")[0].strip(' "')
        self._end = f"--{boundary}--".encode() if boundary else b""
        read = answer.iter_content

        def watched(chunk_size: int | None = 1, decode_unicode: bool = False) -> Iterator[Any]:
            for chunk in read(chunk_size):
                self._tail = (self._tail + chunk)[-_TAIL_BYTES:]
                yield chunk

        answer.iter_content = watched  # type: ignore[method-assign]


class _Header(requests.auth.AuthBase):
    """The login in the header of each request; of UTF-8, whatever letters it has."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request with the login."""
        request.headers["Authorization"] = self._value
        return request


class WebPeer:
    """A PACS that is asked over DICOMweb."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._opened: tuple[_Session, DICOMwebClient] | None = None

    def echo(self, progress: Progress) -> str:
        """Return a sentence that says the PACS answers."""
        self._ask(lambda client: client.search_for_studies(limit=1), progress)
        return f"{self.node.name} answers ({self.node.address})."

    def studies(self, query: Query, progress: Progress) -> Studies:
        """Return the studies that match."""
        filters = query.filters()
        rows = self._ask(
            lambda client: client.search_for_studies(
                limit=MOST_STUDIES + 1, fields=_also(STUDY_KEYS, filters), search_filters=filters
            ),
            progress,
        )
        return studies_of(_datasets(rows), len(rows) > MOST_STUDIES)

    def series(self, study_uid: str, progress: Progress) -> tuple[SeriesFound, ...]:
        """Return the series of a study."""
        rows = self._ask(
            lambda client: client.search_for_series(study_uid, fields=list(SERIES_KEYS), get_remaining=True), progress
        )
        return series_of_study(study_uid, _datasets(rows))

    def images(self, study_uid: str, series_uid: str, progress: Progress) -> tuple[ImageFound, ...]:
        """Return the images of a series; empty where there is no such series."""
        found: dict[str, ImageFound] = {}
        while True:
            rows: list[dict[str, dict[str, Any]]] = self._ask(
                partial(_page, study_uid, series_uid, len(found)), progress, nothing=[]
            )
            answers = _datasets(rows)
            if len(answers) < len(rows):
                raise PacsRefused(unreadable_image(series_uid))
            new = {image.sop_uid: image for image in images_of_series(series_uid, answers)}
            grown = {**found, **new}
            if len(grown) == len(found):  # also where the server pays no heed to the offset
                return tuple(found[uid] for uid in sorted(found))
            found = grown

    def fetch(
        self, study_uid: str, series_uid: str, wanted: Sequence[ImageFound], whole: bool, take: Take, progress: Progress
    ) -> str:
        """Give the wanted images to `take` as they come; return why some did not, or nothing."""
        series = f"{self.node.url.rstrip('/')}/studies/{study_uid}/series/{series_uid}"
        places = [series] if whole else [f"{series}/instances/{image.sop_uid}" for image in wanted]
        remarks = []
        for place in places:
            with faults_of(self.node, progress):
                remarks += [_taken(part, take) for part in self._parts(place, progress)]
        return next((one for one in remarks if one), "")

    def _parts(self, place: str, progress: Progress) -> Iterator[bytes]:
        """Return the files of an answer; its last one only when the answer came whole, for it may be cut off."""
        held = b""
        # The server may say nothing for as long as it gathers the images: before the first one, or between two.
        for part in stoppable_parts(lambda: self._client().iter_bulkdata(place), progress):
            if held:
                yield held
            held = bytes(part)
        if not self._session().came_whole():
            raise ConnectionBroken(f"The connection with {self.node.name} broke in the middle of an answer.")
        if held:
            yield held

    def send(self, files: Sequence[Outgoing], scratch: Path, settle: Settle, progress: Progress) -> None:
        """Send files unchanged and settle each as it is answered for."""
        with Opener() as opener:
            for batch in _batches(files, opener):
                reasons = self._store(batch, progress)
                for one, _ in batch:
                    settle(one, reasons.get(one.sop_uid, ""))

    # --- asking

    def _session(self) -> _Session:
        self._client()
        return cast("tuple[_Session, DICOMwebClient]", self._opened)[0]

    def _client(self) -> DICOMwebClient:
        if self._opened is None:
            session = _Session(self.node)
            url, wait_s = self.node.url.rstrip("/"), self.node.timeout_s
            client = DICOMwebClient(url, session=session, timeout=wait_s, chunk_size=_CHUNK_BYTES)
            client.set_http_retry_params(retry=False)  # it would ask again after any fault, also one of TLS
            self._opened = (session, client)
        return self._opened[1]

    def _ask(self, ask: Callable[[DICOMwebClient], _T], progress: Progress, nothing: _T | None = None) -> _T:
        progress.check()
        try:
            with faults_of(self.node, progress), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return stoppable(lambda: ask(self._client()), progress)  # the keyring may keep silent, too
        except NotThere:
            if nothing is None:
                raise
            return nothing

    def _store(self, batch: Sequence[tuple[Outgoing, bytes]], progress: Progress) -> dict[str, str]:
        """Return why files were not taken, by their UID."""
        session = stoppable(self._session, progress)
        boundary = uuid.uuid4().hex
        head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        parts = [b"%b%b\r\n" % (head, data) for _, data in batch]
        body = b"".join([*parts, b"--%b--\r\n" % boundary.encode()])
        headers = {
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
            "Accept": "application/dicom+json",
        }
        with faults_of(self.node, progress):
            place = f"{self.node.url.rstrip('/')}/studies"
            answer = stoppable(
                lambda: session.post(place, data=body, headers=headers, timeout=self.node.timeout_s), progress
            )
            if answer.status_code != 409:  # none was stored: the answer says which and why
                answer.raise_for_status()
            failed = _failed(answer)
        return {uid: f"{self.node.name} refused it with error {why}." for uid, why in failed}


def _page(study_uid: str, series_uid: str, offset: int, client: DICOMwebClient) -> list[dict[str, dict[str, Any]]]:
    return client.search_for_instances(study_uid, series_uid, limit=_PAGE, offset=offset, fields=list(IMAGE_KEYS))


def _also(keys: Sequence[str], filters: dict[str, str]) -> list[str]:
    return [key for key in keys if key not in filters]


def _datasets(rows: Any) -> list[Dataset]:
    """Return the answers as data sets; those that are none are left out."""
    found = []
    for row in rows:
        try:
            found.append(Dataset.from_json(row, bulk_data_uri_handler=lambda *_: None))
        except Exception:  # noqa: BLE001, S112  (one answer that is no data set must not hide the others)
            continue
    return found


def _taken(data: bytes, take: Take) -> str:
    try:
        sop_uid, _ = identity_of(data)
    except InputRefused:
        sop_uid = ""
    if sop_uid and take(sop_uid, data):
        return ""
    return "An image came that was not asked for, or cannot be read; it was left out."


def _batches(files: Sequence[Outgoing], opener: Opener) -> Iterator[list[tuple[Outgoing, bytes]]]:
    batch: list[tuple[Outgoing, bytes]] = []
    size = 0
    for one in files:
        data = one.bytes(opener)
        if batch and size + len(data) > _SEND_AT_ONCE_BYTES:
            yield batch
            batch, size = [], 0
        batch.append((one, data))
        size += len(data)
    if batch:
        yield batch


def _failed(answer: requests.Response) -> list[tuple[str, str]]:
    """Return UID and reason of the instances that a store request did not store."""
    try:
        found = Dataset.from_json(answer.json(), bulk_data_uri_handler=lambda *_: None)
    except (ValueError, KeyError, TypeError):
        return []
    rows = found.get("FailedSOPSequence", None) or []
    return [(str(row.get("ReferencedSOPInstanceUID", "")), f"0x{int(row.get('FailureReason', 0)):04X}") for row in rows]
