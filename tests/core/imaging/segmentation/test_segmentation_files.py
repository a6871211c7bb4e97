"""Segmentations made elsewhere land on the voxels they mark, left on the left, or are refused by name."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.isolation import read_segmentation as read_isolated
from cvt_planner.imaging.nrrd import write_nrrd
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.segmentation import Segmentation, Target, read_segmentation
from cvt_planner.imaging.volume import Volume

LEFT_BALL, RIGHT_BALL = np.array([14.0, 8.0, 12.0]), np.array([6.0, 12.0, 15.0])  # LPS mm; +x is left
RADII = (3.2, 4.1)
Case = tuple[Volume, list[Path]]


@pytest.fixture
def case(write_series: Callable[..., list[Path]], tmp_path: Path) -> Case:
    # Written from head to feet and with rows that run to the right: what is stored is not what is kept.
    files = write_series(
        tmp_path / "ct",
        iop=(-1, 0, 0, 0, 1, 0),
        step=(0, 0, 1),
        places=np.arange(20.0)[::-1],
        shape=(24, 30),
        edit=_moved,
    )
    return read_volume(tmp_path / "ct"), files


def _moved(dataset: Dataset, _n: int) -> None:
    x, y, z = dataset.ImagePositionPatient
    dataset.PatientSex = dataset.AccessionNumber = dataset.StudyID = dataset.StudyTime = ""
    dataset.ImagePositionPatient = [float(x) + 20.0, float(y), float(z)]


def _ball(grid: Grid, centre: np.ndarray, radius: float) -> np.ndarray:
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij"), axis=-1)
    return np.asarray(np.linalg.norm(grid.lps_of(index) - centre, axis=-1) <= radius)


def _target(volume: Volume) -> Target:
    return Target(volume.grid, volume.series.series_uid, volume.series.study_uid)


def _whole(made: Segmentation, number: int, grid: Grid) -> np.ndarray:
    out = np.zeros(grid.shape_kji, dtype=bool)
    segment = next(s for s in made.segments if s.number == number)
    out[segment.box] = segment.mask
    return out


def _described(number: int, name: str) -> hd.seg.SegmentDescription:
    return hd.seg.SegmentDescription(
        number, name, codes.SCT.Bone, codes.SCT.Bone, hd.seg.SegmentAlgorithmTypeValues.MANUAL
    )


def _write_seg(path: Path, files: list[Path], grid: Grid, masks: list[np.ndarray], fractional: bool = False) -> None:
    sources = [pydicom.dcmread(f) for f in files]
    # The frames as stored: each source image's own pixels, asked for by their places.
    frames = np.zeros((len(sources), sources[0].Rows, sources[0].Columns, len(masks)), dtype=np.uint8)
    for n, ds in enumerate(sources):
        rows, columns = np.meshgrid(np.arange(ds.Rows), np.arange(ds.Columns), indexing="ij")
        axes = np.array(ds.ImageOrientationPatient, dtype=float)
        places = (
            np.array(ds.ImagePositionPatient, dtype=float)
            + columns[..., None] * ds.PixelSpacing[1] * axes[:3]
            + rows[..., None] * ds.PixelSpacing[0] * axes[3:]
        )
        k, j, i = np.moveaxis(np.rint(grid.index_of(places)).astype(int), -1, 0)
        for m, mask in enumerate(masks):
            frames[n, ..., m] = mask[k, j, i]
    kind = hd.seg.SegmentationTypeValues.FRACTIONAL if fractional else hd.seg.SegmentationTypeValues.BINARY
    hd.seg.Segmentation(
        sources, frames.astype(np.float32) if fractional else frames, kind,
        [_described(m + 1, f"ball {m + 1}") for m in range(len(masks))],
        generate_uid(), 1, generate_uid(), 1, "maker", "model", "1", "0",
    ).save_as(path)  # fmt: skip


@pytest.mark.parametrize("fractional", [False, True])
def test_dicom_seg_marks_the_voxels_it_was_made_from(case: Case, tmp_path: Path, fractional: bool) -> None:
    volume, files = case
    masks = [_ball(volume.grid, c, r) for c, r in zip((LEFT_BALL, RIGHT_BALL), RADII, strict=True)]
    _write_seg(tmp_path / "seg.dcm", files, volume.grid, masks, fractional)
    made = read_isolated(tmp_path / "seg.dcm", _target(volume))
    assert made.kind == "DICOM SEG" and [s.name for s in made.segments] == ["ball 1", "ball 2"]
    for number, mask in enumerate(masks, 1):
        assert np.array_equal(_whole(made, number, volume.grid), mask)
    assert not any("voxels of its own" in text for text in made.notices)


def test_dicom_seg_of_another_frame_of_reference_is_refused(case: Case, tmp_path: Path) -> None:
    volume, files = case
    _write_seg(tmp_path / "seg.dcm", files, volume.grid, [_ball(volume.grid, LEFT_BALL, 3.0)])
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    dataset.FrameOfReferenceUID = "1.2.3.99"
    dataset.save_as(tmp_path / "other.dcm")
    with pytest.raises(InputRefused, match=r"other\.dcm was made for another frame of reference"):
        read_segmentation(tmp_path / "other.dcm", _target(volume))


def _rtstruct(grid: Grid, contours: list[np.ndarray], kind: str = "CLOSED_PLANAR") -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.481.3", generate_uid()
    ds.Modality, ds.StudyInstanceUID = "RTSTRUCT", "1.2.3"
    frame, roi, shape = Dataset(), Dataset(), Dataset()
    frame.FrameOfReferenceUID = grid.frame_of_reference_uid
    roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = 7, "GTV L3", grid.frame_of_reference_uid
    shape.ReferencedROINumber = 7
    shape.ContourSequence = []
    for points in contours:
        contour = Dataset()
        contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
        contour.ContourData = [f"{v:.4f}" for v in points.ravel()]
        shape.ContourSequence.append(contour)
    ds.ReferencedFrameOfReferenceSequence = [frame]
    ds.StructureSetROISequence, ds.ROIContourSequence = [roi], [shape]
    return ds


def _circle(centre: np.ndarray, radius: float, z: float) -> np.ndarray:
    a = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    return np.stack([centre[0] + radius * np.cos(a), centre[1] + radius * np.sin(a), np.full_like(a, z)], axis=1)


def test_rtstruct_cylinder_has_its_volume_its_hole_and_its_place(case: Case, tmp_path: Path) -> None:
    volume, _ = case
    slices = [float(volume.grid.lps_of(np.array([k, 0.0, 0.0]))[2]) for k in (4, 5, 6, 8)]  # 7 has no contour
    contours = [_circle(LEFT_BALL, r, z) for z in slices for r in (5.0, 2.5)]
    _rtstruct(volume.grid, contours).save_as(tmp_path / "rs.dcm", enforce_file_format=True)
    made = read_isolated(tmp_path / "rs.dcm", _target(volume))
    (segment,) = made.segments
    assert (segment.name, segment.number, segment.mask.shape[0]) == ("GTV L3", 7, 5)
    true_ml = math.pi * (5.0**2 - 2.5**2) * 5 * volume.grid.spacing_kji_mm[0] / 1000.0
    assert segment.volume_ml == pytest.approx(true_ml, rel=0.05)
    places = segment.grid.lps_of(np.argwhere(segment.mask).astype(float))
    assert np.allclose(places.mean(axis=0)[:2], LEFT_BALL[:2], atol=0.3)
    middle = np.rint(volume.grid.index_of(LEFT_BALL)).astype(int)
    assert not _whole(made, 7, volume.grid)[5, middle[1], middle[2]]
    assert any("1 slices without a contour" in text for text in made.notices)


def test_rtstruct_across_the_slices_and_without_contours_is_refused(
    case: Case, tmp_path: Path, awkward_dicom: Path
) -> None:
    volume, _ = case
    upright = _circle(LEFT_BALL, 4.0, 12.0)[:, [0, 2, 1]]
    _rtstruct(volume.grid, [upright]).save_as(tmp_path / "upright.dcm", enforce_file_format=True)
    with pytest.raises(InputRefused, match=r"upright\.dcm.*GTV L3.*crosses the CT's slices"):
        read_segmentation(tmp_path / "upright.dcm", _target(volume))
    _rtstruct(volume.grid, [_circle(LEFT_BALL, 4.0, 12.0)], "POINT").save_as(
        tmp_path / "points.dcm", enforce_file_format=True
    )
    with pytest.raises(InputRefused, match=r"points\.dcm holds no closed contours"):
        read_segmentation(tmp_path / "points.dcm", _target(volume))
    with pytest.raises(InputRefused, match=r"rtstruct\.dcm"):
        read_segmentation(awkward_dicom / "pydicom" / "rtstruct.dcm", _target(volume))


def test_label_file_on_its_own_voxels_and_axes_is_resampled_and_says_so(case: Case, tmp_path: Path) -> None:
    volume, _ = case
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, -0.5], [0, -0.6, 0], [0.8, 0, 0]]) * 1.0  # rows and columns run the other way
    affine[:3, 3] = [24.0, 24.0, 4.0]
    own = Grid((24, 38, 44), affine)
    labels = np.zeros(own.shape_kji, dtype=np.uint16)
    labels[_ball(own, LEFT_BALL, RADII[0])] = 29
    labels[_ball(own, RIGHT_BALL, RADII[1])] = 30
    image = SimpleITK.GetImageFromArray(labels)
    image.SetSpacing([0.5, 0.6, 0.8])
    image.SetOrigin([24.0, 24.0, 4.0])
    image.SetDirection([-1, 0, 0, 0, -1, 0, 0, 0, 1])
    SimpleITK.WriteImage(image, str(tmp_path / "seg.nii.gz"))
    (tmp_path / "seg.json").write_text(json.dumps({"29": "vertebrae_L3", "vertebrae_L2": 30}), encoding="utf-8")
    made = read_isolated(tmp_path / "seg.nii.gz", _target(volume))
    assert [(s.number, s.name) for s in made.segments] == [(29, "vertebrae_L3"), (30, "vertebrae_L2")]
    assert any("voxels of its own" in text for text in made.notices)
    for segment, centre, radius in zip(made.segments, (LEFT_BALL, RIGHT_BALL), RADII, strict=True):
        places = segment.grid.lps_of(np.argwhere(segment.mask).astype(float))
        assert np.allclose(places.mean(axis=0), centre, atol=0.3)
        assert segment.volume_ml == pytest.approx(4 / 3 * math.pi * radius**3 / 1000, rel=0.12)


def test_pictures_fractions_and_maps_of_another_ct_are_refused(case: Case, tmp_path: Path) -> None:
    volume, _ = case
    labels = np.zeros(volume.grid.shape_kji, dtype=np.uint8)
    with pytest.raises(InputRefused, match=r"empty\.nrrd holds no structure"):
        write_nrrd(tmp_path / "empty.nrrd", labels, volume.grid)
        read_segmentation(tmp_path / "empty.nrrd", _target(volume))
    write_nrrd(tmp_path / "share.nrrd", labels + np.float32(0.5), volume.grid)
    with pytest.raises(InputRefused, match=r"share\.nrrd holds fractions"):
        read_segmentation(tmp_path / "share.nrrd", _target(volume))
    write_nrrd(tmp_path / "ct.nrrd", volume.hu, volume.grid)
    with pytest.raises(InputRefused, match=r"ct\.nrrd .*a picture, not labels"):
        read_segmentation(tmp_path / "ct.nrrd", _target(volume))
    affine = np.array(volume.grid.lps_from_index)
    affine[0, 3] += 500.0
    labels[5:9, 5:9, 5:9] = 1
    write_nrrd(tmp_path / "away.nrrd", labels, Grid(labels.shape, affine))
    with pytest.raises(InputRefused, match=r"away\.nrrd: 100 % of what it marks lies outside this CT"):
        read_segmentation(tmp_path / "away.nrrd", _target(volume))


def test_real_labels_keep_their_voxel_counts(real_ct: Callable[[str], Path]) -> None:
    volume = read_volume(real_ct("ts_example_ct_dicom.tar"))
    path = real_ct("ts_example_ct_dicom_seg")
    made = read_segmentation(path, _target(volume))
    stored = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    counts = {s.number: int(s.mask.sum()) for s in made.segments}
    assert counts == {int(v): int((stored == v).sum()) for v in np.unique(stored) if v}
    centre = {s.number: s.grid.lps_of(np.argwhere(s.mask).astype(float)).mean(axis=0) for s in made.segments}
    assert centre[33][2] > centre[32][2]  # T11 above T12
