"""Where the images of a series lie until all of them are here; only then do they become a series that is opened."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.tag import Tag

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging import isolation
from cvt_planner.imaging.elements import NotPlain, TooDeep, Window, plain_elements
from cvt_planner.imaging.incomplete import IMAGE_ENDING, MARKER
from cvt_planner.imaging.pacs.found import ImageFound
from cvt_planner.imaging.sources import shown

STAGING_ENDING = ".incomplete"
_IMAGES = "images"
_IDENTITY = {int(tag): tag for tag in (Tag("SOPInstanceUID"), Tag("SeriesInstanceUID"))}
_MAX_MARKER_BYTES = 64 << 20


@dataclass(frozen=True)
class Unfinished:
    """A retrieval that can be resumed: what it fetches, from where, into which folder, and how far it came."""

    node: str
    study_uid: str
    series_uid: str
    out: Path
    have: int
    total: int


class Staging:
    """The folder beside the final one that collects images. File names are made of a hash of the UID that was asked
    for; nothing of a file's content is ever part of a name."""

    def __init__(self, out: Path, node: str, study_uid: str, series_uid: str) -> None:
        self.out = out
        self.folder = staging_of(out)
        self.node, self.study_uid, self.series_uid = node, study_uid, series_uid
        self.images: dict[str, ImageFound] = {}
        self._have: set[str] = set()
        self.bytes_taken = 0
        self._open()

    @property
    def have(self) -> int:
        """Return the number of wanted images that are here."""
        return len(self._have)

    @property
    def total(self) -> int:
        """Return the number of images the series has."""
        return len(self.images)

    def missing(self) -> tuple[ImageFound, ...]:
        """Return the images that are still to come."""
        return tuple(image for uid, image in self.images.items() if uid not in self._have)

    def expect(self, images: Iterable[ImageFound]) -> None:
        """Say which images the series has; what is here of them already counts."""
        self.images = {image.sop_uid: image for image in images}
        self._have = {uid for uid in self.images if self._path(uid).is_file()}
        marker = {
            "node": self.node,
            "study_uid": self.study_uid,
            "series_uid": self.series_uid,
            "images": list(self.images),
        }
        part = self.folder / f"{MARKER}.{os.getpid()}.part"
        part.write_text(json.dumps(marker), encoding="utf-8")
        part.replace(self.folder / MARKER)

    def take(self, sop_uid: str, data: bytes) -> bool:
        """Return whether a file is one of those asked for, after writing its bytes unchanged."""
        if sop_uid not in self.images:
            return False
        if sop_uid in self._have:
            return True
        try:
            inside, series = _identity_of(data)
        except InputRefused:
            return False
        if inside != sop_uid or series not in ("", self.series_uid):
            return False
        path = self._path(sop_uid)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(data)
        part.replace(path)
        self._have.add(sop_uid)
        self.bytes_taken += len(data)
        return True

    def finish(self) -> None:
        """Make the final folder of the images, all of which are here, in one step.

        Raises
        ------
        InputRefused
            If the final folder has come into being in between.
        """
        images = self.folder / _IMAGES
        wanted = {self._path(uid).name for uid in self.images}
        for path in images.iterdir():
            if path.name not in wanted:  # cut-off parts, and images that the PACS has no more
                path.unlink()
        try:
            if self.out.is_dir():
                self.out.rmdir()
            images.replace(self.out)
        except OSError as error:
            raise InputRefused(
                f"All images are here, but {shown(self.out)} could not be made of them: {error.strerror or error}. "
                "Take what is in the way elsewhere and give the command again."
            ) from error
        self.discard()

    def discard(self) -> None:
        """Delete what was collected."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _open(self) -> None:
        if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise InputRefused(f"{shown(self.out)} is not an empty folder. Choose a new or empty one.")
        known = unfinished_in(self.folder)
        if known is not None and (known.study_uid, known.series_uid) != (self.study_uid, self.series_uid):
            raise InputRefused(
                f"{shown(self.folder)} holds the unfinished retrieval of another series. Choose another folder, "
                "or delete it."
            )
        if known is None and self.folder.exists() and any(self.folder.iterdir()):
            raise InputRefused(f"{shown(self.folder)} is in the way. Move it, or choose another folder.")
        try:
            (self.folder / _IMAGES).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputRefused(
                f"The folder {shown(self.folder)} could not be made: {error.strerror or error}."
            ) from error

    def _path(self, sop_uid: str) -> Path:
        return self.folder / _IMAGES / f"{hashlib.sha256(sop_uid.encode()).hexdigest()[:32]}{IMAGE_ENDING}"


def _identity_of(data: bytes) -> tuple[str, str]:
    """Return SOP and Series Instance UID of what a peer sent: of a plain file by its tags alone, of any other in the
    reading process. Raises `InputRefused` where it is no DICOM file."""
    if data[128:132] != b"DICM":
        raise InputRefused("It is no DICOM file.")
    try:
        found = plain_elements(Window(data, len(data), lambda place, count: data[place : place + count]), _IDENTITY)
    except (NotPlain, TooDeep):
        return isolation.identity_of(data)
    sop_uid, series_uid = ((found.bytes_of(tag) or b"").decode("latin-1").strip(" \0") for tag in _IDENTITY.values())
    return sop_uid, series_uid


def staging_of(out: Path) -> Path:
    """Return the folder in which the images of a retrieval into `out` are collected."""
    return out.with_name(out.name + STAGING_ENDING)


def unfinished_in(folder: Path) -> Unfinished | None:
    """Return the unfinished retrieval of a staging folder; None where there is none that can be resumed."""
    try:
        with (folder / MARKER).open("rb") as stream:
            values = json.loads(stream.read(_MAX_MARKER_BYTES))
        node, study, series = (str(values[key]) for key in ("node", "study_uid", "series_uid"))
        have = sum(1 for path in (folder / _IMAGES).iterdir() if path.suffix == IMAGE_ENDING)
        total = len(values["images"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return Unfinished(node, study, series, folder.with_name(folder.name.removesuffix(STAGING_ENDING)), have, total)


def unfinished_below(store: Path) -> tuple[Unfinished, ...]:
    """Return the retrievals into a store that were not finished, in the order of their folders."""
    try:
        folders = sorted(store.glob(f"*{STAGING_ENDING}"))
    except OSError:
        return ()
    found = (unfinished_in(folder) for folder in folders)
    return tuple(one for one in found if one is not None)


def delete_unfinished(store: Path, study_uid: str, series_uid: str) -> int:
    """Return how many images were deleted: those of a series in a store whose retrieval was not finished.

    Raises
    ------
    InputRefused
        If they cannot be deleted.
    """
    count = 0
    for one in unfinished_below(store):
        if (one.study_uid, one.series_uid) == (study_uid, series_uid):
            folder = staging_of(one.out)
            try:
                shutil.rmtree(folder)
            except OSError as error:
                raise InputRefused(
                    f"{shown(folder)} could not be deleted: {error.strerror or error}. Delete it yourself."
                ) from error
            count += one.have
    return count


def folder_in_store(store: Path, series_uid: str, images: Sequence[ImageFound]) -> Path:
    """Return where a series goes in a store of many: the same for the same images, another once the PACS has others."""
    text = "\n".join([series_uid, *sorted(image.sop_uid for image in images)])
    return store / f"series-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
