"""A PACS that speaks DICOM: C-ECHO, C-FIND, C-GET, C-MOVE and C-STORE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE, build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pacs.association import AT_ONCE, PDU_BYTES, association
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
)
from cvt_planner.imaging.pacs.nodes import Node
from cvt_planner.imaging.pacs.outgoing import Outgoing, Settle
from cvt_planner.imaging.pacs.store import Receiver, store_all
from cvt_planner.imaging.pacs.tls import listener_context
from cvt_planner.imaging.pixels import DECODABLE

_USUAL_CLASSES = (
    CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage, SecondaryCaptureImageStorage,
)  # fmt: skip
_SYNTAXES = tuple(sorted(DECODABLE))
_MOST_CONTEXTS = 128  # of one association, by the standard
_AT_ONCE = 200  # images named in one request; assumed, some PACS limit it
_SUCCESS, _PENDING, _CANCEL, _WARNING = 0x0000, (0xFF00, 0xFF01), 0xFE00, 0xB000
_OUT_OF_RESOURCES = (0xA700, 0xA701, 0xA702)
_UNKNOWN_DESTINATION = 0xA801


class DimsePeer:
    """A PACS that is asked over DICOM; `way` is "get" or "move"."""

    def __init__(self, node: Node, way: str) -> None:
        self.node = node
        self.way = way

    def echo(self, progress: Progress) -> str:
        """Return a sentence that says the PACS answers."""
        with association(self.node, [build_context(Verification)], progress) as opened:
            status = _status(self.node, opened.send_c_echo(), progress)
        if status != _SUCCESS:
            raise PacsRefused(f"{self.node.name} answered C-ECHO with the error 0x{status:04X}.")
        return f"{self.node.name} answers ({self.node.address}{', TLS' if self.node.tls else ''})."

    def studies(self, query: Query, progress: Progress) -> Studies:
        """Return the studies that match."""
        answers, more = self._find("STUDY", STUDY_KEYS, query.filters(), MOST_STUDIES, progress)
        return studies_of(answers, more)

    def series(self, study_uid: str, progress: Progress) -> tuple[SeriesFound, ...]:
        """Return the series of a study."""
        answers, _ = self._find("SERIES", SERIES_KEYS, {"StudyInstanceUID": study_uid}, None, progress)
        return series_of_study(study_uid, answers)

    def images(self, study_uid: str, series_uid: str, progress: Progress) -> tuple[ImageFound, ...]:
        """Return the images of a series; empty where there is no such series."""
        match = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid}
        answers, _ = self._find("IMAGE", IMAGE_KEYS, match, None, progress)
        return images_of_series(series_uid, answers)

    def fetch(
        self, study_uid: str, series_uid: str, wanted: Sequence[ImageFound], whole: bool, take: Take, progress: Progress
    ) -> str:
        """Give the wanted images to `take` as they come; return why some did not, or nothing."""
        receiver = Receiver(take, progress)
        fetch = self._get if self.way == "get" else self._move
        requests = [_request(study_uid, series_uid)]
        if not whole:
            uids = [image.sop_uid for image in wanted]
            requests = [_request(study_uid, series_uid, uids[n : n + _AT_ONCE]) for n in range(0, len(uids), _AT_ONCE)]
        classes = Counter(image.sop_class for image in wanted if image.sop_class)
        with fetch([name for name, _ in classes.most_common()], receiver, progress) as ask:
            why = [_outcome(self.node, self.way, answer, progress) for request in requests for answer in ask(request)]
        receiver.check()
        return next((one for one in [*why, receiver.remark] if one), "")

    def send(self, files: Sequence[Outgoing], scratch: Path, settle: Settle, progress: Progress) -> None:
        """Send files unchanged and settle each as it is answered for."""
        store_all(self.node, files, scratch, settle, progress)

    # --- C-FIND

    def _find(
        self, level: str, keys: Sequence[str], match: dict[str, str], most: int | None, progress: Progress
    ) -> tuple[list[Dataset], bool]:
        """Return the answers to a query, and whether it was cut short at `most`."""
        model = StudyRootQueryRetrieveInformationModelFind
        asked = _identifier(level, keys, match)
        answers: list[Dataset] = []
        cut = False
        with association(self.node, [build_context(model)], progress) as opened:
            _check_offered(self.node, opened, "Study Root C-FIND")
            for answer, identifier in opened.send_c_find(asked, model, msg_id=1):
                status = _status(self.node, answer, progress)
                if status in _PENDING and identifier is not None:
                    answers.append(identifier)
                    progress.report(0.5, f"{len(answers)} found")
                    if most is not None and len(answers) > most and not cut:
                        cut = True
                        opened.send_c_cancel(1, query_model=model)
                elif status not in (_SUCCESS, *_PENDING, _CANCEL):
                    raise PacsRefused(f"{self.node.name} refused the query: {_error(status, answer)}.")
        return answers, cut

    # --- C-GET and C-MOVE

    @contextmanager
    def _get(self, classes: Sequence[str], receiver: Receiver, progress: Progress) -> Iterator[Any]:
        model = StudyRootQueryRetrieveInformationModelGet
        # One context per syntax: with several in one, the PACS would choose which, and convert.
        most = (_MOST_CONTEXTS - 1) // len(_SYNTAXES)
        storage = (list(classes) or list(_USUAL_CLASSES))[:most]
        contexts = [build_context(model)]
        contexts += [build_context(name, syntax) for name in storage for syntax in _SYNTAXES]
        roles = [build_role(name, scp_role=True) for name in storage]
        handlers = [(evt.EVT_C_STORE, receiver.handle)]
        with association(self.node, contexts, progress, handlers, roles) as opened:
            _check_model(self.node, opened, model, "C-GET", "Fetch by C-MOVE or DICOMweb instead.")
            yield lambda request: opened.send_c_get(request, model)

    @contextmanager
    def _move(self, classes: Sequence[str], receiver: Receiver, progress: Progress) -> Iterator[Any]:
        node, model = self.node, StudyRootQueryRetrieveInformationModelMove
        if not node.move_port:
            raise PacsRefused(f"{node.name}: no port for C-MOVE is set. Set it, and register it with the PACS.")
        ours = AE(ae_title=node.our_ae)
        ours.maximum_pdu_size = PDU_BYTES
        ours.require_called_aet = True
        ours.acse_timeout = ours.dimse_timeout = ours.network_timeout = node.timeout_s
        for name in {*classes, *_USUAL_CLASSES}:
            ours.add_supported_context(name, list(_SYNTAXES))
        try:
            server = ours.start_server(
                ("", node.move_port),
                block=False,
                ssl_context=listener_context(node) if node.tls else None,
                evt_handlers=[*AT_ONCE, (evt.EVT_C_STORE, receiver.handle)],
            )
        except OSError as error:
            raise PacsRefused(
                f"Port {node.move_port}, where the images of {node.name} are to arrive, cannot be listened on: "
                f"{error.strerror or error}. Close the program that uses it, or set another port here and there."
            ) from error
        try:
            with association(node, [build_context(model)], progress) as opened:
                _check_model(node, opened, model, "C-MOVE", "Fetch by C-GET or DICOMweb instead.")
                yield lambda request: opened.send_c_move(request, node.our_ae, model)
        finally:
            if server is not None:
                server.shutdown()


def _identifier(level: str, keys: Sequence[str], match: dict[str, str]) -> Dataset:
    asked = Dataset()
    if any(not value.isascii() for value in match.values()):
        asked.SpecificCharacterSet = "ISO_IR 192"
    asked.QueryRetrieveLevel = level
    for keyword in keys:
        setattr(asked, keyword, "")
    for keyword, value in match.items():
        setattr(asked, keyword, value)
    return asked


def _request(study_uid: str, series_uid: str, sop_uids: Sequence[str] = ()) -> Dataset:
    asked = Dataset()
    asked.QueryRetrieveLevel = "IMAGE" if sop_uids else "SERIES"
    asked.StudyInstanceUID, asked.SeriesInstanceUID = study_uid, series_uid
    if sop_uids:
        asked.SOPInstanceUID = list(sop_uids)
    return asked


def _status(node: Node, answer: Dataset, progress: Progress) -> int:
    """Return the status of an answer; raise when there was none."""
    progress.check()  # a wish to stop ends the association, which must not be taken for a fault of the PACS
    status = answer.get("Status")
    if status is None:
        raise ConnectionBroken(f"The connection with {node.name} broke, or no answer came within {node.timeout_s:g} s.")
    return int(status)


def _error(status: int, answer: Dataset) -> str:
    comment = "".join(letter for letter in str(answer.get("ErrorComment", "")) if letter.isprintable())[:100].strip()
    return f"error 0x{status:04X}{f', {comment}' if comment else ''}"


def _outcome(node: Node, way: str, answer: tuple[Dataset, Dataset | None], progress: Progress) -> str:
    """Return why a retrieval did not give all, or nothing; raise when it is of no use to ask again."""
    status = _status(node, answer[0], progress)
    if status in (_SUCCESS, *_PENDING):
        failed = int(answer[0].get("NumberOfFailedSuboperations", 0) or 0) if status == _SUCCESS else 0
        return f"{node.name} could not send {failed} image(s)." if failed else ""
    words = _error(status, answer[0])
    register = (
        f"Ask for this workstation to be registered there as {node.our_ae!r} with its address and port "
        f"{node.move_port}, or fetch by C-GET."
    )
    if status == _UNKNOWN_DESTINATION:
        raise PacsRefused(f"{node.name} does not know where {node.our_ae!r} is ({words}). {register}")
    if status == _WARNING or status in _OUT_OF_RESOURCES:
        number = answer[0].get("NumberOfFailedSuboperations", 0) or "some"
        return f"{node.name} could not send {number} image(s) ({words})."
    hint = f" If no image comes at all: {register}" if way == "move" else ""
    return f"{node.name} ended the retrieval with {words}.{hint}"


def _check_offered(node: Node, opened: Association, service: str) -> None:
    if not opened.accepted_contexts:
        raise PacsRefused(f"{node.name} does not offer {service} to {node.our_ae!r}. Ask for it to be allowed.")


def _check_model(node: Node, opened: Association, model: str, service: str, instead: str) -> None:
    if not any(context.abstract_syntax == model for context in opened.accepted_contexts):
        raise PacsRefused(f"{node.name} does not offer {service} to {node.our_ae!r}. {instead}")
