"""NIfTI and NRRD volumes that are unusual: rounding, not numbers, no orientation, not three-dimensional."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.read import read_volume


def written(path: Path, voxels: np.ndarray, is_vector: bool = False) -> Path:
    image = sitk.GetImageFromArray(voxels, isVector=is_vector)
    image.SetSpacing((0.8, 0.9, 1.2)[: image.GetDimension()] if image.GetDimension() <= 3 else (1.0,) * 4)
    sitk.WriteImage(image, str(path))
    return path


def test_numbers_are_rounded_limited_and_made_whole(tmp_path: Path) -> None:
    voxels = np.full((4, 5, 6), -1000.4, dtype=np.float32)
    voxels[0, 0, :4] = (99.6, 40000.0, np.nan, -np.inf)
    for name in ("v.nii.gz", "v.nrrd"):
        volume = read_volume(written(tmp_path / name, voxels))
        assert volume.hu[0, 0].tolist() == [100, 32767, -1024, -1024, -1000, -1000]
        assert "2 voxels hold no number" in " ".join(volume.notices)
        assert volume.slice_distance_mm == pytest.approx(1.2) and volume.series.series_description == name


def test_values_without_air_are_doubted(tmp_path: Path) -> None:
    notices = read_volume(written(tmp_path / "labels.nrrd", np.ones((4, 5, 6), dtype=np.uint8))).notices
    assert "may not be Hounsfield units" in notices[-1]


@pytest.mark.parametrize(("codes", "doubted"), [(b"\1\0\1\0", False), (b"\0\0\1\0", False), (b"\0\0\0\0", True)])
def test_a_nifti_that_does_not_know_left_says_so(tmp_path: Path, codes: bytes, doubted: bool) -> None:
    path = written(tmp_path / "v.nii", np.full((4, 5, 6), -1000, dtype=np.int16))
    data = bytearray(path.read_bytes())
    data[252:256] = codes  # qform_code and sform_code of the NIfTI-1 header
    path.write_bytes(data)
    assert any("left and right are assumed" in words for words in find_series(path).series[0].reasons) is doubted


def test_an_nrrd_without_space_says_so(tmp_path: Path) -> None:
    head = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 6 5 4\nspacings: 1 1 1\nencoding: raw\nendian: little\n\n"
    path = tmp_path / "v.nrrd"
    path.write_bytes(head + np.full(120, -1000, dtype="<i2").tobytes())
    assert any("left and right are assumed" in words for words in read_volume(path).notices)


def test_voxels_of_no_extent_are_refused_by_name(tmp_path: Path) -> None:
    head = b"NRRD0004\ntype: short\ndimension: 3\nspace: LPS\nsizes: 6 5 4\n"
    head += b"space directions: (1e-9,0,0) (0,1e-9,0) (0,0,1)"
    path = tmp_path / "nothing.nrrd"
    path.write_bytes(head + b"\nencoding: raw\nendian: little\n\n" + np.full(120, -1000, dtype="<i2").tobytes())
    assert find_series(path).series[0].verdict == "refused"
    with pytest.raises(InputRefused, match=r"nothing\.nrrd .*makes no volume"):
        read_volume(path)


def test_what_is_no_volume_is_refused_by_name(tmp_path: Path) -> None:
    bad = {
        "flat.nii": (np.zeros((2, 5, 6), dtype=np.int16), False, "only 2 voxels thick"),
        "time.nii": (np.zeros((3, 4, 5, 6), dtype=np.int16), False, "has 4 dimensions"),
        "colour.nrrd": (np.zeros((4, 5, 6, 3), dtype=np.uint8), True, "has 3 values per voxel"),
    }
    for name, (voxels, is_vector, words) in bad.items():
        path = written(tmp_path / name, voxels, is_vector)
        assert find_series(path).series[0].verdict == "refused"
        with pytest.raises(InputRefused, match=rf"{name}.*{words}"):
            read_volume(path)
    whole = (tmp_path / "time.nii").read_bytes()
    (tmp_path / "short.nii").write_bytes(whole[:300])
    with pytest.raises(InputRefused, match=r"short\.nii cannot be read as a research volume"):
        read_volume(tmp_path / "short.nii")
