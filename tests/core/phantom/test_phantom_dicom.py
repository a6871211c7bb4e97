"""A written phantom is a valid CT series, and left stays left however the patient lay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEGLSLossless

from cvt_planner.base.errors import InputRefused
from cvt_planner.phantom import LABELS, POSITIONS, Phantom, write_phantom


def _read(folder: Path) -> SimpleITK.Image:
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


@pytest.mark.parametrize("position", POSITIONS)
def test_left_is_left_in_every_position(small_phantom: Phantom, tmp_path: Path, position: str) -> None:
    write_phantom(small_phantom, tmp_path, patient_position=position, truth=False)
    image = _read(tmp_path)
    lesion = small_phantom.truth["lesions"][0]
    mask = np.argwhere(small_phantom.labels["lesions"] == lesion["label"])
    for kji in mask[::97]:
        place = small_phantom.grid.lps_of(kji.astype(float))
        assert place[0] > lesion["centre_lps_mm"][0] - 12.0 > -12.0
        index = image.TransformPhysicalPointToIndex([float(v) for v in place])
        assert image[index] == small_phantom.hu[tuple(kji)]
    centre = np.array(lesion["centre_lps_mm"])
    mirrored = centre * np.array([-1.0, 1.0, 1.0])
    values = [np.mean(_around(image, point)) for point in (centre, mirrored)]
    assert values[0] < 100.0 < values[1]  # lytic on the left, spongy bone on the right


def _around(image: SimpleITK.Image, point: np.ndarray) -> list[float]:
    offsets = np.array([[x, y, 0.0] for x in (-2, 0, 2) for y in (-2, 0, 2)])
    return [image[image.TransformPhysicalPointToIndex([float(v) for v in point + o])] for o in offsets]


@pytest.mark.parametrize(
    ("position", "turned"),
    [
        ("HFS", [1, 0, 0, 0, 1, 0]),
        ("FFP", [-1, 0, 0, 0, -1, 0]),
        ("HFDL", [0, -1, 0, 1, 0, 0]),  # down the picture lies the side that is down
        ("FFDR", [0, 1, 0, -1, 0, 0]),
    ],
)
def test_pictures_are_turned_as_the_patient_lies_and_feet_first_ones_counted_upwards(
    small_phantom: Phantom, tmp_path: Path, position: str, turned: list[int]
) -> None:
    write_phantom(small_phantom, tmp_path, patient_position=position, truth=False)
    slices = [pydicom.dcmread(path) for path in sorted(tmp_path.glob("*.dcm"))]
    slices.sort(key=lambda s: int(s.InstanceNumber))
    z = [float(s.ImagePositionPatient[2]) for s in slices]
    assert np.allclose(np.diff(z), 2.0 if position.startswith("FF") else -2.0)
    assert [float(v) for v in slices[0].ImageOrientationPatient] == turned
    assert slices[0].PatientPosition == position
    shape = small_phantom.hu.shape[1:]
    assert (slices[0].Rows, slices[0].Columns) == (shape if turned[0] else shape[::-1])


def test_every_file_is_a_plain_ct_image(small_phantom: Phantom, tmp_path: Path) -> None:
    write_phantom(small_phantom, tmp_path, truth=False)
    slices = [pydicom.dcmread(path) for path in sorted(tmp_path.glob("*.dcm"))]
    assert len(slices) == small_phantom.hu.shape[0]
    assert {s.SOPClassUID for s in slices} == {CTImageStorage}
    assert {s.file_meta.TransferSyntaxUID for s in slices} == {ExplicitVRLittleEndian}
    assert len({s.SOPInstanceUID for s in slices}) == len(slices)
    assert len({(s.StudyInstanceUID, s.SeriesInstanceUID, s.FrameOfReferenceUID) for s in slices}) == 1
    assert all(s.SOPInstanceUID == s.file_meta.MediaStorageSOPInstanceUID for s in slices)
    first = slices[0]
    assert (str(first.PatientName), first.PatientID) == ("Phantom^Small", "CVT-SMALL-1")
    assert (first.StudyDate, first.RescaleIntercept, first.BitsStored) == ("20260115", -1024, 12)
    for s in slices:
        k = round((float(s.ImagePositionPatient[2]) - small_phantom.grid.lps_from_index[2, 3]) / 2.0)
        assert np.array_equal(s.pixel_array.astype(int) - 1024, small_phantom.hu[k])
        assert s.pixel_array.max() <= 4095


def test_compressed_files_lose_nothing_and_are_smaller(small_phantom: Phantom, tmp_path: Path) -> None:
    write_phantom(small_phantom, tmp_path / "plain", truth=False)
    write_phantom(small_phantom, tmp_path / "packed", compressed=True, truth=False)
    sizes = []
    for path in sorted((tmp_path / "plain").glob("*.dcm")):
        twin = tmp_path / "packed" / path.name
        a, b = pydicom.dcmread(path), pydicom.dcmread(twin)
        assert b.file_meta.TransferSyntaxUID == JPEGLSLossless
        assert a.SOPInstanceUID == b.SOPInstanceUID  # deterministic identifiers
        assert np.array_equal(a.pixel_array, b.pixel_array)
        sizes.append((path.stat().st_size, twin.stat().st_size))
    assert np.sum(sizes, axis=0)[1] < 0.7 * np.sum(sizes, axis=0)[0]


def test_truth_is_written_beside_and_lies_on_the_grid(small_phantom: Phantom, tmp_path: Path) -> None:
    write_phantom(small_phantom, tmp_path)
    assert (tmp_path / "truth" / "truth.json").exists()
    image = _read(tmp_path)
    for name in LABELS:
        labels = SimpleITK.ReadImage(str(tmp_path / "truth" / f"labels_{name}.nrrd"))
        assert np.allclose(labels.GetOrigin(), image.GetOrigin(), atol=1e-3)
        assert np.allclose(labels.GetSpacing(), image.GetSpacing()) and labels.GetSize() == image.GetSize()
        assert np.array_equal(SimpleITK.GetArrayFromImage(labels), small_phantom.labels[name])


def test_an_unknown_position_is_refused(small_phantom: Phantom, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="HFS"):
        write_phantom(small_phantom, tmp_path, patient_position="XYZ")
