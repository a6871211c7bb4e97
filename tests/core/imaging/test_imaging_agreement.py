"""A few series read by SimpleITK, dcm2niix and pydicom as well: the same voxels at the same places.

`python -m tests.validation.reading` compares many more and writes docs/reading.md.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.validation import reading, reading_cases

FEW = ("axial, head first prone", "coronal", "axial, right decubitus", "RLE")
ARRANGED = ("two slices missing", "uneven, 1 and 1.5 mm", "gantry tilt of 12 degrees")


def case(title: str) -> reading_cases.Case:
    return next(one for one in reading_cases.CASES if one.title == title)


def assert_all_agree(folder: Path) -> None:
    found = reading.agreements(folder)
    if shutil.which("dcm2niix") is None:
        warnings.warn("NOT TESTED: dcm2niix is not installed.", stacklevel=2)
        del found["dcm2niix"]
    assert all(not isinstance(one, str) and one.agrees for one in found.values()), found


@pytest.mark.parametrize("title", FEW)
def test_other_readers_give_the_same_voxels_at_the_same_places(tmp_path: Path, title: str) -> None:
    reading_cases.write(case(title), tmp_path / "a")
    assert_all_agree(tmp_path / "a")


@pytest.mark.real_ct
def test_other_readers_agree_on_a_real_compressed_series(real_ct: Callable[[str], Path]) -> None:
    folder = real_ct("ts_example_ct_dicom.tar")
    assert_all_agree(next(path for path in sorted(folder.rglob("*")) if path.is_dir()))


@pytest.mark.parametrize("title", ARRANGED)
def test_what_is_arranged_anew_is_true_where_others_may_not_be(tmp_path: Path, title: str) -> None:
    reading_cases.write(case(title), tmp_path / "a")
    found = reading.agreements(tmp_path / "a", reading_cases.hu_at)
    theirs = found["SimpleITK"]
    assert not isinstance(theirs, str) and "median error here 0 HU" in theirs.note and not theirs.agrees
