"""NRRD files: what is written comes back, in the same place, also for other readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.nrrd import read_nrrd, write_nrrd


def turned() -> Grid:
    c, s = np.cos(0.4), np.sin(0.4)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0.0, -s, c], [0.0, c, s], [1.0, 0.0, 0.0]]) * np.array([2.5, 0.7, 0.8])
    affine[:3, 3] = (-31.0, 12.5, 400.25)
    return Grid((4, 5, 6), affine)


@pytest.mark.parametrize("kind", [np.float32, np.int16, np.uint8, np.bool_])
def test_values_and_places_come_back(tmp_path: Path, kind: type) -> None:
    array = (np.arange(120).reshape(4, 5, 6) % 7).astype(kind)
    write_nrrd(tmp_path / "a.nrrd", array, turned())
    back, grid = read_nrrd(tmp_path / "a.nrrd")
    assert np.array_equal(back, array)
    assert back.dtype == (np.uint8 if kind is np.bool_ else kind)
    assert grid.same_as(turned())
    image = SimpleITK.ReadImage(str(tmp_path / "a.nrrd"))
    assert image.TransformIndexToPhysicalPoint((5, 2, 3)) == pytest.approx(turned().lps_of(np.array([3.0, 2.0, 5.0])))


def test_what_is_no_nrrd_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.nrrd").write_text("not an image", encoding="utf-8")
    for path in (tmp_path / "no.nrrd", tmp_path / "absent.nrrd", tmp_path):
        with pytest.raises(InputRefused):
            read_nrrd(path)
    array = np.zeros((4, 5, 6), np.float32)
    with pytest.raises(InputRefused):
        write_nrrd(tmp_path / "absent" / "a.nrrd", array, turned())
    with pytest.raises(InputRefused, match=r"\.nrrd"):
        write_nrrd(tmp_path / "a.txt", array, turned())
    with pytest.raises(InputRefused, match="fit"):
        write_nrrd(tmp_path / "a.nrrd", array[:2], turned())
