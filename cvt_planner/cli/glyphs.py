"""Lettering on an array without a font: the few signs that a plain slice picture needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import MaskArray

ROWS, COLUMNS = 7, 5
_DARK = 14
# Two hexadecimal digits a row, from the top; the highest of five bits is the left-most dot.
_DOTS = {
    "0": "0E11131519110E", "1": "040C040404040E", "2": "0E11010204081F", "3": "1F02040201110E", "4": "02060A121F0202",
    "5": "1F101E0101110E", "6": "0608101E11110E", "7": "1F010204080808", "8": "0E11110E11110E", "9": "0E11110F01020C",
    "A": "0E11111F111111", "C": "0E11101010110E", "E": "1F10101E10101F", "F": "1F10101E101010", "G": "0E11101711110F",
    "H": "1111111F111111", "I": "0E04040404040E", "L": "1010101010101F", "N": "11191513111111", "O": "0E11111111110E",
    "P": "1E11111E101010", "R": "1E11111E141211", "S": "0F10100E01011E", "T": "1F040404040404", "U": "1111111111110E",
    "W": "1111111515150A", "X": "11110A040A1111", "c": "00000E1010110E", "m": "00001A15151111", "-": "0000001F000000",
    "°": "0609090600000000", "?": "0E110102040004", ":": "00040400040400", " ": "00000000000000",
}  # fmt: skip


def dots(text: str) -> MaskArray:
    """Return (7, columns) which dots of a text are set; a sign that is not known is a question mark."""
    columns = [np.zeros((ROWS, 1), dtype=np.bool_)]
    for sign in text:
        rows = bytes.fromhex(_DOTS.get(sign, _DOTS["?"]))[:ROWS]
        glyph = [[bool(row >> (COLUMNS - 1 - n) & 1) for n in range(COLUMNS)] for row in rows]
        columns += [np.array(glyph), columns[0]]
    return np.concatenate(columns, axis=1)


def write(
    pixels: NDArray[np.uint8], row: float, column: float, text: str, colour: tuple[int, int, int], size: int = 2
) -> None:
    """Write a text around a place of (rows, columns, 3) pixels, on a dark plate; it is moved inside if need be."""
    plate = np.kron(np.pad(dots(text), ((1, 1), (0, 0))), np.ones((size, size), dtype=np.bool_))
    height, width = (min(a, b) for a, b in zip(plate.shape, pixels.shape, strict=False))
    top = min(max(round(row - height / 2), 0), pixels.shape[0] - height)
    left = min(max(round(column - width / 2), 0), pixels.shape[1] - width)
    room = pixels[top : top + height, left : left + width]
    room[...] = _DARK
    room[plate[:height, :width]] = colour
