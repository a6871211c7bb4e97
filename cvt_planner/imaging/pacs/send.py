"""Sending a study's files to a PACS, as they are."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pacs.faults import ConnectionBroken
from cvt_planner.imaging.pacs.outgoing import Outgoing, outgoing_of
from cvt_planner.imaging.pacs.patience import Patience
from cvt_planner.imaging.pacs.peer import Peer


@dataclass(frozen=True)
class Sent:
    """What a PACS took: number of images, of other files that were passed over, and name and reason of each refused."""

    images: int
    skipped: int
    refused: tuple[tuple[str, str], ...]


def send_path(peer: Peer, path: Path, progress: Progress | None = None) -> Sent:
    """Return what the PACS took of the DICOM files of a folder, a ZIP or a file.

    Where the connection breaks, what has not been answered for is sent again, as the node says how often.

    Raises
    ------
    InputRefused
        If the path holds nothing to send or the PACS refuses the connection.
    ConnectionBroken
        If it broke again and again; the text says how many were sent.
    """
    progress = progress or Progress()
    files, skipped = outgoing_of(path, progress)
    with tempfile.TemporaryDirectory(prefix="cvt-") as scratch:
        reasons = _all_sent(peer, files, Path(scratch), progress)
    refused = tuple((one.ref.name, reasons[one]) for one in files if reasons[one])
    progress.report(1.0, f"{len(files) - len(refused)} images sent")
    return Sent(len(files) - len(refused), skipped, refused)


def _all_sent(peer: Peer, files: Sequence[Outgoing], scratch: Path, progress: Progress) -> dict[Outgoing, str]:
    """Return of every file why it was not taken; nothing where it was."""
    reasons: dict[Outgoing, str] = {}
    patience = Patience(peer.node, progress)

    def settle(one: Outgoing, reason: str) -> None:
        reasons[one] = reason
        progress.report(len(reasons) / len(files), f"{len(reasons)} of {len(files)} images sent")

    while len(reasons) < len(files):
        before = len(reasons)
        try:
            peer.send([one for one in files if one not in reasons], scratch, settle, progress)
        except ConnectionBroken as fault:
            if patience.ends(len(reasons) > before, fault):
                if not reasons:
                    raise
                words = f"{len(reasons)} of {len(files)} images were sent, then it ended: {fault} Send again."
                raise ConnectionBroken(words) from fault
            patience.wait(len(reasons) / len(files), f"{len(reasons)} of {len(files)} images sent")
    return reasons
