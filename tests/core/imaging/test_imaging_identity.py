"""Names, dates and ages, from sound and from broken headers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.headers import read_header
from cvt_planner.imaging.identity import iso_date, iso_time, patient_of, readable_age, readable_name, series_of
from cvt_planner.imaging.sources import FileRef, Opener

NAMES = {
    "chrArab.dcm": "قباني, لنزار",
    "chrFren.dcm": "Buc, Jérôme",
    "chrGerm.dcm": "Äneas, Rüdiger",
    "chrGreek.dcm": "Διονυσιος",
    "chrH31.dcm": "Yamada, Tarou",
    "chrHbrw.dcm": "שרון, דבורה",
    "chrI2.dcm": "Hong, Gildong",
    "chrKoreanMulti.dcm": "김희중",
    "chrRuss.dcm": "Люкceмбypг",
    "chrX1.dcm": "Wang, XiaoDong",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_world_are_readable(awkward_dicom: Path, name: str) -> None:
    with Opener() as opener:
        header = read_header(opener, FileRef(awkward_dicom / "pydicom" / "charset_files" / name))
    assert header is not None and patient_of(header.dataset).name == NAMES[name]


@pytest.mark.parametrize(
    ("person", "shown"),
    [
        ("Doe^Jane^Q^Dr^PhD", "Doe, Jane Q"),
        ("Doe", "Doe"),
        ("^Jane", "Jane"),
        ("=山田^太郎", "山田, 太郎"),
        ("Van  der  Berg^ Anna ", "Van der Berg, Anna"),
        ("", ""),
        ("^^^", ""),
    ],
)
def test_person_names(person: str, shown: str) -> None:
    assert readable_name(person) == shown


def test_dates_times_and_ages() -> None:
    assert iso_date("19720301") == iso_date("1972.03.01") == iso_date("19720301104200") == "1972-03-01"
    assert [iso_date(text) for text in ("19721301", "unknown", "", "0")] == [""] * 4
    assert iso_time("104200.123") == iso_time("10:42:00") == "10:42:00" and iso_time("1042") == "10:42:00"
    assert [iso_time(text) for text in ("9999", "", "noon")] == [""] * 3
    assert readable_age("054Y", "", "") == "54 y" and readable_age("018M", "", "") == "18 mo"
    assert readable_age("", "1972-03-02", "2026-03-01") == "53 y"  # the day before the birthday
    assert readable_age("", "1972-03-01", "2026-03-01") == "54 y"
    assert readable_age("old", "2030-01-01", "2026-03-01") == ""


@pytest.mark.parametrize(
    ("agent", "volume_ml", "route", "seen"),
    [
        ("Iohexol 300", "90", "IV", "Iohexol 300"),
        ("GASTRO & OMNI", None, "Oral & IV", "GASTRO & OMNI"),
        ("GASTROGRAFIN", None, "ORAL", ""),
        ("", "90", "IV", "90 mL"),
        ("none", "0", "", ""),
    ],
)
def test_contrast_medium_in_vessels_is_read_from_the_header(
    agent: str | None, volume_ml: str | None, route: str | None, seen: str
) -> None:
    dataset = Dataset()
    for keyword, value in (("Agent", agent), ("Volume", volume_ml), ("Route", route)):
        if value is not None:
            element = "DS" if keyword == "Volume" else "LO"
            dataset.add_new(f"ContrastBolus{keyword}", element, value)
    series = series_of(dataset)
    assert series.contrast_agent == seen
    assert bool(series.contrast_words) == bool(seen) and seen in series.contrast_words


@given(
    st.dictionaries(
        st.sampled_from(
            ["PatientName", "PatientBirthDate", "PatientAge", "StudyDate", "SliceThickness", "ConvolutionKernel"]
        ),
        st.text(max_size=20),
    )
)
def test_no_header_makes_it_fail(values: dict[str, str]) -> None:
    ds = Dataset()
    for keyword, value in values.items():
        try:
            setattr(ds, keyword, value)
        except ValueError:
            continue
    assert "\n" not in patient_of(ds).name
    series_of(ds)


@given(data=st.binary(max_size=400), prefix=st.sampled_from([b"", b"\0" * 128 + b"DICM", b"\x08\0\x05\0"]))
def test_any_bytes_are_skipped_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, prefix: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.dcm"
    path.write_bytes(prefix + data)
    with Opener() as opener:
        try:
            read_header(opener, FileRef(path))
        except InputRefused as refusal:
            assert "any.dcm" in str(refusal)
