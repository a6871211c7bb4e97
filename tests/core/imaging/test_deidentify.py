"""De-identification: nothing of the patient is left anywhere in the copies, and the copies are the same CT."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import config, datadict
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from cvt_planner import cli
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.base.arrays import vec3
from cvt_planner.base.errors import Cancelled, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging import deid_profile
from cvt_planner.imaging.deid_file import KEPT, SHIFTED, Cleaner, Person, Uids
from cvt_planner.imaging.deid_streams import without_remarks
from cvt_planner.imaging.deid_words import cleaned
from cvt_planner.imaging.deidentify import DeidOptions, deidentify
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.headers import read_header
from cvt_planner.imaging.pixels import hu_slice
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.sources import FileRef, Opener
from cvt_planner.plan import edits
from cvt_planner.plan.model import LesionKind
from cvt_planner.planning.placement import place_assembly
from cvt_planner.workspace import new_plan

Writer = Callable[..., list[Path]]
SAMPLE = Path(__file__).resolve().parents[3] / "sample_dicom" / "standard"

NAME, WORD, CODE = "Zyxwvutsky", "Qwertzheim", "QQSECRET7"
ACCENTED, JAPANESE, RUSSIAN = "Ångströmössön", "山田太郎", "Щербаков"
DAY, BORN, MOMENT, AGE, LINK = "20260317", "19410926", "20260317101112.5", "097Y", "http://qwertzheim.example/9"
OWN_UID = "1.2.40.0.13.998877665544332211"
SECRETS = (NAME, WORD, CODE, ACCENTED, JAPANESE, RUSSIAN, DAY, BORN, "101112", AGE, "qwertzheim.example", OWN_UID,
           "1.2.3.4.1", "Hidden preamble", "Hidden tail", "Hidden pixels")  # fmt: skip
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "iso2022_jp", "shift_jis", "euc_jp", "iso8859_5", "gb18030")
VALUES = {"LO": WORD, "SH": WORD, "ST": WORD, "LT": WORD, "UT": WORD, "UC": WORD, "PN": f"{NAME}^Xaver", "AE": CODE,
          "CS": CODE, "AS": AGE, "DA": DAY, "DT": MOMENT, "TM": "101112", "UR": LINK, "UI": OWN_UID}  # fmt: skip
# Without these a file is no CT slice; they hold numbers and terms of the standard.
STRUCTURE = {"SpecificCharacterSet", "ImageType", "Modality", "PhotometricInterpretation", "SOPClassUID", "RescaleType",
             "SeriesInstanceUID", "StudyInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID",
             "BurnedInAnnotation"}  # fmt: skip


def put(ds: Dataset, tag: int, vr: str, value: object) -> None:
    ds.add(DataElement(tag, vr, value, validation_mode=config.IGNORE))


def filled(ds: Dataset, n: int = 0) -> None:
    """Fill a header with secrets: every text of the dictionary, sequences, private groups, overlays and what not."""
    for tag, (vr, *_) in datadict.DicomDictionary.items():
        keyword = datadict.keyword_for_tag(tag)
        if tag >> 16 in (0x0000, 0x0002, 0x0004) or vr not in VALUES or keyword in STRUCTURE or tag in ds:
            continue
        put(ds, tag, vr, VALUES[vr])
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = f"{NAME}^{ACCENTED}^{RUSSIAN}={JAPANESE}", CODE, BORN
    ds.SeriesDescription = f"{NAME} lumbar spine {WORD} 1.0 mm bone {DAY}"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", CODE]
    put(ds, 0x00181210, "SH", f"B60{WORD}")
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = ds.SOPClassUID, f"{ds.SeriesInstanceUID}.{n + 1}"
    deeper = Dataset()
    put(deeper, 0x00100010, "PN", NAME)
    put(deeper, 0x00080104, "LO", WORD)
    item.PurposeOfReferenceCodeSequence = Sequence([deeper])
    ds.ReferencedImageSequence = Sequence([item])
    asked = Dataset()
    put(asked, 0x00321060, "LO", WORD)
    asked.ReferencedImageSequence = Sequence([item])
    ds.RequestAttributesSequence = Sequence([asked])
    block = ds.private_block(0x0029, f"{WORD} HEADER", create=True)
    block.add_new(0x10, "LO", NAME)
    block.add_new(0x11, "OB", NAME.encode() + b"\0" * (len(NAME) % 2))
    block.add_new(0x12, "SQ", Sequence([deeper]))
    put(ds, 0x60000010, "US", 4)
    put(ds, 0x60000011, "US", 4)
    put(ds, 0x60003000, "OW", WORD.encode())
    put(ds, 0x60000022, "LO", WORD)
    put(ds, 0x50000005, "US", 1)
    put(ds, 0x50003000, "OB", WORD.encode())
    icon = Dataset()
    icon.Rows = icon.Columns = 4
    icon.BitsAllocated, icon.SamplesPerPixel, icon.PixelRepresentation = 8, 1, 0
    icon.PixelData = WORD.encode() + b"\0" * 6
    ds.IconImageSequence = Sequence([icon])
    put(ds, 0xFFFCFFFC, "OB", b"Hidden tail ")
    ds.PixelData += b"Hidden pixels "
    ds.file_meta.SourceApplicationEntityTitle = CODE
    ds.file_meta.PrivateInformationCreatorUID = OWN_UID
    ds.file_meta.PrivateInformation = WORD.encode()


def hostile(folder: Path, write: Writer) -> Path:
    """Return a folder with a series full of secrets, in its bytes and in its names."""
    files = write(folder / f"{NAME}_{CODE}", places=range(6), edit=filled)
    for n, path in enumerate(files):
        data = path.read_bytes()
        path.write_bytes(b"Hidden preamble".ljust(128, b"!") + data[128:] + b"Hidden tail")
        path.rename(path.with_name(f"{WORD}-{n}.dcm"))
    return folder


def spellings(secret: str) -> set[bytes]:
    """Return the bytes of a text in every encoding that has its letters."""
    texts = {secret, secret.lower(), secret.upper()}
    made = set()
    for text in texts:
        for name in ENCODINGS:
            made.add(text.encode(name, "ignore"))
    return {one for one in made if len(one) >= 4}


def found_in(folder: Path) -> set[str]:
    """Return which secrets stand in the bytes or the names of a folder's files."""
    paths = list(folder.rglob("*"))
    names = "\n".join(path.relative_to(folder).as_posix() for path in paths).encode("utf-8")
    blob = b"\n".join([names, *(path.read_bytes() for path in paths if path.is_file())])
    return {secret for secret in SECRETS if any(one in blob for one in spellings(secret))}


def datasets(folder: Path) -> Iterator[Dataset]:
    for path in sorted(folder.rglob("*.dcm")):
        yield pydicom.dcmread(path)


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


def test_references_and_frames_still_agree(tmp_path: Path, write_series: Writer) -> None:
    def edit(ds: Dataset, n: int) -> None:
        filled(ds, (n + 1) % 6)

    write_series(tmp_path / "in" / "a", edit=edit)
    write_series(tmp_path / "in" / "b", uid="1.2.3.5", edit=edit)
    deidentify(tmp_path / "in", tmp_path / "out")
    copies = list(datasets(tmp_path / "out"))
    assert len(copies) == 12 and len({ds.SeriesInstanceUID for ds in copies}) == 2
    assert len({ds.FrameOfReferenceUID for ds in copies}) == len({ds.StudyInstanceUID for ds in copies}) == 1
    own = {ds.SOPInstanceUID for ds in copies}
    assert len(own) == 12 and {ds.ReferencedImageSequence[0].ReferencedSOPInstanceUID for ds in copies} == own
    assert all(ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID for ds in copies)
    deidentify(tmp_path / "in", tmp_path / "again")
    assert not own & {ds.SOPInstanceUID for ds in datasets(tmp_path / "again")}, "UIDs are new at each run"


def test_dates_are_shifted_alike_for_a_patient_and_kept_on_request(tmp_path: Path, write_series: Writer) -> None:
    def june(ds: Dataset, n: int) -> None:
        ds.StudyDate, ds.SeriesDate, ds.StudyTime = "20260601", "2026.06.01", "101112"
        ds.AcquisitionDateTime = "20260601101112.25+0100"
        put(ds, 0x00080022, "DA", "Zyxwvuts")  # a text where a date belongs

    def july(ds: Dataset, n: int) -> None:
        ds.StudyDate, ds.StudyInstanceUID = "20260711", "1.2.3.77"

    write_series(tmp_path / "in" / "a", edit=june)
    write_series(tmp_path / "in" / "b", uid="1.2.3.5", edit=july)
    deidentify(tmp_path / "in", tmp_path / "moved", DeidOptions(dates=SHIFTED))
    moved = list(datasets(tmp_path / "moved"))
    days = sorted({np.datetime64(f"{d[:4]}-{d[4:6]}-{d[6:]}") for d in (ds.StudyDate for ds in moved)})
    assert len(days) == 2 and (days[1] - days[0]).astype(int) == 40
    assert 365 <= (np.datetime64("2026-06-01") - days[0]).astype(int) < 365 + 3288
    first = next(ds for ds in moved if "AcquisitionDateTime" in ds)
    assert first.AcquisitionDateTime == f"{first.StudyDate}101112.25+0100" and first.SeriesDate == first.StudyDate
    assert "AcquisitionDate" not in first and first.LongitudinalTemporalInformationModified == "MODIFIED"
    deidentify(tmp_path / "in", tmp_path / "kept", DeidOptions(dates=KEPT, keep_uids=True, label="CASE-7"))
    kept = list(datasets(tmp_path / "kept"))
    assert {ds.StudyDate for ds in kept} == {"20260601", "20260711"}
    assert {ds.SeriesInstanceUID for ds in kept} == {"1.2.3.4", "1.2.3.5"}
    assert {ds.PatientID for ds in kept} == {"CASE-7"} and {ds.PatientBirthDate for ds in kept} == {""}
    codes = [c.CodeValue for c in kept[0].DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113105", "113106", "113110"]


def test_what_is_no_plain_ct_image_is_left_out_and_counted(tmp_path: Path, write_series: Writer) -> None:
    folder = tmp_path / "in"
    write_series(folder / "ct")
    write_series(folder / "burned", uid="1.2.3.11", edit=lambda ds, n: setattr(ds, "BurnedInAnnotation", "YES"))
    write_series(folder / "mr", uid="1.2.3.12", edit=lambda ds, n: setattr(ds, "Modality", "MR"))
    scout = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    write_series(folder / "scout", uid="1.2.3.13", places=[0], edit=lambda ds, n: setattr(ds, "ImageType", scout))
    screen = "1.2.840.10008.5.1.4.1.1.7"
    write_series(folder / "screen", uid="1.2.3.14", places=[0], edit=lambda ds, n: setattr(ds, "SOPClassUID", screen))
    report = deidentify(folder, tmp_path / "out")
    assert report.images == 6 and len(report.series) == 1
    counts = {words.split(",")[0].split(":")[0]: count for words, count in report.left_out}
    assert counts == {
        "a localiser (scout view)": 1,
        "a secondary capture or screen page": 1,
        "an image whose header says that text is burned into it (BurnedInAnnotation YES)": 6,
        "an object of modality MR": 6,
    }
    with pytest.raises(InputRefused, match=r"Nothing of .* can be de-identified.*burned into it"):
        deidentify(folder, tmp_path / "two", DeidOptions(series_uid="1.2.3.11"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"], "nothing is left behind"


def test_a_mistaken_request_is_refused_in_words(tmp_path: Path, write_series: Writer) -> None:
    folder = tmp_path / "in"
    write_series(folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("x")
    for out, options, words in (
        (tmp_path / "full", DeidOptions(), "not an empty folder"),
        (folder / "out", DeidOptions(), "lies inside the study"),
        (tmp_path / "no" / "out", DeidOptions(), "does not exist"),
        (tmp_path / "out", DeidOptions(label="Müller"), "letters without accents"),
        (tmp_path / "out", DeidOptions(label="study-anna"), "part of the patient's name"),
        (tmp_path / "out", DeidOptions(dates="guessed"), "Dates can be"),
        (tmp_path / "out", DeidOptions(series_uid="9.9"), "holds no series"),
    ):
        with pytest.raises(InputRefused, match=words):
            deidentify(folder, out, options)
    stopped = Progress()
    heard = []

    def listen(fraction: float, message: str) -> None:
        heard.append(fraction)
        if fraction > 0.5:
            stopped.stop()

    stopped.listener = listen
    with pytest.raises(Cancelled):
        deidentify(folder, tmp_path / "out", progress=stopped)
    assert heard and sorted(p.name for p in tmp_path.iterdir()) == ["full", "in"]


def test_a_zip_and_several_patients_are_numbered(
    tmp_path: Path, write_series: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    write_series(tmp_path / "in" / "a")
    write_series(tmp_path / "in" / "b", uid="1.2.3.5", edit=lambda ds, n: setattr(ds, "PatientID", "P2"))
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for path in (tmp_path / "in").rglob("*.dcm"):
            archive.write(path, path.relative_to(tmp_path / "in"))
    (tmp_path / "out").mkdir()
    assert cli.main(["deidentify", str(tmp_path / "in.zip"), "--out", str(tmp_path / "out"), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["patients"] == 2 and values["images"] == 12 and values["left_out"] == []
    assert {ds.PatientID for ds in datasets(tmp_path / "out")} == {"ANONYMOUS-1", "ANONYMOUS-2"}
    assert {one["folder"] for one in values["series"]} == {"patient_01/series_001", "patient_02/series_002"}
    assert "1.2.3.4" not in json.dumps(values["series"])


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


@pytest.mark.parametrize("name", ["CT1_J2KR", "CT1_J2KI", "CT1_JLSL", "CT1_JLSN", "CT1_JPLL", "CT1_RLE", "CT1_UNC"])
def test_every_transfer_syntax_keeps_its_pixels(awkward_dicom: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()  # the others beside it are the same slice
    source = Path(shutil.copy(awkward_dicom / "wg04" / f"{name}.dcm", tmp_path / "in"))
    deidentify(source, tmp_path / "out")
    (copy,) = (tmp_path / "out").rglob("*.dcm")
    with Opener() as opener:
        before, after = (read_header(opener, FileRef(path)) for path in (source, copy))
        assert before is not None and after is not None and before.pixels is not None and after.pixels is not None
        assert before.pixels.transfer_syntax == after.pixels.transfer_syntax
        assert np.array_equal(hu_slice(opener, before), hu_slice(opener, after))


@pytest.mark.parametrize("name", ["ExplVR_BigEnd.dcm", "image_dfl.dcm", "CT_small.dcm", "no_meta.dcm"])
def test_awkward_files_are_copied_or_refused_in_words(awkward_dicom: Path, tmp_path: Path, name: str) -> None:
    try:
        report = deidentify(awkward_dicom / "pydicom" / name, tmp_path / "out")
    except InputRefused as refusal:
        assert name in str(refusal)
        assert not (tmp_path / "out").exists()
    else:
        assert report.images >= 1


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


def test_a_series_without_uids_gets_one_of_its_own(tmp_path: Path, write_series: Writer) -> None:
    def edit(ds: Dataset, n: int) -> None:
        del ds.SeriesInstanceUID, ds.StudyInstanceUID, ds.SOPInstanceUID
        ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.4.{n + 1}"

    write_series(tmp_path / "in", edit=edit)
    report = deidentify(tmp_path / "in", tmp_path / "out", DeidOptions(keep_uids=True))
    copies = list(datasets(tmp_path / "out"))
    assert {ds.SeriesInstanceUID for ds in copies} == {report.series[0].uid} and report.series[0].uid
    assert len({ds.StudyInstanceUID for ds in copies}) == 1 and len({ds.SOPInstanceUID for ds in copies}) == 6


def test_a_multi_frame_image_keeps_the_place_of_its_frames(awkward_dicom: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    source = Path(shutil.copy(awkward_dicom / "pydicom_data" / "eCT_Supplemental.dcm", tmp_path / "in"))
    deidentify(source, tmp_path / "out")
    before, (after,) = pydicom.dcmread(source), datasets(tmp_path / "out")
    assert after.PixelData == before.PixelData[: len(after.PixelData)] and after.NumberOfFrames == before.NumberOfFrames
    for group in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for old, new in zip(before[group].value, after[group].value, strict=True):
            for part in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence"):
                assert (part in old) == (part in new)
                assert part not in old or [e.value for e in old[part][0]] == [e.value for e in new[part][0]]


def test_a_plan_is_made_on_a_copy_as_on_the_original(tmp_path: Path) -> None:
    deidentify(SAMPLE, tmp_path / "out", DeidOptions(dates=SHIFTED))
    (usable,) = find_series(tmp_path / "out").readable
    truth = json.loads(next(SAMPLE.parent.rglob("truth.json")).read_text(encoding="utf-8"))
    lesion = truth["lesions"][0]
    pedicle = next(lv for lv in truth["levels"] if lv["name"] == lesion["level"])["pedicles"]["left"]
    laid = []
    for volume in (read_volume(SAMPLE), read_volume(usable)):
        plan = new_plan(volume)
        shape = Ellipsoid(vec3(lesion["centre_lps_mm"]), (6.0, 6.0, 6.0))
        wanted = edits.new_lesion(plan, lesion["level"], LesionKind.LYTIC, shape, 6, "One")
        plan = edits.add_lesion(wanted)(plan)
        laid.append(place_assembly(volume, plan, wanted.id, shape.centre_lps_mm, vec3(pedicle["isthmus_lps_mm"])))
    assert laid[0].skin_entry_lps_mm is not None
    for name in ("probe_tip_lps_mm", "entry_lps_mm", "skin_entry_lps_mm", "side"):
        assert getattr(laid[0], name) == getattr(laid[1], name)


@pytest.mark.real_ct
def test_a_real_series_is_the_same_ct_afterwards(real_ct: Callable[[str], Path], tmp_path: Path) -> None:
    source = real_ct("ts_example_ct_dicom")
    report = deidentify(source, tmp_path / "out", DeidOptions(dates=SHIFTED))
    before, after = read_volume(source), read_volume(tmp_path / "out")
    assert report.images == 20 and after.content_hash == before.content_hash
    assert after.grid.frame_of_reference_uid and after.grid.frame_of_reference_uid != before.grid.frame_of_reference_uid
    assert after.series.kernel == before.series.kernel
