"""TLS towards a PACS: the server is always verified, our own certificate is shown where one is given."""

from __future__ import annotations

import ssl
from pathlib import Path

from cvt_planner.imaging.pacs.faults import PacsRefused
from cvt_planner.imaging.pacs.nodes import Node


def client_context(node: Node) -> ssl.SSLContext:
    """Return the TLS settings towards a node's server.

    Raises
    ------
    PacsRefused
        If a certificate file cannot be used; the text names it.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    if node.ca_file:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # only this authority, not those of the system as well
        _load_ca(context, node)
    _show_ours(context, node)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def listener_context(node: Node) -> ssl.SSLContext:
    """Return the TLS settings under which the images of a C-MOVE come in: both sides show a certificate."""
    if not node.certificate_file or not node.ca_file:
        raise PacsRefused(
            f"{node.name}: C-MOVE over TLS needs our own certificate with its key, and the authority that signed the "
            "PACS's. Add them, or fetch by C-GET."
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load_ca(context, node)
    _show_ours(context, node)
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def check_files(node: Node) -> None:
    """Return only where the certificate files of a node can be read.

    Raises
    ------
    PacsRefused
        If one cannot; the text names it.
    """
    for name in (node.ca_file, node.certificate_file, node.key_file):
        if name and not Path(name).is_file():
            raise PacsRefused(f"{node.name}: the certificate file {name} is not there. Correct it for this PACS.")


def _load_ca(context: ssl.SSLContext, node: Node) -> None:
    check_files(node)
    try:
        context.load_verify_locations(cafile=node.ca_file)
    except (ssl.SSLError, OSError) as error:
        raise PacsRefused(f"{node.name}: {node.ca_file} holds no certificate in PEM form ({error}).") from error


def _show_ours(context: ssl.SSLContext, node: Node) -> None:
    if not node.certificate_file:
        return
    check_files(node)
    try:
        # A key with a passphrase would be asked for on the terminal: an empty one is answered instead, and refused.
        context.load_cert_chain(node.certificate_file, node.key_file, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise PacsRefused(
            f"{node.name}: our certificate {node.certificate_file} with the key {node.key_file} cannot be used "
            f"({error}). It must be PEM, the key without passphrase."
        ) from error
