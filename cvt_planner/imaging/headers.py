"""The header of one DICOM file: what is needed to judge its place and to decode its pixels, never the pixels."""

from __future__ import annotations

import io
import logging
import math
import struct
import warnings
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, BinaryIO

import pydicom
from pydicom import config as pydicom_config
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from cvt_planner.base.arrays import Vec3, vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.elements import HEAD_BYTES, PIXEL_TAGS, NotPlain, Plain, TooDeep, Window, plain_elements
from cvt_planner.imaging.identity import text_of
from cvt_planner.imaging.refs import brief
from cvt_planner.imaging.sources import FileRef, Opener

# Values are judged here, one by one; a remark of the parser per value would drown what matters.
pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE
logging.getLogger("pydicom").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module=r"pydicom\..*")

MAX_INFLATED_BYTES = 256 << 20  # of one deflated file; assumed, a slice has about 0.5 MB
MAX_HEADER_BYTES = 64 << 20  # that the general parser is given of one file; assumed, a header has about 10 KB

_KEYWORDS = [
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "StudyDate", "SeriesDate",
    "AcquisitionDate", "ContentDate", "AcquisitionDateTime", "StudyTime", "SeriesTime", "AcquisitionTime",
    "ContentTime", "Modality", "StudyDescription", "SeriesDescription", "PatientName", "PatientID",
    "PatientBirthDate", "PatientSex", "PatientAge", "SliceThickness", "ConvolutionKernel", "PatientPosition",
    "StudyInstanceUID", "SeriesInstanceUID", "AcquisitionNumber", "ImagePositionPatient",
    "ImageOrientationPatient", "FrameOfReferenceUID", "TemporalPositionIdentifier", "SamplesPerPixel",
    "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns", "PixelSpacing", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit",
    "RescaleIntercept", "RescaleSlope",
    "RescaleType", "LossyImageCompression",
]  # fmt: skip
_SHORTS = {
    "SamplesPerPixel", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit",
}  # fmt: skip
_TAGS = {keyword: pydicom.tag.Tag(keyword) for keyword in _KEYWORDS}
_WANTED = {int(tag): tag for tag in _TAGS.values()}
_PIXEL_DATA = 0x7FE00010
_UNDEFINED_LENGTH = 0xFFFFFFFF
# The transfer syntax (0002,0010) as it stands in the file meta information of a deflated file.
_DEFLATED_ELEMENT = b"\x02\0\x10\0UI\x16\0" + str(DeflatedExplicitVRLittleEndian).encode()


@dataclass(frozen=True, eq=False)
class PixelLayout:
    """How a file stores its pixels, and where in its bytes they begin."""

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    samples: int
    photometric: str
    frames: int
    transfer_syntax: str
    offset: int  # of the first byte of the value, in the file (in the inflated stream of a deflated one)
    length: int  # of the value as declared; -1 when undefined, as it is for fragments
    available: int  # bytes from `offset` to the end of the stream


@dataclass(frozen=True, eq=False)
class SliceHeader:
    """One image's header. None stands for a value that is missing or unreadable."""

    ref: FileRef
    study_uid: str
    series_uid: str
    sop_class: str
    modality: str
    image_type: tuple[str, ...]
    frame_of_reference_uid: str
    acquisition: str  # what tells two acquisitions under one series apart
    orientation: tuple[Vec3, Vec3] | None  # unit steps along a row (to the next column) and down a column, LPS
    position: Vec3 | None  # centre of the first pixel, LPS mm
    spacing_mm: tuple[float, float] | None  # between rows, between columns
    slope: float | None
    intercept: float | None
    rescale_type: str
    padding: int | None
    lossy: bool
    pixels: PixelLayout | None  # None when the object holds no picture
    dataset: Dataset = field(repr=False)  # the values read, for names and dates
    frame: int = 0  # one-based number within a multi-frame file; 0 in a file of one picture
    padding_limit: int | None = None  # the other end of the range of padding values

    @property
    def name(self) -> str:
        """Return the file's full name, with the frame where it has several; for messages."""
        return f"{self.ref.name} (frame {self.frame})" if self.frame else self.ref.name

    @property
    def short_name(self) -> str:
        """Return the last part of the file's name, with the frame where it has several; for messages."""
        return f"{self.ref.short_name} (frame {self.frame})" if self.frame else self.ref.short_name


def read_header(opener: Opener, ref: FileRef) -> SliceHeader | None:
    """Return the header of a DICOM file, or None when the file is not DICOM at all.

    Raises
    ------
    InputRefused
        If the file is DICOM but cannot be read; the text names it.
    """
    with opener.open(ref) as stream:
        try:
            if not _looks_like_dicom(stream):
                return None
            stream, dataset, syntax = _parse(stream)
            return _header_of(ref, stream, dataset, syntax)
        except InputRefused:
            raise
        except (MemoryError, RecursionError, TooDeep) as fault:
            what = "asks for too much memory" if isinstance(fault, MemoryError) else "nests sequences too deeply"
            raise InputRefused(f"{ref.name} {what} for an image; it was left out. Export it again.") from fault
        except Exception as fault:
            raise InputRefused(
                f"{ref.name} is damaged and cannot be read as DICOM ({type(fault).__name__}: {brief(fault)}). "
                "Export the series again."
            ) from fault


def read_dataset_part(opener: Opener, ref: FileRef, tags: list[pydicom.tag.BaseTag | int]) -> Dataset:
    """Return some elements of a DICOM file, parsed; never the pixels. Raises what the parser raises."""
    with opener.open(ref) as stream:
        return _parse(stream, tags)[1]


def _looks_like_dicom(stream: BinaryIO) -> bool:
    head = stream.read(132)
    stream.seek(0)
    # Without the preamble a data set begins with an element of group 2 or 8, its bytes in either order.
    return head[128:132] == b"DICM" or (
        len(head) >= 16
        and head[:4]
        in (b"\x02\0\0\0", b"\x02\0\x01\0", b"\x08\0\x05\0", b"\x08\0\x08\0", b"\x08\0\x16\0", b"\x08\0\0\0")
    )


def _parse(stream: BinaryIO, tags: list[pydicom.tag.BaseTag | int] | None = None) -> tuple[BinaryIO, Dataset, str]:
    """Return the stream that holds the data set (inflated where it is deflated), the data set up to the pixels, and
    the transfer syntax. The stream stands at the pixel element, or at its end."""
    wanted: list[Any] = list(tags or _TAGS.values())
    head = stream.read(HEAD_BYTES)
    if _DEFLATED_ELEMENT in head[:4096]:
        stream.seek(0)
        stream = io.BytesIO(inflated(stream.read()))
        dataset = read_dataset(stream, False, True, stop_when=_stop, specific_tags=wanted)
        return stream, dataset, str(DeflatedExplicitVRLittleEndian)
    if tags is None:
        with suppress(NotPlain):
            return _quick(stream, head, _WANTED)
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


def _quick(stream: BinaryIO, head: bytes, wanted: Mapping[int, pydicom.tag.BaseTag]) -> tuple[BinaryIO, Dataset, str]:
    """Return what `_parse` returns, of a plain file. Raises `NotPlain` for any other."""

    def fetch(place: int, count: int) -> bytes:
        stream.seek(place)
        return stream.read(count)

    window = Window(head, stream.seek(0, io.SEEK_END), fetch)
    found: Plain = plain_elements(window, wanted)
    dataset = Dataset(dict(found.values))
    own_class = found.values.get(_TAGS["SOPClassUID"])
    if own_class is None or not own_class.value:
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.MediaStorageSOPClassUID = UID(found.stored_class)
    stream.seek(found.end)
    return stream, dataset, found.syntax


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


def _header_of(ref: FileRef, stream: BinaryIO, dataset: Dataset, syntax: str) -> SliceHeader:
    numbers = _numbers(dataset, "ImageOrientationPatient", 6)
    position = _numbers(dataset, "ImagePositionPatient", 3)
    spacing = _numbers(dataset, "PixelSpacing", 2)
    slope, intercept = _numbers(dataset, "RescaleSlope", 1), _numbers(dataset, "RescaleIntercept", 1)
    acquisition = (_plain(dataset, k) for k in ("AcquisitionNumber", "TemporalPositionIdentifier", "ConvolutionKernel"))
    return SliceHeader(
        ref=ref,
        study_uid=_plain(dataset, "StudyInstanceUID"),
        series_uid=_plain(dataset, "SeriesInstanceUID"),
        sop_class=_plain(dataset, "SOPClassUID") or _stored_class(dataset),
        modality=_plain(dataset, "Modality"),
        image_type=tuple(part.strip() for part in _plain(dataset, "ImageType").upper().split("/")),
        frame_of_reference_uid=_plain(dataset, "FrameOfReferenceUID"),
        acquisition="|".join(acquisition),
        orientation=(vec3(numbers[:3]), vec3(numbers[3:])) if numbers else None,
        position=vec3(position) if position else None,
        spacing_mm=(spacing[0], spacing[1]) if spacing else None,
        slope=slope[0] if slope else None,
        intercept=intercept[0] if intercept else None,
        rescale_type=_plain(dataset, "RescaleType").upper(),
        padding=_padding(dataset, "PixelPaddingValue"),
        padding_limit=_padding(dataset, "PixelPaddingRangeLimit"),
        lossy=_plain(dataset, "LossyImageCompression").startswith("01"),
        pixels=_layout(stream, dataset, syntax),
        dataset=dataset,
    )


def _plain(dataset: Dataset, keyword: str) -> str:
    """Return `text_of` for a value without names: read from its bytes, several times faster than through the parser."""
    element: object = dataset.get_item(_TAGS[keyword])
    if element is None:
        return ""
    if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
        return text_of(dataset, keyword)
    if keyword in _SHORTS and len(element.value) >= 2:
        return str(int.from_bytes(element.value[:2], "little" if element.is_little_endian else "big"))
    return element.value.decode("latin-1").rstrip(" \0").replace("\\", "/").strip()


def _numbers(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """Return exactly `count` finite numbers, or None."""
    return _floats(_plain(dataset, keyword), count)


@lru_cache(maxsize=4096)  # most numbers of a series are the same in all its slices
def _floats(text: str, count: int) -> tuple[float, ...] | None:
    try:
        values = tuple(float(part) for part in text.split("/"))
    except ValueError:
        return None
    return values if len(values) == count and all(math.isfinite(v) for v in values) else None


def _whole(dataset: Dataset, keyword: str) -> int | None:
    value = _numbers(dataset, keyword, 1)
    return int(value[0]) if value else None


def _stored_class(dataset: Dataset) -> str:
    """Return the class that the file meta information names, which outlives some anonymisers; else nothing."""
    meta = getattr(dataset, "file_meta", None)
    return str(meta.get("MediaStorageSOPClassUID", "") or "") if meta is not None else ""


def _padding(dataset: Dataset, keyword: str) -> int | None:
    value = _whole(dataset, keyword)
    if value is not None and value > 32767 and _whole(dataset, "PixelRepresentation") == 1:
        return value - 65536  # a negative number that the header gives as an unsigned one
    return value


def _layout(stream: BinaryIO, dataset: Dataset, syntax: str) -> PixelLayout | None:
    rows, columns = _whole(dataset, "Rows"), _whole(dataset, "Columns")
    if not rows or not columns:
        return None
    allocated = _whole(dataset, "BitsAllocated") or 0
    stored = _whole(dataset, "BitsStored") or allocated
    high_bit = _whole(dataset, "HighBit")
    offset, length = _pixel_element(stream, syntax)
    stream.seek(0, io.SEEK_END)
    return PixelLayout(
        rows=rows,
        columns=columns,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=stored - 1 if high_bit is None else high_bit,
        signed=_whole(dataset, "PixelRepresentation") == 1,
        samples=_whole(dataset, "SamplesPerPixel") or 1,
        photometric=_plain(dataset, "PhotometricInterpretation"),
        frames=_whole(dataset, "NumberOfFrames") or 1,
        transfer_syntax=syntax,
        offset=offset,
        length=length,
        available=stream.tell() - offset,
    )


def _pixel_element(stream: BinaryIO, syntax: str) -> tuple[int, int]:
    """Return offset and length of the pixel value at which the stream stands; length 0 when there is none."""
    form = ">" if syntax == ExplicitVRBigEndian else "<"
    start = stream.tell()
    head = stream.read(12).ljust(12, b"\0")
    group, element = struct.unpack(form + "HH", head[:4])
    if group << 16 | element != _PIXEL_DATA:
        return start, 0
    explicit = head[4:6] in (b"OW", b"OB", b"UN")
    (length,) = struct.unpack(form + "L", head[8:12] if explicit else head[4:8])
    return start + (12 if explicit else 8), -1 if length == _UNDEFINED_LENGTH else length
