"""A PNG from an array: enough for thumbnails and the self-test's pictures, without an imaging library."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """Return a PNG file of (rows, columns) grey or (rows, columns, 3) RGB pixels.

    Source: W3C, Portable Network Graphics (PNG) Specification; 8 bits, no filter, no interlace.
    """
    picture = np.ascontiguousarray(pixels, dtype=np.uint8)
    rows, columns = picture.shape[:2]
    colour_type = 0 if picture.ndim == 2 else 2
    unfiltered = np.zeros((rows, 1), dtype=np.uint8)
    lines = np.hstack([unfiltered, picture.reshape(rows, -1)]).tobytes()
    header = struct.pack(">IIBBBBB", columns, rows, 8, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
