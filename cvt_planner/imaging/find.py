"""Finding the series in a folder, a ZIP, a DICOMDIR medium or one file, each with a verdict in words."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydicom.uid import CTImageStorage

from cvt_planner.base.errors import GeometryMismatch, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.dicomdir import MAX_DICOMDIR_BYTES, BadDicomdir, FilesAbsent, InZip, files_of
from cvt_planner.imaging.headers import SliceHeader, read_header
from cvt_planner.imaging.identity import patient_of, series_of
from cvt_planner.imaging.incomplete import refuse_incomplete, without_incomplete
from cvt_planner.imaging.judge import MULTI_FRAME, Judgement, judge, kind_fault
from cvt_planner.imaging.kinds import kind_of_images
from cvt_planner.imaging.multiframe import frames_of
from cvt_planner.imaging.pixels import hu_slice
from cvt_planner.imaging.research import research_series
from cvt_planner.imaging.series import REFUSED, USABLE, WARNING, SeriesInfo, SeriesListing
from cvt_planner.imaging.sources import (
    RESEARCH_ENDINGS,
    ZIP_STARTS,
    FileRef,
    Opener,
    kind_of,
    list_files,
    packed_words,
    patience_s,
    shown,
)

_Key = tuple[str, ...]
Place = str | Path | Sequence[str | Path]
MOST_DICOMDIRS = 16  # of one folder or ZIP that are held against its files; assumed, a study comes on one medium


def find_series(path: Place, progress: Progress | None = None, opener: Opener | None = None) -> SeriesListing:
    """Return the series that a path holds, judged from their headers; pixels are read only to tell copies apart.

    Parameters
    ----------
    path
        A folder (searched with all its folders), a ZIP, a DICOMDIR (the files it names; its folder where it cannot be
        followed), a NIfTI or NRRD file, or one DICOM file (its series among the files beside it). Of several paths, the
        folders are searched, and of the files only those given are taken.
    opener
        Opens the files, where a password is needed or files are to be left out.

    Raises
    ------
    InputRefused
        If the path does not exist, cannot be read, or is a ZIP that cannot be opened.
    PasswordNeeded
        If it is a protected ZIP and the opener has no password for it, or a wrong one.
    Cancelled
        If `progress` was stopped.
    """
    progress = progress or Progress()
    with opener or Opener() as opened:
        if isinstance(path, str | Path):
            return _listing_of(opened, Path(path), progress)
        places = [Path(one) for one in path]
        if len(places) == 1:
            return _listing_of(opened, places[0], progress)
        return _listing_of_several(opened, places, progress)


def _listing_of(opener: Opener, place: Path, progress: Progress) -> SeriesListing:
    kind = kind_of(place)
    given = shown(place)
    refuse_incomplete(place)
    if kind == "zip" and place.suffix.lower() == ".cvtplan":
        return SeriesListing(given, (), hint=f"{given} is a plan, not a CT. Open it as a plan.")
    if kind == "research":
        opener.enter(FileRef(place), patience_s(place.stat().st_size))
        return SeriesListing(given, (research_series(place, given),))
    if kind == "file":
        return _listing_of_file(opener, place, given, progress)
    scan = _Scan(opener, given)
    refs, remarks = scan.refs(kind, place, progress)
    return _with_remarks(scan.listing(refs, progress), remarks)


def _with_remarks(listing: SeriesListing, remarks: tuple[str, ...]) -> SeriesListing:
    """Return a listing whose series all carry the remarks on how their files were found."""
    if not remarks:
        return listing
    found = (
        replace(s, reasons=s.reasons + remarks, verdict=WARNING if s.verdict == USABLE else s.verdict)
        for s in listing.series
    )
    hint = " ".join((*remarks, listing.hint)) if listing.hint else ""
    return replace(listing, series=tuple(found), remarks=remarks, hint=hint)


def _listing_of_several(opener: Opener, places: Sequence[Path], progress: Progress) -> SeriesListing:
    """Return the listing of several paths: all of what folders and ZIPs hold, and of the files just these."""
    if not places:
        raise InputRefused("Nothing was chosen. Give a folder, a ZIP or files.")
    given = shown(os.path.commonpath([os.path.abspath(place.parent) for place in places]))  # noqa: PTH100
    scan = _Scan(opener, given)
    refs: dict[FileRef, None] = {}
    remarks: tuple[str, ...] = ()
    for place in places:
        kind = kind_of(place)
        if kind in ("file", "research"):
            refs[FileRef(place)] = None
            continue
        found, said = scan.refs(kind, place, progress)
        refs.update(dict.fromkeys(found))
        remarks += said
    return _with_remarks(scan.listing(list(refs), progress), remarks)


def _listing_of_file(opener: Opener, path: Path, given: str, progress: Progress) -> SeriesListing:
    scan = _Scan(opener, given)
    own = scan.header(FileRef(path))
    if own is None:
        hint = f"{given} holds no DICOM image, and is no ZIP, NIfTI or NRRD. Choose the folder of a CT series."
        packed = packed_words(path)
        if packed:
            hint = f"{given} is {packed}, which is not opened here. Unpack it, and choose the folder that comes out."
        if scan.broken:
            hint = scan.broken[0][1]
        return SeriesListing(given, (), scan.skipped, tuple(scan.broken), hint)
    frames = scan.frames(own)
    if not frames:
        return SeriesListing(given, (), 0, tuple(scan.broken), scan.broken[0][1])
    if all(kind_fault(h) for h in frames):
        return SeriesListing(given, scan.series(frames))
    key = _key(own)
    beside = [ref for ref in list_files(path.parent, progress, deep=False) if ref.path != path]
    headers = [*frames, *(h for h in scan.headers(beside, progress) if _key(h) == key)]
    return SeriesListing(given, scan.series(headers), 0, tuple(scan.broken))


class _Scan:
    """One pass over many files, counting what is not read."""

    def __init__(self, opener: Opener, given: str) -> None:
        self.opener = opener
        self.given = given
        self.skipped = 0
        self.last: SliceHeader | None = None
        self.broken: list[tuple[str, str]] = []
        self.broken_folders: list[str] = []

    def refs(self, kind: str, place: Path, progress: Progress) -> tuple[list[FileRef], tuple[str, ...]]:
        """Return the files of a folder, ZIP or DICOMDIR, and sentences on how they were found."""
        if kind == "zip":
            damaged: list[tuple[str, str]] = []
            refs = self.opener.members(place, damaged)
            said = tuple(f"{why} What it holds is missing here." for _, why in damaged)
            return refs, said + self._absent(refs, progress, in_zip=True)
        if kind == "dicomdir":
            try:
                with self.opener.open(FileRef(place)) as stream:
                    return files_of(place, stream.read(MAX_DICOMDIR_BYTES), progress), ()
            except (BadDicomdir, InputRefused) as fault:
                why = str(fault) if isinstance(fault, BadDicomdir) else "cannot be read"
                said = (f"The DICOMDIR {shown(place)} {why}: its whole folder was searched instead.",)
        unread: list[tuple[str, str]] = []
        refs = list_files(place if kind == "folder" else place.parent, progress, unread=unread)
        self.broken.extend(unread)
        self.broken_folders.extend(name for name, _ in unread)
        return refs, said if kind == "dicomdir" else self._absent(refs, progress)

    def _absent(self, refs: Sequence[FileRef], progress: Progress, in_zip: bool = False) -> tuple[str, ...]:
        """Return sentences on what the DICOMDIRs of copied or packed media name and did not come along."""
        said = []
        for ref in [ref for ref in refs if ref.short_name.upper() == "DICOMDIR"][:MOST_DICOMDIRS]:
            try:
                with self.opener.open(ref) as stream:
                    files_of(ref.path, stream.read(MAX_DICOMDIR_BYTES), progress, InZip(ref, refs) if in_zip else None)
            except FilesAbsent as fault:
                said.append(f"The DICOMDIR {ref.name} {fault}: slices or series may be missing.")
            except (BadDicomdir, InputRefused):
                pass  # it is not needed
        return tuple(said)

    def listing(self, refs: Sequence[FileRef], progress: Progress) -> SeriesListing:
        """Return the listing of many files."""
        groups: dict[_Key, list[SliceHeader]] = {}
        refs, left_out = without_incomplete(refs, self.opener)
        for marker, reason in left_out:
            self._broken(marker, reason)
        for header in self.headers(refs, progress):
            groups.setdefault(_key(header), []).append(header)
        found = [info for group in groups.values() for info in self.series(group)]
        found.sort(key=lambda s: (not s.can_be_read, s.patient.patient_id, s.study_uid, s.uid))
        hint = "" if found else self._hint(refs)
        return SeriesListing(self.given, tuple(found), self.skipped, tuple(self.broken), hint)

    def headers(self, refs: Sequence[FileRef], progress: Progress) -> list[SliceHeader]:
        """Return the headers of the DICOM images and reports among the files."""
        headers = []
        for n, ref in enumerate(refs):
            if n % 16 == 0:
                progress.report(n / len(refs), f"Looking at file {n + 1} of {len(refs)}")
            header = self.header(ref)
            if header is not None:
                headers.extend(self.frames(header))
        progress.report(1.0, f"{len(refs)} files looked at")
        return headers

    def header(self, ref: FileRef) -> SliceHeader | None:
        """Return the header of one file; None, and counted, when it is no DICOM object of a series."""
        try:
            header = read_header(self.opener, ref, self.last)
        except InputRefused as refusal:
            self._broken(ref, str(refusal))
            return None
        if header is None:
            self.skipped += 1
            return None
        self.last = header
        if header.pixels is not None or header.series_uid:
            return header
        if header.sop_class in ("", CTImageStorage):
            reason = f"{ref.name} is damaged: its header ends before its series is named. Copy or export it again."
            self._broken(ref, reason)
        else:  # a DICOMDIR, a hanging protocol and the like
            self.skipped += 1
        return None

    def frames(self, header: SliceHeader) -> list[SliceHeader]:
        """Return one header per frame of a multi-frame CT; any other header as it is."""
        if header.modality != "CT" or kind_fault(header) != MULTI_FRAME:
            return [header]
        try:
            return frames_of(self.opener, header)
        except InputRefused as refusal:
            self._broken(header.ref, str(refusal))
            return []

    def _broken(self, ref: FileRef, reason: str) -> None:
        self.broken.append((ref.name, reason))
        self.broken_folders.append(ref.folder)

    def same_pixels(self, headers: Sequence[SliceHeader]) -> bool:
        """Return whether all the files hold the same HU."""
        return len({hashlib.sha256(hu_slice(self.opener, h).tobytes()).digest() for h in headers}) == 1

    def series(self, headers: Sequence[SliceHeader]) -> tuple[SeriesInfo, ...]:
        """Return what is filed as one series, judged: one entry, or one per stack where it holds several."""
        try:
            judgements = judge(headers, self.same_pixels)
        except InputRefused as refusal:  # pixels that had to be compared cannot be decoded
            judgements = (Judgement(REFUSED, (str(refusal),), tuple(headers)),)
        except GeometryMismatch as fault:  # one series whose numbers make no box must not hide the others
            reason = f"The places of its slices make no volume (first {headers[0].short_name}): {fault}"
            judgements = (Judgement(REFUSED, (reason,), tuple(headers)),)
        damage = self._damage({h.ref.folder for h in headers})
        if len(judgements) == 1:
            return (self._entry(judgements[0], damage, headers),)
        return tuple(self._entry(judgement, damage, judgement.headers) for judgement in judgements)

    def _damage(self, folders: set[str]) -> tuple[str, ...]:
        damaged = [
            name for (name, _), folder in zip(self.broken, self.broken_folders, strict=True) if folder in folders
        ]
        if not damaged:
            return ()
        return (f"{len(damaged)} damaged file(s) beside it, first {damaged[0]}: slices may be missing.",)

    def _entry(self, judgement: Judgement, damage: tuple[str, ...], images: Sequence[SliceHeader]) -> SeriesInfo:
        """Return one stack's entry; `images` are those set aside too."""
        verdict = WARNING if damage and judgement.verdict == USABLE else judgement.verdict
        first_slice = (judgement.slices or tuple(sorted(judgement.headers, key=lambda h: h.order)))[0]
        layout = first_slice.pixels
        return SeriesInfo(
            uid=(first_slice.series_uid or _made_up_uid(first_slice)) + judgement.suffix,
            identity=series_of(first_slice.dataset),
            patient=patient_of(first_slice.dataset),
            verdict=verdict,
            reasons=judgement.reasons + damage,
            source=self.given,
            slice_count=len(judgement.headers),
            rows=layout.rows if layout else 0,
            columns=layout.columns if layout else 0,
            files=tuple(dict.fromkeys(h.ref.name for h in judgement.headers)),
            pixel_spacing_mm=first_slice.spacing_mm,
            slice_distance_mm=judgement.slice_distance_mm,
            orientation=judgement.orientation,
            slices=judgement.slices,
            arrangement=judgement.arrangement,
            grid=judgement.grid,
            kind=kind_of_images(images),
            images=tuple(sorted(images, key=lambda h: h.order)),
        )

    def _hint(self, refs: Sequence[FileRef]) -> str:
        if self.broken:
            return f"{self.given}: no readable DICOM image. {self.broken[0][1]}"
        if not refs:
            return f"{self.given} is empty. Choose the folder that holds the CT series."
        inner = [ref.short_name for ref in refs if self._is_zip(ref)]
        if inner:
            return (
                f"{self.given} holds no DICOM images, but the ZIP {inner[0]}, which is not opened within it. "
                "Unpack or choose that ZIP by itself."
            )
        research = [ref.short_name for ref in refs if ref.short_name.lower().endswith(RESEARCH_ENDINGS)]
        if research:
            return f"{self.given} holds no DICOM images. To open the research volume {research[0]}, choose that file."
        return f"{self.given} holds {len(refs)} files, none of them a DICOM image. Choose the folder of a CT series."

    def _is_zip(self, ref: FileRef) -> bool:
        if not ref.short_name.lower().endswith(".zip"):
            return False
        try:
            with self.opener.open(ref) as stream:
                return stream.read(4) in ZIP_STARTS
        except InputRefused:
            return False


def _key(header: SliceHeader) -> _Key:
    whose = (*header.owner, header.study_uid)
    if header.series_uid:
        return (*whose, header.series_uid)
    return (*whose, "", _made_up_uid(header))


def _made_up_uid(header: SliceHeader) -> str:
    layout = header.pixels
    size = (layout.rows, layout.columns) if layout else ()
    text = repr(
        (header.study_uid, header.frame_of_reference_uid, header.modality, size, "LOCALIZER" in header.image_type)
    )
    return "unnamed-" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
