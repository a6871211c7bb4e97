"""The PACS that are remembered: a JSON file in the user's configuration folder. It holds no password and no token."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cvt_planner.base.errors import InputRefused

DICOM, DICOMWEB = "dicom", "dicomweb"
KINDS = (DICOM, DICOMWEB)
NO_SECRET, PASSWORD, TOKEN = "none", "password", "token"
FILE_NAME = "pacs.json"
OUR_AE = "CVTPLANNER"
_MAX_FILE_BYTES = 1 << 20


@dataclass(frozen=True)
class Node:
    """One PACS, and how to talk to it.

    Parameters
    ----------
    called_ae, our_ae
        AE titles: the PACS's, and the one under which it knows this workstation.
    move_port
        Where this workstation listens during a C-MOVE; 0 where C-MOVE is not set up.
    url
        Of a DICOMweb service, up to and without "/studies".
    tls
        Encrypt DICOM and verify the server (https always does).
    ca_file, certificate_file, key_file
        PEM: who signed the server's certificate (empty: those the system trusts); our own, where the PACS asks for one.
    tls_name
        The name in the server's certificate, where it is not `host`.
    login
        "none", "password" (with `user`) or "token"; the secret itself is in the system's keyring.
    timeout_s
        For each answer of the PACS.
    retries, pause_s
        How often a retrieval asks again without any image having come in between (0: never, not even then), and how
        long it waits before.
    """

    name: str
    kind: str = DICOM
    host: str = ""
    port: int = 104
    called_ae: str = "ANY-SCP"
    our_ae: str = OUR_AE
    move_port: int = 0
    url: str = ""
    tls: bool = False
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    tls_name: str = ""
    login: str = NO_SECRET
    user: str = ""
    timeout_s: float = 30.0
    retries: int = 3
    pause_s: float = 2.0

    @property
    def address(self) -> str:
        """Return where it is, for messages."""
        return self.url if self.kind == DICOMWEB else f"{self.called_ae} at {self.host}:{self.port}"


@dataclass(frozen=True)
class NodeBook:
    """The remembered nodes, in the order of their names; `notice` is a sentence when the file was damaged."""

    nodes: tuple[Node, ...] = ()
    notice: str = ""
    names: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(node.name for node in self.nodes))

    def node(self, name: str) -> Node:
        """Return the node of a name, capitals or not.

        Raises
        ------
        InputRefused
            If there is none; the text lists those there are.
        """
        for node in self.nodes:
            if node.name.casefold() == name.casefold():
                return node
        known = f"Known are: {', '.join(self.names)}." if self.nodes else "None is remembered yet."
        raise InputRefused(
            f"There is no PACS called {name!r}. {known} Add it with 'pacs nodes add'. {self.notice}".strip()
        )


def config_folder() -> Path:
    """Return the user's configuration folder, the one the window's settings lie in; it need not exist yet."""
    given, settings = os.environ.get("CVT_PLANNER_CONFIG"), os.environ.get("CVT_PLANNER_SETTINGS")
    if given:
        return Path(given)
    if settings:
        return Path(settings).parent
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "CVT Planner"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "CVT Planner"


def nodes_file() -> Path:
    """Return the file of the remembered nodes; it need not exist yet."""
    return config_folder() / FILE_NAME


def load_nodes(path: Path | None = None) -> NodeBook:
    """Return the remembered nodes; none where there is no file. A damaged entry hides no other."""
    path = path or nodes_file()
    try:
        with path.open("rb") as stream:
            rows = json.loads(stream.read(_MAX_FILE_BYTES))["nodes"]
        if not isinstance(rows, list):
            raise TypeError("no list of nodes")
    except FileNotFoundError:
        return NodeBook()
    except OSError as error:
        return NodeBook((), f"The list of PACS {path} cannot be read: {error.strerror or error}.")
    except (ValueError, KeyError, TypeError, RecursionError):
        return NodeBook((), f"The list of PACS {path} is damaged. Move it away and add the PACS again.")
    nodes, faults = {}, []
    for number, row in enumerate(rows, start=1):
        try:
            node = _node(row)
            nodes[node.name.casefold()] = node
        except InputRefused as error:
            faults.append(f"Entry {number} of {path} was left out: {error}")
    return NodeBook(tuple(nodes[name] for name in sorted(nodes)), " ".join(faults))


def add_node(node: Node, path: Path | None = None) -> Node:
    """Return the node, checked and remembered from now on; one of the same name is replaced.

    Raises
    ------
    InputRefused
        If a value cannot be used, or the file cannot be written.
    """
    path = path or nodes_file()
    node = checked(node)
    others = [one for one in _to_change(path).nodes if one.name.casefold() != node.name.casefold()]
    _write([*others, node], path)
    return node


def remove_node(name: str, path: Path | None = None) -> Node:
    """Return the node that is forgotten from now on; its password is the caller's to remove."""
    path = path or nodes_file()
    book = _to_change(path)
    gone = book.node(name)
    _write([one for one in book.nodes if one is not gone], path)
    return gone


def checked(node: Node) -> Node:
    """Return the node with its texts trimmed.

    Raises
    ------
    InputRefused
        If a value cannot be used; the text says which and why.
    """
    texts = {
        one.name: getattr(node, one.name).strip() for one in fields(node) if isinstance(getattr(node, one.name), str)
    }
    node = replace(node, **texts)
    fault = _fault(node)
    if fault:
        raise InputRefused(f"{node.name or 'The PACS'}: {fault}")
    return node


def _fault(node: Node) -> str:
    if not re.fullmatch(r"[\w][\w .()+-]{0,63}", node.name):
        return "a name of 1 to 64 letters, figures, spaces, dots or dashes is needed."
    if node.kind not in KINDS:
        return f"the kind is {' or '.join(KINDS)}, not {node.kind!r}."
    if not 1 <= node.timeout_s <= 600 or not 0 <= node.retries <= 20 or not 0 <= node.pause_s <= 60:
        return "the timeout is 1 to 600 s, retries 0 to 20, the pause 0 to 60 s."
    if bool(node.certificate_file) != bool(node.key_file):
        return "our certificate and its key belong together: give both files, or none."
    return _dicom_fault(node) if node.kind == DICOM else _web_fault(node)


def _dicom_fault(node: Node) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:%-]+", node.host):
        return f"{node.host!r} is no host name or address."
    for title in (node.called_ae, node.our_ae):
        if not re.fullmatch(r"[ -\[\]-~]{1,16}", title):
            return f"{title!r} is no AE title (1 to 16 letters without a backslash)."
    if not 1 <= node.port <= 65535 or not 0 <= node.move_port <= 65535:
        return "ports are 1 to 65535 (the port for C-MOVE 0 where it is not used)."
    return ""


def _web_fault(node: Node) -> str:
    try:
        parts = urlsplit(node.url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        return f"{node.url!r} is no DICOMweb address. It looks like https://pacs.example.org/dicom-web, no login."
    if node.login not in (NO_SECRET, PASSWORD, TOKEN):
        return f"the login is none, password or token, not {node.login!r}."
    if node.login == PASSWORD and not node.user:
        return "a login by password needs a user."
    if node.login != NO_SECRET and parts.scheme == "http" and host not in ("localhost", "127.0.0.1", "::1"):
        return "a password or token is only sent over https."
    return ""


def _to_change(path: Path) -> NodeBook:
    book = load_nodes(path)
    if book.notice:  # writing would drop what could not be read
        raise InputRefused(f"{book.notice} It is not written over until that is put right.")
    return book


def _node(row: Any) -> Node:
    if not isinstance(row, dict):
        raise InputRefused("it is no set of values.")
    values: dict[str, Any] = {}
    for one in fields(Node):
        if one.name not in row:
            continue
        value, kind = row[one.name], str(one.type)
        fits = {
            "str": isinstance(value, str),
            "bool": isinstance(value, bool),
            "int": isinstance(value, int) and not isinstance(value, bool),
            "float": isinstance(value, int | float) and not isinstance(value, bool),
        }[kind]
        if not fits:
            raise InputRefused(f"{one.name} is no {kind}.")
        values[one.name] = value
    if "name" not in values:
        raise InputRefused("it has no name.")
    return checked(Node(**values))


def _write(nodes: Sequence[Node], path: Path) -> None:
    rows = [asdict(node) for node in sorted(nodes, key=lambda one: one.name.casefold())]
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({"version": 1, "nodes": rows}, indent=1), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise InputRefused(f"The list of PACS {path} could not be written: {error.strerror or error}.") from error
