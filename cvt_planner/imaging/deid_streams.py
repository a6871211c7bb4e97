"""Compressed pictures without the remarks that encoders and archives may leave inside them."""

from __future__ import annotations

from collections.abc import Callable

from pydicom import uid
from pydicom.encaps import encapsulate, generate_frames

_JPEG_2000 = {uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K}
_SOI, _SOS, _COMMENT = 0xD8, 0xDA, 0xFE  # markers of JPEG and JPEG-LS (ITU-T T.81, T.87)
_SOC, _SOT, _J2K_COMMENT = 0x4F, 0x90, 0x64  # markers of JPEG 2000 (ITU-T T.800)


def bare_frames(value: bytes, frames: int, transfer_syntax: str) -> bytes:
    """Return an encapsulated pixel value anew: the same compressed pictures, without remarks and without what lies
    between or behind them."""
    pictures = [without_remarks(frame, transfer_syntax) for frame in generate_frames(value, number_of_frames=frames)]
    return bytes(encapsulate(pictures, has_bot=True))


def without_remarks(frame: bytes, transfer_syntax: str) -> bytes:
    """Return a compressed picture without comment and application segments; the coded samples stay as they are."""
    if transfer_syntax == uid.RLELossless:
        return frame
    if transfer_syntax in _JPEG_2000:
        return _stripped(frame, _SOC, _SOT, lambda marker: marker == _J2K_COMMENT)
    return _stripped(frame, _SOI, _SOS, lambda marker: marker == _COMMENT or 0xE0 <= marker <= 0xEF)


def _stripped(frame: bytes, first: int, last: int, is_remark: Callable[[int], bool]) -> bytes:
    """Return the picture without the header segments that are remarks; as it is where its header is not understood."""
    if frame[:2] != bytes((0xFF, first)):
        return frame
    kept, place = [frame[:2]], 2
    while place + 4 <= len(frame) and frame[place] == 0xFF and frame[place + 1] != last:
        end = place + 2 + int.from_bytes(frame[place + 2 : place + 4], "big")
        if not is_remark(frame[place + 1]):
            kept.append(frame[place:end])
        place = end
    kept.append(frame[place:])
    return b"".join(kept)
