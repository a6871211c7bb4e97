"""The header of one DICOM file: what is needed to judge its place and to decode its pixels, never the pixels."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any, BinaryIO

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRBigEndian

from cvt_planner.base.arrays import Vec3, vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.elements import HEAD_BYTES, Keys, NotPlain, Plain, TooDeep
from cvt_planner.imaging.identity import text_of
from cvt_planner.imaging.parse import TAGS, dataset_of, looks_like_dicom, parsed, quick
from cvt_planner.imaging.refs import brief
from cvt_planner.imaging.sources import FileRef, Opener

_SHORTS = {
    "SamplesPerPixel", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit",
}  # fmt: skip
_POSITION = TAGS["ImagePositionPatient"]
# What each slice of a series has of its own: the position, and what no field of `SliceHeader` is made of.
_OWN = {_POSITION, *(TAGS[keyword] for keyword in (
    "SOPInstanceUID", "AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime", "ContentDate", "ContentTime",
))}  # fmt: skip
_PIXEL_DATA = 0x7FE00010
_UNDEFINED_LENGTH = 0xFFFFFFFF


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
    values: Plain | Dataset | None = field(repr=False)  # for names and dates; they stay in the process that read them
    owner: tuple[str, str] = field(repr=False)  # patient ID and name, which tell two patients' files apart
    frame: int = 0  # one-based number within a multi-frame file; 0 in a file of one picture
    padding_limit: int | None = None  # the other end of the range of padding values

    @property
    def dataset(self) -> Dataset:
        """Return the values read, parsed; empty in another process than the one that read them."""
        return self.values if isinstance(self.values, Dataset) else dataset_of(self.values)

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process is told: all but the values."""
        return {**self.__dict__, "values": None}

    def but(self, **changed: Any) -> SliceHeader:
        """Return the header of another slice of the series: `dataclasses.replace` in a quarter of its time."""
        other = object.__new__(SliceHeader)
        other.__dict__.update(self.__dict__, **changed)
        return other

    @property
    def order(self) -> tuple[tuple[str, ...], tuple[str, ...], int]:
        """Return a key that sorts by folder, file and frame."""
        return self.ref.path.parts, self.ref.places, self.frame

    @property
    def name(self) -> str:
        """Return the file's full name, with the frame where it has several; for messages."""
        return f"{self.ref.name} (frame {self.frame})" if self.frame else self.ref.name

    @property
    def short_name(self) -> str:
        """Return the last part of the file's name, with the frame where it has several; for messages."""
        return f"{self.ref.short_name} (frame {self.frame})" if self.frame else self.ref.short_name


def read_header(opener: Opener, ref: FileRef, like: SliceHeader | None = None) -> SliceHeader | None:
    """Return the header of a DICOM file, or None when the file is not DICOM at all.

    Parameters
    ----------
    like
        The header of another file, perhaps of the same series: what both files say in the same bytes is taken from it.

    Raises
    ------
    InputRefused
        If the file is DICOM but cannot be read; the text names it.
    """
    with opener.open(ref) as stream:
        try:
            head = stream.read(HEAD_BYTES)
            if not looks_like_dicom(head):
                return None
            with suppress(NotPlain):  # as a deflated file is, among others
                return _quick_header(ref, stream, head, like)
            stream, dataset, syntax = parsed(stream, head, list(TAGS.values()))
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


def read_dataset_part(opener: Opener, ref: FileRef, tags: list[BaseTag | int]) -> Dataset:
    """Return some elements of a DICOM file, parsed; never the pixels. Raises what the parser raises."""
    with opener.open(ref) as stream:
        return parsed(stream, stream.read(HEAD_BYTES), tags)[1]


def _quick_header(ref: FileRef, stream: BinaryIO, head: bytes, like: SliceHeader | None) -> SliceHeader:
    """Return the header of a plain file. Raises `NotPlain` for any other."""
    found, size = quick(stream, head)
    if like is not None and like.pixels is not None and isinstance(like.values, Plain) and _alike(found, like.values):
        position = _floats(_written(found.bytes_of(_POSITION) or b""), 3)
        offset = like.pixels.offset - like.values.end + found.end
        layout = like.pixels
        if (offset, size - offset) != (layout.offset, layout.available):
            layout = replace(layout, offset=offset, available=size - offset)
        place = vec3(position) if position else None
        return like.but(ref=ref, position=place, pixels=layout, values=found)
    stream.seek(found.end)
    return _header_of(ref, stream, dataset_of(found), found.syntax, found)


def _alike(one: Plain, other: Plain) -> bool:
    """Return whether two files say the same in the same bytes, but for what each slice has of its own."""
    if one.keys is not other.keys or not one.next_head or one.next_head != other.next_head:
        return False
    if (one.syntax, one.stored_class) != (other.syntax, other.stored_class):
        return False
    shared = _shared(one.keys)
    return bool(shared(one.raw) == shared(other.raw))


@lru_cache(maxsize=64)
def _shared(keys: Keys) -> Callable[[tuple[bytes, ...]], object]:
    """Return what takes those of a file's values that the slices of a series share."""
    places = [n for n, key in enumerate(keys.tags) if key not in _OWN]
    return itemgetter(*places) if places else lambda raw: ()


def _header_of(
    ref: FileRef, stream: BinaryIO, dataset: Dataset, syntax: str, found: Plain | None = None
) -> SliceHeader:
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
        values=found or dataset,
        owner=(text_of(dataset, "PatientID"), text_of(dataset, "PatientName")),
    )


def _plain(dataset: Dataset, keyword: str) -> str:
    """Return `text_of` for a value without names: read from its bytes, several times faster than through the parser."""
    element: object = dataset.get_item(TAGS[keyword])
    if element is None:
        return ""
    if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
        return text_of(dataset, keyword)
    if keyword in _SHORTS and len(element.value) >= 2:
        return str(int.from_bytes(element.value[:2], "little" if element.is_little_endian else "big"))
    return _written(element.value)


def _written(value: bytes) -> str:
    return value.decode("latin-1").rstrip(" \0").replace("\\", "/").strip()


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
