"""Ways to spoil the bytes of DICOM files, ZIPs, DICOMDIRs and research volumes."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

Mutation = Callable[[random.Random, bytearray], bytearray]
EXTREMES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
VRS = tuple(vr.encode() for vr in "AE AS CS DA DS IS LO LT OB OW PN SH SL SQ SS ST TM UI UL UN US UT".split())  # noqa: SIM905
HEADER = 3000


def bit_flips(rng: random.Random, data: bytearray) -> bytearray:
    """Turn a few bits, most of them in the header."""
    for _ in range(rng.choice((1, 2, 4, 16, 64))):
        place = rng.randrange(min(len(data), HEADER) if rng.random() < 0.8 else len(data))
        data[place] ^= 1 << rng.randrange(8)
    return data


def truncation(rng: random.Random, data: bytearray) -> bytearray:
    """Cut the end off."""
    return data[: rng.randrange(min(len(data), HEADER) if rng.random() < 0.5 else len(data))]


def lengths(rng: random.Random, data: bytearray) -> bytearray:
    """Put extreme numbers where lengths stand, after the letters of a VR."""
    for _ in range(rng.randint(1, 4)):
        place = data.find(rng.choice(VRS), rng.randrange(min(len(data), HEADER)))
        if 0 <= place < len(data) - 12:
            offset, form = rng.choice(((2, "<H"), (4, "<L"), (2, "<L")))
            value = rng.choice(EXTREMES) & (0xFFFF if form == "<H" else 0xFFFFFFFF)
            struct.pack_into(form, data, place + offset, value)
    return data


def numbers(rng: random.Random, data: bytearray) -> bytearray:
    """Put extreme numbers anywhere in the header."""
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(max(1, min(len(data), HEADER) - 4))
        data[place : place + 4] = struct.pack("<L", rng.choice(EXTREMES))
    return data


def tag_swap(rng: random.Random, data: bytearray) -> bytearray:
    """Exchange the tags of two elements."""
    places = [n for vr in VRS for n in _all(data[:HEADER], vr) if n >= 4]
    if len(places) >= 2:
        one, other = rng.sample(places, 2)
        data[one - 4 : one], data[other - 4 : other] = data[other - 4 : other], data[one - 4 : one]
    return data


def value_swap(rng: random.Random, data: bytearray) -> bytearray:
    """Write nonsense over a number in letters: places, spacings, sizes."""
    places = [n for vr in (b"DS", b"IS", b"US") for n in _all(data[:HEADER], vr)]
    if places:
        place = rng.choice(places) + 4
        words = rng.choice((b"nan", b"inf\\inf", b"1e999", b"-1", b"0", b"\xff\xff", b"9" * 16, b"\\\\", b"1e-40\\1"))
        data[place : place + len(words)] = words
    return data


def insertion(rng: random.Random, data: bytearray) -> bytearray:
    """Put random bytes in between."""
    place = rng.randrange(min(len(data), HEADER))
    return data[:place] + rng.randbytes(rng.choice((1, 2, 8, 100))) + data[place:]


def deletion(rng: random.Random, data: bytearray) -> bytearray:
    """Take some bytes out."""
    place = rng.randrange(min(len(data), HEADER))
    return data[:place] + data[place + rng.choice((1, 2, 8, 100)) :]


def repetition(rng: random.Random, data: bytearray) -> bytearray:
    """Repeat a piece many times."""
    place = rng.randrange(min(len(data), HEADER))
    piece = data[place : place + rng.choice((8, 64, 300))]
    return data[:place] + piece * rng.choice((2, 20, 200)) + data[place:]


def nesting(rng: random.Random, data: bytearray) -> bytearray:
    """Nest sequences in each other, hundreds or thousands deep, in front of the pixels."""
    depth = rng.choice((3, 60, 70, 300, 3000))
    head = b"\x29\0\x10\x10SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"
    ends = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0" * rng.choice((depth, depth // 2, 0))
    place = data.rfind(b"\xe0\x7f\x10\0")
    place = place if place > 0 else len(data)
    return data[:place] + head * depth + ends + data[place:]


def _all(data: bytearray, part: bytes) -> list[int]:
    found, place = [], data.find(part)
    while place >= 0 and len(found) < 40:
        found.append(place)
        place = data.find(part, place + 1)
    return found


DICOM: tuple[Mutation, ...] = (
    bit_flips, truncation, lengths, numbers, tag_swap, value_swap, insertion, deletion, repetition, nesting,
)  # fmt: skip


def ends(rng: random.Random, data: bytearray) -> bytearray:
    """Spoil the last part: the list of a ZIP's files and its end."""
    for _ in range(rng.choice((1, 3, 10))):
        place = len(data) - 1 - rng.randrange(min(len(data), 600))
        if rng.random() < 0.5:
            data[place] ^= 1 << rng.randrange(8)
        else:
            data[place : place + 4] = struct.pack("<L", rng.choice(EXTREMES))
    return data


ARCHIVE: tuple[Mutation, ...] = (bit_flips, truncation, numbers, ends, ends, insertion, deletion)


def spoiled(rng: random.Random, data: bytes, ways: tuple[Mutation, ...] = DICOM) -> bytes:
    """Return the bytes after one or a few mutations; never empty."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if len(changed) > 8:
            changed = rng.choice(ways)(rng, changed)
    return bytes(changed) or b"\0"
