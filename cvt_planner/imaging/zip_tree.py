"""A ZIP on disk and the ZIPs within it. What is packed more than once is held in memory, never unpacked to disk."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.archives import Damaged, MemberStream, Tally, list_members, open_archive
from cvt_planner.imaging.refs import FileRef

ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
ZIP_ENDING = ".zip"
MAX_ZIP_LEVELS = 3  # the ZIP on disk counted; assumed, a study that was packed and sent on has two
MAX_INNER_BYTES = 1 << 30  # of all inner ZIPs that are open together: they are held in memory; assumed


class ZipTree:
    """A ZIP on disk and the ZIPs within it, each opened when it is first needed; the caps hold for all together.

    Parameters
    ----------
    path
        The ZIP on disk.
    password
        For all of them.
    enter
        Called with each ZIP and its size before it is touched; it may refuse.
    """

    def __init__(self, path: Path, password: str, enter: Callable[[FileRef, int], None]) -> None:
        self._password = password
        self._enter = enter
        self._root = FileRef(path)
        self._open: dict[tuple[str, ...], zipfile.ZipFile] = {}
        self._streams: list[BinaryIO] = []
        self._shares: dict[tuple[str, ...], float] = {(): 1.0}
        self._inner_bytes = 0
        size = path.stat().st_size
        self._tally = Tally(size)
        enter(self._root, size)
        self._streams.append(path.open("rb"))
        try:
            self._open[()] = open_archive(self._root, self._streams[0], password, self._tally)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of all of them."""
        for stream in reversed(self._streams):
            stream.close()
        self._streams.clear()
        self._open.clear()

    def stream(self, ref: FileRef) -> MemberStream:
        """Return a stream of a member. Raises what `archive` raises."""
        return MemberStream(self.archive(ref.within), ref)

    def archive(self, within: tuple[str, ...] = ()) -> zipfile.ZipFile:
        """Return the ZIP on disk, or the one within it to which the names lead.

        Raises
        ------
        InputRefused
            What `open_archive` raises; and if the ZIPs lie too deep within each other, or are too large.
        """
        if within not in self._open:
            self._open[within] = self._opened(within)
        return self._open[within]

    def members(self, unread: list[tuple[str, str]] | None = None) -> list[FileRef]:
        """Return the files of all the ZIPs, in the order of their names; a ZIP stands for its files.

        Parameters
        ----------
        unread
            To which inner ZIPs that are damaged are added, each with a sentence, and stand for themselves; if it is not
            given, the first is raised.

        Raises
        ------
        InputRefused
            What `archive` raises.
        """
        found: list[FileRef] = []
        todo = [self._root]
        while todo:
            ref = todo.pop()
            for member in list_members(self.archive(ref.places), ref):
                try:
                    if self._is_zip(member):
                        self.archive(member.places)
                        todo.append(member)
                        continue
                except Damaged as fault:
                    if unread is None:
                        raise
                    unread.append((member.name, str(fault)))
                found.append(member)
        return sorted(found)

    def _is_zip(self, member: FileRef) -> bool:
        if not member.member.lower().endswith(ZIP_ENDING):
            return False
        with self.stream(member) as stream:
            return stream.read(4) in ZIP_STARTS

    def _opened(self, within: tuple[str, ...]) -> zipfile.ZipFile:
        ref = FileRef(self._root.path, within[-1], within[:-1])
        if len(within) >= MAX_ZIP_LEVELS:
            raise InputRefused(
                f"The ZIP {ref.name} lies deeper than {MAX_ZIP_LEVELS} ZIPs within each other. It was not opened: "
                "unpack the outer ones, and choose the one that holds the study."
            )
        around = self.archive(ref.within)
        entry = around.getinfo(ref.member)
        self._inner_bytes += entry.file_size
        if self._inner_bytes > MAX_INNER_BYTES:
            raise InputRefused(
                f"The ZIPs within {self._root.name} have together over {MAX_INNER_BYTES >> 30} GiB, with {ref.name}. "
                "Unpack the outer one, and choose the ZIP of one study."
            )
        self._enter(ref, entry.file_size)
        share = self._shares[ref.within] * entry.compress_size / max(entry.file_size, 1)
        self._shares[within] = share
        stream = cast(BinaryIO, self.stream(ref))
        self._streams.append(stream)
        return open_archive(ref, stream, self._password, self._tally, share)
