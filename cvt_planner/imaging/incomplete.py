"""Series that were not fetched whole from a PACS: how their folder is marked, and why it is not opened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.sources import FileRef, Opener, shown

MARKER = "cvt-retrieval.json"
IMAGE_ENDING = ".dcm"
RESUME = "Press Resume in 'Fetch from PACS', or give the same 'pacs get' again."
_MAX_MARKER_BYTES = 64 << 20  # assumed: 100,000 names of 64 letters are a tenth of it
_LEVELS_UP = 2  # the images of an unfinished retrieval lie one folder below its marker


def refuse_incomplete(place: Path) -> None:
    """Return only where a path does not lie within an unfinished retrieval.

    Raises
    ------
    InputRefused
        If it does; the text says how many of how many images are there.
    """
    folder = place if place.is_dir() else place.parent
    for above in (folder, *list(folder.absolute().parents)[:_LEVELS_UP]):
        marker = above / MARKER
        if not marker.is_file():
            continue
        with marker.open("rb") as stream:
            head = stream.read(_MAX_MARKER_BYTES)
        have = sum(1 for path in above.rglob(f"*{IMAGE_ENDING}") if path.is_file())
        raise InputRefused(_sentence(shown(above), head, have))


def without_incomplete(
    refs: Sequence[FileRef], opener: Opener
) -> tuple[Sequence[FileRef], tuple[tuple[FileRef, str], ...]]:
    """Return the files that lie in no unfinished retrieval; and the marker of each, with a sentence."""
    markers = [ref for ref in refs if ref.short_name == MARKER]
    left_out = []
    for marker in markers:
        inside = [ref for ref in refs if _is_beside_or_below(ref, marker)]
        have = sum(1 for ref in inside if ref.short_name.endswith(IMAGE_ENDING))
        with opener.open(marker) as stream:
            left_out.append((marker, _sentence(marker.folder, stream.read(_MAX_MARKER_BYTES), have)))
        gone = set(inside)
        refs = [ref for ref in refs if ref not in gone]
    return refs, tuple(left_out)


def _is_beside_or_below(ref: FileRef, marker: FileRef) -> bool:
    if marker.member:
        here, at = ref.places, len(marker.within)
        inside = ref.path == marker.path and here[:at] == marker.within
        return inside and here[at].startswith(marker.member[: -len(MARKER)])
    return ref.path.is_relative_to(marker.path.parent)


def _sentence(where: str, marker: bytes, have: int) -> str:
    total, node = "an unknown number of", "a PACS"
    try:
        values = json.loads(marker)
        total, node = str(len(values["images"])), str(values["node"])[:64]
    except (ValueError, KeyError, TypeError, RecursionError):
        pass  # whatever the marker holds, its folder is not a whole series
    return f"{where} holds {have} of {total} images of a series that was not fetched whole from {node}. {RESUME}"
