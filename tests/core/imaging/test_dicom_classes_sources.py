"""Classes 20 to 22, 28 to 32, 36 and 38 of awkward DICOM: odd files, names, folders and archives."""

from __future__ import annotations

import shutil
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging import archives
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.nrrd import write_nrrd
from cvt_planner.imaging.read import read_volume

Writer = Callable[..., list[Path]]


def inserted(file: Path, element: bytes) -> None:
    """Put an element before the pixels of a file."""
    data = file.read_bytes()
    at = data.index(b"\xe0\x7f\x10\x00OW")
    file.write_bytes(data[:at] + element + data[at:])


@pytest.mark.parametrize("name", ["badVR.dcm", "nested_priv_SQ.dcm", "rtstruct.dcm"])
def test_class_20_odd_elements_end_in_a_sentence(awkward_dicom: Path, name: str) -> None:
    with pytest.raises(InputRefused, match=name):
        read_volume(awkward_dicom / "pydicom" / name)


def test_class_20_a_bad_sequence_hides_no_picture(awkward_dicom: Path) -> None:
    info = find_series(awkward_dicom / "pydicom_data" / "bad_sequence.dcm").series[0]
    assert (info.rows, info.columns) == (512, 512) and "only 1 of the 3" in info.reasons[0]


def test_class_20_private_and_wrong_elements_are_tolerated(tmp_path: Path, write_series: Writer) -> None:
    def odd(ds: Dataset, n: int) -> None:
        block = ds.private_block(0x0029, "ODD", create=True)
        block.add_new(0x10, "UN", b"\1\2\3\4")
        ds.add_new(0x00180050, "LO", "not a number")

    write_series(tmp_path / "a")
    write_series(tmp_path / "b", edit=odd)
    assert read_volume(tmp_path / "b").content_hash == read_volume(tmp_path / "a").content_hash


def test_class_21_a_length_beyond_the_file_takes_no_memory(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path)
    inserted(files[2], b"\x53\x00\x10\x10OB\0\0" + struct.pack("<L", 0x7FFFFFF0) + b"\0\0")
    tracemalloc.start()
    listing = find_series(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20
    told = [*(r for s in listing.series for r in s.reasons), *(r for _, r in listing.broken_files)]
    assert any("1.2.3.4-002.dcm" in words for words in told)
    info = listing.series[0]
    if info.can_be_read:
        assert len(read_volume(info).gaps) == 1


def test_class_22_deep_nesting_costs_one_file_at_most(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path)
    depth = 3000
    down = b"\x53\x00\x10\x10SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * depth
    up = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0" * depth
    inserted(files[2], down + up)
    listing = find_series(tmp_path)
    info = listing.series[0]
    assert info.can_be_read and len(info.slices) >= 5
    if len(info.slices) == 5:
        assert "1.2.3.4-002.dcm" in listing.broken_files[0][0] and len(read_volume(info).gaps) == 1


def test_class_28_names_in_every_character_set_are_read(awkward_dicom: Path, tmp_path: Path, write_series: Writer) -> None:  # fmt: skip # noqa: E501
    folder = awkward_dicom / "pydicom" / "charset_files"
    read = 0
    for n, path in enumerate(sorted(folder.glob("*.dcm"))):
        source = dcmread(path, force=True)
        if "PatientName" not in source:
            continue

        def named(ds: Dataset, _n: int, source: Dataset = source) -> None:
            ds.SpecificCharacterSet = source.get("SpecificCharacterSet", "")
            ds["PatientName"] = source["PatientName"]

        write_series(tmp_path / str(n), edit=named)
        (info,) = find_series(tmp_path / str(n)).series
        assert info.can_be_read and info.patient.name and "\\" not in info.patient.name, path.name
        read += 1
    assert read >= 12


@pytest.mark.parametrize("code", ["ISO 2022 IR 149", "GB18030", "nonsense", "ISO_IR 192"])
def test_class_28_any_bytes_in_a_name_never_stop_a_series(tmp_path: Path, write_series: Writer, code: str) -> None:
    files = write_series(tmp_path)
    for file in files:
        data = file.read_bytes()
        text = code.encode().ljust(16)[:16]
        data = data.replace(b"CS\x0a\0ISO_IR 192", b"CS\x10\0" + text)
        file.write_bytes(data.replace("Müller^Anna".encode(), b"\x1b$)C\xb1\xe8\xff\xfe\x80^AB"))
    volume = read_volume(tmp_path)
    assert volume.hu.shape[0] == 6
    volume.patient.name.encode("utf-8")


def test_class_29_odd_and_long_paths_are_read(tmp_path: Path, write_series: Writer) -> None:
    deep = tmp_path / "Wirbelsäule 腰椎 L2 'x'"
    for _ in range(4):
        deep = deep / ("langer_Ordnername_" * 5)
    assert len(str(deep)) > 260
    write_series(deep)
    assert read_volume(tmp_path).hu.shape[0] == 6 and read_volume(next(deep.iterdir())).hu.shape[0] == 6


def test_class_30_other_files_are_counted_and_left(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path)
    for name, data in {"readme.txt": b"hello", "Thumbs.db": b"\xd0\xcf\x11\xe0" * 99, ".DS_Store": b"", "a.pdf": b"%PDF"}.items():  # fmt: skip # noqa: E501
        (tmp_path / name).write_bytes(data)
    listing = find_series(tmp_path)
    assert (listing.skipped_files, len(listing.series), listing.series[0].verdict) == (4, 1, "usable")


def test_class_31_a_dicomdir_never_leads_out_of_its_folder(awkward_dicom: Path, tmp_path: Path, write_series: Writer) -> None:  # fmt: skip # noqa: E501
    medium = tmp_path / "medium"
    shutil.copytree(awkward_dicom / "pydicom" / "dicomdirtests" / "98892001", medium / "98892001")
    write_series(tmp_path / "outside")
    directory = dcmread(awkward_dicom / "pydicom" / "dicomdirtests" / "DICOMDIR")
    for record in directory.DirectoryRecordSequence:
        if "ReferencedFileID" in record:
            record.ReferencedFileID = ["..", "outside", "1.2.3.4-000.dcm"]
    directory.save_as(medium / "DICOMDIR", enforce_file_format=True)
    listing = find_series(medium / "DICOMDIR")
    assert listing.series and not any("outside" in name for s in listing.series for name in s.files)


@pytest.mark.parametrize("name", ["dicomdir", "DICOMDIR.dcm"])
def test_class_31_case_ending_and_damage_do_not_matter(awkward_dicom: Path, tmp_path: Path, name: str) -> None:
    tests = awkward_dicom / "pydicom" / "dicomdirtests"
    shutil.copytree(tests / "98892001", tmp_path / "98892001")
    (tmp_path / name).write_bytes((tests / "DICOMDIR").read_bytes()[:2000])
    assert len(find_series(tmp_path / name).readable) == 1


def zipped(target: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


def test_class_32_a_zip_is_read_in_place(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path / "a")
    members = {f"../../etc/{file.name}": file.read_bytes() for file in files}
    archive = zipped(tmp_path / "z.zip", members)
    assert read_volume(archive).content_hash == read_volume(tmp_path / "a").content_hash
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "z.zip"]


def test_class_32_hostile_zips_are_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped(tmp_path / "bomb.zip", {"a.dcm": bytes(8 << 20)})
    monkeypatch.setattr(archives, "MAX_ZIP_RATIO", 100)
    with pytest.raises(InputRefused, match=r"bomb\.zip holds a\.dcm"):
        read_volume(bomb)
    many = zipped(tmp_path / "many.zip", {str(n): b"" for n in range(20)})
    monkeypatch.setattr(archives, "MAX_ZIP_ENTRIES", 10)
    with pytest.raises(InputRefused, match=r"many\.zip holds over 10 files"):
        read_volume(many)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(many.read_bytes()[:200])
    with pytest.raises(InputRefused, match=r"cut\.zip"):
        read_volume(cut)


def test_class_36_pictures_that_are_no_slices_are_set_aside(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "a")
    kinds = {
        "capture": {"SOPClassUID": SecondaryCaptureImageStorage},
        "dose": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.67", "Modality": "SR"},
        "localiser": {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        "derived": {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
        "colour": {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"},
    }
    for n, (name, values) in enumerate(kinds.items()):

        def spoil(ds: Dataset, _n: int, values: dict[str, object] = values, n: int = n) -> None:
            for keyword, value in values.items():
                setattr(ds, keyword, value)
            ds.SOPInstanceUID = f"1.2.3.4.9.{n}"

        write_series(tmp_path / name, places=[2], edit=spoil)
    (info,) = find_series(tmp_path).series
    assert info.verdict == "warning" and info.slice_count == 6
    assert sum("set aside" in reason for reason in info.reasons) == len(kinds)
    assert read_volume(tmp_path).content_hash == read_volume(tmp_path / "a").content_hash


@pytest.mark.parametrize("head", [b"MZ\x90\0", b"PK\x03\x04", b"<html><script>", b"%PDF-1.7"])
def test_class_38_a_polyglot_preamble_is_ignored_and_never_written(tmp_path: Path, write_series: Writer, head: bytes) -> None:  # fmt: skip # noqa: E501
    for file in write_series(tmp_path / "a"):
        data = file.read_bytes()
        file.write_bytes(head.ljust(128, b"!") + data[128:])
    volume = read_volume(next((tmp_path / "a").iterdir()))
    assert volume.hu.shape[0] == 6
    write_nrrd(tmp_path / "out.nrrd", np.asarray(volume.hu), volume.grid)
    assert head + b"!" not in (tmp_path / "out.nrrd").read_bytes()
