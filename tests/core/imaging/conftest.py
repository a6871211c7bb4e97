"""Small synthetic CT series, written as DICOM, whose every voxel tells its own place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

Edit = Callable[[Dataset, int], None]
SeriesWriter = Callable[..., list[Path]]
SPACING = (0.9, 0.7)


def hu_at(lps_mm: np.ndarray) -> np.ndarray:
    """Return the HU that the synthetic patient has at (..., 3) LPS mm: different to each side of any place."""
    return np.rint(lps_mm @ np.array([7.0, -11.0, 23.0])).astype(np.int16)


def slice_dataset(folder_uid: str, n: int, iop: tuple[float, ...], ipp: np.ndarray, shape: tuple[int, int]) -> Dataset:
    """Return one slice, stored as unsigned numbers with an intercept of -1024."""
    rows, columns = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    places = (
        ipp + columns[..., None] * SPACING[1] * np.array(iop[:3]) + rows[..., None] * SPACING[0] * np.array(iop[3:])
    )
    stored = hu_at(places).astype(np.int32) + 1024
    assert stored.min() >= 0
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"{folder_uid}.{n + 1}"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.Modality, ds.SeriesDescription, ds.StudyDate = "CT", "synthetic", "20260301"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = "Müller^Anna", "P1", "19720302"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "1.2.3", folder_uid, "1.2.3.9"
    ds.ImageOrientationPatient, ds.ImagePositionPatient = list(iop), [round(float(v), 6) for v in ipp]
    ds.PixelSpacing, ds.SliceThickness, ds.InstanceNumber = list(SPACING), 5.0, 100 - n
    ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.PixelData = stored.astype("<u2").tobytes()
    return ds


@pytest.fixture
def write_series() -> SeriesWriter:
    """Return a function that writes a series of small slices and returns its files.

    `places` are the slices' places along `step`; `edit(dataset, n)` may change (or spoil) each before it is written.
    """

    def write(
        folder: Path,
        *,
        iop: tuple[float, ...] = (1, 0, 0, 0, 1, 0),
        step: tuple[float, float, float] | None = None,
        places: np.ndarray | list[float] | range = range(6),
        uid: str = "1.2.3.4",
        shape: tuple[int, int] = (9, 11),
        edit: Edit | None = None,
    ) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        along = np.array(step) if step is not None else np.cross(iop[:3], iop[3:])
        files = []
        for n, place in enumerate(places):
            ds = slice_dataset(uid, n, iop, np.array([2.0, 3.0, 5.0]) + along * place, shape)
            if edit is not None:
                edit(ds, n)
            files.append(folder / f"{uid}-{n:03d}.dcm")
            ds.save_as(files[-1], enforce_file_format=True)
        return files

    return write


@pytest.fixture
def hu_of_place() -> Callable[[np.ndarray], np.ndarray]:
    """Return `hu_at`."""
    return hu_at
