"""One DICOM file without whose it is: the header rebuilt from what may stay, the pixels as they were."""

from __future__ import annotations

import io
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pydicom
from pydicom.datadict import dictionary_VM, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, generate_uid

import cvt_planner
from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging import deid_profile as rules
from cvt_planner.imaging.deid_streams import bare_frames
from cvt_planner.imaging.deid_words import cleaned, is_kernel, is_term, vendor, words_of
from cvt_planner.imaging.headers import PixelLayout, SliceHeader
from cvt_planner.imaging.identity import text_of
from cvt_planner.imaging.pixels import NATIVE

REMOVED, KEPT, SHIFTED = "removed", "kept", "shifted"  # what becomes of dates

PIXEL_DATA = 0x7FE00010
_PIXELS = (0x7FE00008, 0x7FE00009, PIXEL_DATA)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_BINARY, _BINARY_LIMIT = ("US", "SS", "UL", "SL", "FL", "FD"), 1e6
_MOST_VALUES = 16  # of an attribute that may have any number of them; assumed
_UID_TEXT = re.compile(r"[0-9.]{1,64}")
_DATE = re.compile(r"(\d{4})[.]?(\d{2})[.]?(\d{2})")
_MOMENT = re.compile(r"(\d{8})((\d{2}){0,3}(\.\d{1,6})?([+-]\d{4})?)")
_TIME = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?")
# Code value and meaning of each method applied (DICOM PS3.16, context group 7050).
_METHODS = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "text": ("113105", "Clean Descriptors Option"),
    KEPT: ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    SHIFTED: ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "uids": ("113110", "Retain UIDs Option"),
}
_TEMPORAL = {REMOVED: "REMOVED", KEPT: "UNMODIFIED", SHIFTED: "MODIFIED"}
_IMPLEMENTATION_UID = "2.25.261104717233086126389022403154046284527"  # of this program's files; made by chance, once


@dataclass
class Uids:
    """Replaces UIDs at random, the same by the same for as long as it lives."""

    keep: bool = False
    _known: dict[str, str] = field(default_factory=dict)

    def new(self, old: str) -> str:
        """Return what stands in the place of a UID; empty where the old one is none."""
        old = old.strip(" \0")
        if not _UID_TEXT.fullmatch(old):
            return ""
        if self.keep or _is_defined(old):
            return old
        return self.made(old)

    def made(self, key: str) -> str:
        """Return the new UID of a key: an old UID, or the name of something that has none."""
        return self._known.setdefault(key, str(generate_uid(prefix=None)))


def _is_defined(text: str) -> bool:
    """Return whether DICOM itself gives a UID its meaning."""
    return not pydicom.uid.UID(text).is_private and bool(pydicom.uid.UID(text).type)


@dataclass(frozen=True)
class Person:
    """What stands in the place of one patient."""

    label: str
    shift: timedelta

    @staticmethod
    def of(label: str) -> Person:
        """Return a person of this label, with a random shift of 1 to 10 years into the past."""
        return Person(label, timedelta(days=-(365 + secrets.randbelow(3288))))


@dataclass(frozen=True, eq=False)
class Cleaner:
    """Makes de-identified files; one for all files of a run."""

    uids: Uids
    dates: str = REMOVED

    def file_bytes(self, source: Dataset, header: SliceHeader, person: Person, series: str) -> bytes:
        """Return a whole DICOM file of the same picture, in the same transfer syntax.

        Parameters
        ----------
        source
            The data set of the file, with its pixels.
        header
            Of the file, as `headers.read_header` found it; with pixels.
        series
            The name of the series, under which one without UIDs gets new ones.

        Raises
        ------
        InputRefused
            If the pixels cannot be taken over without what may be hidden in them; the text ends a sentence.
        """
        layout = header.pixels
        assert layout is not None
        clean = self._items(source, frozenset(identifying_words(source)))
        if "SOPClassUID" not in clean and _is_defined(header.sop_class):  # some archives keep it in the meta part only
            clean.SOPClassUID = header.sop_class
        for keyword, key in (("StudyInstanceUID", f"study of {person.label}"), ("SeriesInstanceUID", series)):
            if keyword not in clean:
                setattr(clean, keyword, self.uids.made(key))
        if "SOPInstanceUID" not in clean:
            clean.SOPInstanceUID = generate_uid(prefix=None)
        self._name(clean, person)
        clean.add(_pixel_element(source, layout))
        clean.file_meta = FileMetaDataset()
        clean.file_meta.MediaStorageSOPClassUID = clean.SOPClassUID
        clean.file_meta.MediaStorageSOPInstanceUID = clean.SOPInstanceUID
        clean.file_meta.TransferSyntaxUID = pydicom.uid.UID(layout.transfer_syntax)
        clean.file_meta.ImplementationClassUID = pydicom.uid.UID(_IMPLEMENTATION_UID)
        clean.file_meta.ImplementationVersionName = f"CVT_{cvt_planner.__version__}"[:16]
        clean.preamble = b"\0" * 128
        whole = io.BytesIO()
        clean.save_as(whole, enforce_file_format=True)
        return whole.getvalue()

    def _items(self, source: Dataset, banned: frozenset[str]) -> Dataset:
        clean = Dataset()
        for tag, rule in rules.kept().items():
            if tag not in source:
                continue
            try:
                element = source[tag]
            except Exception:  # noqa: BLE001, S112  (what cannot be understood cannot be judged, and goes)
                continue
            value = self._value(element, rule, banned)
            if value is not None:
                clean.add(DataElement(tag, _vr(element), value))
        return clean

    def _value(self, element: DataElement, rule: str, banned: frozenset[str]) -> Any:
        """Return the value that may stay; None when nothing may."""
        if rule == rules.ITEMS:
            items = [self._items(item, banned) for item in element.value] if element.VR == "SQ" else []
            return Sequence(items) if items and any(len(item) for item in items) else None
        if rule == rules.NUMBER:
            return element.value if _is_number(element) else None
        parts = [str(part) for part in element.value] if element.VM > 1 else [str(element.value or "")]
        treat: dict[str, Callable[[str], str]] = {
            rules.TERM: lambda part: part if is_term(part) else "",
            rules.KERNEL: lambda part: part if is_kernel(part) else "",
            rules.VENDOR: vendor,
            rules.UID: self.uids.new,
            rules.CLASS_UID: lambda part: part if _is_defined(part) else "",
            rules.MOMENT: lambda part: part,
            rules.TEXT: lambda part: cleaned(part, banned),
        }
        stay = [made for part in parts if (made := treat[rule](part))]
        if not stay:
            return None
        return stay if len(stay) > 1 else stay[0]

    def _name(self, clean: Dataset, person: Person) -> None:
        """Say whose it is not any more, and how that was done."""
        self._moments(clean, person.shift)
        for keyword in rules.EMPTIED:
            if keyword not in clean:
                setattr(clean, keyword, "")
        clean.PatientName = clean.PatientID = person.label
        clean.PatientIdentityRemoved = "YES"
        clean.DeidentificationMethod = [f"CVT Planner {cvt_planner.__version__}", f"PS3.15 E, dates {self.dates}"]
        applied = ["basic", "text", *([self.dates] if self.dates in _METHODS else []), *(["uids"] * self.uids.keep)]
        clean.DeidentificationMethodCodeSequence = Sequence([_code(*_METHODS[key]) for key in applied])
        clean.LongitudinalTemporalInformationModified = _TEMPORAL[self.dates]

    def _moments(self, clean: Dataset, shift: timedelta) -> None:
        for element in list(clean):
            if element.VR == "SQ":
                for item in element.value:
                    self._moments(item, shift)
            elif element.VR in ("DA", "TM", "DT"):
                made = moment(str(element.value or ""), element.VR, self.dates, shift)
                if made:
                    element.value = made
                else:
                    del clean[element.tag]


def moment(text: str, vr: str, dates: str, shift: timedelta) -> str:
    """Return what becomes of a date (DA), a time of day (TM) or both (DT); empty when it goes or is none."""
    text = text.strip(" \0")
    pattern = {"DA": _DATE, "TM": _TIME, "DT": _MOMENT}[vr]
    found = pattern.fullmatch(text)
    if dates == REMOVED or found is None:
        return ""
    if vr == "TM":
        return text
    digits, rest = ("".join(found.groups()), "") if vr == "DA" else (found.group(1), found.group(2))
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        day = day + shift if dates == SHIFTED else day
    except (ValueError, OverflowError):
        return ""
    return f"{day:%Y%m%d}".rjust(8, "0") + rest


def identifying_words(source: Dataset) -> set[str]:
    """Return words, in small letters, that name the patient or those who treat them."""
    named = ("PatientName", "PatientID", "OtherPatientNames", "OtherPatientIDs", "PatientBirthName", "AccessionNumber",
             "ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName", "InstitutionName")  # fmt: skip
    return {word for keyword in named for word in words_of(text_of(source, keyword))}


def _is_number(element: DataElement) -> bool:
    """Return whether an element of the dictionary's own VR holds as many numbers as the dictionary says, no others."""
    value = element.value
    parts = list(value) if element.VM > 1 else [value]
    if element.VR not in dictionary_VR(element.tag) or value is None or not _may_be(element.tag, len(parts)):
        return False
    if element.VR == "AT":
        return all(pydicom.datadict.dictionary_has_tag(part) for part in parts)
    if element.VR in _BINARY:  # letters that are read as a number make an enormous one
        return all(isinstance(part, int | float) and abs(part) < _BINARY_LIMIT for part in parts)
    texts = [str(getattr(part, "original_string", part)) for part in parts]
    return all(_NUMBER.fullmatch(text.strip(" \0")) for text in texts)


def _may_be(tag: int, count: int) -> bool:
    """Return whether an attribute may have that many values."""
    least, _, most = dictionary_VM(tag).partition("-")
    if not most:
        return count == int(least)
    return int(least) <= count <= (_MOST_VALUES if most.endswith("n") else int(most))


def _vr(element: DataElement) -> str:
    allowed = dictionary_VR(element.tag)
    return str(element.VR) if element.VR in allowed else str(allowed)


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning[:64]
    return code


def _pixel_element(source: Dataset, layout: PixelLayout) -> DataElement:
    """Return the pixels, bit for bit, without what some archives and scanners hide around them."""
    raw = source.get_item(PIXEL_DATA)
    if raw is None or not isinstance(raw.value, bytes):
        raise InputRefused("holds no pixels that can be taken over")
    hidden = any(_embedded_overlay(source, group) for group in range(0x6000, 0x6020, 2))
    if layout.transfer_syntax not in NATIVE:
        if hidden:
            raise InputRefused("hides an overlay in its compressed pixels, which cannot be taken out")
        element = DataElement(PIXEL_DATA, "OB", bare_frames(raw.value, layout.frames, layout.transfer_syntax))
        element.is_undefined_length = True
        return element
    needed = layout.rows * layout.columns * layout.samples * layout.frames * layout.bits_allocated // 8
    value = raw.value[:needed]
    if len(value) < needed:
        raise InputRefused("is truncated")
    if hidden:
        value = _without_overlay(value, layout)
    return DataElement(PIXEL_DATA, "OW" if layout.bits_allocated > 8 else "OB", value + b"\0" * (needed % 2))


def _embedded_overlay(source: Dataset, group: int) -> bool:
    """Return whether an overlay lies in unused bits of the pixels, as DICOM allowed until 2004."""
    return (group, 0x0102) in source and (group, 0x3000) not in source and _overlay_bit(source, group) > 0


def _overlay_bit(source: Dataset, group: int) -> int:
    """Return the bit of the pixels in which an overlay lies, 0 for none of them; above 0 when it cannot be read."""
    try:
        return int(source[group, 0x0102].value)
    except Exception:  # noqa: BLE001  (an overlay whose place cannot be read may lie in the pixels)
        return 1


def _without_overlay(value: bytes, layout: PixelLayout) -> bytes:
    """Return 16-bit pixels whose unused bits are cleared (repeat the sign, where there is one)."""
    if layout.bits_allocated != 16:
        raise InputRefused("hides an overlay in its pixels, which cannot be taken out")
    order = ">" if layout.transfer_syntax == ExplicitVRBigEndian else "<"
    stored = np.frombuffer(value, dtype=f"{order}{'i' if layout.signed else 'u'}2")
    above = 15 - layout.high_bit
    return bytes(np.right_shift(np.left_shift(stored, above), above).astype(stored.dtype).tobytes())
