"""Small synthetic CT series for comparing readers, and the words around the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

SPACING = (0.9, 0.7)
SHAPE = (48, 64)


def hu_at(lps_mm: np.ndarray) -> np.ndarray:
    """Return HU that tell their place: even slopes, so that linear interpolation is exact."""
    return np.rint(lps_mm @ np.array([3.0, -5.0, 11.0])).astype(np.int64)


@dataclass(frozen=True)
class Case:
    """One series: axes, step from slice to slice, places along it, compression, position."""

    title: str
    iop: tuple[float, ...] = (1, 0, 0, 0, 1, 0)
    step: tuple[float, float, float] | None = None
    places: tuple[float, ...] = tuple(range(12))
    syntax: str = ""
    position: str = "HFS"
    padding: int | None = None


TILT = np.radians(12.0)
CASES = (
    Case("axial, head first supine"),
    Case("axial, head first prone", (-1, 0, 0, 0, -1, 0), position="HFP"),
    Case("axial, feet first supine", (-1, 0, 0, 0, 1, 0), position="FFS"),
    Case("axial, right decubitus", (0, 1, 0, -1, 0, 0), position="HFDR"),
    Case("coronal", (1, 0, 0, 0, 0, -1)),
    Case("sagittal", (0, 1, 0, 0, 0, -1)),
    Case("oblique", (1, 0, 0, 0, 0.8, -0.6)),
    Case("slices from the head down", step=(0, 0, -1.5)),
    Case("RLE", syntax=RLELossless),
    Case("JPEG-LS", syntax=JPEGLSLossless),
    Case("JPEG 2000", syntax=JPEG2000Lossless),
    Case("two slices missing", places=(0, 1, 2, 3, 4, 7, 8, 9, 10, 11)),
    Case("uneven, 1 and 1.5 mm", places=(0, 1, 2, 3, 4, 5.5, 7, 8.5, 10, 11.5)),
    Case("gantry tilt of 12 degrees", (1, 0, 0, 0, float(np.cos(TILT)), float(np.sin(TILT))), (0, 0, 1.0)),
    Case("padding of 40 HU", padding=1064),
)


def made(work: Path) -> Iterator[tuple[str, Path]]:
    """Yield title and folder of each synthetic series, written into `work`."""
    for n, case in enumerate(CASES):
        folder = work / f"made-{n:02d}"
        write(case, folder)
        yield case.title, folder


def write(case: Case, folder: Path) -> None:
    """Write one series."""
    folder.mkdir()
    along = np.array(case.step) if case.step is not None else np.cross(case.iop[:3], case.iop[3:])
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    for n, place in enumerate(case.places):
        ds = _slice(case, np.array([2.0, 3.0, 5.0]) + along * place)
        ds.SeriesInstanceUID, ds.StudyInstanceUID, ds.FrameOfReferenceUID = series, study, frame
        ds.InstanceNumber, ds.SOPInstanceUID = n + 1, f"{series}.{n + 1}"[:64]
        if case.syntax:
            ds.compress(case.syntax, generate_instance_uid=False)
        ds.save_as(folder / f"{n:03d}.dcm", enforce_file_format=True)


def _slice(case: Case, corner: np.ndarray) -> Dataset:
    rows, columns = np.indices(SHAPE)
    iop = np.array(case.iop)
    places = corner + columns[..., None] * SPACING[1] * iop[:3] + rows[..., None] * SPACING[0] * iop[3:]
    stored = hu_at(places) + 1024
    if case.padding is not None:
        stored[:6] = case.padding
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.Modality, ds.ImageType = CTImageStorage, "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.PatientName, ds.PatientID, ds.PatientPosition = "Made^Here", "M1", case.position
    ds.StudyDate, ds.StudyTime, ds.SeriesNumber, ds.AcquisitionNumber = "20260301", "120000", 1, 1
    ds.Manufacturer = "made"
    ds.ImageOrientationPatient = [round(float(v), 6) for v in case.iop]
    ds.ImagePositionPatient = [round(float(v), 6) for v in corner]
    ds.PixelSpacing, ds.SliceThickness = list(SPACING), 1.0
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = 1, -1024, "HU"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = SHAPE
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    if case.padding is not None:
        ds.PixelPaddingValue = case.padding
    ds.PixelData = stored.astype("<i2").tobytes()
    return ds


PAGE = """# Reading CTs: agreement with other readers

Written by `python -m tests.validation.reading`. Each series is read by CVT Planner, by SimpleITK's series reader
(GDCM), by dcm2niix (its NIfTI opened with SimpleITK) and, slice by slice, by pydicom with the headers' own places.
"equal" means that every voxel holds the same HU and that the corner and the ends of the three axes lie within
{place:g} mm; in brackets stand the largest distances found. Where the grids differ, both are compared with the HU that
the synthetic patient has at the same places: the median error "here" is ours, "there" the other reader's.

{table}

## Where readers differ, and why

- **Missing slices.** SimpleITK takes one distance for all slices, so that what lies beyond the gap has a wrong place.
  dcm2niix interpolates across the gap. CVT Planner keeps every slice at its place, leaves the gap empty and says where
  it is, because a picture between slices that are not there is invented.
- **Uneven slices.** SimpleITK stacks them as if they were even. dcm2niix writes an interpolated volume beside its raw
  one; its step is the smallest one, ours the median, and ours ends at the last slice.
- **Gantry tilt.** SimpleITK gives an upright box whose slices are wrong by the tilt. dcm2niix and CVT Planner both
  shear the slices back, by the angle from axes and positions; dcm2niix's result is off by a constant part of a pixel.
- **Padding that looks like tissue.** CVT Planner takes declared padding that hangs together with the edge of the
  picture as air; the others keep its number.
- **Single awkward files** are decoded and rescaled one by one. pydicom alone has no free decoder for JPEG Lossless, and
  SimpleITK does not open a private class.
- **JPEG-LS** is not read by every build of dcm2niix.

## What the figures of speed include

`python tests/bench/bench_reading.py [PART ...]` measures, by turns in one run. "Ours" is what the window waits for: the
series found and judged, and the volume handed over by the reading process, which was started before; with it come the
content hash, the search for clipped HU, and the comparison of the picture with the header's position, so that nothing
is planned before they are known. SimpleITK's and pydicom's figures are the pictures alone. The largest part of our
time goes into taking new memory page by page, which two threads cannot share.

Measured on 2 processors with nothing else running (seconds, medians of runs taken by turns; 512 x 512, compressed
slices 60, 9 runs and 3):

| slices | ours | first picture | SimpleITK | pydicom | dcm2niix |
| --- | --- | --- | --- | --- | --- |
| 600 uncompressed | 0.41 | 0.19 | 1.83 | | 0.82 |
| 60 JPEG-LS | 0.28 | 0.04 | 0.45 | 0.39 | cannot read it |
| 60 JPEG 2000 | 1.17 | 0.06 | 1.37 | 2.23 | 1.97 |

Uncompressed slices take 0.22 of SimpleITK's time (the aim is a quarter) and half of dcm2niix's; beside several other
programs it was 0.33. Compressed ones, decoded by two processes, 0.72 and 0.85 of the best that uses one. Peak memory of
all processes, 600 slices: 452 MB uncompressed, 504 MB JPEG-LS, 509 MB JPEG 2000 (limit 590 MB).

Why compressed slices do not come down to a quarter: the benchmark also prints the processor time of all processes,
which other programs change little, and that of the bare decoder on pictures already in memory. For 60 slices of
LIDC-IDRI-0314 (`--from FOLDER`; in brackets the part of the best reader in one process):

| slices | decoder alone | SimpleITK | pydicom | ours, two processes |
| --- | --- | --- | --- | --- |
| JPEG-LS | 0.40 s (0.74) | 0.65 s (1.20) | 0.54 s (1.00) | 0.63 s (1.17) |
| JPEG 2000 | 2.59 s (1.01) | 2.57 s (1.00) | 2.67 s (1.04) | 2.79 s (1.09) |

The best readers do little but decode, so that two whole processors could come down to 0.37 and 0.50 of their time, and
two threads of one core, which do about 1.3 to 1.6 times the work of one (assumed), to 0.46 to 0.57 and 0.63 to 0.78.
The decoders keep the interpreter lock, so that processes are needed, not threads. The builds of CharLS and OpenJPEG in
`imagecodecs` gave the same numbers in the same time. More processors than two are not used.
"""
