"""Files, ZIPs and media that are mistaken or not meant well: each costs a sentence, and nothing else."""

from __future__ import annotations

import io
import os
import re
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging import archives, find, parse, sources
from cvt_planner.imaging.archives import PasswordNeeded
from cvt_planner.imaging.dicomdir import BadDicomdir, files_of
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.sources import Opener, list_files

Writer = Callable[..., list[Path]]
PASSWORD = "Grüße 7"
UNDEFINED = b"\xff\xff\xff\xff"


def noisy(ds: Dataset, n: int) -> None:
    """Give a slice pixels that do not shrink when they are compressed."""
    ds.PixelData = np.random.default_rng(n).integers(0, 4000, ds.Rows * ds.Columns).astype("<u2").tobytes()


def zipped(path: Path, files: list[Path]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    return path


# --- ZIPs


def test_a_zip_of_over_a_hundred_thousand_files_is_refused_at_once(tmp_path: Path) -> None:
    count = archives.MAX_ZIP_ENTRIES + 1
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 6) + bytes(16)
    directory = b"".join(entry + b"%06d" % n for n in range(count))
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(directory), 30, 0)
    local = b"PK\x03\x04" + bytes(26)
    (tmp_path / "many.zip").write_bytes(local + directory + end)
    begin = time.monotonic()
    with pytest.raises(InputRefused, match=r"many\.zip holds over 100000 files"):
        find_series(tmp_path / "many.zip")
    assert time.monotonic() - begin < 8.0


def test_a_zip_that_lists_gigabytes_of_names_is_refused_before_it_is_read(tmp_path: Path) -> None:
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, 1 << 30, 0, 0)
    (tmp_path / "list.zip").write_bytes(b"PK\x03\x04" + bytes(200) + end)
    with pytest.raises(InputRefused, match=r"list\.zip lists far too many files"):
        find_series(tmp_path / "list.zip")


def test_files_of_a_zip_that_overlap_are_refused(tmp_path: Path, write_series: Writer) -> None:
    archive = zipped(tmp_path / "a.zip", write_series(tmp_path / "s"))
    forged = bytearray(archive.read_bytes())
    at = forged.find(b"PK\x01\x02")
    forged[at + 20 : at + 24] = (len(forged) + 1).to_bytes(4, "little")
    archive.write_bytes(forged)
    with pytest.raises(InputRefused, match="overlap"):
        find_series(archive)


def test_a_zip_member_shorter_than_declared_is_refused_and_named(tmp_path: Path, write_series: Writer) -> None:
    archive = zipped(tmp_path / "a.zip", write_series(tmp_path / "s"))
    forged = bytearray(archive.read_bytes())
    at = forged.find(b"PK\x01\x02")
    size = int.from_bytes(forged[at + 24 : at + 28], "little")
    forged[at + 24 : at + 28] = (size + 1000).to_bytes(4, "little")
    archive.write_bytes(forged)
    listing = find_series(archive)
    assert listing.series[0].slice_count == 5
    assert re.search(r"a\.zip: 1\.2\.3\.4-000\.dcm (cannot be unpacked|is not as long)", listing.broken_files[0][1])


def test_a_spoiled_member_is_named(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path / "s", shape=(60, 600), edit=noisy)
    assert files[0].stat().st_size > archives.HEADER_BYTES
    archive = zipped(tmp_path / "a.zip", files)
    spoiled = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as whole:
        entry = whole.getinfo("1.2.3.4-003.dcm")
    spoiled[entry.header_offset + 30 + 15 + entry.compress_size // 2] ^= 0x55
    archive.write_bytes(spoiled)
    with pytest.raises(InputRefused, match=r"1\.2\.3\.4-003\.dcm"):
        read_volume(archive)


def test_a_link_within_a_zip_is_left_aside(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path / "s")
    with zipfile.ZipFile(zipped(tmp_path / "a.zip", files), "a") as archive:
        link = zipfile.ZipInfo("passwd.dcm")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    listing = find_series(tmp_path / "a.zip")
    assert listing.series[0].slice_count == 6 and listing.skipped_files == 0 and not listing.broken_files


def test_a_zip_within_a_zip_or_folder_is_named_and_not_opened(tmp_path: Path, write_series: Writer) -> None:
    inner = zipped(tmp_path / "inner.zip", write_series(tmp_path / "s"))
    outer = zipped(tmp_path / "outer.zip", [inner])
    assert "but the ZIP inner.zip, which is not opened within it" in find_series(outer).hint
    folder = tmp_path / "download"
    folder.mkdir()
    inner.rename(folder / "inner.zip")
    with pytest.raises(InputRefused, match=r"choose that ZIP by itself"):
        read_volume(folder)


def aes_zip(path: Path, files: list[Path]) -> Path:
    import pyzipper

    with pyzipper.AESZipFile(path, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(PASSWORD.encode())
        for file in files:
            archive.write(file, file.name)
    return path


def old_zip(path: Path, files: list[Path]) -> Path:
    """Write a ZIP in the traditional encryption (section 6.1 of the ZIP specification), its files stored."""
    table = [zlib.crc32(bytes([n])) ^ 0xFF000000 ^ 0xFFFFFFFF for n in range(256)]
    table = [_crc_entry(n) for n in range(256)]

    def encrypted(data: bytes, check: int) -> bytes:
        keys = [0x12345678, 0x23456789, 0x34567890]

        def update(byte: int) -> None:
            keys[0] = (keys[0] >> 8) ^ table[(keys[0] ^ byte) & 0xFF]
            keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
            keys[2] = (keys[2] >> 8) ^ table[(keys[2] ^ (keys[1] >> 24)) & 0xFF]

        for byte in PASSWORD.encode():
            update(byte)
        out = bytearray()
        for byte in bytes(11) + bytes([check]) + data:
            mask = (keys[2] | 2) & 0xFFFF
            out.append(byte ^ ((mask * (mask ^ 1)) >> 8) & 0xFF)
            update(byte)
        return bytes(out)

    body, directory = bytearray(), bytearray()
    for file in files:
        data, name = file.read_bytes(), file.name.encode()
        crc = zlib.crc32(data)
        secret = encrypted(data, crc >> 24)
        common = struct.pack("<5H3L2H", 20, 1, 0, 0, 0x5A21, crc, len(secret), len(data), len(name), 0)
        directory += b"PK\x01\x02\x14\0" + common + struct.pack("<3HLL", 0, 0, 0, 0, len(body)) + name
        body += b"PK\x03\x04" + common + name + secret
    count = len(files)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)
    path.write_bytes(bytes(body + directory) + end)
    return path


def _crc_entry(n: int) -> int:
    for _ in range(8):
        n = (n >> 1) ^ 0xEDB88320 if n & 1 else n >> 1
    return n


@pytest.mark.parametrize("make", [aes_zip, old_zip])
def test_a_protected_zip_opens_with_its_password_only(
    tmp_path: Path, write_series: Writer, make: Callable[[Path, list[Path]], Path]
) -> None:
    files = write_series(tmp_path / "s")
    archive = make(tmp_path / "a.zip", files)
    with pytest.raises(PasswordNeeded, match=r"a\.zip is protected by a password") as none:
        find_series(archive)
    with pytest.raises(PasswordNeeded, match="the password does not open it") as wrong:
        find_series(archive, opener=Opener("gruesse"))
    assert not none.value.wrong and wrong.value.wrong and wrong.value.path == archive
    listing = find_series(archive, opener=Opener(PASSWORD))
    assert listing.series[0].slice_count == 6 and PASSWORD not in repr(Opener(PASSWORD))


# --- folders


def test_links_to_files_count_only_inside_the_folder(tmp_path: Path, write_series: Writer) -> None:
    inside, outside = write_series(tmp_path / "s"), write_series(tmp_path / "other", uid="1.2.3.5")
    store = tmp_path / "s" / "store"
    store.mkdir()
    moved = inside[0].rename(store / "object")
    inside[0].symlink_to(moved)
    (tmp_path / "s" / "outside.dcm").symlink_to(outside[0])
    (tmp_path / "s" / "round").symlink_to(tmp_path, target_is_directory=True)
    names = {ref.path.name for ref in list_files(tmp_path / "s", Progress())}
    assert inside[0].name in names and "outside.dcm" not in names and len(names) == 7
    assert [s.uid for s in find_series(tmp_path / "s").series] == ["1.2.3.4"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_no_file(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path)
    os.mkfifo(tmp_path / "pipe.dcm")
    assert find_series(tmp_path).skipped_files == 0
    with pytest.raises(InputRefused, match=r"pipe\.dcm is no file that can be read"):
        find_series(tmp_path / "pipe.dcm")


def test_too_many_files_are_refused(tmp_path: Path, write_series: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    write_series(tmp_path)
    monkeypatch.setattr(sources, "MAX_FILES", 5)
    with pytest.raises(InputRefused, match="over 5 files"):
        find_series(tmp_path)


def test_several_files_make_a_series_without_those_beside_them(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path / "s")
    write_series(tmp_path / "t", uid="1.2.3.5")
    assert find_series(files[:4]).series[0].slice_count == 4
    both = find_series([*files[:4], tmp_path / "t"])
    assert {s.uid: s.slice_count for s in both.series} == {"1.2.3.4": 4, "1.2.3.5": 6}
    assert read_volume(files[:4]).hu.shape[0] == 4 and Path(both.path) == tmp_path


# --- DICOM files


def with_inserted(path: Path, piece: bytes) -> None:
    """Put bytes in front of the pixels."""
    data = path.read_bytes()
    place = data.rindex(b"\xe0\x7f\x10\0")
    path.write_bytes(data[:place] + piece + data[place:])


def nested(depth: int) -> bytes:
    head = b"\x29\0\x10\x10SQ\0\0" + UNDEFINED + b"\xfe\xff\0\xe0" + UNDEFINED
    return head * depth + (b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0") * depth


def test_sequences_nested_by_thousands_cost_one_file(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path)
    with_inserted(files[0], nested(40))
    with_inserted(files[5], nested(5000))
    listing = find_series(tmp_path)
    assert listing.series[0].slice_count == 5
    assert [Path(name).name for name, _ in listing.broken_files] == [files[5].name]
    assert f"{files[5].name} nests sequences too deeply for an image" in listing.broken_files[0][1]


def test_a_length_beyond_the_file_costs_one_file_and_no_memory(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path)
    with_inserted(files[5], b"\x29\0\x10\x10OB\0\0\xf0\xff\xff\x7f")
    listing = find_series(tmp_path)
    assert listing.series[0].slice_count in (5, 6) and listing.series[0].verdict != "usable"
    said = " ".join([*listing.series[0].reasons, *(reason for _, reason in listing.broken_files)])
    assert files[5].name in said


def test_a_large_private_element_is_passed_over_unread(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path)
    with_inserted(files[0], b"\x29\0\x10\x10OB\0\0" + struct.pack("<L", 3 << 20) + bytes(3 << 20))

    class Counting(Opener):
        read = 0

        def open(self, ref):  # type: ignore[no-untyped-def]
            stream = super().open(ref)
            real = stream.read

            class Counted(io.RawIOBase):
                def read(self, count: int = -1) -> bytes:
                    data = real(count)
                    Counting.read += len(data)
                    return data

                def seek(self, *place: int) -> int:
                    return stream.seek(*place)

                def tell(self) -> int:
                    return stream.tell()

            return Counted()

    info = find_series(tmp_path, opener=Counting()).series[0]
    assert info.slice_count == 6 and Counting.read < 1 << 20
    assert read_volume(info).hu.shape == (6, 9, 11)


def test_absurd_sizes_are_refused_before_memory_is_taken(tmp_path: Path, write_series: Writer) -> None:
    def absurd(ds, n: int) -> None:  # type: ignore[no-untyped-def]
        ds.Rows = ds.Columns = 65535

    write_series(tmp_path, edit=absurd)
    with pytest.raises(InputRefused, match=r"1\.2\.3\.4-000\.dcm declares 65535 x 65535 pixels, which is implausible"):
        read_volume(tmp_path)


def test_a_deflated_bomb_costs_one_file(tmp_path: Path, write_series: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_series(tmp_path)
    whole = dcmread(files[5])
    whole.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    stream = io.BytesIO()
    whole.save_as(stream, enforce_file_format=True)
    length = dcmread(io.BytesIO(stream.getvalue())).file_meta.FileMetaInformationGroupLength
    meta = stream.getvalue()[: 132 + 12 + length]
    engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    files[5].write_bytes(meta + engine.compress(bytes(8 << 20)) + engine.flush())
    monkeypatch.setattr(parse, "MAX_INFLATED_BYTES", 4 << 20)
    listing = find_series(tmp_path)
    assert [Path(name).name for name, _ in listing.broken_files] == [files[5].name]
    assert "it inflates to over 4 MiB" in listing.broken_files[0][1] and listing.series[0].slice_count == 5


# --- DICOMDIR


def dicomdir(names: list[str], *, defined: bool = False) -> bytes:
    """Return a DICOMDIR (explicit, little endian) that names files."""
    items = b""
    for name in names:
        text = name.encode() + b" " * (len(name) % 2)
        kind = b"\x04\0\x30\x14CS\x06\0IMAGE "
        value = kind + b"\x04\0\0\x15CS" + struct.pack("<H", len(text)) + text
        if defined:
            items += b"\xfe\xff\0\xe0" + struct.pack("<L", len(value)) + value
        else:
            items += b"\xfe\xff\0\xe0" + UNDEFINED + value + b"\xfe\xff\x0d\xe0\0\0\0\0"
    sequence = b"\x04\0\x20\x12SQ\0\0" + (struct.pack("<L", len(items)) if defined else UNDEFINED) + items
    sequence += b"" if defined else b"\xfe\xff\xdd\xe0\0\0\0\0"
    meta = b"\x02\0\x02\0UI\x14\x00" + b"1.2.840.10008.1.3.10" + b"\x02\0\x10\0UI\x14\x00" + b"1.2.840.10008.1.2.1\0"
    return bytes(128) + b"DICM" + meta + b"\x04\0\0\x12UL\x04\0\0\0\0\0" + sequence


@pytest.fixture
def medium(tmp_path: Path, write_series: Writer) -> Path:
    """Return the folder of a medium with a series of six slices in upper-case folders, and one that is not named."""
    write_series(tmp_path / "DICOM" / "A")
    for n, path in enumerate(sorted((tmp_path / "DICOM" / "A").iterdir())):
        path.rename(path.with_name(f"IM{n}"))
    write_series(tmp_path / "DICOM" / "B", uid="1.2.3.5")
    return tmp_path


@pytest.mark.parametrize("defined", [True, False])
def test_a_dicomdir_brings_the_files_it_names(medium: Path, defined: bool) -> None:
    (medium / "DICOMDIR").write_bytes(dicomdir([rf"DICOM\A\IM{n}" for n in range(6)], defined=defined))
    listing = find_series(medium / "DICOMDIR")
    assert [(s.uid, s.slice_count) for s in listing.series] == [("1.2.3.4", 6)] and not listing.remarks


def test_wrong_case_versions_and_endings_are_followed(medium: Path) -> None:
    folder = medium / "DICOM" / "A"
    (folder / "IM1").rename(folder / "im1.DCM")
    (folder / "IM2").rename(folder / "IM2.;1")
    (medium / "DICOM").rename(medium / "dicom")
    (medium / "DICOMDIR").write_bytes(dicomdir([rf"DICOM\A\IM{n}" for n in range(6)]))
    listing = find_series(medium / "DICOMDIR")
    assert [(s.uid, s.slice_count) for s in listing.series] == [("1.2.3.4", 6)] and not listing.remarks


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (r"..\..\etc\passwd", "names a file outside the medium"),
        ("/etc/passwd", "names a file outside the medium"),
        (r"C:\x", "names a file outside the medium"),
        (r"LINK\secret", "names a file outside the medium"),
        (r"DICOM\A\GONE", "which is not there"),
        (r"DICOM\A", "which is no file"),
    ],
)
def test_a_dicomdir_that_cannot_be_followed_gives_way_to_its_folder(
    medium: Path, tmp_path_factory: pytest.TempPathFactory, name: str, why: str
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_bytes(b"x")
    (medium / "LINK").symlink_to(outside, target_is_directory=True)
    data = dicomdir([r"DICOM\A\IM0", name])
    (medium / "DICOMDIR").write_bytes(data)
    with pytest.raises(BadDicomdir, match=why):
        files_of(medium / "DICOMDIR", data, Progress())
    listing = find_series(medium / "DICOMDIR")
    assert {s.uid for s in listing.series} == {"1.2.3.4", "1.2.3.5"}
    assert why in listing.remarks[0] and "its whole folder was searched instead" in listing.series[0].reasons[-1]
    assert listing.series[0].verdict == "warning"


def test_a_damaged_dicomdir_gives_way_to_its_folder(medium: Path) -> None:
    whole = dicomdir([rf"DICOM\A\IM{n}" for n in range(6)])
    for data in (whole[:300], whole[:200] + b"\xff" * 60, dicomdir([])):
        (medium / "DICOMDIR").write_bytes(data)
        listing = find_series(medium / "DICOMDIR")
        assert len(listing.series) == 2 and listing.remarks


def test_research_volumes_may_take_longer_where_they_are_larger(tmp_path: Path) -> None:
    path = tmp_path / "v.nii"
    path.write_bytes(b"")
    assert find.patience_s(path) == 10.0
    with path.open("wb") as stream:
        stream.truncate(100 << 20)
    assert find.patience_s(path) == 20.0
