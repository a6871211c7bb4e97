"""DICOMDIRs that name what is not there, or lead astray: they are followed as far as they can be, and it is said."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from cvt_planner.base.progress import Progress
from cvt_planner.imaging.dicomdir import BadDicomdir, files_of
from cvt_planner.imaging.find import find_series

Writer = Callable[..., list[Path]]
UNDEFINED = b"\xff\xff\xff\xff"


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
