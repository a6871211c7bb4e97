"""What can be asked of a PACS, whichever way it speaks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pacs.found import ImageFound, Query, SeriesFound, Studies, Take
from cvt_planner.imaging.pacs.nodes import DICOMWEB, Node
from cvt_planner.imaging.pacs.outgoing import Outgoing, Settle

GET, MOVE, WEB = "get", "move", "web"
WAYS = (GET, MOVE, WEB)


class Peer(Protocol):
    """A PACS that can be asked. Every call may raise `PacsRefused`, `ConnectionBroken` and `Cancelled`."""

    node: Node

    def echo(self, progress: Progress) -> str:
        """Return a sentence that says the PACS answers."""

    def studies(self, query: Query, progress: Progress) -> Studies:
        """Return the studies that match."""

    def series(self, study_uid: str, progress: Progress) -> tuple[SeriesFound, ...]:
        """Return the series of a study."""

    def images(self, study_uid: str, series_uid: str, progress: Progress) -> tuple[ImageFound, ...]:
        """Return the images of a series; empty where there is no such series."""

    def fetch(
        self, study_uid: str, series_uid: str, wanted: Sequence[ImageFound], whole: bool, take: Take, progress: Progress
    ) -> str:
        """Give the wanted images to `take` as they come; return why some did not, or nothing.

        `whole` says that all images of the series are wanted.
        """

    def send(self, files: Sequence[Outgoing], scratch: Path, settle: Settle, progress: Progress) -> None:
        """Send files unchanged and settle each as it is answered for. `scratch` is an empty folder."""


def peer_of(node: Node, way: str = "") -> Peer:
    """Return the PACS of a node, to be asked in a way of `WAYS` ("": the node's own, C-GET before C-MOVE).

    Raises
    ------
    InputRefused
        If the node does not speak that way.
    """
    if way not in ("", *WAYS):
        raise InputRefused(f"There is no way {way!r} to fetch. Known are: {', '.join(WAYS)}.")
    if node.kind == DICOMWEB:
        if way not in ("", WEB):
            raise InputRefused(f"{node.name} is set up for DICOMweb: fetch --by web.")
        from cvt_planner.imaging.pacs.web import WebPeer

        return WebPeer(node)
    if way == WEB:
        raise InputRefused(f"{node.name} is set up for DICOM, not DICOMweb: fetch --by get or --by move.")
    from cvt_planner.imaging.pacs.dimse import DimsePeer

    return DimsePeer(node, way or GET)
