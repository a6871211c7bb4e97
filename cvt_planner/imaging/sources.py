"""Where image files come from: a folder, a ZIP, a DICOMDIR medium or one file. Nothing is ever unpacked to disk."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress

# Caps against hostile or mistaken input; all of them assumed, far above what a CT study needs.
MAX_FILES = 200_000
MAX_ZIP_ENTRIES = 100_000
MAX_MEMBER_BYTES = 1 << 30
MAX_ZIP_BYTES = 16 << 30
MAX_ZIP_RATIO = 1000  # of one member over 1 MiB; deflate itself cannot pass about 1032

RESEARCH_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr")
DICOMDIR_CLASS = b"1.2.840.10008.1.3.10"


def shown(path: Path | str) -> str:
    """Return a path for a message: always encodable, whatever bytes the file's name holds."""
    return os.fspath(path).encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, order=True)
class FileRef:
    """One file on disk, or one member of a ZIP on disk."""

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        """Return the full name, for messages."""
        return f"{shown(self.path)}: {shown(self.member)}" if self.member else shown(self.path)

    @property
    def short_name(self) -> str:
        """Return the last part of the name, for messages about many files of one folder."""
        return shown((self.member or self.path.name).rsplit("/", 1)[-1])

    @property
    def folder(self) -> str:
        """Return what holds the file: its folder, or ZIP and folder within."""
        if not self.member:
            return shown(self.path.parent)
        return f"{shown(self.path)}: {shown(self.member.rpartition('/')[0])}"


class Opener:
    """Opens files and ZIP members for reading; keeps each ZIP open until it is closed. Safe for several threads
    once every ZIP it meets has been opened."""

    def __init__(self) -> None:
        self._archives: dict[Path, zipfile.ZipFile] = {}

    def __enter__(self) -> Opener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for archive in self._archives.values():
            archive.close()
        self._archives.clear()

    def open(self, ref: FileRef) -> BinaryIO:
        """Return a seekable stream of the file's bytes; the caller closes it.

        Raises
        ------
        InputRefused
            If the file is gone, unreadable, encrypted, or larger than it says.
        """
        try:
            if not ref.member:
                return ref.path.open("rb")
            return io.BytesIO(self._member_bytes(ref))
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as fault:
            raise InputRefused(
                f"{ref.name} cannot be read: {fault}. Check the medium, or copy the study again."
            ) from fault

    def _member_bytes(self, ref: FileRef) -> bytes:
        if ref.path not in self._archives:
            self._archives[ref.path] = zipfile.ZipFile(ref.path)
        archive = self._archives[ref.path]
        declared = archive.getinfo(ref.member).file_size
        with archive.open(ref.member) as member:
            data = member.read(declared + 1)
        if len(data) != declared:
            raise InputRefused(f"{ref.name} is not as long as the ZIP says. Ask for the archive again.")
        return data


def list_files(path: Path, progress: Progress, *, deep: bool = True) -> list[FileRef]:
    """Return the files of a folder (with all its folders, or only itself where `deep` is false), in the order of
    their names. Links to folders are not followed."""
    refs: list[FileRef] = []
    for folder, folders, names in os.walk(path):
        progress.check()
        folders.sort()
        refs.extend(FileRef(Path(folder, name)) for name in sorted(names))
        if len(refs) > MAX_FILES:
            raise InputRefused(f"{shown(path)} holds over {MAX_FILES} files. Choose the folder of one study.")
        if not deep:
            break
    return [ref for ref in refs if ref.path.is_file()]


def list_members(path: Path) -> list[FileRef]:
    """Return the files of a ZIP in the order of their names.

    Raises
    ------
    InputRefused
        If the ZIP is damaged, protected by a password, or declares more than the caps of this module.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as fault:
        raise InputRefused(f"The ZIP {shown(path)} cannot be read: {fault}. Ask for the archive again.") from fault
    fault_text = _zip_fault(entries)
    if fault_text:
        raise InputRefused(f"The ZIP {shown(path)} {fault_text}")
    return sorted({FileRef(path, entry.filename) for entry in entries})


def _zip_fault(entries: list[zipfile.ZipInfo]) -> str:
    if len(entries) > MAX_ZIP_ENTRIES:
        return f"holds over {MAX_ZIP_ENTRIES} files. Choose the archive of one study."
    if sum(entry.file_size for entry in entries) > MAX_ZIP_BYTES:
        return f"unpacks to over {MAX_ZIP_BYTES >> 30} GiB. Choose the archive of one study."
    for entry in entries:
        if entry.flag_bits & 0x1:
            return "is protected by a password. Unpack it first and open the folder."
        large = entry.file_size > 1 << 20
        if entry.file_size > MAX_MEMBER_BYTES or (large and entry.file_size > MAX_ZIP_RATIO * entry.compress_size):
            return f"holds {shown(entry.filename)}, which unpacks to an implausible size. It was not opened."
    return ""


def kind_of(path: Path) -> str:
    """Return what a path is by its content: "folder", "zip", "dicomdir", "research" or "file".

    Raises
    ------
    InputRefused
        If there is nothing readable at the path.
    """
    try:
        if path.is_dir():
            return "folder"
        if not path.exists():
            raise InputRefused(f"{shown(path)} does not exist. Check the path, or whether the drive is connected.")
        with path.open("rb") as stream:
            head = stream.read(1024)
    except OSError as fault:
        raise InputRefused(f"{shown(path)} cannot be read: {fault.strerror}. Check the permissions.") from fault
    if head[128:132] == b"DICM":
        return "dicomdir" if _is_dicomdir(head) else "file"
    if path.name.lower().endswith(RESEARCH_ENDINGS):
        return "research"
    return "zip" if head[:4] in (b"PK\x03\x04", b"PK\x05\x06") else "file"


def _is_dicomdir(head: bytes) -> bool:
    """Return whether the media storage SOP class (0002,0002), padded to even length, is that of a DICOMDIR."""
    place = head.find(b"\x02\x00\x02\x00UI")
    return place >= 0 and head[place + 8 :].startswith(DICOMDIR_CLASS)
