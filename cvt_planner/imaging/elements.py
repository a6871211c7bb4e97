"""Walking over the elements of a DICOM data set by tag and length alone; only the wanted values are touched.

Several times quicker than the general parser, which takes over wherever a file is not as plain as the standard asks.
Never reads more of a file than the heads of its elements, whatever lengths it declares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
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
MOST_LAYOUTS = 8  # that are remembered: the lengths of numbers differ within a series
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


@dataclass(frozen=True, eq=False)
class Keys:
    """Some tags, in order: one object for all files that hold the same."""

    tags: tuple[BaseTag, ...]
    place: Mapping[int, int]  # of each in `tags`

    @staticmethod
    @lru_cache(maxsize=64)
    def of(tags: tuple[BaseTag, ...]) -> Keys:
        """Return the object that stands for these tags."""
        return Keys(tags, {int(tag): n for n, tag in enumerate(tags)})


@dataclass(frozen=True, eq=False)
class Plain:
    """What was found: the wanted values, still as bytes; the transfer syntax and class as the file says; and where
    the pixel element begins (the end of the file where there is none).

    Parameters
    ----------
    keys
        The values' tags.
    raw
        Their bytes.
    next_head
        The first bytes of the pixel element; empty where they were not in memory.
    elements
        Makes the values' elements, when they are asked for.
    """

    keys: Keys
    raw: tuple[bytes, ...]
    syntax: str
    stored_class: str
    end: int
    next_head: bytes
    elements: Callable[[], dict[BaseTag, RawDataElement]]

    def bytes_of(self, tag: BaseTag) -> bytes | None:
        """Return a value as it is written; None where it is missing."""
        place = self.keys.place.get(int(tag))
        return None if place is None else self.raw[place]


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
    for known in _LAYOUTS:
        raw = known.read(window, wanted)
        if raw is not None:
            return known.plain(raw)
    trace: list[_Passed] = []
    syntax, stored_class, place = beginning(window, trace)
    kind = (syntax != ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian)
    values, end = walk(window, place, *kind, wanted, trace)
    layout = Layout.of(window, trace, end, kind, wanted, (syntax, stored_class))
    if layout is not None:
        _LAYOUTS[:] = [layout, *_LAYOUTS[: MOST_LAYOUTS - 1]]
    raw = tuple(bytes(element.value or b"") for element in values.values())
    next_head = layout.expected[-1] if layout is not None else b""
    return Plain(Keys.of(tuple(values)), raw, syntax, stored_class, end, next_head, lambda: values)


_Passed = tuple[int, int, int, BaseTag | None, str | None]  # place, size of head and value, key, VR


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the elements of a file lie; holds for each further file whose tags, VRs and lengths are the same.

    The slices of a series repeat a few layouts, and to compare one is many times quicker than to walk.
    """

    kind: tuple[bool, bool]  # explicit, little endian
    said: tuple[str, str]  # transfer syntax and class, the same in every file of this layout
    wanted: Mapping[int, BaseTag]
    heads: Struct  # takes the heads of all elements, up to that of the pixels, from a file
    expected: tuple[bytes, ...]  # those heads
    values: Struct  # takes the wanted values
    kept: tuple[tuple[BaseTag, str | None, int, int], ...]  # key, VR, length, place
    end: int  # where the pixel element begins

    @cached_property
    def keys(self) -> Keys:
        """Return the tags of the wanted values."""
        return Keys.of(tuple(key for key, _, _, _ in self.kept))

    @staticmethod
    def of(
        window: Window, trace: Sequence[_Passed], end: int, kind: tuple[bool, bool], wanted: Mapping[int, BaseTag],
        said: tuple[str, str],
    ) -> Layout | None:  # fmt: skip
        """Return the layout of a file that was walked over; None where it is not in memory as a whole."""
        if window.start or end + 12 > min(len(window.data), window.size) or not trace:
            return None
        before = trace[0][0]
        heads = Struct(f"<{before}x" + "".join(f"{head}s{length}x" for _, head, length, _, _ in trace) + "12s")
        parts = (f"{head + length}x" if key is None else f"{head}x{length}s" for _, head, length, key, _ in trace)
        kept = tuple((key, vr, length, at + head) for at, head, length, key, vr in trace if key is not None)
        expected = heads.unpack_from(window.data)
        return Layout(kind, said, wanted, heads, expected, Struct(f"<{before}x" + "".join(parts)), kept, end)

    def read(self, window: Window, wanted: Mapping[int, BaseTag]) -> tuple[bytes, ...] | None:
        """Return the wanted values of another file, as bytes; None where it is laid out otherwise."""
        if wanted is not self.wanted or window.start or self.end + 12 > min(len(window.data), window.size):
            return None
        return self.values.unpack_from(window.data) if self.heads.unpack_from(window.data) == self.expected else None

    def plain(self, raw: tuple[bytes, ...]) -> Plain:
        """Return what a file of this layout says, of the values that were read from it."""
        return Plain(self.keys, raw, *self.said, self.end, self.expected[-1], partial(self._elements, raw))

    def _elements(self, raw: tuple[bytes, ...]) -> dict[BaseTag, RawDataElement]:
        implicit, little = not self.kind[0], self.kind[1]
        return {
            key: RawDataElement(key, vr, length, value, at, implicit, little)
            for (key, vr, length, at), value in zip(self.kept, raw, strict=True)
        }


def beginning(window: Window, trace: list[_Passed] | None = None) -> tuple[str, str, int]:
    """Return transfer syntax and class as the file says, and where its data set begins.

    What was passed is added to `trace`, syntax and class with their values as if these belonged to the heads.

    Raises
    ------
    NotPlain
        If what begins there is not written as the transfer syntax says, or is deflated.
    """
    trace = [] if trace is None else trace
    place = 132 if window.data[128:132] == b"DICM" else 0
    if place:
        trace.append((128, 4, 0, None, None))
    meta, place = _meta(window, place, trace)
    syntax, stored_class = (meta.get(tag, b"").rstrip(b"\0 ").decode("latin-1") for tag in (_SYNTAX_TAG, _CLASS_TAG))
    index = window.at(place, 8)
    letters = bytes(window.data[index + 4 : index + 6])
    explicit = letters in _SHORT or letters in _LONG
    if not syntax:
        syntax = str(ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian)
    if syntax == DeflatedExplicitVRLittleEndian or explicit == (syntax == ImplicitVRLittleEndian):
        raise NotPlain
    return syntax, stored_class, place


def _meta(window: Window, place: int, trace: list[_Passed]) -> tuple[dict[int, bytes], int]:
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
            head, length = head + length, 0
        trace.append((place, head, length, None, None))
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
