"""JPEG-LS and JPEG 2000 pictures decoded without pydicom between, where their own headers say what the file says.

pydicom weighs what a file and its picture say against each other; where both say the same there is nothing to weigh,
and its copies take a quarter of the time of a JPEG-LS picture.
"""

from __future__ import annotations

import struct
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from cvt_planner.imaging.headers import PixelLayout

_JPEG_LS = {uid.JPEGLSLossless, uid.JPEGLSNearLossless}
_JPEG_2000 = {uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K}
_START_AND_SIZE = b"\xff\x4f\xff\x51"  # of a JPEG 2000 codestream (ISO/IEC 15444-1 A.5.1), the sizes from byte 8 on
_SIZES = ">8L H 3B"


def decoded(frame: bytes, layout: PixelLayout) -> NDArray[Any] | None:
    """Return the (rows, columns) int16 or uint16 numbers of a picture; None where it is not as plain as that.

    Plain is one component of the file's size, bits and sign. Raises what the decoder raises.
    """
    if layout.bits_stored <= 8:  # decoders then give bytes
        return None
    if layout.transfer_syntax in _JPEG_LS:
        return _jpeg_ls(frame, layout)
    if layout.transfer_syntax in _JPEG_2000:
        return _jpeg_2000(frame, layout)
    return None


def _jpeg_ls(frame: bytes, layout: PixelLayout) -> NDArray[Any] | None:
    import jpeg_ls  # type: ignore[import-untyped]

    data, said = jpeg_ls.decode_buffer(frame)
    if (said["components"], said["bits_per_sample"]) != (1, layout.bits_stored):
        return None
    stored = _numbers(data, layout)
    unused = 16 - layout.bits_stored
    if stored is not None and layout.signed and unused:  # JPEG-LS itself knows no sign: the first bit used is repeated
        np.left_shift(stored, unused, out=stored)
        np.right_shift(stored, unused, out=stored)
    return stored


def _jpeg_2000(frame: bytes, layout: PixelLayout) -> NDArray[Any] | None:
    from openjpeg.utils import decode_pixel_data

    if len(frame) < 64 or not frame.startswith(_START_AND_SIZE):
        return None
    right, bottom, left, top, *_tiles, components, depth, across, down = struct.unpack_from(_SIZES, frame, 8)
    meant = (layout.signed << 7) | (layout.bits_stored - 1)
    size = (bottom - top, right - left)
    if (components, depth, across, down, *size) != (1, meant, 1, 1, layout.rows, layout.columns):
        return None
    return _numbers(cast(bytearray, decode_pixel_data(frame, version=2)), layout)


def _numbers(data: bytearray, layout: PixelLayout) -> NDArray[Any] | None:
    if len(data) != 2 * layout.rows * layout.columns:
        return None
    kind = "<i2" if layout.signed else "<u2"
    return np.frombuffer(data, dtype=kind).astype(kind[1:], copy=False).reshape(layout.rows, layout.columns)
