"""ZIPs within ZIPs: read as the folder they were made of, and no way round the caps."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import pyzipper

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging import archives, isolation, zip_tree
from cvt_planner.imaging.archives import PasswordNeeded
from cvt_planner.imaging.deidentify import deidentify
from cvt_planner.imaging.fill import Means
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.incomplete import MARKER
from cvt_planner.imaging.pacs.outgoing import outgoing_of
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.sources import Opener

Writer = Callable[..., list[Path]]
PASSWORD = "Grüße 7"


def packed(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def locked(members: Mapping[str, bytes], password: str = PASSWORD) -> bytes:
    stream = io.BytesIO()
    with pyzipper.AESZipFile(stream, "w", pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(password.encode())
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def written(path: Path, members: Mapping[str, bytes]) -> Path:
    path.write_bytes(packed(members))
    return path


def written_raw(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def wrapped(data: bytes, times: int) -> bytes:
    """Pack a ZIP into others."""
    for n in range(times):
        data = packed({f"level{n}.zip": data})
    return data


def contents(files: list[Path]) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in files}


def test_a_series_spread_over_zips_in_a_zip_reads_as_its_folder(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path / "s")
    first, second, third = contents(files[:2]), contents(files[2:4]), contents(files[4:])
    deep = packed({"../../c.ZIP": packed(third, zipfile.ZIP_STORED)})
    outer = written(tmp_path / "outer.zip", {"a.zip": packed(first), "b/deep.zip": deep, **second})
    (info,) = find_series(outer).series
    assert info.slice_count == 6 and info.verdict == "usable"
    assert f"{outer}: b/deep.zip: ../../c.ZIP: {files[5].name}" in info.files
    folder = read_volume(tmp_path / "s")
    for volume in (read_volume(outer), isolation.read_volume(outer)):
        assert volume.content_hash == folder.content_hash and np.array_equal(volume.hu, folder.hu)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["outer.zip", "s"]
    assert len(outgoing_of(outer, Progress())[0]) == 6


def test_a_dicomdir_and_an_unfinished_retrieval_count_for_their_own_zip(
    tmp_path: Path, write_series: Writer, awkward_dicom: Path
) -> None:
    medium = awkward_dicom / "pydicom" / "dicomdirtests"
    images = [p for p in sorted(medium.rglob("*")) if p.is_file() and p.parent != medium]
    cd = {p.relative_to(medium).as_posix(): p.read_bytes() for p in (medium / "DICOMDIR", *images)}
    assert find_series(written(tmp_path / "cd.zip", {"cd.zip": packed(cd)})).remarks == ()
    outside = {"DICOMDIR": cd["DICOMDIR"], "images.zip": packed(cd)}
    (remark,) = find_series(written(tmp_path / "part.zip", outside)).remarks
    assert "part.zip: DICOMDIR names" in remark
    files = contents(write_series(tmp_path / "s"))
    unfinished = {MARKER: b"{}", "images.zip": packed(files)}
    listing = find_series(written(tmp_path / "half.zip", {"x.zip": packed(unfinished)}))
    assert not listing.series and "was not fetched whole" in listing.hint


def test_a_damaged_zip_within_is_named_on_every_series(tmp_path: Path, write_series: Writer) -> None:
    files = contents(write_series(tmp_path / "s"))
    cut = packed(files)[:-40]
    outer = written(tmp_path / "outer.zip", {"a.zip": packed(files), "cut.zip": cut, "text.zip": b"no ZIP at all"})
    listing = find_series(outer)
    (info,) = listing.series
    assert info.slice_count == 6 and info.verdict == "warning" and listing.skipped_files == 2
    assert "outer.zip: cut.zip cannot be read" in info.reasons[-1] and "is missing here" in info.reasons[-1]
    with pytest.raises(InputRefused, match=r"outer\.zip: cut\.zip cannot be read"):
        outgoing_of(outer, Progress())
    report = deidentify(outer, tmp_path / "copies")
    assert report.images == 6 and [count for what, count in report.left_out if "ZIP" in what] == [1]
    assert "cut" not in report.words and "slices or series may be missing" in report.words
    spoiled = bytearray(packed({"a.zip": packed(files)}))
    spoiled[300] ^= 0x55
    (tmp_path / "spoiled.zip").write_bytes(spoiled)
    with pytest.raises(InputRefused, match=r"spoiled\.zip: a\.zip cannot be unpacked"):
        read_volume(tmp_path / "spoiled.zip")


def test_zips_that_lie_too_deep_are_refused_by_name(tmp_path: Path, write_series: Writer) -> None:
    files = packed(contents(write_series(tmp_path / "s")))
    (tmp_path / "three.zip").write_bytes(wrapped(files, zip_tree.MAX_ZIP_LEVELS - 1))
    assert find_series(tmp_path / "three.zip").series[0].slice_count == 6
    (tmp_path / "four.zip").write_bytes(wrapped(files, zip_tree.MAX_ZIP_LEVELS))
    with pytest.raises(InputRefused, match=r"four\.zip: level1\.zip: level0\.zip: s\.zip lies deeper than 3"):
        find_series(written(tmp_path / "four.zip", {"level1.zip": packed({"level0.zip": packed({"s.zip": files})})}))
    (tmp_path / "forty.zip").write_bytes(wrapped(files, 40))
    with pytest.raises(InputRefused, match=r"level38\.zip: level37\.zip lies deeper than 3 ZIPs within each other"):
        find_series(tmp_path / "forty.zip")
    with pytest.raises(InputRefused, match="deeper than 3"):
        isolation.find_series(tmp_path / "forty.zip")


def test_caps_count_what_all_zips_hold_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = packed({str(n): b"" for n in range(6)})
    outer = written(tmp_path / "many.zip", {"a.zip": many, "b.zip": many})
    assert find_series(outer).skipped_files == 12
    with monkeypatch.context() as patch:
        patch.setattr(archives, "MAX_ZIP_ENTRIES", 10)
        with pytest.raises(InputRefused, match=r"many\.zip: [ab]\.zip holds over 10 files"):
            find_series(outer)
    noise = {"noise": zlib.compress(bytes(1000)) * 200}
    outer = written(tmp_path / "large.zip", {"a.zip": packed(noise), "b.zip": packed(noise)})
    with monkeypatch.context() as patch:
        patch.setattr(archives, "MAX_ZIP_BYTES", len(noise["noise"]) * 3 // 2)
        with pytest.raises(InputRefused, match=r"large\.zip: [ab]\.zip unpacks to over"):
            find_series(outer)
    monkeypatch.setattr(zip_tree, "MAX_INNER_BYTES", len(packed(noise)) * 3 // 2)
    with pytest.raises(InputRefused, match=r"The ZIPs within .*large\.zip have together over"):
        find_series(outer)


def test_a_bomb_does_not_get_round_the_ratio_by_nesting(tmp_path: Path) -> None:
    """Each level by itself keeps below the cap: 30 MB shrink to 30 kB, and those once more."""
    core = packed({"zeros.dcm": bytes(30 << 20) + np.random.default_rng(1).bytes(20_000)})
    assert find_series(written_raw(tmp_path / "core.zip", core)).skipped_files == 1
    with pytest.raises(InputRefused, match=r"bomb\.zip: core\.zip holds zeros\.dcm, which unpacks to an implausible"):
        find_series(written(tmp_path / "bomb.zip", {"core.zip": core}))
    # Many members below the size from which each is judged: all together are.
    small = packed({f"{n}.dcm": bytes(1 << 20) for n in range(300)}, zipfile.ZIP_BZIP2)
    with pytest.raises(InputRefused, match=r"many\.zip: small\.zip unpacks to an implausible size"):
        find_series(written(tmp_path / "many.zip", {"small.zip": small}))


def test_an_inner_zip_longer_than_declared_costs_no_more_than_declared(tmp_path: Path) -> None:
    outer = bytearray(packed({"a.zip": packed({"zeros.dcm": bytes(30 << 20)})}))
    at = outer.find(b"PK\x01\x02")
    outer[at + 24 : at + 28] = struct.pack("<L", 100)
    with pytest.raises(InputRefused, match=r"forged\.zip: a\.zip (cannot be unpacked|is not as long)"):
        read_volume(written_raw(tmp_path / "forged.zip", bytes(outer)))


@pytest.mark.parametrize("outside", [packed, locked])
def test_a_protected_zip_within_takes_the_same_password(
    tmp_path: Path, write_series: Writer, outside: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    inner = {"inner.zip": locked(contents(write_series(tmp_path / "s")))}
    outer = written_raw(tmp_path / "outer.zip", outside(inner))
    with pytest.raises(PasswordNeeded, match=r"is protected by a password") as none:
        find_series(outer)
    with pytest.raises(PasswordNeeded, match="the password does not open it"):
        isolation.find_series(outer, password="gruesse")
    assert none.value.zip_name == ("outer.zip: inner.zip" if outside is packed else "outer.zip")
    assert isolation.find_series(outer, password=PASSWORD).series[0].slice_count == 6
    volume = read_volume(outer, means=Means(opener=lambda: Opener(PASSWORD)))
    assert volume.content_hash == read_volume(tmp_path / "s").content_hash


def test_a_zip_within_of_another_password_is_named(tmp_path: Path) -> None:
    outer = written_raw(tmp_path / "outer.zip", locked({"inner.zip": locked({"a": b"a"}, "other")}))
    with pytest.raises(PasswordNeeded, match=r"outer\.zip: inner\.zip is protected.*unpack the outer one") as wrong:
        find_series(outer, opener=Opener(PASSWORD))
    same = pickle.loads(pickle.dumps(wrong.value))
    assert str(same) == str(wrong.value) and same.zip_name == "outer.zip: inner.zip" and same.wrong
