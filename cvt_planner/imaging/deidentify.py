"""De-identified copies of CT series: the basic profile of DICOM PS3.15 Annex E, and more cautious than that."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeAlias

import pydicom
from pydicom import uid
from pydicom.dataset import Dataset

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.deid_file import KEPT, REMOVED, SHIFTED, Cleaner, Person, Uids
from cvt_planner.imaging.deid_words import words_of
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.headers import SliceHeader, read_header
from cvt_planner.imaging.identity import text_of
from cvt_planner.imaging.kinds import CAPTURE, LOCALISER, OTHER, REPORT, kind_of
from cvt_planner.imaging.pixels import layout_fault
from cvt_planner.imaging.read import choose
from cvt_planner.imaging.series import SeriesInfo, SeriesListing
from cvt_planner.imaging.sources import FileRef, Opener, patience_s, shown

DATES = (REMOVED, KEPT, SHIFTED)
DEFAULT_LABEL = "ANONYMOUS"
NOTICE = (
    "Only headers are de-identified, the pictures stay as they are: look whether text stands in them, and remember "
    "that a face can be rebuilt from a CT of the head."
)
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,32}")
_CT = {uid.CTImageStorage, uid.EnhancedCTImageStorage, uid.LegacyConvertedEnhancedCTImageStorage}
_LEFT_OUT = {
    LOCALISER: "a localiser (scout view): scanners write names and lines into it",
    CAPTURE: "a secondary capture or screen page: it shows what was on a screen",
    REPORT: "a report or document, not a CT image",
}
_DAMAGED = "damaged file: slices may be missing"
_NOT_FOUND = "damaged ZIP within the ZIP, or medium that is not whole: slices or series may be missing"
_BURNED_IN = "an image whose header says that text is burned into it (BurnedInAnnotation YES)"
_Owner: TypeAlias = tuple[str, str]
Copier: TypeAlias = Callable[[str | Path, Path, "DeidOptions", Progress], "DeidReport"]


@dataclass(frozen=True)
class DeidOptions:
    """What the user decides.

    Parameters
    ----------
    series_uid
        The one series to copy; every CT series of the path where it is empty.
    dates
        "removed", "kept", or "shifted": by one random number of days per patient, 1 to 10 years into the past, so that
        the time between two studies of a patient stays. Times of day stay with kept and shifted dates.
    keep_uids
        Keep the UIDs, by which the images can be found again in the archive; else new ones, at random for each run.
    label
        What stands in the place of name and number of the patient; numbered where there are several.
    """

    series_uid: str = ""
    dates: str = REMOVED
    keep_uids: bool = False
    label: str = DEFAULT_LABEL


@dataclass(frozen=True)
class DeidSeries:
    """One series that was written: its folder under the output, and its number of images."""

    folder: str
    uid: str
    images: int


@dataclass(frozen=True)
class DeidReport:
    """What was written and what was left out; nothing in it tells whose images they were."""

    out: str
    patients: int
    series: tuple[DeidSeries, ...]
    left_out: tuple[tuple[str, int], ...]  # what it is, how many
    dates: str
    uids_kept: bool
    notices: tuple[str, ...] = field(default=(NOTICE,))

    @property
    def images(self) -> int:
        """Return how many images were written."""
        return sum(one.images for one in self.series)

    @property
    def words(self) -> str:
        """Return the report as sentences."""
        done = f"{self.images} images of {len(self.series)} series were written to {self.out}, dates {self.dates}."
        out = [f"Left out: {count} × {what}." for what, count in self.left_out]
        return " ".join([done, *out, *self.notices])


def deidentify(
    path: str | Path,
    out: str | Path,
    options: DeidOptions | None = None,
    progress: Progress | None = None,
    password: str = "",
    copier: Copier | None = None,
) -> DeidReport:
    """Return what was written: copies of the CT images of a path that no longer say whose they are.

    Geometry, rescale, padding and pixels are the same, in the same transfer syntax. Nothing is written unless all is.

    Parameters
    ----------
    path
        As `find_series` takes it; DICOM only.
    out
        A new or empty folder, whose parent exists, outside of `path`.
    password
        Of a protected ZIP; kept nowhere.
    copier
        Reads the path and writes the copies, as `copies` does; it may do so in another process.

    Raises
    ------
    InputRefused
        If there is no CT image to copy, if the label would tell the patient's name, or if `out` cannot be used.
    Cancelled
        If `progress` was stopped; nothing is left behind.
    """
    options, progress = options or DeidOptions(), progress or Progress()
    target = _target(Path(path), Path(out))
    try:
        hold = Path(tempfile.mkdtemp(prefix=".cvt-deid-", dir=target.parent))
    except OSError as fault:
        raise InputRefused(f"{shown(target.parent)} cannot be written to: {fault.strerror}.") from fault
    try:
        whole = hold / "whole"
        report = (
            copier(path, whole, options, progress)
            if copier
            else copies(path, whole, options, progress, partial(Opener, password))
        )
        if target.exists():
            target.rmdir()
        whole.rename(target)
    except OSError as fault:
        raise InputRefused(
            f"{shown(target)} could not be written: {fault.strerror or fault}. Check that the disk is not full."
        ) from fault
    finally:
        shutil.rmtree(hold, ignore_errors=True)
    return DeidReport(
        str(out), report.patients, report.series, report.left_out, options.dates, options.keep_uids, report.notices
    )


def copies(
    path: str | Path, folder: Path, options: DeidOptions, progress: Progress, opener: Callable[[], Opener]
) -> DeidReport:
    """Write the copies into a folder of their own, which need not exist, and return what was written.

    Raises what `deidentify` raises; the folder is then to be thrown away.
    """
    listing = find_series(path, progress.part(0.0, 0.2), opener())
    wanted = _wanted(listing, options.series_uid)
    _check_options(options, wanted)
    with opener() as opened:
        run = _Run(options, folder, opened)
        # Counted, not named: names of files and ZIPs may tell whose they are.
        run.left_out.update({_DAMAGED: len(listing.broken_files), _NOT_FOUND: len(listing.remarks)})
        return run.write(wanted, listing.path, progress.part(0.2, 1.0))


class _Run:
    """One run: its UIDs, what was read already, and the count of what was left out."""

    def __init__(self, options: DeidOptions, folder: Path, opener: Opener) -> None:
        self.options = options
        self.folder = folder
        self.opener = opener
        self.seen: set[FileRef] = set()
        self.cleaner = Cleaner(Uids(options.keep_uids), options.dates)
        self.left_out: Counter[str] = Counter()

    def write(self, wanted: list[SeriesInfo], given: str, progress: Progress) -> DeidReport:
        owners = list(dict.fromkeys(_owner(info) for info in wanted))
        persons = {owner: Person.of(self._label(n, len(owners))) for n, owner in enumerate(owners, start=1)}
        written: list[DeidSeries] = []
        with_images: set[_Owner] = set()
        for n, info in enumerate(wanted):
            owner = _owner(info)
            place = f"patient_{owners.index(owner) + 1:02d}/series_{len(written) + 1:03d}"
            part = progress.part(n / len(wanted), (n + 1) / len(wanted))
            uid_of_copy, count = self._series(info, persons[owner], self.folder / place, part)
            if count:
                written.append(DeidSeries(place, uid_of_copy, count))
                with_images.add(owner)
        out = tuple(sorted((what, count) for what, count in self.left_out.items() if count))
        if not written:
            why = "; ".join(f"{count} × {what}" for what, count in out)
            raise InputRefused(f"Nothing of {given} can be de-identified. Left out: {why or 'nothing is there'}.")
        return DeidReport(given, len(with_images), tuple(written), out, self.options.dates, self.options.keep_uids)

    def _series(self, info: SeriesInfo, person: Person, folder: Path, progress: Progress) -> tuple[str, int]:
        """Write the images of one series; return its new UID and how many images there are."""
        files = _files(info)
        count, uid_of_copy = 0, ""
        for n, header in enumerate(files):
            progress.report(n / len(files), f"File {n + 1} of {len(files)}")
            if header.ref in self.seen:
                continue
            self.seen.add(header.ref)
            copy = self._write(header, person, info.uid, folder / f"image_{count + 1:05d}.dcm")
            if copy is not None:
                count, uid_of_copy = count + 1, copy.series_uid
        return uid_of_copy, count

    def _label(self, n: int, count: int) -> str:
        return f"{self.options.label}-{n}" if count > 1 else self.options.label

    def _write(self, listed: SliceHeader, person: Person, series: str, path: Path) -> SliceHeader | None:
        """Write one image and return the header of the copy; None, and counted, where it is left out."""
        reason = _left_out(listed)
        if reason:
            self.left_out[reason] += 1
            return None
        # Read anew: of a multi-frame image the listing may hold one header per frame.
        header = read_header(self.opener, listed.ref)
        with self.opener.open(listed.ref) as stream:
            # Many frames are cleaned in one go.
            self.opener.enter(listed.ref, patience_s(listed.ref.path.stat().st_size))
            source = self._parsed(stream, listed.ref)
        if header is None or header.pixels is None:
            raise InputRefused(f"{listed.ref.name} has changed while it was read. Nothing was written. Try again.")
        if text_of(source, "BurnedInAnnotation").upper() == "YES":
            self.left_out[_BURNED_IN] += 1
            return None
        try:
            data = self.cleaner.file_bytes(source, header, person, series)
        except InputRefused as refusal:
            raise InputRefused(f"{header.ref.name} {refusal}. Nothing was written.") from refusal
        except MemoryError:
            raise
        except Exception as fault:
            raise _untreatable(header.ref, fault) from fault
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return _checked(self.opener, header, path, self.cleaner.uids.keep)

    @staticmethod
    def _parsed(stream: BinaryIO, ref: FileRef) -> Dataset:
        try:
            return pydicom.dcmread(stream, force=True)
        except MemoryError:
            raise
        except Exception as fault:
            raise _untreatable(ref, fault) from fault


def _untreatable(ref: FileRef, fault: Exception) -> InputRefused:
    return InputRefused(
        f"{ref.name} cannot be de-identified ({type(fault).__name__}). Nothing was written. Export the series again."
    )


def _checked(opener: Opener, header: SliceHeader, path: Path, uids_kept: bool) -> SliceHeader:
    """Return the header of a copy; refuse the whole when it would not be read as the original is."""
    copy = read_header(opener, FileRef(path))
    alike = copy is not None and _read_as(copy) == _read_as(header)
    if alike and not uids_kept and copy is not None and header.series_uid:
        alike = copy.series_uid != header.series_uid and copy.study_uid != header.study_uid
    if copy is None or not alike:
        raise InputRefused(
            f"The de-identified copy of {header.ref.name} would not be read as the original is. Nothing was written."
        )
    return copy


def _read_as(header: SliceHeader) -> tuple[object, ...]:
    """Return all that decides how an image is placed and read."""
    layout = header.pixels
    assert layout is not None
    return (
        header.orientation, header.position, header.spacing_mm, header.slope, header.intercept, header.padding,
        header.modality, header.sop_class, bool(header.frame_of_reference_uid), layout.rows, layout.columns,
        layout.bits_allocated, layout.bits_stored, layout.high_bit, layout.signed, layout.samples, layout.photometric,
        layout.frames, layout.transfer_syntax,
    )  # fmt: skip


def _left_out(header: SliceHeader) -> str:
    """Return what an object is, when it is not copied; else an empty string."""
    kind = kind_of(header)
    if kind in _LEFT_OUT:
        return _LEFT_OUT[kind]
    if kind == OTHER or header.sop_class not in _CT or header.pixels is None:
        return (
            f"an object of modality {header.modality if header.modality in _MODALITIES else 'unknown'}, not a CT image"
        )
    fault = "" if header.pixels.frames > 1 else layout_fault(header.pixels)
    return f"an image that cannot be read: it {fault.rstrip('.')}" if fault else ""


_MODALITIES = {"CT", "MR", "PT", "NM", "US", "CR", "DX", "XA", "RF", "MG", "SC", "OT", "SR", "PR", "KO", "SEG", "REG",
               "RTSTRUCT", "RTPLAN", "RTDOSE", "RTIMAGE", "DOC", "ES", "XC", "ECG"}  # fmt: skip


def _files(info: SeriesInfo) -> list[SliceHeader]:
    """Return one header per file: the slices in the order of their place, then the rest."""
    return list({header.ref: header for header in _ordered(info)}.values())


def _ordered(info: SeriesInfo) -> Iterator[SliceHeader]:
    seen: set[FileRef] = set()
    for header in (*info.slices, *info.images):
        if header.ref not in seen:
            seen.add(header.ref)
            yield header


def _owner(info: SeriesInfo) -> _Owner:
    return info.patient.patient_id, info.patient.name


def _wanted(listing: SeriesListing, series_uid: str) -> list[SeriesInfo]:
    found = [choose(listing, series_uid)[0]] if series_uid else list(listing.series)
    if any(info.is_research for info in found):
        raise InputRefused(f"{listing.path} is a research volume, not DICOM: it has no header to de-identify.")
    if not found:
        raise InputRefused(listing.hint or f"{listing.path} holds no DICOM images. Choose the folder of a CT series.")
    return found


def _check_options(options: DeidOptions, wanted: list[SeriesInfo]) -> None:
    if options.dates not in DATES:
        raise InputRefused(f"Dates can be {', '.join(DATES)}, not {options.dates!r}.")
    if not _LABEL.fullmatch(options.label):
        raise InputRefused("The label may hold 1 to 32 letters without accents, digits, hyphens and underscores only.")
    label = options.label.lower()
    for info in wanted:
        named = words_of(info.patient.name) | words_of(info.patient.patient_id)
        if any(len(word) > 2 and word in label for word in named):
            raise InputRefused("The label holds a part of the patient's name or number. Choose another.")


def _target(path: Path, out: Path) -> Path:
    """Return the absolute place of the output.

    Raises
    ------
    InputRefused
        If it is not empty, lies in the study that is copied, or has no parent.
    """
    target = Path(os.path.abspath(out))  # noqa: PTH100  (a link stays the link that the user chose)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputRefused(
            f"{shown(out)} is not an empty folder. Choose a new or empty one, so that nothing is mixed up."
        )
    if not target.parent.is_dir():
        raise InputRefused(f"The folder {shown(target.parent)} does not exist. Make it first, or choose another.")
    if path.is_dir() and target.resolve().is_relative_to(path.resolve()):
        raise InputRefused(
            f"{shown(out)} lies inside the study {shown(path)}. Choose a folder outside of it, so that the copies and "
            "the originals are never taken for one study."
        )
    return target
