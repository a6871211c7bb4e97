"""What goes wrong on the way to a DICOMweb server, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from urllib3.exceptions import ProtocolError

from cvt_planner.base.errors import PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pacs.faults import ConnectionBroken, PacsRefused, Unreachable
from cvt_planner.imaging.pacs.nodes import Node

_ON_THE_WAY = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError)
_FOR_NOW = (408, 429, 500, 502, 503, 504)


class NotThere(PacsRefused):
    """What was asked for does not exist, or is not called that way."""


@contextmanager
def faults_of(node: Node, progress: Progress) -> Iterator[None]:
    """Raise what goes wrong within as one of our own faults, in words; a fault of the disk is left as it is."""
    try:
        yield
    except PlannerError:
        raise
    except _ON_THE_WAY as error:
        progress.check()
        fault = _fault(node, error)
        if fault is None:
            raise
        raise fault from error


def _fault(node: Node, error: Exception) -> PlannerError | None:
    if isinstance(error, OSError) and not isinstance(error, requests.exceptions.RequestException):
        return None if error.filename is not None else ConnectionBroken(f"The connection with {node.name} broke.")
    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return _http_fault(node, error.response.status_code)
    return _request_fault(node, error)


def _request_fault(node: Node, error: Exception) -> PlannerError:
    where, faults = f"{node.name} ({node.url})", requests.exceptions
    if isinstance(error, faults.SSLError):
        return PacsRefused(
            f"No trusted encrypted (TLS) connection with {where} came about: {_tls_words(error)}. "
            "Nothing was sent. Check the file of the certificate authority (CA) and the name in the certificate."
        )
    if isinstance(error, faults.Timeout):
        kind = Unreachable if isinstance(error, faults.ConnectTimeout) else ConnectionBroken
        return kind(f"{where} did not answer within {node.timeout_s:g} s.")
    if isinstance(error, faults.ChunkedEncodingError | faults.InvalidHeader):
        return ConnectionBroken(f"The connection with {node.name} broke in the middle of an answer.")
    if isinstance(error, faults.ConnectionError) and error.args and isinstance(error.args[0], ProtocolError):
        return ConnectionBroken(f"The connection with {node.name} broke.")
    if isinstance(error, faults.ConnectionError):
        return Unreachable(f"{where} cannot be reached. Check the address, or ask whether it runs.")
    return PacsRefused(f"{where} does not answer as DICOMweb does. Check the address; it ends before /studies.")


def _http_fault(node: Node, code: int) -> PacsRefused | ConnectionBroken:
    if code in (401, 403):
        return PacsRefused(f"{node.name} refused the login (HTTP {code}). Check user and password, or token.")
    if code == 404:
        return NotThere(f"{node.name} has nothing there (HTTP 404). Check the address {node.url} and the number.")
    if code in _FOR_NOW:
        return ConnectionBroken(f"{node.name} could not answer for now (HTTP {code}). Try again later.")
    return PacsRefused(f"{node.name} refused what was asked (HTTP {code}).")


def _tls_words(error: BaseException) -> str:
    """Return what the TLS library says, from the innermost of the faults that the libraries wrap around it."""
    inner: Any = error
    for _ in range(10):
        if words := getattr(inner, "verify_message", ""):
            return str(words)
        wrapped = [getattr(inner, "reason", None), *getattr(inner, "args", ())]
        inner = next((one for one in wrapped if isinstance(one, BaseException)), None)
    return "the handshake failed"
