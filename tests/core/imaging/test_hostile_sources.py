"""Folders and DICOM files that are mistaken or not meant well: each costs a sentence, and nothing else."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging import parse, sources
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.sources import Opener, list_files, patience_s

Writer = Callable[..., list[Path]]
UNDEFINED = b"\xff\xff\xff\xff"


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


def test_files_read_in_one_go_may_take_longer_where_they_are_larger() -> None:
    assert patience_s(0) == 10.0 and patience_s(100 << 20) == 20.0
