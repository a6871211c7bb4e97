"""Sending a study's files to a PACS, as they are."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pacs.outgoing import outgoing_of
from cvt_planner.imaging.pacs.peer import Peer


@dataclass(frozen=True)
class Sent:
    """What a PACS took: number of images, of other files that were passed over, and name and reason of each refused."""

    images: int
    skipped: int
    refused: tuple[tuple[str, str], ...]


def send_path(peer: Peer, path: Path, progress: Progress | None = None) -> Sent:
    """Return what the PACS took of the DICOM files of a folder, a ZIP or a file.

    Raises
    ------
    InputRefused
        If the path holds nothing to send or the PACS refuses the connection.
    """
    progress = progress or Progress()
    files, skipped = outgoing_of(path, progress)
    with tempfile.TemporaryDirectory(prefix="cvt-") as scratch:
        refused = peer.send(files, Path(scratch), progress)
    return Sent(len(files) - len(refused), skipped, refused)
