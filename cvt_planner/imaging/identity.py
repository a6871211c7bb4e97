"""Who and when, from a header: readable names in any character set, dates and ages. Nothing here ever raises."""

from __future__ import annotations

import math
import re
from datetime import date

from pydicom.dataset import Dataset

from cvt_planner.imaging.volume import Patient, SeriesIdentity

_NO_AGENT = {"", "NONE", "NO", "N", "NIL", "0", "WITHOUT", "NATIVE", "NATIV", "OHNE", "PLAIN", "UNENHANCED", "-"}
_INTO_THE_BOWEL = {"ORAL", "PO", "RECTAL", "ORAL/RECTAL", "ORAL & RECTAL"}
_AGE_UNITS = {"D": "d", "W": "wk", "M": "mo", "Y": "y"}


def text_of(dataset: Dataset, keyword: str) -> str:
    """Return one header value as a line of text; empty when missing or unreadable. Several values join with a slash."""
    try:
        value = dataset.get(keyword)
        if value is None:
            return ""
        parts = [str(v) for v in value] if isinstance(value, list | tuple) or _is_multi(value) else [str(value)]
    except Exception:  # noqa: BLE001  (a name that cannot be decoded must never stop a series from opening)
        return ""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", "/".join(parts)).strip()


def _is_multi(value: object) -> bool:
    return type(value).__name__ == "MultiValue"


def readable_name(person_name: str) -> str:
    """Return "Family, Given Middle" of a DICOM person name "Family^Given^Middle^Prefix^Suffix=ideographic=phonetic".

    The first group that is not empty is used; prefix and suffix are left out.
    """
    group = next((g for g in person_name.split("=") if g.replace("^", "").strip()), "")
    parts = [" ".join(part.split()) for part in group.split("^")]
    family, given = parts[0], " ".join(part for part in parts[1:3] if part)
    return f"{family}, {given}" if family and given else family or given


def iso_date(value: str) -> str:
    """Return 1972-03-01 of 19720301, of the old form 1972.03.01 or of a date with time; empty when it is no date."""
    found = re.match(r"\s*(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})", value)
    if not found:
        return ""
    try:
        return date(*(int(part) for part in found.groups())).isoformat()
    except ValueError:
        return ""


def iso_time(value: str) -> str:
    """Return 10:42:00 of 104200.123, of 1042 or of the old form 10:42:00; empty when it is no time."""
    found = re.match(r"\s*(\d{2}):?(\d{2})?:?(\d{2})?", value)
    if not found:
        return ""
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return f"{hours:02d}:{minutes:02d}:{min(seconds, 59):02d}" if hours < 24 and minutes < 60 else ""


def readable_age(header_age: str, birth_date: str, study_date: str) -> str:
    """Return "54 y" of a header's "054Y", else from two ISO dates; empty when neither is known."""
    found = re.fullmatch(r"\s*(\d{1,3})\s*([DWMY])\s*", header_age.upper())
    if found:
        return f"{int(found.group(1))} {_AGE_UNITS[found.group(2)]}"
    if not birth_date or not study_date:
        return ""
    born, then = date.fromisoformat(birth_date), date.fromisoformat(study_date)
    years = then.year - born.year - ((then.month, then.day) < (born.month, born.day))
    return f"{years} y" if 0 <= years < 130 else ""


def patient_of(dataset: Dataset) -> Patient:
    """Return the patient as the header names them; unknown parts are empty."""
    birth_date = iso_date(text_of(dataset, "PatientBirthDate"))
    return Patient(
        name=readable_name(text_of(dataset, "PatientName")),
        patient_id=text_of(dataset, "PatientID"),
        birth_date=birth_date,
        sex=text_of(dataset, "PatientSex"),
        age=readable_age(text_of(dataset, "PatientAge"), birth_date, iso_date(text_of(dataset, "StudyDate"))),
    )


def acquired_at(dataset: Dataset) -> str:
    """Return when the images were taken, ISO, as far as known: date and time, date alone, or empty."""
    moment = text_of(dataset, "AcquisitionDateTime")
    if iso_date(moment):
        time = iso_time(moment[8:])
        return iso_date(moment) + (f"T{time}" if time else "")
    for event in ("Acquisition", "Content", "Series", "Study"):
        day = iso_date(text_of(dataset, f"{event}Date"))
        if day:
            time = iso_time(text_of(dataset, f"{event}Time"))
            return f"{day}T{time}" if time else day
    return ""


def series_of(dataset: Dataset) -> SeriesIdentity:
    """Return which series a header belongs to; unknown parts are empty."""
    try:
        thickness = float(text_of(dataset, "SliceThickness"))
    except ValueError:
        thickness = 0.0
    return SeriesIdentity(
        series_uid=text_of(dataset, "SeriesInstanceUID"),
        study_uid=text_of(dataset, "StudyInstanceUID"),
        study_description=text_of(dataset, "StudyDescription"),
        series_description=text_of(dataset, "SeriesDescription"),
        modality=text_of(dataset, "Modality"),
        acquired_at=acquired_at(dataset),
        kernel=text_of(dataset, "ConvolutionKernel"),
        patient_position=text_of(dataset, "PatientPosition"),
        slice_thickness_mm=thickness if 0 < thickness < 1000 else None,
        contrast_agent=contrast_agent(dataset),
    )


def contrast_agent(dataset: Dataset) -> str:
    """Return which contrast medium was given into vessels, as the header names it; empty where nothing is said of one.

    What was only drunk or given rectally stays in the bowel and does not count.
    """
    if text_of(dataset, "ContrastBolusRoute").upper() in _INTO_THE_BOWEL:
        return ""
    agent = text_of(dataset, "ContrastBolusAgent")
    if agent.upper() not in _NO_AGENT:
        return agent
    try:
        given_ml = float(text_of(dataset, "ContrastBolusVolume"))
    except ValueError:
        return ""
    return f"{given_ml:g} mL" if given_ml > 0.0 and math.isfinite(given_ml) else ""
