"""Our reading of every real CT against SimpleITK's, voxel by voxel and place by place."""

from __future__ import annotations

import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from cvt_planner.base.errors import Cancelled, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.volume import Volume

pytestmark = pytest.mark.real_ct
RealCt = Callable[[str], Path]
SERIES = ["lidc_idri_0314_lower_thoracic", "crlm_ct_1006", "ts_example_ct_dicom.tar"]
PLACE_MM = 1e-3


def series_folder(root: Path) -> Path:
    return next(path for path in sorted(root.rglob("*")) if path.is_dir())


def itk_series(folder: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    uid = reader.GetGDCMSeriesIDs(str(folder))[0]
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), uid))
    return reader.Execute()


def assert_same(volume: Volume, image: sitk.Image) -> None:
    """Each voxel of the picture has the same HU in the volume at the same LPS place."""
    voxels = sitk.GetArrayFromImage(image)
    size = np.array(image.GetSize())
    assert sorted(volume.hu.shape) == sorted(voxels.shape)
    corner_ijk = np.array(
        [image.TransformContinuousIndexToPhysicalPoint(p) for p in [*np.diag(size - 1.0).tolist(), [0.0] * 3]]
    )
    ours = volume.grid.index_of(corner_ijk)
    assert np.abs(ours - np.rint(ours)).max() * volume.grid.spacing_kji_mm.max() < PLACE_MM
    # The voxels' places are affine in both, so the four corners fix all of them: index every voxel of theirs in ours.
    ends = np.rint(ours).astype(int)
    steps = (ends[:3] - ends[3]) / (size - 1)[:, None]
    order = np.abs(steps).argmax(axis=1)[::-1]  # their axis k, j, i is our axis order[0], ...
    flips = tuple(slice(None, None, int(steps[2 - a, order[a]])) for a in range(3))
    assert np.array_equal(volume.hu.transpose(order)[flips], np.clip(np.rint(voxels), -32768, 32767))


@pytest.mark.parametrize("name", SERIES)
def test_a_real_series_agrees_with_simpleitk_in_every_voxel_and_place(real_ct: RealCt, name: str) -> None:
    folder = series_folder(real_ct(name))
    volume = read_volume(folder)
    assert_same(volume, itk_series(folder))
    assert any("Contrast medium was given" in notice for notice in volume.notices) == (name != SERIES[0])
    assert volume.hu.flags.c_contiguous and not volume.hu.flags.writeable
    assert np.argmax(np.abs(volume.grid.lps_from_index[:3, :3]), axis=0).tolist() == [2, 1, 0]
    assert (np.diag(volume.grid.lps_from_index[:3, 2::-1]) > 0).all()


@pytest.mark.parametrize("name", SERIES)
def test_order_and_names_of_files_change_nothing(real_ct: RealCt, tmp_path: Path, name: str) -> None:
    folder = series_folder(real_ct(name))
    files = sorted(folder.iterdir())
    random.Random(3).shuffle(files)
    for n, file in enumerate(files):
        shutil.copyfile(file, tmp_path / f"{n}")
    assert read_volume(tmp_path).content_hash == read_volume(folder).content_hash


def test_the_real_series_are_named_and_judged(real_ct: RealCt) -> None:
    thin = find_series(real_ct(SERIES[0])).preferred
    assert thin is not None and (thin.verdict, thin.reasons) == ("usable", ())
    assert (thin.slice_count, thin.rows, thin.orientation) == (105, 512, "axial")
    thick = find_series(real_ct(SERIES[1]))
    assert thick.skipped_files == 1  # its licence
    assert thick.preferred is not None and thick.preferred.verdict == "warning"
    assert "Slices lie 5.0 mm apart" in thick.preferred.reasons[0]
    volume = read_volume(thick.preferred)
    assert volume.is_thick and volume.patient.age == "49 y" and volume.series.acquired_at == "1994-04-17T18:39:27"
    assert volume.hu.min() == -3024
    compressed = read_volume(real_ct(SERIES[2]))
    assert compressed.series.kernel == "Br38f/3"
    assert compressed.slice_distance_mm == pytest.approx(2.0) and compressed.series.slice_thickness_mm == 3.0


def test_a_zip_and_one_file_open_the_same_series(real_ct: RealCt, tmp_path: Path) -> None:
    folder = series_folder(real_ct(SERIES[2]))
    archive = tmp_path / "study.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as target:
        for file in folder.iterdir():
            target.write(file, f"DICOM/{file.name}")
    whole = read_volume(folder).content_hash
    assert read_volume(archive).content_hash == whole
    assert read_volume(sorted(folder.iterdir())[7]).content_hash == whole


@pytest.mark.parametrize(
    "name", ["spinecrop_full_thoracic", "ts_example_ct_lumbar_3mm.nii", "tptbox_L3_ct", "ts_example_ct_dicom_seg"]
)
def test_research_volumes_agree_with_simpleitk(real_ct: RealCt, tmp_path: Path, name: str) -> None:
    nifti = real_ct(name)
    image = sitk.ReadImage(str(nifti))
    nrrd = tmp_path / "Wirbelsäule.nrrd"  # ITK cannot open such a name everywhere
    sitk.WriteImage(image, str(tmp_path / "v.nrrd"), useCompression=True)
    (tmp_path / "v.nrrd").rename(nrrd)
    for path in (nifti, nrrd):
        volume = read_volume(path)
        assert_same(volume, image)
        assert "without identity" in volume.notices[0] and volume.grid.frame_of_reference_uid == ""
        assert np.argmax(np.abs(volume.grid.lps_from_index[:3, :3]), axis=0).tolist() == [2, 1, 0]


def test_a_truncated_slice_is_refused_by_name(real_ct: RealCt, copy_of: Callable[[Path], Path]) -> None:
    folder = copy_of(series_folder(real_ct(SERIES[0])))
    victim = sorted(folder.iterdir())[40]
    whole = victim.read_bytes()
    for length in (300_000, len(whole) - 1):
        victim.write_bytes(whole[:length])
        with pytest.raises(InputRefused, match=rf"{victim.name} is truncated: \d+ of 524288 bytes"):
            read_volume(folder)
    for length in (1000, 200):  # not even the series is named any more
        victim.write_bytes(whole[:length])
        volume = read_volume(folder)
        assert len(volume.gaps) == 1 and victim.name in next(n for n in volume.notices if "damaged" in n)
        assert [victim.name in name for name, _ in find_series(folder).broken_files] == [True]


def test_a_missing_slice_is_a_gap(real_ct: RealCt, copy_of: Callable[[Path], Path]) -> None:
    folder = copy_of(series_folder(real_ct(SERIES[1])))
    (sorted(folder.iterdir())[20]).unlink()
    volume = read_volume(folder)
    (gap,) = volume.gaps
    assert "1 slice is missing" in volume.notices[0] and "10.00 mm apart" in volume.notices[0]
    assert gap.high_mm - gap.low_mm == pytest.approx(10.0) and (volume.hu[gap.first] == -1024).all()
    assert volume.hu[gap.first - 1].max() > 0 and volume.hu[gap.last + 1].max() > 0


def test_reading_stops_when_asked(real_ct: RealCt) -> None:
    progress = Progress()
    progress.listener = lambda fraction, message: progress.stop() if fraction > 0.5 else None
    with pytest.raises(Cancelled):
        read_volume(real_ct(SERIES[1]), progress=progress)
