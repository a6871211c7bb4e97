"""Write a phantom as a CT series with its truth beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, JPEGLSLossless, generate_uid

from cvt_planner.base.arrays import FloatArray, LabelArray
from cvt_planner.geometry.frames import Grid
from cvt_planner.phantom.make import Phantom, refuse_unknown

_itk_module: Any = SimpleITK  # its own type information is incomplete

INTERCEPT_HU = -1024
# By how many quarters, against the clock, the picture of a supine patient is turned; and where its rows then run, LPS.
_QUARTERS = {"S": 0, "DR": 1, "P": 2, "DL": 3}
_ALONG_ROW = ((1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0))
_DATE, _TIME = "20260115", "093000"


def write_phantom(
    phantom: Phantom,
    folder: Path | str,
    patient_position: str | None = None,
    compressed: bool = False,
    truth: bool = True,
) -> None:
    """Write the series as single-frame CT images into `folder`, the truth into its subfolder `truth`.

    Parameters
    ----------
    phantom
        What to write.
    folder
        Made if absent; files of the same names are replaced.
    patient_position
        What the header says, one of `make.POSITIONS`; None: as the phantom lies. Anatomy and couch stay as they are, so
        that another side down than the phantom's makes a header that is wrong. The picture is turned in its plane so
        that the side that is down lies below, as on the scanner's screen: by half of a prone patient, by a quarter of
        one on the side. A feet-first patient is scanned from the feet upwards.
    compressed
        Whether pixels are stored as JPEG-LS, lossless.
    truth
        Whether `truth/truth.json` and `truth/labels_*.nrrd` are written.

    Raises
    ------
    InputRefused
        If the position is none of `make.POSITIONS`.
    """
    position = phantom.position if patient_position is None else patient_position
    refuse_unknown(position)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    uids = _Uids(phantom, position)
    count = phantom.hu.shape[0]
    for k in range(count):
        number = k + 1 if position.startswith("FF") else count - k
        dataset = _image(phantom, k, number, position, uids)
        if compressed:
            dataset.compress(JPEGLSLossless, generate_instance_uid=False)
        dataset.save_as(target / f"{_file_stem(phantom, position, number)}.dcm", enforce_file_format=True)
    if truth:
        write_truth(phantom, target / "truth")


def write_truth(phantom: Phantom, folder: Path | str) -> None:
    """Write `truth.json` and one compressed `labels_*.nrrd` per label array into `folder`."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    text = json.dumps(phantom.truth, indent=1, ensure_ascii=False)
    (target / "truth.json").write_text(text + "\n", encoding="utf-8")
    for name, labels in phantom.labels.items():
        _itk_module.WriteImage(_itk(labels, phantom.grid), str(target / f"labels_{name}.nrrd"), useCompression=True)


def _itk(labels: LabelArray, grid: Grid) -> Any:
    image = _itk_module.GetImageFromArray(labels)
    affine = grid.lps_from_index
    image.SetOrigin([float(v) for v in affine[:3, 3]])
    image.SetSpacing([float(v) for v in grid.spacing_kji_mm[::-1]])
    return image


class _Uids:
    """Identifiers that depend on what was written and on nothing else."""

    def __init__(self, phantom: Phantom, position: str) -> None:
        version = phantom.truth["version"]
        self._key = [f"cvt-planner phantom {version}", phantom.case, str(phantom.seed), position]
        # An edit to the geometry changes the voxels; then it is another image and must not keep the identifier.
        self._key.append(hashlib.sha256(phantom.hu.tobytes()).hexdigest())

    def of(self, *what: str) -> UID:
        """Return the identifier of one thing."""
        return UID(generate_uid(entropy_srcs=[*self._key, *what]))


def _file_stem(phantom: Phantom, position: str, number: int) -> str:
    """Return a name that does not sort by position, as archives give; the same for every version of the phantom."""
    key = f"{phantom.case} {phantom.seed} {position} {number}"
    return "CT" + hashlib.sha256(key.encode()).hexdigest()[:10]


def _frame(phantom: Phantom, k: int, position: str) -> tuple[FloatArray, list[float], FloatArray]:
    """Return the pixels (HU) of one slice as the scanner shows it, row and column direction, first pixel's place."""
    quarters = _QUARTERS[position[2:]]
    rows, columns = phantom.hu.shape[1:]
    corners = ([0, 0], [0, columns - 1], [rows - 1, columns - 1], [rows - 1, 0])  # (j, i) that comes to the first pixel
    first = phantom.grid.lps_of(np.array([k, *corners[quarters]], dtype=np.float64))
    direction = [float(v) for v in (*_ALONG_ROW[quarters], *_ALONG_ROW[(quarters + 1) % 4])]
    return np.rot90(phantom.hu[k], quarters).astype(np.float64), direction, first


def _image(phantom: Phantom, k: int, number: int, position: str, uids: _Uids) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = uids.of("image", str(k))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    _identify(dataset, phantom, uids)
    dataset.update(_acquisition(phantom, position))
    _place(dataset, phantom, k, number, position, uids)
    return dataset


def _identify(dataset: FileDataset, phantom: Phantom, uids: _Uids) -> None:
    name = phantom.case.capitalize()
    fields = {
        "SpecificCharacterSet": "ISO_IR 192",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "PatientName": f"Phantom^{name}",
        "PatientID": f"CVT-{phantom.case.upper()}-{phantom.seed + 1}",
        "PatientBirthDate": "19650401",
        "PatientSex": "O",
        "PatientAge": "060Y",
        "StudyInstanceUID": uids.of("study"),
        "SeriesInstanceUID": uids.of("series"),
        "FrameOfReferenceUID": uids.of("frame"),
        "PositionReferenceIndicator": "",
        "StudyDate": _DATE,
        "SeriesDate": _DATE,
        "AcquisitionDate": _DATE,
        "ContentDate": _DATE,
        "StudyTime": _TIME,
        "SeriesTime": _TIME,
        "AcquisitionTime": _TIME,
        "ContentTime": _TIME,
        "StudyID": "1",
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "StudyDescription": "Synthetic spine CT",
        "SeriesDescription": f"Spine phantom {phantom.case} seed {phantom.seed}",
        "Modality": "CT",
        "Manufacturer": "CVT Planner",
        "ManufacturerModelName": "Spine phantom",
        "SoftwareVersions": str(phantom.truth["version"]),
        "SeriesNumber": 2,
        "AcquisitionNumber": 1,
    }
    for keyword, value in fields.items():
        setattr(dataset, keyword, value)


def _acquisition(phantom: Phantom, position: str) -> FileDataset:
    dataset = FileDataset("", {})
    thickness, pixel = phantom.spacing_kji_mm[0], phantom.spacing_kji_mm[1]
    fields = {
        "PatientPosition": position,
        "BodyPartExamined": "SPINE",
        "KVP": "120",
        "SliceThickness": f"{thickness:g}",
        "SpacingBetweenSlices": f"{thickness:g}",
        "GantryDetectorTilt": "0",
        "ConvolutionKernel": "MEDIUM",
        "ReconstructionDiameter": f"{pixel * max(phantom.hu.shape[1:]):g}",
        "PixelSpacing": [f"{pixel:g}", f"{pixel:g}"],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "RescaleIntercept": str(INTERCEPT_HU),
        "RescaleSlope": "1",
        "RescaleType": "HU",
        "WindowCenter": ["400", "40"],
        "WindowWidth": ["1800", "400"],
        "BurnedInAnnotation": "NO",
    }
    for keyword, value in fields.items():
        setattr(dataset, keyword, value)
    return dataset


def _place(dataset: FileDataset, phantom: Phantom, k: int, number: int, position: str, uids: _Uids) -> None:
    pixels, direction, first = _frame(phantom, k, position)
    dataset.InstanceNumber = number
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.ImageOrientationPatient = [f"{v:g}" for v in direction]
    dataset.ImagePositionPatient = [f"{v:.4f}" for v in first]
    dataset.SliceLocation = f"{first[2]:.4f}"
    dataset.PixelData = np.ascontiguousarray(pixels - INTERCEPT_HU).astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"
