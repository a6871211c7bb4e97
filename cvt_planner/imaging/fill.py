"""Filling the memory of a volume with the slices of its files."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from cvt_planner.base.arrays import HuArray
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.canonical import Turn
from cvt_planner.imaging.headers import PixelLayout, SliceHeader
from cvt_planner.imaging.pixels import HU_LIMITS, StoredArray, hu_slice, padding_hu
from cvt_planner.imaging.sources import Opener

READERS = 2  # threads; reading and rescaling leave the interpreter lock

Filled: TypeAlias = Callable[[int, HuArray], None]  # told of each k plane that holds its final values, and these
Filler: TypeAlias = Callable[[Opener, Sequence[SliceHeader], HuArray, Turn, Progress, Filled], None]
Putter: TypeAlias = Callable[[HuArray, HuArray], None]  # where a slice belongs, and its values
_SCRATCH = threading.local()


def empty_volume(shape_kji: tuple[int, int, int]) -> HuArray:
    """Return memory for a volume, its values not set."""
    return np.empty(shape_kji, dtype=np.int16)


def put_slice(place: HuArray, values: HuArray) -> None:
    """Copy the values of a slice to its place."""
    place[...] = values


def fill_slices(
    opener: Opener,
    slices: Sequence[SliceHeader],
    hu: HuArray,
    turn: Turn,
    progress: Progress,
    filled: Filled,
    put: Putter = put_slice,
) -> None:
    """Fill a canonical (k, j, i) array with slices, whose stored axes the turn brings there.

    Where slices are k planes, they are read in the order of k, and `filled` is told of each.

    Raises
    ------
    InputRefused
        If a slice cannot be read; the text names its file.
    Cancelled
        If `progress` was stopped.
    """
    by_slice = turn.stored_view(hu)
    are_planes, backwards = turn.order == (0, 1, 2), turn.flipped[0]
    turned = turn.flipped[1] or turn.flipped[2]

    def make(k: int) -> None:
        n = len(slices) - 1 - k if backwards else k
        values = read_slice(opener, slices[n], by_slice[n], put)
        if are_planes:
            filled(k, hu[k] if turned else values)

    each_slice(len(slices), make, progress)


def each_slice(total: int, make: Callable[[int], None], progress: Progress) -> None:
    """Do something for every slice by its number, on `READERS` threads; raises the first of what it raises."""
    numbers = iter(range(total))  # every thread takes the next

    def work() -> None:
        try:
            for n in numbers:
                progress.check()
                make(n)
                progress.report((n + 1) / total, f"Slice {n + 1} of {total}")
        except BaseException:
            for _ in numbers:  # leave none to the others
                pass
            raise

    with ThreadPoolExecutor(READERS) as pool:
        for job in [pool.submit(work) for _ in range(READERS)]:
            job.result()


def read_slice(opener: Opener, header: SliceHeader, place: HuArray, put: Putter = put_slice) -> HuArray:
    """Put the HU of one file into its place, (rows, columns) of a volume, and return them: until this thread's next.

    Raises what `hu_slice` raises.
    """
    values = _read_directly(opener, header)
    if values is None:
        values = hu_slice(opener, header)
    put(place, values)
    return values


def _read_directly(opener: Opener, header: SliceHeader) -> HuArray | None:
    """Return the HU of an uncompressed file, made where its bytes were read to; None where it is not as plain as that.

    The array is used again for this thread's next slice: it stays in the processor's cache.
    """
    layout, slope, intercept = header.pixels, header.slope, header.intercept
    if layout is None or slope != 1 or intercept is None or not float(intercept).is_integer() or header.ref.member:
        return None
    if layout.transfer_syntax not in (ExplicitVRLittleEndian, ImplicitVRLittleEndian) or sys.byteorder != "little":
        return None
    if padding_hu(header) is not None:
        return None
    values = _scratch(layout.rows, layout.columns)
    with opener.open(header.ref) as stream:
        stream.seek(layout.offset)
        if stream.readinto(values.reshape(-1).view(np.uint8)) != values.nbytes:  # type: ignore[attr-defined]
            return None
    stored = values.view(np.int16 if layout.signed else np.uint16)
    _keep_meant_bits(stored, layout)
    low, high = _range_of(stored, layout)
    if high > HU_LIMITS[1] or low + intercept < HU_LIMITS[0] or high + intercept > HU_LIMITS[1]:
        return None
    if abs(intercept) > HU_LIMITS[1]:
        return None
    return np.add(values, np.int16(intercept), out=values) if intercept else values


def _keep_meant_bits(stored: StoredArray, layout: PixelLayout) -> None:
    """Clear what lies in the unused bits, as in `pixels`."""
    unused, below = 16 - layout.bits_stored, layout.high_bit + 1 - layout.bits_stored
    if unused and not layout.signed and not below:
        np.bitwise_and(stored, (1 << layout.bits_stored) - 1, out=stored)
    elif unused:
        np.left_shift(stored, unused - below, out=stored)
        np.right_shift(stored, unused, out=stored)


def _range_of(stored: StoredArray, layout: PixelLayout) -> tuple[int, int]:
    """Return limits of the stored values: what their bits allow or, of all 16 bits, the values' own."""
    if layout.bits_stored == 16:
        return int(stored.min()), int(stored.max())
    half = 1 << (layout.bits_stored - 1)
    return (-half, half - 1) if layout.signed else (0, 2 * half - 1)


def _scratch(rows: int, columns: int) -> HuArray:
    values: HuArray | None = getattr(_SCRATCH, "values", None)
    if values is None or values.shape != (rows, columns):
        _SCRATCH.values = values = np.empty((rows, columns), dtype=np.int16)
    return values


@dataclass(frozen=True)
class Means:
    """What a reading works with.

    Parameters
    ----------
    opener
        Makes what opens the files; called once for each pass over them.
    empty
        Gives the memory of a volume of a shape.
    fill
        Fills it with slices, as `fill_slices` does.
    """

    opener: Callable[[], Opener] = field(default=Opener)
    empty: Callable[[tuple[int, int, int]], HuArray] = field(default=empty_volume)
    fill: Filler = field(default=fill_slices)
