"""C-STORE, both ways: taking what a PACS sends, and sending files to one; bytes as they are."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pynetdicom import build_context
from pynetdicom.association import Association

from cvt_planner.base.errors import PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pacs.association import association
from cvt_planner.imaging.pacs.faults import ConnectionBroken
from cvt_planner.imaging.pacs.found import Take
from cvt_planner.imaging.pacs.nodes import Node
from cvt_planner.imaging.pacs.outgoing import Outgoing, Settle
from cvt_planner.imaging.sources import Opener

_TAKEN, _NOT_ASKED_FOR, _NO_ROOM = 0x0000, 0xC000, 0xA700
_MOST_CONTEXTS = 128
_WARNINGS = (0xB000, 0xB006, 0xB007)  # stored, with a remark


class Receiver:
    """Hands the files that a PACS sends to `take`, whichever association they come over."""

    def __init__(self, take: Take, progress: Progress) -> None:
        self.take = take
        self.progress = progress
        self.remark = ""
        self._fault: Exception | None = None
        self._lock = threading.Lock()  # a PACS may send over several associations at once

    def handle(self, event: Any) -> int:
        """Return the status for one file that came."""
        sop_uid = str(event.request.AffectedSOPInstanceUID)
        with self._lock:
            if self._fault is not None or self.progress.stopping:
                return _NO_ROOM
            try:
                kept = self.take(sop_uid, event.encoded_dataset())
            except (OSError, PlannerError) as fault:  # told on the asking thread, see `check`
                self._fault = fault
                return _NO_ROOM
            if not kept:
                self.remark = "An image came that was not asked for, or is not the one it was called; it was left out."
            return _TAKEN if kept else _NOT_ASKED_FOR

    def check(self) -> None:
        """Raise what went wrong while a file was put away."""
        if self._fault is not None:
            raise self._fault


def store_all(node: Node, files: Sequence[Outgoing], scratch: Path, settle: Settle, progress: Progress) -> None:
    """Send all files unchanged, and settle each as it is answered for."""
    kinds = sorted({(one.sop_class, one.syntax) for one in files})
    with Opener() as opener:
        for start in range(0, len(kinds), _MOST_CONTEXTS):
            chosen = kinds[start : start + _MOST_CONTEXTS]
            batch = [one for one in files if (one.sop_class, one.syntax) in chosen]
            with association(node, [build_context(*kind) for kind in chosen], progress) as opened:
                for one in batch:
                    settle(one, _store(node, opened, one, _path_of(one, opener, scratch), progress))


def _path_of(one: Outgoing, opener: Opener, scratch: Path) -> Path:
    if not one.ref.member:
        return one.ref.path
    path = scratch / "image.dcm"  # one after the other under the same name
    path.write_bytes(one.bytes(opener))
    return path


def _store(node: Node, opened: Association, one: Outgoing, path: Path, progress: Progress) -> str:
    try:
        answer = opened.send_c_store(path)
    except ValueError:
        return f"{node.name} does not take this kind of image, or not compressed this way."
    except (AttributeError, OSError) as fault:
        return f"It cannot be sent as it is: {fault}"
    except RuntimeError as fault:
        progress.check()
        raise ConnectionBroken(f"The connection with {node.name} broke while sending.") from fault
    progress.check()
    status = answer.get("Status")
    if status is None:
        raise ConnectionBroken(f"The connection with {node.name} broke while sending.")
    if status == _TAKEN or status in _WARNINGS:
        return ""
    return f"{node.name} refused it with error 0x{int(status):04X}."
