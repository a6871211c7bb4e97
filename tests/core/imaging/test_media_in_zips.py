"""A DICOMDIR that was packed or copied with its files is held against them: what did not come along is said."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from cvt_planner.imaging.find import find_series


@pytest.fixture
def medium(awkward_dicom: Path) -> Path:
    """A CD with three patients' studies."""
    return awkward_dicom / "pydicom" / "dicomdirtests"


def packed(target: Path, medium: Path, inside: str = "", leave_out: str = "-", turn: str = "as is") -> Path:
    """Pack the medium's DICOMDIR and images, perhaps within a folder, without some, or with other names."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(p for p in medium.rglob("*") if p.is_file()):
            name = path.relative_to(medium).as_posix()
            if (name.startswith("DICOMDIR") and name != "DICOMDIR") or leave_out in name:
                continue
            name = {"as is": name, "lower": name.lower(), "ended": name.replace("IM000001", "IM000001.DCM")}[turn]
            archive.write(path, inside + (name if not name.lower().startswith("dicomdir") else "DICOMDIR"))
    return target


def remarks_of(place: Path) -> tuple[str, ...]:
    return find_series(place).remarks


@pytest.mark.parametrize("turn", ["as is", "lower", "ended"])
@pytest.mark.parametrize("inside", ["", "CD 1/"])
def test_a_whole_medium_in_a_zip_has_no_remark(tmp_path: Path, medium: Path, inside: str, turn: str) -> None:
    whole = find_series(packed(tmp_path / "cd.zip", medium, inside, turn=turn))
    assert whole.remarks == () and len(whole.readable) == len(find_series(medium).readable)


@pytest.mark.parametrize("inside", ["", "CD 1/"])
def test_files_missing_from_a_zip_are_counted_on_every_series(tmp_path: Path, medium: Path, inside: str) -> None:
    listing = find_series(packed(tmp_path / "cd.zip", medium, inside, leave_out="77654033/CR2"))
    (remark,) = listing.remarks
    assert f"cd.zip: {inside}DICOMDIR names " in remark and "slices or series may be missing" in remark
    assert all(remark in info.reasons and info.verdict != "usable" for info in listing.series)


def test_media_below_the_chosen_folder_are_looked_at_too(tmp_path: Path, medium: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(medium, tmp_path / name, copy_function=shutil.copy)
    assert remarks_of(tmp_path) == ()
    gone = next(p for p in sorted((tmp_path / "two" / "77654033").rglob("*")) if p.is_file())
    gone.unlink()
    (remark,) = remarks_of(tmp_path)
    assert f"two/DICOMDIR names 77654033/{gone.parent.name}/{gone.name}, which is not there" in remark


def test_a_dicomdir_that_cannot_be_followed_in_a_zip_hides_nothing(tmp_path: Path, medium: Path) -> None:
    with zipfile.ZipFile(packed(tmp_path / "cd.zip", medium, leave_out="DICOMDIR"), "a") as archive:
        archive.writestr("DICOMDIR", b"no DICOM at all")
        archive.writestr("a/" * 5000 + "DICOMDIR", (medium / "DICOMDIR").read_bytes())
    listing = find_series(tmp_path / "cd.zip")
    assert len(listing.readable) == len(find_series(medium).readable)
    assert all("DICOMDIR" in remark for remark in listing.remarks)
