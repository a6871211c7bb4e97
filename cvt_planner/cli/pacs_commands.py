"""The subcommands of the family `pacs`: remembered nodes, testing, finding, fetching, sending."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.cli.commands import Answer, Command
from cvt_planner.cli.output import log, table

if TYPE_CHECKING:
    from cvt_planner.imaging.pacs.nodes import Node, NodeBook

Add: TypeAlias = Callable[[Any, str, str, Command], argparse.ArgumentParser]
_MAX_SECRET_BYTES = 1 << 16
_STUDY_HEAD = ("patient ID", "name", "born", "study", "modalities", "series", "images", "description", "study UID")
_STUDY_KEYS = (
    "patient_id", "patient", "birth_date", "day", "modalities", "series_count", "image_count", "description",
    "study_uid",
)  # fmt: skip
_SERIES_HEAD = ("no.", "modality", "images", "body part", "description", "series UID")
_SERIES_KEYS = ("number", "modality", "image_count", "body_part", "description", "series_uid")


def add_parsers(subs: Any, add: Add) -> None:
    """Give the command line the family `pacs`; `add` makes one subcommand with the options they all have."""
    about = "PACS: remembered nodes, test, find, fetch, send (see docs/pacs.md)"
    family = subs.add_parser("pacs", help=about, description=about)
    inner = family.add_subparsers(title="subcommands", required=True, metavar="SUBCOMMAND")
    _add_nodes(inner, add)

    one = add(inner, "echo", "test whether a PACS answers", echo)
    one.add_argument("node", metavar="NODE")

    one = add(inner, "find", "the studies that a PACS has; with --study its series", find)
    one.add_argument("node", metavar="NODE")
    one.add_argument("--patient", metavar="ID", default="", help="patient ID, * and ? stand for any letters")
    one.add_argument("--name", metavar="N", default="", help="beginning of the family name, or 'Family, Given'")
    one.add_argument("--date", metavar="D", default="", help="2026-03-01, or 2026-03-01..2026-03-31")
    one.add_argument("--modality", metavar="M", default="", help="for instance CT")
    one.add_argument("--study", metavar="UID", default="", help="show the series of this study")

    one = add(inner, "get", "fetch a series whole; the same command again goes on where it was cut off", get)
    one.add_argument("node", metavar="NODE")
    one.add_argument("--study", metavar="UID", required=True)
    one.add_argument("--series", metavar="UID", required=True)
    one.add_argument("--out", metavar="DIR", required=True, help="a new or empty folder")
    one.add_argument("--by", choices=("get", "move", "web"), default="", help="C-GET, C-MOVE or DICOMweb")

    one = add(inner, "send", "send the DICOM files of a folder, ZIP or file, unchanged", send)
    one.add_argument("node", metavar="NODE")
    one.add_argument("path", metavar="PATH")


def _add_nodes(inner: Any, add: Add) -> None:
    top = add(inner, "nodes", "list, add or remove remembered PACS", nodes)
    ways = top.add_subparsers(metavar="list|add|remove")
    add(ways, "list", "list them (as without a word)", nodes)
    one = add(ways, "remove", "forget a PACS and its password", remove)
    one.add_argument("name", metavar="NAME")
    one = add(ways, "add", "remember a PACS; one of the same name is replaced", remember)
    one.add_argument("name", metavar="NAME")
    one.add_argument("--host", default="")
    one.add_argument("--port", type=int, default=104)
    one.add_argument("--called-ae", metavar="AE", default="ANY-SCP", help="the PACS's AE title")
    one.add_argument("--our-ae", metavar="AE", default="CVTPLANNER", help="ours, as the PACS knows it")
    one.add_argument("--move-port", metavar="PORT", type=int, default=0, help="where we listen during C-MOVE")
    one.add_argument("--url", default="", help="of a DICOMweb service, instead of host and port")
    one.add_argument("--tls", action="store_true", help="encrypt DICOM; the server is always verified")
    one.add_argument("--ca", metavar="PEM", default="", help="authority that signed the server's certificate")
    one.add_argument("--certificate", metavar="PEM", default="", help="our own certificate, where it is asked for")
    one.add_argument("--key", metavar="PEM", default="", help="its key")
    one.add_argument("--tls-name", metavar="NAME", default="", help="name in the server's certificate, if not the host")
    one.add_argument("--user", default="", help="DICOMweb login; the password is asked for, or read from a file")
    one.add_argument("--password-file", metavar="F", help="read the password from here, into the system's keyring")
    one.add_argument("--token-file", metavar="F", help="read a bearer token from here, into the system's keyring")
    one.add_argument("--timeout", metavar="S", type=float, default=30.0)
    one.add_argument("--retries", metavar="N", type=int, default=3)
    one.add_argument("--pause", metavar="S", type=float, default=2.0, help="before asking again")


def nodes(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return the remembered PACS."""
    from cvt_planner.imaging.pacs.nodes import nodes_file

    book = _book()
    head = ("name", "kind", "where", "our AE", "C-MOVE port", "TLS", "login")
    rows = [
        (
            node.name,
            node.kind,
            node.address,
            node.our_ae if node.kind == "dicom" else "-",
            str(node.move_port or "-"),
            "yes" if node.tls or node.url.startswith("https") else "no",
            node.login,
        )
        for node in book.nodes
    ]
    text = table(head, rows) if rows else "No PACS is remembered yet. Add one with 'pacs nodes add'."
    return Answer({"file": str(nodes_file()), "nodes": [asdict(node) for node in book.nodes]}, text)


def remember(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return how a PACS is remembered from now on."""
    from cvt_planner.imaging.pacs import nodes as book
    from cvt_planner.imaging.pacs.secrets import forget_secret, keep_secret

    login = book.TOKEN if args.token_file else book.PASSWORD if args.user else book.NO_SECRET
    node = book.checked(
        book.Node(
            name=args.name,
            kind=book.DICOMWEB if args.url else book.DICOM,
            host=args.host,
            port=args.port,
            called_ae=args.called_ae,
            our_ae=args.our_ae,
            move_port=args.move_port,
            url=args.url,
            tls=args.tls,
            ca_file=_absolute(args.ca),
            certificate_file=_absolute(args.certificate),
            key_file=_absolute(args.key),
            tls_name=args.tls_name,
            login=login,
            user=args.user,
            timeout_s=args.timeout,
            retries=args.retries,
            pause_s=args.pause,
        )
    )
    if login == book.NO_SECRET:
        forget_secret(node.name)
    else:
        keep_secret(node, _secret(args.token_file or args.password_file, node))
    book.add_node(node)
    return Answer({"added": asdict(node)}, f"{node.name} is remembered ({node.address}). Test it with 'pacs echo'.")


def remove(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return which PACS was forgotten."""
    from cvt_planner.imaging.pacs.nodes import remove_node
    from cvt_planner.imaging.pacs.secrets import forget_secret

    gone = remove_node(args.name)
    forget_secret(gone.name)
    return Answer({"removed": gone.name}, f"{gone.name} is forgotten.")


def echo(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return whether a PACS answers."""
    from cvt_planner.imaging.pacs.peer import peer_of

    node = _node(args.node)
    words = peer_of(node).echo(progress)
    return Answer({"node": node.name, "answers": True, "sentence": words}, words)


def find(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return the studies of a PACS that match, or the series of one."""
    from cvt_planner.imaging.pacs.found import Query, checked_uid
    from cvt_planner.imaging.pacs.peer import peer_of

    peer = peer_of(_node(args.node))
    study_uid = checked_uid(args.study, "study") if args.study else ""
    found = peer.studies(Query(args.patient, args.name, args.date, args.modality, study_uid), progress)
    values: dict[str, Any] = {"node": peer.node.name, "studies": [asdict(one) for one in found.studies]}
    values["more"] = found.more
    if study_uid:
        if not found.studies:
            raise InputRefused(f"{peer.node.name} has no study {study_uid} (that matches the other values).")
        values["series"] = [asdict(one) for one in peer.series(study_uid, progress)]
    return Answer(values, _found_text(values))


def _found_text(values: dict[str, Any]) -> str:
    if not values["studies"]:
        return f"{values['node']} has no study that matches."
    lines = [table(_STUDY_HEAD, [_cells(one, _STUDY_KEYS) for one in values["studies"]])]
    if values["more"]:
        lines.append("There are more. Narrow the search by ID, name or date.")
    if "series" in values:
        lines += ["", table(_SERIES_HEAD, [_cells(one, _SERIES_KEYS) for one in values["series"]])]
    return "\n".join(lines)


def _cells(one: dict[str, Any], keys: Sequence[str]) -> list[str]:
    return ["-" if one[key] in (None, "") else str(one[key]) for key in keys]


def get(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return where a series was fetched to."""
    from cvt_planner.imaging.pacs.peer import peer_of
    from cvt_planner.imaging.pacs.retrieve import retrieve_series

    done = retrieve_series(peer_of(_node(args.node), args.by), args.study, args.series, Path(args.out), progress)
    values = {**asdict(done), "folder": str(done.folder)}
    resumed = f", {done.resumed} of them by an earlier attempt" if done.resumed else ""
    return Answer(values, f"{done.folder}: all {done.images} images{resumed}, {done.seconds:.1f} s.")


def send(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return what a PACS took of the files of a path."""
    from cvt_planner.imaging.pacs.peer import peer_of
    from cvt_planner.imaging.pacs.send import send_path

    node = _node(args.node)
    sent = send_path(peer_of(node), Path(args.path), progress)
    if sent.refused:
        name, reason = sent.refused[0]
        raise InputRefused(
            f"{node.name} took {sent.images} of {sent.images + len(sent.refused)} images. "
            f"First refused: {name}: {reason}"
        )
    values = {"node": node.name, "images": sent.images, "skipped_files": sent.skipped}
    skipped = f" {sent.skipped} other files were passed over." if sent.skipped else ""
    return Answer(values, f"{node.name} took all {sent.images} images.{skipped}")


def _book() -> NodeBook:
    from cvt_planner.imaging.pacs.nodes import load_nodes

    book = load_nodes()
    if book.notice:
        log(book.notice)
    return book


def _node(name: str) -> Node:
    return _book().node(name)


def _absolute(name: str) -> str:
    return str(Path(name).absolute()) if name else ""


def _secret(file: str | None, node: Node) -> str:
    if file is not None:
        with Path(file).open("rb") as stream:
            return stream.read(_MAX_SECRET_BYTES).decode("utf-8", "replace").strip("\r\n")
    if not sys.stdin.isatty():
        raise InputRefused("There is no terminal to ask for the password on. Give --password-file F.")
    return getpass.getpass(f"Password of {node.user} at {node.name}: ")
