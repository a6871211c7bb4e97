"""The DICOM files that are to be sent, with what the sending has to know of each."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pydicom
from pydicom.dataset import Dataset
from pydicom.filereader import _read_file_meta_info, read_preamble

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.incomplete import refuse_incomplete, without_incomplete
from cvt_planner.imaging.sources import DICOMDIR_CLASS, FileRef, Opener, kind_of, list_files, shown

_META_BYTES = 1 << 16


@dataclass(frozen=True)
class Outgoing:
    """One DICOM file to send."""

    ref: FileRef
    sop_class: str
    sop_uid: str
    syntax: str

    def bytes(self, opener: Opener) -> bytes:
        """Return the file as it is."""
        with opener.open(self.ref) as stream:
            return stream.read()


Settle: TypeAlias = Callable[[Outgoing, str], None]  # told of each file that was sent why it was not taken, or ""


def outgoing_of(path: Path, progress: Progress) -> tuple[tuple[Outgoing, ...], int]:
    """Return the DICOM files of a folder, a ZIP, a medium or one file, and the number of other files.

    Raises
    ------
    InputRefused
        If the path is unreadable, an unfinished retrieval, or holds no DICOM file.
    """
    kind = kind_of(path)
    refuse_incomplete(path)
    refs: Sequence[FileRef]
    if kind == "zip":
        with Opener() as opener:
            refs = opener.members(path)
    elif kind in ("file", "research"):
        refs = [FileRef(path)]
    else:
        refs = list_files(path if kind == "folder" else path.parent, progress)
    found: dict[str, Outgoing] = {}
    with Opener() as opener:
        kept, _left_out = without_incomplete(refs, opener)
        for ref in kept:
            progress.check()
            one = _outgoing(opener, ref)
            if one is not None:
                found.setdefault(one.sop_uid, one)
    if not found:
        raise InputRefused(f"{shown(path)} holds no DICOM file with its file meta information. Nothing was sent.")
    return tuple(found.values()), len(refs) - len(found)


def _outgoing(opener: Opener, ref: FileRef) -> Outgoing | None:
    try:
        with opener.open(ref) as stream:
            meta = meta_of(stream.read(_META_BYTES))
    except InputRefused:
        return None
    if meta is None:
        return None
    sop_class = str(meta.get("MediaStorageSOPClassUID", ""))
    sop_uid, syntax = str(meta.get("MediaStorageSOPInstanceUID", "")), str(meta.get("TransferSyntaxUID", ""))
    if not (sop_class and sop_uid and syntax) or sop_class == DICOMDIR_CLASS.decode():
        return None
    return Outgoing(ref, sop_class, sop_uid, syntax)


def meta_of(head: bytes) -> Dataset | None:
    """Return the file meta information at the head of a file; None where there is none that can be read."""
    stream = io.BytesIO(head)
    try:
        if read_preamble(stream, False) is None:
            return None
        return _read_file_meta_info(stream)
    except Exception:  # noqa: BLE001  (whatever the parser stumbles over, the file is not one to send)
        return None


def identity_of(data: bytes) -> tuple[str, str]:
    """Return SOP and Series Instance UID of a file's data set; the series is empty in a deflated one.

    Raises
    ------
    InputRefused
        If it is no DICOM file.
    """
    meta = meta_of(data[:_META_BYTES])
    if meta is None:
        raise InputRefused("It is no DICOM file.")
    if str(meta.get("TransferSyntaxUID", "")) == pydicom.uid.DeflatedExplicitVRLittleEndian:
        return str(meta.get("MediaStorageSOPInstanceUID", "")), ""  # inflating is left to the reader, with its cap
    try:
        wanted = ["SOPInstanceUID", "SeriesInstanceUID"]
        head = pydicom.dcmread(io.BytesIO(data), specific_tags=wanted, stop_before_pixels=True)
        return str(head.get("SOPInstanceUID", "")), str(head.get("SeriesInstanceUID", ""))
    except Exception as fault:
        raise InputRefused(f"Its header cannot be read ({type(fault).__name__}).") from fault
