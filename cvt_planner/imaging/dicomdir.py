"""The files that the DICOMDIR of a medium names, each proved to lie on the medium."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from struct import error

from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from cvt_planner.base.progress import Progress
from cvt_planner.imaging.elements import (
    ITEM,
    UNDEFINED,
    NotPlain,
    TooDeep,
    Window,
    beginning,
    element_at,
    past_sequence,
    walk,
)
from cvt_planner.imaging.refs import FileRef, shown

MAX_DICOMDIR_BYTES = 64 << 20  # assumed; one of 100,000 images has about 40 MB
MOST_LEVELS = 16  # of folders in a ZIP that are looked through; a file's name in a DICOMDIR has up to 8 parts (PS3.10)
_RECORDS = 0x00041220
_FILE = BaseTag(0x00041500)


class BadDicomdir(Exception):
    """The DICOMDIR cannot be followed; its text says why, as the second half of a sentence."""


class FilesAbsent(BadDicomdir):
    """Files that are named are not there."""


class _NotThere(BadDicomdir):
    """A file that is named is absent; the text is its name."""


def files_of(path: Path, data: bytes, progress: Progress, medium: Medium | None = None) -> list[FileRef]:
    """Return the files that a DICOMDIR names, in its order, each once.

    Parameters
    ----------
    data
        The bytes of the DICOMDIR.
    medium
        Where its files are looked for, if not in its own folder on disk.

    Raises
    ------
    FilesAbsent
        If it names files that are not there.
    BadDicomdir
        If it is damaged, or names a file outside its own folder.
    """
    try:
        names = _names(data)
    except (NotPlain, TooDeep, error, IndexError) as fault:
        raise BadDicomdir("is damaged") from fault
    if not names:
        raise BadDicomdir("names no files")
    medium = medium or _OnDisk(path.parent)
    refs: dict[FileRef, None] = {}
    absent: list[str] = []
    for n, name in enumerate(names):
        if n % 64 == 0:
            progress.check()
        try:
            refs[medium.file(name)] = None
        except _NotThere as fault:
            absent.append(str(fault))
    if len(absent) > 1:
        raise FilesAbsent(f"names {len(absent)} files that are not there, first {absent[0]}")
    if absent:
        raise FilesAbsent(f"names {absent[0]}, which is not there")
    return list(refs)


def _names(data: bytes) -> list[tuple[str, ...]]:
    """Return the parts of every file name of the records."""
    window = Window(data, len(data), lambda place, count: data[place : place + count])
    syntax, _, place = beginning(window)
    explicit, little = syntax != ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    while place < len(data):
        tag, _, head, length = element_at(window, place, explicit, little)
        if tag == _RECORDS:
            end = len(data) if length == UNDEFINED else place + head + length
            return _names_of_items(Window(data, min(end, len(data)), window.fetch), place + head, explicit, little)
        place = past_sequence(window, place + head, explicit, little) if length == UNDEFINED else place + head + length
    raise NotPlain


def _names_of_items(window: Window, place: int, explicit: bool, little: bool) -> list[tuple[str, ...]]:
    names = []
    while place < window.size:
        tag, _, head, length = element_at(window, place, explicit, little)
        if tag != ITEM:
            break
        place += head
        end = window.size if length == UNDEFINED else place + length
        if end > window.size:
            raise NotPlain
        item = Window(window.data, end, window.fetch)
        values, place = walk(item, place, explicit, little, {int(_FILE): _FILE})
        if length == UNDEFINED:
            place += 8  # the mark at the item's end
        if _FILE in values:
            text = (values[_FILE].value or b"").decode("latin-1").strip(" \0")
            if text:
                names.append(tuple(part.strip() for part in text.split("\\")))
    return names


class Medium(ABC):
    """Finds files by names whose letters may have changed their case, or that lost or gained an ending."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], dict[str, str]] = {}

    @abstractmethod
    def names_in(self, folder: tuple[str, ...]) -> Iterable[str]:
        """Return the names of the files and folders in a folder of the medium; none where there is no such folder."""

    @abstractmethod
    def found(self, parts: tuple[str, ...]) -> FileRef:
        """Return the file at a place of the medium, as it is spelled there. Raises `BadDicomdir` where it is none."""

    def file(self, parts: tuple[str, ...]) -> FileRef:
        """Return the file of a name, given as its parts."""
        shown_name = shown("/".join(parts))
        if any(part in ("", ".", "..") or set(part) & set("/:\0") for part in parts):
            raise BadDicomdir(f"names a file outside the medium ({shown_name})")
        place: tuple[str, ...] = ()
        for part in parts:
            name = self._entry(place, part)
            if name is None:
                raise _NotThere(shown_name)
            place = (*place, name)
        return self.found(place)

    def _entry(self, folder: tuple[str, ...], part: str) -> str | None:
        if folder not in self._known:
            self._known[folder] = _spellings(sorted(self.names_in(folder)))
        known = self._known[folder]
        folded = part.casefold()
        return known.get(folded) or known.get(folded.partition(";")[0]) or known.get(folded.partition(".")[0])


class _OnDisk(Medium):
    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self._real_root = os.path.realpath(root).rstrip(os.sep) + os.sep

    def names_in(self, folder: tuple[str, ...]) -> Iterable[str]:
        """Return the names in a folder on disk."""
        try:
            return [entry.name for entry in self._root.joinpath(*folder).iterdir()]
        except OSError:
            return ()

    def found(self, parts: tuple[str, ...]) -> FileRef:
        """Return the file, proved to lie on the medium, whatever links lead to it."""
        place = self._root.joinpath(*parts)
        real = os.path.realpath(place)
        if not real.startswith(self._real_root):
            raise BadDicomdir(f"names a file outside the medium ({shown('/'.join(parts))})")
        if not Path(real).is_file():
            raise BadDicomdir(f"names {shown('/'.join(parts))}, which is no file")
        return FileRef(place)


class InZip(Medium):
    """The folder of a ZIP in which a DICOMDIR lies.

    Parameters
    ----------
    dicomdir, members
        The DICOMDIR and all files of the ZIP and the ZIPs within it.
    """

    def __init__(self, dicomdir: FileRef, members: Sequence[FileRef]) -> None:
        super().__init__()
        above = _parts_of(dicomdir)[:-1]
        parted = ((_parts_of(ref), ref) for ref in members if ref.within == dicomdir.within)
        inside = ((parts[len(above) :], ref) for parts, ref in parted if parts[: len(above)] == above)
        self._places = {parts: ref for parts, ref in inside if len(parts) <= MOST_LEVELS}
        self._names: dict[tuple[str, ...], set[str]] = {}
        for parts in self._places:
            for n, name in enumerate(parts):
                self._names.setdefault(parts[:n], set()).add(name)

    def names_in(self, folder: tuple[str, ...]) -> Iterable[str]:
        """Return the names in a folder of the ZIP."""
        return self._names.get(folder, ())

    def found(self, parts: tuple[str, ...]) -> FileRef:
        """Return the member of the ZIP."""
        if parts not in self._places:
            raise BadDicomdir(f"names {shown('/'.join(parts))}, which is no file")
        return self._places[parts]


def _parts_of(member: FileRef) -> tuple[str, ...]:
    return tuple(member.member.replace("\\", "/").split("/"))


def _spellings(names: list[str]) -> dict[str, str]:
    """Return the names of a folder by how they may be written; the full name wins over the one without ending."""
    found: dict[str, str] = {}
    for name in names:
        folded = name.casefold().partition(";")[0]
        found.setdefault(folded.partition(".")[0], name)
    found.update({name.casefold().partition(";")[0]: name for name in names})
    return found
