"""DICOM associations: opened, watched for a wish to stop, closed; and why one could not be opened, in words."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext

from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pacs.faults import PacsRefused, Unreachable
from cvt_planner.imaging.pacs.nodes import Node
from cvt_planner.imaging.pacs.tls import client_context
from cvt_planner.imaging.pacs.waiting import stoppable

# Queries and answers hold names: nothing of them is logged, and what goes wrong is said by our own sentences.
_config.LOG_HANDLER_LEVEL = "none"
_config.LOG_REQUEST_IDENTIFIERS = False
_config.LOG_RESPONSE_IDENTIFIERS = False
_config.STORE_SEND_CHUNKED_DATASET = True  # send files as they are, never decoded
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)

PDU_BYTES = 131072  # the largest that the widespread DCMTK takes
_WATCH_S = 0.1
_AT_ONCE_S = 2.0  # an association that ends sooner was ended by the node, not by a time limit; assumed
_CONNECT_S = 10.0  # a connection within a hospital that takes longer will not come; assumed


def _socket_of(event: Any) -> socket.socket | None:
    connection = event.assoc.dul.socket
    return connection.socket if connection is not None else None


def _send_at_once(event: Any) -> None:
    if (connection := _socket_of(event)) is not None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _acknowledge_at_once(event: Any) -> None:
    if (connection := _socket_of(event)) is not None:
        with suppress(OSError):  # closed in between
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


# A PACS that writes a message in two pieces holds the second back until the first is acknowledged, which systems put
# off for some 40 ms: without these an image takes 45 ms more, however small. Only Linux lets a program ask for it.
AT_ONCE: tuple[Any, ...] = ((evt.EVT_CONN_OPEN, _send_at_once),)
if hasattr(socket, "TCP_QUICKACK"):
    AT_ONCE += ((evt.EVT_DATA_SENT, _acknowledge_at_once), (evt.EVT_DATA_RECV, _acknowledge_at_once))


@contextmanager
def association(
    node: Node,
    contexts: Sequence[PresentationContext],
    progress: Progress,
    handlers: Sequence[Any] = (),
    roles: Sequence[Any] = (),
) -> Iterator[Association]:
    """Return an open association with a node, released at the end; it is aborted when `progress` is stopped.

    Raises
    ------
    PacsRefused
        If the node refuses it: unknown AE title, TLS, a service that it does not offer.
    Unreachable
        If the node cannot be reached.
    Cancelled
        If `progress` was stopped, also while the node keeps silent.
    """
    opened = stoppable(lambda: _open(node, contexts, handlers, roles), progress, lambda late: late.abort())
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(opened, progress, over), name="cvt-pacs-watch", daemon=True)
    watch.start()
    try:
        yield opened
        over.set()
        if opened.is_established:
            opened.release()
    finally:
        over.set()
        watch.join()
        if opened.is_established:
            opened.abort()


def _watch(opened: Association, progress: Progress, over: threading.Event) -> None:
    while not over.wait(_WATCH_S):
        if progress.stopping:
            opened.abort()
            return


def _open(
    node: Node, contexts: Sequence[PresentationContext], handlers: Sequence[Any], roles: Sequence[Any]
) -> Association:
    for attempt in range(2):
        began = time.monotonic()
        opened = _associated(node, contexts, handlers, roles)
        if opened.is_established:
            return opened
        if opened.is_rejected:
            raise PacsRefused(_rejection(node, opened))
        # A node that refuses and closes at once may close before its refusal is read: asked again, it mostly is.
        if attempt or time.monotonic() - began > _AT_ONCE_S:
            break
    raise _why_not_connected(node)


def _associated(
    node: Node, contexts: Sequence[PresentationContext], handlers: Sequence[Any], roles: Sequence[Any]
) -> Association:
    ae = AE(ae_title=node.our_ae)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = node.timeout_s
    ae.connection_timeout = min(node.timeout_s, _CONNECT_S)
    tls = (client_context(node), node.tls_name or node.host) if node.tls else None
    try:
        return ae.associate(
            node.host,
            node.port,
            contexts=list(contexts),
            ae_title=node.called_ae,
            max_pdu=PDU_BYTES,
            ext_neg=list(roles),
            tls_args=tls,
            evt_handlers=[*AT_ONCE, *handlers],
        )
    except socket.gaierror as error:
        raise Unreachable(f"The host {node.host} of {node.name} is not known to the network.") from error
    except OSError as error:
        raise Unreachable(f"{node.name} ({node.address}) cannot be reached: {error}.") from error


def _rejection(node: Node, opened: Association) -> str:
    answer = opened.acceptor.primitive
    source, reason = (answer.result_source, answer.diagnostic) if answer is not None else (None, None)
    if (source, reason) == (1, 7):
        return (
            f"{node.name} refused the connection: it does not go by the AE title {node.called_ae!r}. "
            "Correct the called AE title."
        )
    if (source, reason) == (1, 3):
        return (
            f"{node.name} refused the connection: it does not know our AE title {node.our_ae!r}. "
            "Ask for this workstation to be added there, or correct our AE title."
        )
    if source == 3:
        return f"{node.name} refused the connection for now: it is busy. Try again later."
    return f"{node.name} refused the connection ({node.called_ae} from {node.our_ae}), without a reason we can act on."


def _why_not_connected(node: Node) -> PacsRefused | Unreachable:
    """Return what stands in the way, found by connecting once more without DICOM."""
    where = f"{node.name} ({node.host}:{node.port})"
    try:
        with socket.create_connection((node.host, node.port), timeout=min(node.timeout_s, _CONNECT_S)) as plain:
            if node.tls:
                with client_context(node).wrap_socket(plain, server_hostname=node.tls_name or node.host):
                    pass
    except ssl.SSLCertVerificationError as error:
        return PacsRefused(
            f"The certificate of {where} is not trusted: {error.verify_message}. Nothing was sent. Check the file of "
            "the certificate authority (CA) and the name in the certificate."
        )
    except ssl.SSLError as error:
        return PacsRefused(
            f"No encrypted (TLS) connection with {where} came about: {error.reason or error}. "
            "Check whether TLS is on at that port, and whether it asks for a certificate of ours."
        )
    except ConnectionRefusedError:
        return Unreachable(f"{where} does not answer: nothing listens there. Check host and port, or ask for it.")
    except TimeoutError:
        return Unreachable(f"{where} does not answer in time. Check host, port and firewall.")
    except OSError as error:
        if node.tls and isinstance(error, ConnectionResetError):
            return PacsRefused(
                f"{where} ended the encrypted (TLS) connection. Check whether it asks for a certificate of ours."
            )
        return Unreachable(f"{where} cannot be reached: {error.strerror or error}.")
    hint = "it may ask for a certificate of ours" if node.tls else "it may expect TLS, or be no DICOM port"
    return Unreachable(f"{where} took the connection and ended it without a DICOM answer: {hint}.")
