"""De-identification: nothing of the patient is left anywhere in the copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import datadict
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from cvt_planner.imaging import deid_profile
from cvt_planner.imaging.deid_file import Cleaner, Person, Uids
from cvt_planner.imaging.deid_streams import without_remarks
from cvt_planner.imaging.deid_words import cleaned
from cvt_planner.imaging.deidentify import deidentify
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.headers import read_header
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.sources import FileRef, Opener
from tests.core.imaging.secrets_in_dicom import (
    ACCENTED,
    JAPANESE,
    NAME,
    RUSSIAN,
    SECRETS,
    WORD,
    datasets,
    found_in,
    hostile,
    put,
)

Writer = Callable[..., list[Path]]


def test_nothing_of_the_patient_is_left_in_any_byte_or_name(tmp_path: Path, write_series: Writer) -> None:
    source, out = hostile(tmp_path / "in", write_series), tmp_path / "out"
    missing = set(SECRETS) - found_in(source)
    assert not missing, "the search must find in the originals what it looks for in the copies"
    report = deidentify(source, out)
    assert report.images == 6 and not report.left_out
    assert found_in(out) == set()
    for ds in datasets(out):
        assert ds.preamble == b"\0" * 128
        assert not [e.tag for e in ds.iterall() if e.tag.is_private or e.tag.group in (*range(0x5000, 0x60FF),)]
        assert ds.PatientIdentityRemoved == "YES" and ds.LongitudinalTemporalInformationModified == "REMOVED"
        assert [c.CodeValue for c in ds.DeidentificationMethodCodeSequence] == ["113100", "113105"]
        assert ds.PatientName == ds.PatientID == "ANONYMOUS" and ds.PatientSex == "" and "PatientAge" not in ds
        assert ds.SeriesDescription == "lumbar spine 1.0mm bone"
        assert list(ds.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL"]
    before, after = read_volume(source), read_volume(out)
    assert after.content_hash == before.content_hash and np.array_equal(after.hu, before.hu)
    assert find_series(out).series[0].verdict == find_series(source).series[0].verdict == "usable"


def test_no_attribute_that_stays_can_carry_a_name_out(tmp_path: Path, write_series: Writer) -> None:
    """Put a secret into each attribute that may stay, in every form a file can give it."""
    path = write_series(tmp_path, places=[0])[0]
    with Opener() as opener:
        header = read_header(opener, FileRef(path))
    assert header is not None
    cleaner, person = Cleaner(Uids()), Person.of("LABEL")
    leaks, written = [], 0
    for tag in deid_profile.kept():
        for vr in ("LO", "DS", "UI", "UN"):
            source = pydicom.dcmread(path)
            raw = NAME.encode() + b" " * (len(NAME) % 2)
            source[tag] = RawDataElement(pydicom.tag.Tag(tag), vr, len(raw), raw, 0, False, True, True)
            try:
                data = cleaner.file_bytes(source, header, person, "series")
            except Exception:  # noqa: BLE001, S112  (a refusal of any kind lets nothing out)
                continue
            written += 1
            if NAME.encode() in data:
                leaks.append(f"{datadict.keyword_for_tag(tag)} as {vr}")
    assert not leaks and written > 250


@pytest.mark.parametrize(("keyword", "vr", "letters"), [
    ("CTDIvol", "FD", b"Zyxwvuts"),
    ("ReconstructionTargetCenterPatient", "FD", b"ZyxwvutsZyxwvutsZyxwvuts"),
    ("DimensionIndexValues", "UL", b"ZyxwvutsZyxw"),
    ("TemporalPositionIndex", "UL", b"Zyxw"),
    ("DimensionIndexPointer", "AT", b"Zyxw"),
    ("WindowCenter", "DS", b"Zyxwvuts"),
])  # fmt: skip
def test_letters_that_are_read_as_numbers_go(
    tmp_path: Path, write_series: Writer, keyword: str, vr: str, letters: bytes
) -> None:
    tag = pydicom.tag.Tag(keyword)
    assert int(tag) in deid_profile.kept()

    def edit(ds: Dataset, _n: int) -> None:
        ds[tag] = RawDataElement(tag, vr, len(letters), letters, 0, False, True, True)

    write_series(tmp_path / "in", edit=edit)
    deidentify(tmp_path / "in", tmp_path / "out")
    assert all(b"Zyxw" in path.read_bytes() for path in (tmp_path / "in").rglob("*.dcm"))
    assert not any(b"Zyxw" in path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm"))


@pytest.mark.parametrize("charset", ["ISO_IR 100", "ISO_IR 144", "\\ISO 2022 IR 87", "GB18030"])
def test_names_in_other_character_sets_go_too(tmp_path: Path, write_series: Writer, charset: str) -> None:
    text = {"ISO_IR 100": ACCENTED, "ISO_IR 144": RUSSIAN, "\\ISO 2022 IR 87": JAPANESE, "GB18030": JAPANESE}[charset]

    def edit(ds: Dataset, n: int) -> None:
        ds.SpecificCharacterSet = charset.split("\\") if "\\" in charset else charset
        ds.PatientName, ds.StudyDescription, ds.PatientComments = text, text, text

    write_series(tmp_path / "in", edit=edit)
    assert text in found_in(tmp_path / "in")
    deidentify(tmp_path / "in", tmp_path / "out")
    assert found_in(tmp_path / "out") == set()


@pytest.mark.parametrize("place", [("US", 15), ("LO", "elsewhere")])  # the second cannot be read
def test_an_overlay_in_unused_bits_of_the_pixels_is_cleared(
    tmp_path: Path, write_series: Writer, place: tuple[str, object]
) -> None:
    def edit(ds: Dataset, n: int) -> None:
        stored = np.frombuffer(ds.PixelData, "<u2") & 0x0FFF
        ds.BitsStored, ds.HighBit = 12, 11
        ds.PixelData = (stored | 0x8000).astype("<u2").tobytes()
        put(ds, 0x60000010, "US", ds.Rows)
        put(ds, 0x60000100, "US", 16)
        put(ds, 0x60000102, *place)

    write_series(tmp_path / "in", edit=edit)
    deidentify(tmp_path / "in", tmp_path / "out")
    for ds in datasets(tmp_path / "out"):
        assert not (np.frombuffer(ds.PixelData, "<u2") & 0xF000).any()
    assert read_volume(tmp_path / "in").content_hash == read_volume(tmp_path / "out").content_hash


def test_remarks_in_compressed_pictures_go() -> None:
    remark = b"\xff\xfe" + (2 + len(NAME)).to_bytes(2, "big") + NAME.encode()
    exif = b"\xff\xe1" + (2 + len(NAME)).to_bytes(2, "big") + NAME.encode()
    rest = b"\xff\xdb\x00\x04\x01\x02\xff\xda\x00\x02data\xff\xd9"
    assert without_remarks(b"\xff\xd8" + remark + exif + rest, pydicom.uid.JPEGLosslessSV1) == b"\xff\xd8" + rest
    words = b"\xff\x64" + (4 + len(NAME)).to_bytes(2, "big") + b"\x00\x01" + NAME.encode()
    tiles = b"\xff\x52\x00\x04\x01\x02\xff\x90data\xff\xd9"
    assert without_remarks(b"\xff\x4f" + words + tiles, pydicom.uid.JPEG2000Lossless) == b"\xff\x4f" + tiles


def test_the_contrast_agent_stays_without_what_stands_beside_it(tmp_path: Path, write_series: Writer) -> None:
    def edit(ds: Dataset, n: int) -> None:
        ds.ContrastBolusAgent, ds.ContrastBolusRoute = f"Ultravist for {NAME} iv", f"ORAL {WORD}"
        ds.ContrastBolusVolume, ds.ContrastFlowRate, ds.ContrastBolusIngredient = "90", "3.5", "IODINE"
        ds.ContrastBolusStartTime = "101112"

    write_series(tmp_path / "in", edit=edit)
    deidentify(tmp_path / "in", tmp_path / "out")
    assert not found_in(tmp_path / "out")
    for ds in datasets(tmp_path / "out"):
        assert (ds.ContrastBolusAgent, ds.ContrastBolusRoute) == ("Ultravist iv", "ORAL")
        assert (ds.ContrastBolusVolume, ds.ContrastFlowRate, ds.ContrastBolusIngredient) == (90, 3.5, "IODINE")
        assert "ContrastBolusStartTime" not in ds


def test_what_stays_is_what_the_profile_lets_stay() -> None:
    profile, kept = deid_profile.profile(), deid_profile.kept()
    assert profile[0x00100010] == "empty" and profile[0x00104000] == "delete" and len(profile) > 500
    for tag, rule in kept.items():
        wanted = {"UID": "replace_UID"}.get(rule.upper())
        if tag in profile:
            assert rule in deid_profile.CHANGED, f"{tag:08x} is kept against the profile"
            assert wanted is None or profile[tag] == wanted
    assert not {0x00100040, 0x00101010, 0x00101030, 0x00081090, 0x00204000} & set(kept)


def test_a_word_of_the_trade_goes_when_it_is_the_patients_name() -> None:
    assert cleaned("Bone^Axel lumbar spine bone", {"bone", "axel"}) == "lumbar spine"
    assert cleaned("LWS nativ 12345mm 0.75 mm  7 Meier") == "LWS nativ 0.75mm"
    assert Cleaner(Uids()).uids.new("not a uid") == "" and Uids().new("1.2.840.10008.1.2.1") == "1.2.840.10008.1.2.1"
