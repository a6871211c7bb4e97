"""From the pixel bytes of one file to Hounsfield units, for every transfer syntax that a free decoder reads."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.decoders.base import get_decoder
from scipy import ndimage

from cvt_planner.base.arrays import HuArray
from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging import codestreams
from cvt_planner.imaging.headers import PixelLayout, SliceHeader
from cvt_planner.imaging.itk import itk
from cvt_planner.imaging.parse import inflated
from cvt_planner.imaging.sources import Opener

StoredArray: TypeAlias = NDArray[Any]  # (rows, columns) int16 or uint16 as stored, before rescale

NATIVE = {
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
}
_BY_PYDICOM = {
    uid.RLELossless, uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K,
    uid.JPEGLSLossless, uid.JPEGLSNearLossless,
}  # fmt: skip
# The free decoders among pydicom's plug-ins do not read these; those inside SimpleITK do.
_BY_ITK = {uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGExtended12Bit}
DECODABLE = NATIVE | _BY_PYDICOM | _BY_ITK
LOSSY = {uid.JPEGExtended12Bit, uid.JPEGLSNearLossless, uid.JPEG2000, uid.HTJ2K}
_EMPTY_TABLE = b"\xfe\xff\x00\xe0\0\0\0\0"
_END_OF_FRAGMENTS = b"\xfe\xff\xdd\xe0\0\0\0\0"
HU_LIMITS = (-32768, 32767)
AIR_HU = -1024
DARK_HU = -900  # padding up to here looks like air and is kept as it is; assumed
MIN_SIDE = 3  # pixels: less is no picture to plan on, nor to interpolate in
MAX_PIXELS = 8192 * 8192  # of one slice; assumed, the largest CT matrix on sale is 2048


def layout_fault(layout: PixelLayout) -> str:
    """Return why the pixels cannot become HU, as the end of a sentence that begins with the file's name; else ""."""
    if layout.samples != 1 or layout.photometric not in ("MONOCHROME2", ""):
        return f"is a {layout.photometric or 'colour'} picture, not a CT slice in HU."
    if (
        layout.bits_allocated != 16
        or not 1 <= layout.bits_stored <= 16
        or not layout.bits_stored <= layout.high_bit + 1 <= 16
    ):
        return f"stores {layout.bits_stored} of {layout.bits_allocated} bits per pixel; a CT slice has up to 16 in 16."
    if layout.rows * layout.columns > MAX_PIXELS or min(layout.rows, layout.columns) < MIN_SIDE:
        return f"declares {layout.rows} x {layout.columns} pixels, which is implausible. Export the series again."
    if layout.transfer_syntax not in DECODABLE:
        name = uid.UID(layout.transfer_syntax).name
        return f"is compressed in a way that cannot be read here ({name}). Export it uncompressed."
    if layout.length == 0:
        return "holds no pixel data. Export the series again."
    return _length_fault(layout)


def _length_fault(layout: PixelLayout) -> str:
    native = layout.transfer_syntax in NATIVE
    if native and layout.length < 0:
        return "marks uncompressed pixels as fragments; it is malformed. Export the series again."
    if not native and layout.length >= 0:
        return "marks compressed pixels as uncompressed; it is malformed. Export the series again."
    needed = layout.rows * layout.columns * 2 * layout.frames if native else 0
    if native and layout.length < needed:
        return f"declares {layout.length} bytes of pixels where {needed} are needed. Export the series again."
    if layout.available < needed:
        return (
            f"is truncated: {layout.available} of {needed} bytes of pixels are there. Copy or export the series again."
        )
    return ""


def hu_slice(opener: Opener, header: SliceHeader) -> HuArray:
    """Return (rows, columns) int16 Hounsfield units of one file, rounded, and limited to what int16 holds.

    Raises
    ------
    InputRefused
        If the pixels are truncated or cannot be decoded; the text names the file.
    """
    layout = header.pixels
    if layout is None or header.slope is None or header.intercept is None:
        raise InputRefused(f"{header.name} holds no picture in HU.")
    try:
        stored = _stored(opener, header, layout)
        if stored.shape != (layout.rows, layout.columns):
            raise ValueError(f"{stored.shape} pixels decoded where {(layout.rows, layout.columns)} are declared")
    except InputRefused:
        raise
    except Exception as fault:
        raise InputRefused(
            f"The pixels of {header.name} cannot be decoded ({uid.UID(layout.transfer_syntax).name}: {fault}). "
            "The file is damaged: copy or export the series again."
        ) from fault
    hu = rescaled(stored, header.slope, header.intercept)
    return hu if padding_hu(header) is None else _without_padding(stored, hu, header)


def padding_hu(header: SliceHeader) -> float | None:
    """Return the HU of padding that would look like tissue or water; None where it is as dark as air, or not there."""
    if header.padding is None or header.slope is None or header.intercept is None:
        return None
    ends = _padding_range(header)
    brightest = max(end * header.slope + header.intercept for end in ends)
    return brightest if brightest > DARK_HU else None


def _padding_range(header: SliceHeader) -> tuple[int, int]:
    assert header.padding is not None
    other = header.padding if header.padding_limit is None else header.padding_limit
    return min(header.padding, other), max(header.padding, other)


def _without_padding(stored: StoredArray, hu: HuArray, header: SliceHeader) -> HuArray:
    """Return HU with air for padding: only where it hangs together with the edge of the picture, because headers also
    declare values as padding that tissue has."""
    low, high = _padding_range(header)
    labels, _ = ndimage.label((stored >= low) & (stored <= high))
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return np.where(np.isin(labels, edge[edge > 0]), np.int16(AIR_HU), hu)


def rescaled(stored: StoredArray, slope: float, intercept: float) -> HuArray:
    """Return int16 Hounsfield units, stored * slope + intercept, rounded and limited to int16."""
    whole = slope == 1 and float(intercept).is_integer()
    if whole and (not stored.size or _fits(stored, int(intercept))):
        return np.add(stored.view(np.int16), np.int16(intercept)) if intercept else stored.astype(np.int16, copy=False)
    hu = np.rint(stored.astype(np.float64) * slope + intercept)
    return np.clip(hu, *HU_LIMITS).astype(np.int16)


def _fits(stored: StoredArray, intercept: int) -> bool:
    low, high = int(stored.min()), int(stored.max())
    return (
        high <= HU_LIMITS[1]
        and abs(intercept) <= HU_LIMITS[1]
        and low + intercept >= HU_LIMITS[0]
        and high + intercept <= HU_LIMITS[1]
    )


def _stored(opener: Opener, header: SliceHeader, layout: PixelLayout) -> StoredArray:
    with opener.open(header.ref) as stream:
        if layout.transfer_syntax == uid.DeflatedExplicitVRLittleEndian:
            data = inflated(stream.read())[layout.offset :]
        else:
            stream.seek(layout.offset)
            data = stream.read(layout.length if layout.length >= 0 else layout.available)
    if header.frame and layout.transfer_syntax not in NATIVE:  # the fragments of one frame, without their table
        data = _EMPTY_TABLE + data + _END_OF_FRAGMENTS
    if layout.transfer_syntax in NATIVE:
        return _native(data, layout)
    frame = get_frame(data, 0, number_of_frames=1)
    # Decoders of the JPEG family fill up a stream that is cut off, some without a word: its end marker must be there
    # (with a byte or more of padding after it).
    if layout.transfer_syntax != uid.RLELossless and b"\xff\xd9" not in frame.rstrip(b"\0")[-4:]:
        raise ValueError("the compressed picture is cut off")
    if layout.transfer_syntax in _BY_ITK:
        return _meant_bits(_decoded_by_itk(frame, layout), layout, shift=0)
    plain = codestreams.decoded(frame, layout)
    return _meant_bits(_decoded_by_pydicom(data, layout), layout, shift=0) if plain is None else plain


def _native(data: bytes, layout: PixelLayout) -> StoredArray:
    count = layout.rows * layout.columns
    order = ">" if layout.transfer_syntax == uid.ExplicitVRBigEndian else "<"
    if len(data) < 2 * count:
        raise ValueError(f"truncated: {len(data)} of {2 * count} bytes are there")
    values = np.frombuffer(data, dtype=f"{order}{'i' if layout.signed else 'u'}2", count=count)
    native = values.astype(np.int16 if layout.signed else np.uint16, copy=False)
    return _meant_bits(
        native.reshape(layout.rows, layout.columns), layout, shift=layout.high_bit + 1 - layout.bits_stored
    )


def _meant_bits(stored: StoredArray, layout: PixelLayout, shift: int) -> StoredArray:
    """Return the values without what lies in the unused bits (overlays, garbage)."""
    if layout.bits_stored == 16:
        return stored
    unused = 16 - layout.bits_stored
    # The right shift of a signed number repeats its sign.
    return np.right_shift(np.left_shift(stored, unused - shift), unused)


def _decoded_by_pydicom(data: bytes, layout: PixelLayout) -> StoredArray:
    options: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "pixel_representation": int(layout.signed),
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "number_of_frames": 1,
        "pixel_keyword": "PixelData",
    }
    array, _ = get_decoder(layout.transfer_syntax).as_array(data, index=0, raw=True, **options)
    return np.ascontiguousarray(array, dtype=np.int16 if layout.signed else np.uint16)


def _decoded_by_itk(frame: bytes, layout: PixelLayout) -> StoredArray:
    """Return what GDCM, inside SimpleITK, decodes from a file with these pixels and nothing else of the original."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid.UID(layout.transfer_syntax)
    meta.MediaStorageSOPClassUID = uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = uid.UID("2.25.1")
    bare = Dataset()
    bare.file_meta = meta
    bare.SOPClassUID, bare.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    bare.SamplesPerPixel, bare.PhotometricInterpretation = 1, "MONOCHROME2"
    bare.Rows, bare.Columns = layout.rows, layout.columns
    bare.BitsAllocated, bare.BitsStored, bare.HighBit = 16, layout.bits_stored, layout.bits_stored - 1
    bare.PixelRepresentation = int(layout.signed)
    bare.PixelData = encapsulate([frame])
    bare["PixelData"].VR = "OB"
    with tempfile.TemporaryDirectory(prefix="cvt-") as folder:
        path = Path(folder) / "slice.dcm"
        bare.save_as(path, enforce_file_format=True)
        reader = itk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(path))
        array = itk.GetArrayFromImage(reader.Execute())
    return np.ascontiguousarray(array.reshape(array.shape[-2:]), dtype=np.int16 if layout.signed else np.uint16)
