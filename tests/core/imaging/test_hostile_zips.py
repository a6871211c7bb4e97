"""ZIPs that are mistaken, protected or not meant well: each costs a sentence, and nothing else."""

from __future__ import annotations

import re
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging import archives
from cvt_planner.imaging.archives import PasswordNeeded
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.sources import Opener

Writer = Callable[..., list[Path]]
PASSWORD = "Grüße 7"


def noisy(ds: Dataset, n: int) -> None:
    """Give a slice pixels that do not shrink when they are compressed."""
    ds.PixelData = np.random.default_rng(n).integers(0, 4000, ds.Rows * ds.Columns).astype("<u2").tobytes()


def zipped(path: Path, files: list[Path]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    return path


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


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_spoiled_member_is_named_however_it_is_packed(tmp_path: Path, write_series: Writer, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.write(write_series(tmp_path / "s")[0], "a.dcm")
        size = archive.getinfo("a.dcm").compress_size
    spoiled = bytearray(path.read_bytes())
    spoiled[35 + size // 3 : 35 + size // 2] = b"\xff" * (size // 2 - size // 3)
    path.write_bytes(spoiled)
    listing = find_series(path)
    assert re.search(r"a\.zip: a\.dcm cannot be unpacked", listing.broken_files[0][1])


def test_a_link_within_a_zip_is_left_aside(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path / "s")
    with zipfile.ZipFile(zipped(tmp_path / "a.zip", files), "a") as archive:
        link = zipfile.ZipInfo("passwd.dcm")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    listing = find_series(tmp_path / "a.zip")
    assert listing.series[0].slice_count == 6 and listing.skipped_files == 0 and not listing.broken_files


def test_a_zip_within_a_folder_is_named_and_not_opened(tmp_path: Path, write_series: Writer) -> None:
    inner = zipped(tmp_path / "inner.zip", write_series(tmp_path / "s"))
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
    assert not none.value.wrong and wrong.value.wrong and wrong.value.ref.path == archive
    listing = find_series(archive, opener=Opener(PASSWORD))
    assert listing.series[0].slice_count == 6 and PASSWORD not in repr(Opener(PASSWORD))
