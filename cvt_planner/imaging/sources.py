"""Where image files come from: a folder, a ZIP, a DICOMDIR medium or single files. Nothing is ever unpacked to disk."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.archives import Damaged, PasswordNeeded
from cvt_planner.imaging.refs import FileRef, brief, shown
from cvt_planner.imaging.zip_tree import ZIP_STARTS, ZipTree

MAX_FILES = 200_000  # assumed, far above what a CT study needs
FILE_LIMIT_S = 10.0  # for one file without any progress; assumed, a slice takes milliseconds
SLOWEST_BYTES_PER_S = 10 << 20  # the slowest work on a file in one go that is waited for; assumed

RESEARCH_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr")
DICOMDIR_CLASS = b"1.2.840.10008.1.3.10"
# How other ways to pack a study begin: where the mark stands, the mark, and what to call the file.
_PACKED = (
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"\x1f\x8b", "packed with gzip"),
    (0, b"MZ", "a program, perhaps a self-extracting archive"),
    (257, b"ustar", "a tar archive"),
    (32769, b"CD001", "the image of a CD"),
)
__all__ = [
    "FILE_LIMIT_S", "MAX_FILES", "RESEARCH_ENDINGS", "ZIP_STARTS", "FileRef", "Opener", "PasswordNeeded", "kind_of",
    "list_files", "packed_words", "patience_s", "shown",
]  # fmt: skip


class Opener:
    """Opens files and ZIP members for reading; keeps each ZIP open until it is closed. Safe for several threads.

    Parameters
    ----------
    password
        For a protected ZIP; kept here only.
    left_out
        Names of files that must not be opened again, each with the sentence that says why.
    watch
        Called with a file's name and the seconds it may take without progress, before it is touched.
    """

    def __init__(
        self,
        password: str = "",
        left_out: Mapping[str, str] | None = None,
        watch: Callable[[str, float], None] | None = None,
    ) -> None:
        self._archives: dict[Path, ZipTree] = {}
        self._lock = threading.Lock()  # of opening ZIPs
        self._password = password
        self._left_out = left_out or {}
        self._watch = watch

    def __enter__(self) -> Opener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for archive in self._archives.values():
            archive.close()
        self._archives.clear()

    def __repr__(self) -> str:
        return f"Opener({len(self._archives)} archives)"  # never the password

    def enter(self, ref: FileRef, limit_s: float = FILE_LIMIT_S) -> None:
        """Say which file is about to be touched.

        Raises
        ------
        InputRefused
            If the file is one of those left out.
        """
        if self._left_out and ref.name in self._left_out:
            raise Damaged(self._left_out[ref.name])
        if self._watch is not None:
            self._watch(ref.name, limit_s)

    def open(self, ref: FileRef) -> BinaryIO:
        """Return a seekable stream of the file's bytes; the caller closes it.

        Raises
        ------
        InputRefused
            If the file is gone or unreadable, or the password does not fit it. A member that is longer or shorter than
            its ZIP says is refused while it is read.
        """
        self.enter(ref)
        try:
            if not ref.member:
                return cast(BinaryIO, open(ref.path, "rb", buffering=0))  # noqa: PTH123  (half the time)
            with self._lock:
                return cast(BinaryIO, self._tree(ref.path).stream(ref))
        except OSError as fault:
            raise InputRefused(
                f"{ref.name} cannot be read: {brief(fault)}. Check the medium, or copy the study again."
            ) from fault

    def members(self, path: Path, unread: list[tuple[str, str]] | None = None) -> list[FileRef]:
        """Return the files of the ZIP at a path and of the ZIPs within it, as `ZipTree.members` does.

        Raises
        ------
        InputRefused
            If one of them cannot be opened, or all together declare more than their caps; `PasswordNeeded`.
        """
        try:
            with self._lock:
                return self._tree(path).members(unread)
        except OSError as fault:
            raise InputRefused(f"The ZIP {shown(path)} cannot be read: {brief(fault)}. Check the medium.") from fault

    def _tree(self, path: Path) -> ZipTree:
        if path not in self._archives:
            self._archives[path] = ZipTree(path, self._password, self._enter_zip)
        return self._archives[path]

    def _enter_zip(self, ref: FileRef, size: int) -> None:
        self.enter(ref, patience_s(size))


def patience_s(size: int) -> float:
    """Return how long a file of a size that is read in one go may be worked on without a sign of progress, s."""
    return FILE_LIMIT_S + size / SLOWEST_BYTES_PER_S


def list_files(
    path: Path, progress: Progress, *, deep: bool = True, unread: list[tuple[str, str]] | None = None
) -> list[FileRef]:
    """Return the files of a folder (with all its folders, or only itself where `deep` is false), in the order of
    their names.

    Links to folders are not followed, links to files only where they stay inside the folder. Folders inside that cannot
    be read are added to `unread`, each with a sentence.
    """
    refs: list[FileRef] = []
    todo, root = [os.fspath(path)], os.path.realpath(path)
    while todo:
        progress.check()
        try:
            files, folders = _entries(todo.pop(), root, MAX_FILES - len(refs))
        except OSError as fault:
            sentence = f"The folder {shown(fault.filename or path)} cannot be read: {fault.strerror or fault}."
            if not refs and not todo and unread is not None and fault.filename == os.fspath(path):
                raise InputRefused(f"{sentence} Check the medium or the permissions.") from fault
            if unread is not None:
                unread.append((shown(fault.filename or path), sentence))
            continue
        refs.extend(FileRef(Path(name)) for name in files)
        if len(refs) > MAX_FILES:
            raise InputRefused(f"{shown(path)} holds over {MAX_FILES} files. Choose the folder of one study.")
        if not deep:
            break
        todo.extend(reversed(folders))
    return refs


def _entries(folder: str, root: str, most: int) -> tuple[list[str], list[str]]:
    """Return the files and the folders of one folder, sorted; only a few more files than `most`."""
    files, folders = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.is_file(follow_symlinks=False) or (entry.is_symlink() and _stays_inside(entry, root)):
                files.append(entry.path)
            if len(files) > most:
                break
    return sorted(files), sorted(folders)


def _stays_inside(entry: os.DirEntry[str], root: str) -> bool:
    target = os.path.realpath(entry.path)
    return os.path.isfile(target) and target.startswith(root.rstrip(os.sep) + os.sep)  # noqa: PTH113


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
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputRefused(f"{shown(path)} is no file that can be read. Choose a file or a folder.")
        with path.open("rb") as stream:
            head = stream.read(1024)
    except OSError as fault:
        raise InputRefused(f"{shown(path)} cannot be read: {fault.strerror}. Check the permissions.") from fault
    if head[128:132] == b"DICM":
        return "dicomdir" if is_dicomdir(head) else "file"
    if path.name.lower().endswith(RESEARCH_ENDINGS):
        return "research"
    return "zip" if head[:4] in ZIP_STARTS else "file"


def is_dicomdir(head: bytes) -> bool:
    """Return whether the media storage SOP class (0002,0002), padded to even length, is that of a DICOMDIR."""
    place = head.find(b"\x02\x00\x02\x00UI")
    return place >= 0 and head[place + 8 :].startswith(DICOMDIR_CLASS)


def packed_words(path: Path) -> str:
    """Return what to call a file that another program packed ("a RAR archive"); empty where it is none."""
    with path.open("rb") as stream:
        head = stream.read(max(place + len(mark) for place, mark, _ in _PACKED))
    return next((words for place, mark, words in _PACKED if head.startswith(mark, place)), "")
