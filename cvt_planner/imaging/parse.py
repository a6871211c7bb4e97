"""The bytes of one DICOM file parsed up to its pixels: the quick way for plain files, pydicom's for all others."""

from __future__ import annotations

import io
import logging
import warnings
import zlib
from typing import Any, BinaryIO

import pydicom
from pydicom import config as pydicom_config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from cvt_planner.imaging.elements import PIXEL_TAGS, Plain, Window, plain_elements

# Values are judged here, one by one; a remark of the parser per value would drown what matters.
pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE
logging.getLogger("pydicom").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module=r"pydicom\..*")

MAX_INFLATED_BYTES = 256 << 20  # of one deflated file; assumed, a slice has about 0.5 MB
MAX_HEADER_BYTES = 64 << 20  # that the general parser is given of one file; assumed, a header has about 10 KB

KEYWORDS = [
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "StudyDate", "SeriesDate",
    "AcquisitionDate", "ContentDate", "AcquisitionDateTime", "StudyTime", "SeriesTime", "AcquisitionTime",
    "ContentTime", "Modality", "StudyDescription", "SeriesDescription", "PatientName", "PatientID",
    "PatientBirthDate", "PatientSex", "PatientAge", "SliceThickness", "ConvolutionKernel", "PatientPosition",
    "StudyInstanceUID", "SeriesInstanceUID", "AcquisitionNumber", "ImagePositionPatient",
    "ImageOrientationPatient", "FrameOfReferenceUID", "TemporalPositionIdentifier", "SamplesPerPixel",
    "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns", "PixelSpacing", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit",
    "RescaleIntercept", "RescaleSlope",
    "RescaleType", "LossyImageCompression", "ContrastBolusAgent", "ContrastBolusVolume",
    "ContrastBolusRoute",
]  # fmt: skip
TAGS = {keyword: pydicom.tag.Tag(keyword) for keyword in KEYWORDS}
_WANTED = {int(tag): tag for tag in TAGS.values()}
# The transfer syntax (0002,0010) as it stands in the file meta information of a deflated file.
_DEFLATED_ELEMENT = b"\x02\0\x10\0UI\x16\0" + str(DeflatedExplicitVRLittleEndian).encode()


def is_deflated(head: bytes) -> bool:
    """Return whether a file that begins so says that its data set is deflated."""
    return _DEFLATED_ELEMENT in head[:4096]


def looks_like_dicom(head: bytes) -> bool:
    """Return whether a file that begins so is DICOM."""
    # Without the preamble a data set begins with an element of group 2 or 8, its bytes in either order.
    return head[128:132] == b"DICM" or (
        len(head) >= 16
        and head[:4]
        in (b"\x02\0\0\0", b"\x02\0\x01\0", b"\x08\0\x05\0", b"\x08\0\x08\0", b"\x08\0\x16\0", b"\x08\0\0\0")
    )


def parsed(stream: BinaryIO, head: bytes, wanted: list[Any]) -> tuple[BinaryIO, Dataset, str]:
    """Return the stream that holds the data set (inflated where it is deflated), the data set up to the pixels, and
    the transfer syntax. The stream, whose first bytes are `head`, then stands at the pixel element, or at its end."""
    if is_deflated(head):
        stream.seek(0)
        stream = io.BytesIO(inflated(stream.read()))
        dataset = read_dataset(stream, False, True, stop_when=_stop, specific_tags=wanted)
        return stream, dataset, str(DeflatedExplicitVRLittleEndian)
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    # From memory, whose end is known: the parser believes every length that a file declares.
    start = io.BytesIO(stream.read(min(size, MAX_HEADER_BYTES)))
    dataset = pydicom.dcmread(start, stop_before_pixels=True, force=True, specific_tags=wanted)
    stream.seek(start.tell())
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", "") or "")
    if not syntax:
        implicit, little = dataset.original_encoding
        guessed = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        syntax = str(guessed if little else ExplicitVRBigEndian)
    return stream, dataset, syntax


def quick(stream: BinaryIO, head: bytes) -> tuple[Plain, int]:
    """Return what a plain file says, and its size in bytes. Raises `NotPlain` for any other."""

    def fetch(place: int, count: int) -> bytes:
        stream.seek(place)
        return stream.read(count)

    size = stream.seek(0, io.SEEK_END)
    return plain_elements(Window(head, size, fetch), _WANTED), size


def dataset_of(found: Plain | None) -> Dataset:
    """Return the values that were found, to be parsed when they are asked for."""
    dataset = Dataset(dict(found.elements()) if found is not None else {})
    own_class = found.bytes_of(TAGS["SOPClassUID"]) if found is not None else None
    if found is not None and not own_class:
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.MediaStorageSOPClassUID = UID(found.stored_class)
    return dataset


def _stop(tag: pydicom.tag.BaseTag, vr: str | None, length: int) -> bool:
    return int(tag) in PIXEL_TAGS


def inflated(data: bytes) -> bytes:
    """Return the data set of a deflated file, without its file meta information.

    Raises
    ------
    ValueError
        If it inflates to more than `MAX_INFLATED_BYTES`.
    """
    place = 132 if data[128:132] == b"DICM" else 0
    while data[place : place + 2] == b"\x02\0":  # file meta elements are always explicit, little endian
        if data[place + 4 : place + 6] in (b"OB", b"UN"):
            place += 12 + int.from_bytes(data[place + 8 : place + 12], "little")
        else:
            place += 8 + int.from_bytes(data[place + 6 : place + 8], "little")
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    result = engine.decompress(data[place:], MAX_INFLATED_BYTES)
    if engine.unconsumed_tail:
        raise ValueError(f"it inflates to over {MAX_INFLATED_BYTES >> 20} MiB")
    return result
