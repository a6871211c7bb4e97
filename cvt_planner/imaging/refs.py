"""One file to read: on disk, or a member of a ZIP on disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

MOST_LETTERS = 120  # of what a library says


def shown(path: Path | str) -> str:
    """Return a path for a message: always encodable, whatever bytes the file's name holds."""
    return os.fspath(path).encode("utf-8", "replace").decode("utf-8")


def brief(fault: Exception) -> str:
    """Return what an exception of a library says, short enough to stand within a sentence."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(fault)).split())
    text = text.split(". ")[0].rstrip(".")
    return f"{text[:MOST_LETTERS]}…" if len(text) > MOST_LETTERS else text or type(fault).__name__


@dataclass(frozen=True, order=True)
class FileRef:
    """One file on disk, or one member of a ZIP on disk or of a ZIP within that.

    Parameters
    ----------
    member
        Name in the ZIP; empty for the file on disk itself.
    within
        Names of the ZIPs inside the one on disk that lead to the member, from the outside.
    """

    path: Path
    member: str = ""
    within: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """Return what leads to the file inside its ZIP: the ZIPs within, and its name; empty for a file on disk."""
        return (*self.within, self.member) if self.member else self.within

    @property
    def name(self) -> str:
        """Return the full name, for messages."""
        return ": ".join((shown(self.path), *map(shown, self.places)))

    @property
    def short_name(self) -> str:
        """Return the last part of the name, for messages about many files of one folder."""
        return shown((self.member or self.path.name).rsplit("/", 1)[-1])

    @property
    def folder(self) -> str:
        """Return what holds the file: its folder, or ZIP and folder within."""
        if not self.member:
            return shown(self.path.parent)
        return ": ".join((shown(self.path), *map(shown, self.within), shown(self.member.rpartition("/")[0])))

    def inner(self, member: str) -> FileRef:
        """Return a member of the ZIP that this file is."""
        return FileRef(self.path, member, self.places)
