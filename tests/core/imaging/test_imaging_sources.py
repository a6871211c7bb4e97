"""Folders, ZIPs, media and single files; what is not DICOM, not one study, or not meant well."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
import pyzipper
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging import archives
from cvt_planner.imaging.fill import Means
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.sources import Opener

Writer = Callable[..., list[Path]]


def other_study(ds: Dataset, n: int) -> None:
    ds.StudyInstanceUID, ds.StudyDescription = "1.2.99", "Follow-up"


def test_an_empty_folder_and_a_folder_of_texts_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="is empty"):
        read_volume(tmp_path)
    for n in range(3):
        (tmp_path / f"{n}.txt").write_text("This is not DICOM." * 20)
    listing = find_series(tmp_path)
    assert listing.series == () and listing.skipped_files == 3
    with pytest.raises(InputRefused, match="holds 3 files, none of them a DICOM image"):
        read_volume(tmp_path)
    with pytest.raises(InputRefused, match=r"0\.txt holds no DICOM image"):
        read_volume(tmp_path / "0.txt")
    with pytest.raises(InputRefused, match="does not exist"):
        find_series(tmp_path / "nowhere")


def test_a_folder_with_a_research_volume_points_to_it(tmp_path: Path) -> None:
    (tmp_path / "ct.nii.gz").write_bytes(b"not looked into")
    with pytest.raises(InputRefused, match=r"research volume ct\.nii\.gz, choose that file"):
        read_volume(tmp_path)
    with pytest.raises(InputRefused, match=r"ct\.nii\.gz cannot be read as a research volume"):
        read_volume(tmp_path / "ct.nii.gz")


@pytest.mark.parametrize("password", ["", "geheim"])
def test_files_of_one_name_in_a_zip_are_all_read(tmp_path: Path, write_series: Writer, password: str) -> None:
    """Some programs pack every image as IMAGE.DCM: read by name, the last would stand for all."""
    files = write_series(tmp_path / "a")
    packed = tmp_path / "packed.zip"
    with pyzipper.AESZipFile(packed, "w", encryption=pyzipper.WZ_AES if password else None) as archive:
        archive.setpassword(password.encode() or None)
        for n, path in enumerate(files):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that the name is there already
                archive.writestr("IMAGE.DCM" if n else "IMAGE.DCM (2)", path.read_bytes())
    (info,) = find_series(packed, opener=Opener(password)).series
    assert info.slice_count == len(files) and info.verdict == "usable"
    volume = read_volume(packed, means=Means(opener=lambda: Opener(password)))
    assert volume.content_hash == read_volume(tmp_path / "a").content_hash


@pytest.mark.parametrize(
    ("begin", "words"),
    [
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive"),
        (b"\x1f\x8b\x08", "packed with gzip"),
        (b"MZ\x90", "a program, perhaps a self-extracting archive"),
        (bytes(257) + b"ustar", "a tar archive"),
        (bytes(32769) + b"CD001", "the image of a CD"),
    ],
)
def test_what_is_packed_otherwise_is_named_and_to_be_unpacked(tmp_path: Path, begin: bytes, words: str) -> None:
    (tmp_path / "study").write_bytes(begin + bytes(40_000))
    with pytest.raises(InputRefused, match=f"study is {words}, which is not opened here. Unpack it"):
        read_volume(tmp_path / "study")


def test_a_medium_whose_images_were_not_copied_says_how_many(tmp_path: Path, write_series: Writer) -> None:
    medium = FileSet()
    for path in write_series(tmp_path / "a"):
        image = pydicom.dcmread(path)
        image.StudyTime, image.StudyID, image.SeriesNumber = "101500", "1", 1  # what a directory must name
        medium.add(image)
    medium.write(tmp_path / "cd")
    images = sorted(path for path in (tmp_path / "cd").rglob("*") if path.is_file() and path.name != "DICOMDIR")
    for path in images[:2]:
        path.unlink()
    (info,) = find_series(tmp_path / "cd" / "DICOMDIR").series
    assert "names 2 files that are not there, first PT000000/ST000000/SE000000/IM000000" in info.reasons[-1]
    (info,) = find_series(tmp_path / "cd").series
    assert info.verdict == "warning", "what is missing at an end leaves no gap between slices"
    assert (
        "names 2 files that are not there" in info.reasons[-1] and "slices or series may be missing" in info.reasons[-1]
    )
    for path in images[2:]:
        path.unlink()
    with pytest.raises(InputRefused, match=f"DICOMDIR names {len(images)} files that are not there"):
        read_volume(tmp_path / "cd" / "DICOMDIR")


def test_two_studies_are_not_guessed_between(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", uid="1.2.3.5", edit=other_study)
    listing = find_series(tmp_path)
    assert {s.study_uid for s in listing.series} == {"1.2.3", "1.2.99"}
    with pytest.raises(
        InputRefused, match=r"2 patients or studies: Müller, Anna \(P1\), study.*Müller, Anna \(P1\), study Follow-up"
    ):
        read_volume(tmp_path)
    assert read_volume(tmp_path, "1.2.3.5").series.study_uid == "1.2.99"
    with pytest.raises(InputRefused, match=r"holds no series 1\.2\.77\. Series there"):
        read_volume(tmp_path, "1.2.77")


def test_one_series_uid_in_two_patients_is_not_mixed(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", edit=lambda ds, n: setattr(ds, "PatientID", "P2"))
    assert len(find_series(tmp_path).series) == 2
    with pytest.raises(InputRefused, match="2 times, of different patients or studies"):
        read_volume(tmp_path, "1.2.3.4")


def test_the_thinner_series_of_a_study_is_preferred(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "a", uid="1.2.3.5", places=[2.0 * n for n in range(40)])
    write_series(tmp_path / "b", uid="1.2.3.6", places=range(70))
    write_series(tmp_path / "c", uid="1.2.3.7", places=[0.5 * n for n in range(10)])  # a short piece
    volume = read_volume(tmp_path)
    assert volume.series.series_uid == "1.2.3.6"
    assert "Of 3 usable series this one was chosen: synthetic, 70 slices" in volume.notices[-1]


def test_a_series_without_uid_is_put_together_by_geometry(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path, edit=lambda ds, n: delattr(ds, "SeriesInstanceUID"))
    info = find_series(tmp_path).series[0]
    assert info.uid.startswith("unnamed-") and info.verdict == "warning"
    assert read_volume(tmp_path, info.uid).series.series_uid == ""


def test_a_damaged_file_beside_a_series_is_named(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path)
    (tmp_path / "x.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\0\0\0UL\x04\0\x08\0\0\0" + b"\xff" * 40)
    listing = find_series(tmp_path)
    assert [Path(name).name for name, _ in listing.broken_files] == ["x.dcm"]
    assert "x.dcm: slices may be missing" in listing.series[0].reasons[0]


def test_names_in_any_bytes_are_read_and_shown(tmp_path: Path, write_series: Writer) -> None:
    folder = tmp_path / "Étude – 脊椎"
    files = write_series(folder)
    files[2].rename(folder / "bild\udcff.dcm")
    volume = read_volume(folder)
    assert volume.hu.shape[0] == 6 and volume.source.encode()
    assert all(name.encode() for name in find_series(folder).series[0].files)


def zipped(path: Path, files: list[Path], prefix: str = "a/") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, prefix + file.name)
    return path


def test_a_zip_is_read_in_place_and_its_paths_are_never_used(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path / "s")
    before = sorted(tmp_path.rglob("*"))
    archive = zipped(tmp_path / "evil.zip", files, prefix="../../../outside/")
    assert read_volume(archive).content_hash == read_volume(tmp_path / "s").content_hash
    assert sorted(tmp_path.rglob("*")) == sorted([*before, archive]) and not (tmp_path.parent / "outside").exists()


def test_hostile_zips_are_refused(tmp_path: Path, write_series: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_series(tmp_path / "s")
    archive = zipped(tmp_path / "a.zip", files)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(archive.read_bytes()[:200])
    with pytest.raises(InputRefused, match=r"broken\.zip cannot be read"):
        find_series(broken)
    locked = bytearray(archive.read_bytes())
    at = locked.find(b"PK\x01\x02")
    locked[at + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    with pytest.raises(InputRefused, match="protected by a password"):
        find_series(tmp_path / "locked.zip")
    with monkeypatch.context() as patch:
        patch.setattr(archives, "MAX_ZIP_ENTRIES", 5)
        with pytest.raises(InputRefused, match="over 5 files"):
            find_series(archive)
    monkeypatch.setattr(archives, "MAX_ZIP_RATIO", 100)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("zeros", bytes(3 << 20))
    with pytest.raises(InputRefused, match="zeros, which unpacks to an implausible size"):
        find_series(tmp_path / "bomb.zip")


def test_a_zip_member_longer_than_declared_is_refused(tmp_path: Path, write_series: Writer) -> None:
    archive = zipped(tmp_path / "a.zip", write_series(tmp_path / "s"))
    forged = bytearray(archive.read_bytes())
    at = forged.find(b"PK\x01\x02")
    forged[at + 24 : at + 28] = (50).to_bytes(4, "little")
    archive.write_bytes(forged)
    listing = find_series(archive)
    assert len(listing.broken_files) == 1 or listing.skipped_files == 1
    assert listing.series[0].slice_count == 5


def test_a_dicomdir_stands_for_its_folder(awkward_dicom: Path) -> None:
    medium = awkward_dicom / "pydicom" / "dicomdirtests"
    for name in ("DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-nopatient"):
        listing = find_series(medium / name)
        assert len(listing.readable) == 1 and listing.readable[0].description == "SmartScore - Gated 0.5 sec"
        assert {s.uid for s in listing.series} == {s.uid for s in find_series(medium).series}


def test_one_file_brings_its_own_series_only(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path)
    write_series(tmp_path, uid="1.2.3.5", edit=other_study)
    assert read_volume(files[3]).series.series_uid == "1.2.3.4"
