"""One ZIP, read in place: caps before anything is unpacked, its password, and members inflated only as far as read.

Nothing is ever unpacked to disk, and no name from inside an archive is used for more than showing it.
"""

from __future__ import annotations

import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.refs import FileRef, brief, shown

# Caps against hostile or mistaken input; all of them assumed, far above what a CT study needs. Those on files, sizes
# and ratios count what a ZIP and the ZIPs within it hold together.
MAX_ZIP_ENTRIES = 100_000
MAX_DIRECTORY_BYTES = 64 << 20  # of the list of entries itself, which is held in memory
MAX_MEMBER_BYTES = 1 << 30
MAX_ZIP_BYTES = 16 << 30
MAX_ZIP_RATIO = 1000  # of one member over 1 MiB, and of all of them; deflate itself cannot pass about 1032
CHUNK_BYTES = 1 << 20
HEADER_BYTES = 1 << 16
_TAIL_BYTES = 66_000  # an end record, its longest comment and the two records of a large archive before it
_WRONG = (  # what unpacking raises
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip


class PasswordNeeded(InputRefused):
    """The ZIP is protected: a password is needed, or the one that was given is wrong."""

    def __init__(self, ref: FileRef, wrong: bool = False) -> None:
        self.ref = ref
        self.wrong = wrong
        what = "is protected, and the password does not open it" if wrong else "is protected by a password"
        advice = "Ask the sender for the password (--password-file F)."
        if ref.member:
            advice += " If it is not that of the ZIP around it, unpack the outer one and choose this one by itself."
        super().__init__(f"The ZIP {ref.name} {what}. {advice}")

    @property
    def zip_name(self) -> str:
        """Return the name of the ZIP without its folder, for asking."""
        return ": ".join((shown(self.ref.path.name), *map(shown, self.ref.places)))

    def __reduce__(self) -> tuple[type[PasswordNeeded], tuple[FileRef, bool]]:
        return PasswordNeeded, (self.ref, self.wrong)


class Damaged(InputRefused):
    """A ZIP or a member cannot be read; it need not keep what lies beside it from being read."""


@dataclass
class Tally:
    """What a ZIP on disk and the ZIPs within it declare so far.

    Parameters
    ----------
    disk_bytes
        Size of the ZIP on disk.
    """

    disk_bytes: int
    entries: int = 0
    unpacked_bytes: int = 0

    def fault(self, entries: Sequence[zipfile.ZipInfo], archive_bytes: int, share: float) -> str:
        """Count the files of one of the ZIPs; return why it must not be read, as the end of a sentence, or nothing.

        Parameters
        ----------
        archive_bytes
            Size of this ZIP.
        share
            How many bytes on disk stand for a byte of it; below 1 where it is compressed within another.
        """
        self.entries += len(entries)
        self.unpacked_bytes += sum(entry.file_size for entry in entries)
        if self.entries > MAX_ZIP_ENTRIES:
            return f"holds over {MAX_ZIP_ENTRIES} files. Choose the archive of one study."
        if self.unpacked_bytes > MAX_ZIP_BYTES:
            return f"unpacks to over {MAX_ZIP_BYTES >> 30} GiB. Choose the archive of one study."
        if sum(entry.compress_size for entry in entries) > archive_bytes:
            return "is malformed: its files overlap each other. It was not opened."
        for entry in entries:
            if entry.file_size > MAX_MEMBER_BYTES or _is_bomb(entry.file_size, share * entry.compress_size):
                return f"holds {shown(entry.filename)}, which unpacks to an implausible size. It was not opened."
        if _is_bomb(self.unpacked_bytes, self.disk_bytes):
            return "unpacks to an implausible size. It was not opened."
        return ""


def _is_bomb(unpacked_bytes: int, packed_bytes: float) -> bool:
    return unpacked_bytes > 1 << 20 and unpacked_bytes > MAX_ZIP_RATIO * packed_bytes


def open_archive(ref: FileRef, stream: BinaryIO, password: str, tally: Tally, share: float = 1.0) -> zipfile.ZipFile:
    """Return an open ZIP, its caps and its password checked; the caller closes it, and the stream it is read from.

    Parameters
    ----------
    ref
        Which file it is; for messages.
    tally, share
        What is known of the ZIPs around it, see `Tally.fault`; its own files are added.

    Raises
    ------
    Damaged
        If it is damaged.
    InputRefused
        If it declares more than the caps of this module.
    PasswordNeeded
        If it is protected and the password is missing or wrong.
    """
    try:
        size = _checked_size(ref, stream)
        archive = zipfile.ZipFile(stream)
    except _WRONG as fault:
        raise _damaged(ref, fault) from fault
    entries = _files(archive)
    fault_text = tally.fault(entries, size, share)
    if fault_text:
        raise InputRefused(f"The ZIP {ref.name} {fault_text}")
    protected = [entry for entry in entries if entry.flag_bits & 0x1]
    if protected:
        archive = _unlocked(ref, stream, password, protected)
    _part_namesakes(archive)
    return archive


def list_members(archive: zipfile.ZipFile, ref: FileRef) -> list[FileRef]:
    """Return the files of an open ZIP in the order of their names, each of its own; links are left out."""
    kept = {id(entry) for entry in _files(archive) if not _is_link(entry)}
    return sorted(ref.inner(name) for name, entry in archive.NameToInfo.items() if id(entry) in kept)


def _part_namesakes(archive: zipfile.ZipFile) -> None:
    """Give every file a name of its own: of several under one name only the last could be read, the others be lost."""
    archive.NameToInfo.clear()
    counts: dict[str, int] = {}
    for entry in archive.infolist():
        name = entry.filename
        while name in archive.NameToInfo:
            counts[entry.filename] = counts.get(entry.filename, 1) + 1
            name = f"{entry.filename} ({counts[entry.filename]})"
        archive.NameToInfo[name] = entry


def _files(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [entry for entry in archive.infolist() if entry.filename and not entry.filename.endswith("/")]


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_IFMT(entry.external_attr >> 16) == stat.S_IFLNK


def _damaged(ref: FileRef, fault: Exception) -> Damaged:
    return Damaged(f"The ZIP {ref.name} cannot be read: {brief(fault)}. Ask for the archive again.")


def _unlocked(ref: FileRef, stream: BinaryIO, password: str, protected: Sequence[zipfile.ZipInfo]) -> zipfile.ZipFile:
    """Return the ZIP opened with its password, which is proved on its smallest file."""
    import pyzipper  # type: ignore[import-untyped]  # only here: few archives are protected

    if not password:
        raise PasswordNeeded(ref)
    try:
        archive: zipfile.ZipFile = pyzipper.AESZipFile(stream)
        archive.setpassword(password.encode("utf-8"))
    except _WRONG as fault:
        raise _damaged(ref, fault) from fault
    smallest = min(protected, key=lambda entry: entry.compress_size)
    try:
        # Old encryption proves a password by one byte only: the checksum at the end of the file must fit as well.
        with archive.open(smallest.filename) as member:
            while member.read(CHUNK_BYTES):
                pass
    except _WRONG as fault:
        raise PasswordNeeded(ref, wrong=True) from fault
    return archive


def _checked_size(ref: FileRef, stream: BinaryIO) -> int:
    """Return the size of a ZIP; raise where its list of entries is implausibly large, before that is read."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _TAIL_BYTES))
    tail = stream.read()
    end, large = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    declared = int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0
    if declared == 0xFFFFFFFF and large >= 0:
        declared = int.from_bytes(tail[large + 40 : large + 48], "little")
    if declared > MAX_DIRECTORY_BYTES:
        raise InputRefused(f"The ZIP {ref.name} lists far too many files. Choose the archive of one study.")
    return size


class MemberStream(io.RawIOBase):
    """A seekable stream of a ZIP member that is inflated only as far as it is read. Its methods raise `Damaged`."""

    def __init__(self, archive: zipfile.ZipFile, ref: FileRef) -> None:
        self._ref = ref
        try:
            self._declared = archive.getinfo(ref.member).file_size
            self._source: Any = archive.open(ref.member)
        except (*_WRONG, KeyError) as fault:
            raise Damaged(f"{ref.name} cannot be read: {brief(fault)}. Ask for the archive again.") from fault
        self._data = bytearray()
        self._at = 0

    def read(self, count: int = -1) -> bytes:
        """Return up to `count` bytes from the present place; all that follow where it is negative."""
        wanted = self._declared if count is None or count < 0 else min(self._at + count, self._declared)
        if wanted > len(self._data):
            # More than a header: the whole member, so that its checksum is compared.
            self._fetch(wanted if wanted <= HEADER_BYTES < self._declared else self._declared)
        data = bytes(memoryview(self._data)[self._at : max(wanted, self._at)])
        self._at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the present place; return how many bytes were there."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; return it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._declared}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        """Return the present place."""
        return self._at

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be searched."""
        return True

    def close(self) -> None:
        """Let go of the member."""
        self._source.close()
        super().close()

    def _fetch(self, wanted: int) -> None:
        try:
            while len(self._data) < wanted:
                piece = self._source.read(min(CHUNK_BYTES, wanted - len(self._data)))
                if not piece:
                    break
                self._data += piece
            # At its end the archive's own checksum is compared, and nothing may follow.
            ended = wanted < self._declared or not self._source.read(1)
        except _WRONG as fault:
            raise Damaged(f"{self._ref.name} cannot be unpacked: {brief(fault)}. Ask for the archive again.") from fault
        if len(self._data) < wanted or not ended:
            raise Damaged(f"{self._ref.name} is not as long as the ZIP says. Ask for the archive again.")
