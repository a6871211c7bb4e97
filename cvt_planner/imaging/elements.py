"""Walking over the elements of a DICOM data set by tag and length alone; only the wanted values are touched.

Several times quicker than the general parser, which takes over wherever a file is not as plain as the standard asks.
Never reads more of a file than the heads of its elements, whatever lengths it declares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct, error

from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

HEAD_BYTES = 16384  # at first; the header of a CT slice has 2 to 10 KB
MAX_VALUE_BYTES = 1 << 16  # of a wanted value: names, numbers, UIDs
MAX_DEPTH = 64  # of sequences within sequences; assumed, reports have about 10
UNDEFINED = 0xFFFFFFFF
PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_STOPS = frozenset((*PIXEL_TAGS, ITEM_END))
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
MOST_LAYOUTS = 4  # that are remembered
_LAYOUTS: list[Layout] = []  # the last ones found; they hold tags and lengths, and nothing of a patient
_SYNTAX_TAG = 0x00020010
_CLASS_TAG = 0x00020002
_VRS = {vr: (vr.decode("ascii"), vr in _LONG) for vr in _LONG | _SHORT}
_LITTLE, _BIG = (Struct("<HH2sHL"), Struct("<HHL")), (Struct(">HH2sHL"), Struct(">HHL"))  # explicit, implicit


class NotPlain(Exception):
    """The data set does not follow the plain rules here; the general parser must look at it."""


class TooDeep(ValueError):
    """Sequences are nested deeper than any real object nests them."""


@dataclass
class Window:
    """A piece of a file in memory that can be moved along.

    Parameters
    ----------
    data
        The bytes from `start` on.
    size
        Of the whole file.
    fetch
        Returns `count` bytes (fewer at the end) from a place in the file.
    """

    data: bytes
    size: int
    fetch: Callable[[int, int], bytes]
    start: int = 0

    def at(self, place: int, count: int) -> int:
        """Return the index in `data` of a place in the file, once `count` bytes from there are in memory."""
        index = place - self.start
        if index < 0 or index + count > len(self.data):
            if place + count > self.size:
                raise NotPlain
            self.data, self.start = self.fetch(place, max(HEAD_BYTES, count)), place
            if len(self.data) < count:
                raise NotPlain
            return 0
        return index


@dataclass(frozen=True)
class Plain:
    """What was found: the wanted elements, still as bytes; the transfer syntax and class as the file says; and where
    the pixel element begins (the end of the file where there is none)."""

    values: dict[BaseTag, RawDataElement]
    syntax: str
    stored_class: str
    end: int


def plain_elements(window: Window, wanted: Mapping[int, BaseTag]) -> Plain:
    """Return the wanted elements of a file, not deflated, up to its pixels.

    Parameters
    ----------
    wanted
        The tags to keep, by their number.

    Raises
    ------
    NotPlain
        If the general parser has to look at the file.
    TooDeep
        If sequences are nested deeper than `MAX_DEPTH`.
    """
    try:
        return _plain_elements(window, wanted)
    except (error, IndexError) as fault:
        raise NotPlain from fault


def _plain_elements(window: Window, wanted: Mapping[int, BaseTag]) -> Plain:
    syntax, stored_class, place = beginning(window)
    kind = (syntax != ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian)
    for known in _LAYOUTS:
        values = known.read(window, place, kind, wanted)
        if values is not None:
            return Plain(values, syntax, stored_class, place + known.size)
    trace: list[_Passed] = []
    values, end = walk(window, place, *kind, wanted, trace)
    layout = Layout.of(window, place, end, kind, wanted, trace)
    if layout is not None:
        _LAYOUTS[:] = [layout, *_LAYOUTS[: MOST_LAYOUTS - 1]]
    return Plain(values, syntax, stored_class, end)


_Passed = tuple[int, int, int, BaseTag | None, str | None]  # place, size of head and value, key, VR


@dataclass(frozen=True)
class Layout:
    """Where the elements of a data set lie; holds for each further file whose tags, VRs and lengths are the same.

    The slices of a series repeat a few layouts, and to compare one is many times quicker than to walk.
    """

    kind: tuple[bool, bool]  # explicit, little endian
    wanted: Mapping[int, BaseTag]
    heads: Struct  # takes the heads of all elements, up to that of the pixels, from a data set
    expected: tuple[bytes, ...]  # those heads
    values: Struct  # takes the wanted values
    kept: tuple[tuple[BaseTag, str | None, int, int], ...]  # key, VR, length, place from the data set's beginning
    size: int  # from the data set's beginning to the pixel element

    @staticmethod
    def of(
        window: Window, start: int, end: int, kind: tuple[bool, bool], wanted: Mapping[int, BaseTag],
        trace: Sequence[_Passed],
    ) -> Layout | None:  # fmt: skip
        """Return the layout of a data set that was walked over; None where it is not in memory as a whole."""
        if window.start or end + 12 > min(len(window.data), window.size):
            return None
        heads = Struct("<" + "".join(f"{head}s{length}x" for _, head, length, _, _ in trace) + "12s")
        parts = (f"{head + length}x" if key is None else f"{head}x{length}s" for _, head, length, key, _ in trace)
        kept = tuple((key, vr, length, at + head - start) for at, head, length, key, vr in trace if key is not None)
        expected = heads.unpack_from(window.data, start)
        return Layout(kind, wanted, heads, expected, Struct("<" + "".join(parts)), kept, end - start)

    def read(
        self, window: Window, start: int, kind: tuple[bool, bool], wanted: Mapping[int, BaseTag]
    ) -> dict[BaseTag, RawDataElement] | None:
        """Return the wanted elements of another data set; None where it is laid out otherwise."""
        if kind != self.kind or wanted is not self.wanted or window.start:
            return None
        if start + self.size + 12 > min(len(window.data), window.size):
            return None
        if self.heads.unpack_from(window.data, start) != self.expected:
            return None
        implicit, little = not kind[0], kind[1]
        return {
            key: RawDataElement(key, vr, length, value, start + at, implicit, little)
            for (key, vr, length, at), value in zip(self.kept, self.values.unpack_from(window.data, start), strict=True)
        }


def beginning(window: Window) -> tuple[str, str, int]:
    """Return transfer syntax and class as the file says, and where its data set begins.

    Raises
    ------
    NotPlain
        If what begins there is not written as the transfer syntax says, or is deflated.
    """
    place = 132 if window.data[128:132] == b"DICM" else 0
    meta, place = _meta(window, place)
    syntax, stored_class = (meta.get(tag, b"").rstrip(b"\0 ").decode("latin-1") for tag in (_SYNTAX_TAG, _CLASS_TAG))
    index = window.at(place, 8)
    letters = bytes(window.data[index + 4 : index + 6])
    explicit = letters in _SHORT or letters in _LONG
    if not syntax:
        syntax = str(ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian)
    if syntax == DeflatedExplicitVRLittleEndian or explicit == (syntax == ImplicitVRLittleEndian):
        raise NotPlain
    return syntax, stored_class, place


def _meta(window: Window, place: int) -> tuple[dict[int, bytes], int]:
    """Return the values of the file meta information, which is always explicit and little endian, and where it ends."""
    found: dict[int, bytes] = {}
    while True:
        index = window.at(place, 12)
        data = window.data
        if data[index : index + 2] != b"\x02\0":
            return found, place
        tag = 0x00020000 | int.from_bytes(data[index + 2 : index + 4], "little")
        letters = data[index + 4 : index + 6]
        if letters in _SHORT:
            head, length = 8, int.from_bytes(data[index + 6 : index + 8], "little")
        elif letters in _LONG:
            head, length = 12, int.from_bytes(data[index + 8 : index + 12], "little")
        else:
            raise NotPlain
        if tag in (_SYNTAX_TAG, _CLASS_TAG) and length <= 64:
            index = window.at(place, head + length)
            found[tag] = bytes(window.data[index + head : index + head + length])
        place += head + length


def walk(
    window: Window,
    place: int,
    explicit: bool,
    little: bool,
    wanted: Mapping[int, BaseTag],
    trace: list[_Passed] | None = None,
) -> tuple[dict[BaseTag, RawDataElement], int]:
    """Return the wanted elements from a place on, and where the pixel element, the item's or the file's end is.

    Every element that was passed is added to `trace`.
    """
    trace = [] if trace is None else trace
    values: dict[BaseTag, RawDataElement] = {}
    last, size = -1, window.size
    while place < size:
        tag, letters, head, length = element_at(window, place, explicit, little)
        if tag in _STOPS:
            return values, place
        if tag <= last:
            raise NotPlain
        last = tag
        key = wanted.get(tag)
        if length == UNDEFINED:
            if key is not None:
                raise NotPlain
            after = past_sequence(window, place + head, explicit, little)
            trace.append((place, after - place, 0, None, None))
            place = after
            continue
        if place + head + length > size:
            raise NotPlain
        if key is not None:
            if length > MAX_VALUE_BYTES:
                raise NotPlain
            index = window.at(place, head + length)
            value = bytes(window.data[index + head : index + head + length])
            values[key] = RawDataElement(key, letters, length, value, place + head, not explicit, little)
        trace.append((place, head, length, key, letters))
        place += head + length
    return values, place


def element_at(window: Window, place: int, explicit: bool, little: bool) -> tuple[int, str | None, int, int]:
    """Return tag, VR (None in implicit data), size of the head and declared length of the element at a place."""
    index, data = place - window.start, window.data
    if index < 0 or index + 12 > len(data):
        count = min(12, window.size - place)
        index = window.at(place, count)
        data, index = window.data[index : index + count].ljust(12, b"\0"), 0
    form = _LITTLE if little else _BIG
    if explicit:
        group, element, letters, short, long = form[0].unpack_from(data, index)
        if group != 0xFFFE:
            try:
                name, is_long = _VRS[letters]
            except KeyError:
                raise NotPlain from None
            return group << 16 | element, name, 12 if is_long else 8, long if is_long else short
    group, element, long = form[1].unpack_from(data, index)
    return group << 16 | element, None, 8, long


def past_sequence(window: Window, place: int, explicit: bool, little: bool) -> int:
    """Return where the data go on after the value, of undefined length, that begins at a place."""
    depth = 1  # of sequences and items, of undefined length, that are open
    while depth:
        tag, _, head, length = element_at(window, place, explicit, little)
        place += head
        if tag in (ITEM_END, SEQUENCE_END):
            depth -= 1
        elif length == UNDEFINED:
            depth += 1
            if depth > 2 * MAX_DEPTH:
                raise TooDeep(f"it nests over {MAX_DEPTH} sequences in each other")
        else:
            place += length
        if place > window.size:
            raise NotPlain
    return place
