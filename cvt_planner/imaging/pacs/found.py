"""What to look for in a PACS, and what it says it holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from pydicom.dataset import Dataset

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.identity import iso_date, iso_time, readable_name, text_of
from cvt_planner.imaging.pacs.faults import PacsRefused

MOST_STUDIES = 200  # of one answer; assumed, nobody reads a longer list
STUDY_KEYS = (
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyDescription", "AccessionNumber", "ModalitiesInStudy",
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)  # fmt: skip
SERIES_KEYS = (
    "SeriesInstanceUID", "SeriesNumber", "Modality", "SeriesDescription", "BodyPartExamined",
    "NumberOfSeriesRelatedInstances",
)  # fmt: skip
IMAGE_KEYS = ("SOPInstanceUID", "SOPClassUID", "InstanceNumber")


@dataclass(frozen=True)
class Query:
    """What to look for; what is empty is not asked.

    Parameters
    ----------
    patient_id
        Whole, or with the wildcards * and ?.
    name
        The beginning of the family name, or with wildcards.
    dates
        One day or first-last, as 2026-03-01, 20260301 or 2026-03-01..2026-03-31.
    """

    patient_id: str = ""
    name: str = ""
    dates: str = ""
    modality: str = ""
    study_uid: str = ""

    def filters(self) -> dict[str, str]:
        """Return the values to match, by DICOM keyword.

        Raises
        ------
        InputRefused
            If a value can be no such thing.
        """
        found = {
            "PatientID": _plain(self.patient_id, "patient ID", 64),
            "PatientName": _name(_plain(self.name, "name", 64)),
            "StudyDate": dicom_dates(self.dates),
            "ModalitiesInStudy": _plain(self.modality, "modality", 16).upper(),
            "StudyInstanceUID": checked_uid(self.study_uid, "study") if self.study_uid.strip() else "",
        }
        return {keyword: value for keyword, value in found.items() if value}


@dataclass(frozen=True)
class StudyFound:
    """One study that a PACS has; a count it does not tell is None."""

    study_uid: str
    patient_id: str
    patient: str
    birth_date: str
    sex: str
    day: str
    time: str
    description: str
    accession: str
    modalities: str
    series_count: int | None
    image_count: int | None


@dataclass(frozen=True)
class SeriesFound:
    """One series of a study that a PACS has; a count it does not tell is None."""

    study_uid: str
    series_uid: str
    number: str
    modality: str
    description: str
    body_part: str
    image_count: int | None


@dataclass(frozen=True)
class ImageFound:
    """One image of a series that a PACS has; the class is empty where the PACS does not tell it."""

    sop_uid: str
    sop_class: str = ""


@dataclass(frozen=True)
class Studies:
    """The studies of an answer, newest first; `more` where the PACS has further ones."""

    studies: tuple[StudyFound, ...]
    more: bool = False


def checked_uid(text: str, what: str) -> str:
    """Return a UID without spaces around it.

    Raises
    ------
    InputRefused
        If it is none: a wildcard in its place would ask for everything.
    """
    uid = text.strip()
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)+", uid) or len(uid) > 64:
        raise InputRefused(f"{uid[:80]!r} is no {what} UID (figures and dots, at most 64).")
    return uid


def dicom_dates(text: str) -> str:
    """Return the days of a query as DICOM matches them, 20260301 or 20260301-20260331; empty for none.

    Raises
    ------
    InputRefused
        If it is no day and no range of days.
    """
    words = "".join(text.split())
    if not words:
        return ""
    day = r"(\d{4})-?(\d{2})-?(\d{2})"
    one = re.fullmatch(day, words)
    if one:
        return _day(one.groups(), text)
    ends = re.fullmatch(rf"(?:{day})?(?:\.\.|/|-)(?:{day})?", words)
    if not ends or not any(ends.groups()):
        raise InputRefused(f"{text!r} is no day. Write 2026-03-01, or 2026-03-01..2026-03-31 for a range.")
    first, last = (_day(part, text) if part[0] else "" for part in (ends.groups()[:3], ends.groups()[3:]))
    if first and last and first > last:
        raise InputRefused(f"{text!r}: the first day is after the last.")
    return f"{first}-{last}"


def _day(parts: tuple[str | None, ...], text: str) -> str:
    try:
        return date(*(int(part or 0) for part in parts)).strftime("%Y%m%d")
    except ValueError:
        raise InputRefused(f"{text!r} holds a day that does not exist.") from None


def _plain(text: str, what: str, longest: int) -> str:
    value = text.strip()
    if len(value) > longest or "\\" in value or any(ord(letter) < 32 for letter in value):
        raise InputRefused(f"The {what} to look for is too long, or holds a backslash or control character.")
    return value


def _name(name: str) -> str:
    """Return a name as DICOM matches it: "Family, Given" becomes Family^Given, and its end is open."""
    family, comma, given = (part.strip() for part in name.partition(","))
    asked = f"{family}*^{given}" if comma and given else family
    return asked if not asked or asked.endswith("*") or "?" in asked else asked + "*"


def study_of(answer: Dataset) -> StudyFound:
    """Return a study from what a PACS answered."""
    return StudyFound(
        study_uid=text_of(answer, "StudyInstanceUID"),
        patient_id=text_of(answer, "PatientID"),
        patient=readable_name(text_of(answer, "PatientName")),
        birth_date=iso_date(text_of(answer, "PatientBirthDate")),
        sex=text_of(answer, "PatientSex"),
        day=iso_date(text_of(answer, "StudyDate")),
        time=iso_time(text_of(answer, "StudyTime")),
        description=text_of(answer, "StudyDescription"),
        accession=text_of(answer, "AccessionNumber"),
        modalities=text_of(answer, "ModalitiesInStudy"),
        series_count=_count(answer, "NumberOfStudyRelatedSeries"),
        image_count=_count(answer, "NumberOfStudyRelatedInstances"),
    )


def studies_of(answers: list[Dataset], more: bool) -> Studies:
    """Return the studies of an answer, newest first, those without a UID left out."""
    found = {study.study_uid: study for study in map(study_of, answers) if study.study_uid}
    newest_first = sorted(found.values(), key=lambda one: (one.day, one.time), reverse=True)
    return Studies(tuple(newest_first[:MOST_STUDIES]), more or len(newest_first) > MOST_STUDIES)


def series_of_study(study_uid: str, answers: list[Dataset]) -> tuple[SeriesFound, ...]:
    """Return the series of an answer in the order of their numbers; those of another study are left out."""
    found = {
        text_of(answer, "SeriesInstanceUID"): SeriesFound(
            study_uid=study_uid,
            series_uid=text_of(answer, "SeriesInstanceUID"),
            number=text_of(answer, "SeriesNumber"),
            modality=text_of(answer, "Modality"),
            description=text_of(answer, "SeriesDescription"),
            body_part=text_of(answer, "BodyPartExamined"),
            image_count=_count(answer, "NumberOfSeriesRelatedInstances"),
        )
        for answer in answers
        if text_of(answer, "StudyInstanceUID") in ("", study_uid)
    }
    found.pop("", None)
    return tuple(sorted(found.values(), key=lambda one: (_number(one.number), one.series_uid)))


def images_of_series(series_uid: str, answers: list[Dataset]) -> tuple[ImageFound, ...]:
    """Return the images of an answer, each once; those of another series are left out.

    Raises
    ------
    PacsRefused
        If one has no number that can be read: left out, a series that lacks it would pass for whole.
    """
    found = {}
    for answer in answers:
        if text_of(answer, "SeriesInstanceUID") not in ("", series_uid):
            continue
        uid = text_of(answer, "SOPInstanceUID")
        if not _may_be_uid(uid):
            raise PacsRefused(unreadable_image(series_uid))
        found[uid] = ImageFound(uid, text_of(answer, "SOPClassUID"))
    return tuple(found[uid] for uid in sorted(found))


def unreadable_image(series_uid: str) -> str:
    """Return the sentence for an image in the list of a series that cannot be told from others."""
    return (
        f"The list of images of series {series_uid} holds one without a readable number (SOP Instance UID), so it "
        "cannot be told whether the series comes whole. Ask for the series by another way, or for its repair."
    )


def _may_be_uid(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9][0-9.]{0,63}", text))


def _count(answer: Dataset, keyword: str) -> int | None:
    text = text_of(answer, keyword)
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 1 << 30


Take = Callable[[str, bytes], bool]
"""Takes (SOP Instance UID, the whole file's bytes); whether it was kept."""
