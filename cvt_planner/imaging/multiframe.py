"""The frames of a multi-frame CT, each as a slice of its own: places and rescale from the functional groups."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
from pydicom import Dataset
from pydicom.tag import Tag

from cvt_planner.base.arrays import vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.headers import PixelLayout, SliceHeader, read_dataset_part
from cvt_planner.imaging.pixels import NATIVE
from cvt_planner.imaging.sources import Opener

MAX_FRAMES = 20_000  # of one file; assumed, four times the longest CT
_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_ITEM, _END = 0xFFFEE000, 0xFFFEE0DD


def frames_of(opener: Opener, header: SliceHeader) -> list[SliceHeader]:
    """Return one header per frame of a multi-frame file; the header itself where the file does not place its frames.

    Raises
    ------
    InputRefused
        If the file is damaged; the text names it.
    """
    layout = header.pixels
    assert layout is not None
    if not 1 <= layout.frames <= MAX_FRAMES:
        raise InputRefused(
            f"{header.ref.name} declares {layout.frames} frames, which is implausible. Export the series again."
        )
    try:
        groups = read_dataset_part(opener, header.ref, [Tag(keyword) for keyword in _GROUPS])
        shared = next(iter(groups.get(_GROUPS[0]) or ()), Dataset())
        per_frame = list(groups.get(_GROUPS[1]) or ())
        if not per_frame:
            return [header]
        if len(per_frame) != layout.frames:
            raise ValueError(f"{layout.frames} frames are declared, {len(per_frame)} are described")
        with opener.open(header.ref) as stream:
            layouts = _layouts(stream, layout)
        pairs = enumerate(zip(per_frame, layouts, strict=True))
        return [_frame(header, n + 1, _Macros(own, shared), at) for n, (own, at) in pairs]
    except InputRefused:
        raise
    except Exception as fault:
        raise InputRefused(
            f"{header.ref.name} is damaged: its frames cannot be told apart ({type(fault).__name__}: {fault}). "
            "Export the series again."
        ) from fault


@dataclass(frozen=True)
class _Macros:
    """The values of one frame: its own functional groups first, then those that all frames share."""

    own: Dataset
    shared: Dataset

    def value(self, sequence: str, keyword: str) -> Any:
        for groups in (self.own, self.shared):
            items = groups.get(sequence)
            if items:
                value = items[0].get(keyword)
                if value is not None and value != "":
                    return value
        return None

    def numbers(self, sequence: str, keyword: str, count: int) -> tuple[float, ...] | None:
        value = self.value(sequence, keyword)
        if value is None:
            return None
        found = tuple(float(v) for v in np.atleast_1d(np.asarray(value, dtype=np.float64)))
        return found if len(found) == count and all(np.isfinite(found)) else None

    def number(self, sequence: str, keyword: str) -> float | None:
        found = self.numbers(sequence, keyword, 1)
        return found[0] if found else None

    def text(self, sequence: str, keyword: str) -> str:
        value = self.value(sequence, keyword)
        if value is None:
            return ""
        return "/".join(str(v) for v in value) if not isinstance(value, str | int | float) else str(value)


def _frame(header: SliceHeader, number: int, macros: _Macros, layout: PixelLayout) -> SliceHeader:
    cosines = macros.numbers("PlaneOrientationSequence", "ImageOrientationPatient", 6)
    position = macros.numbers("PlanePositionSequence", "ImagePositionPatient", 3)
    spacing = macros.numbers("PixelMeasuresSequence", "PixelSpacing", 2)
    kind = macros.text("CTImageFrameTypeSequence", "FrameType").upper()
    told = ("FrameAcquisitionNumber", "TemporalPositionIndex", "StackID")
    transform = "PixelValueTransformationSequence"
    return replace(
        header,
        frame=number,
        image_type=tuple(part.strip() for part in kind.split("/")) if kind else header.image_type,
        acquisition="|".join(macros.text("FrameContentSequence", keyword) for keyword in told),
        orientation=(vec3(cosines[:3]), vec3(cosines[3:])) if cosines else None,
        position=vec3(position) if position else None,
        spacing_mm=(spacing[0], spacing[1]) if spacing else None,
        slope=macros.number(transform, "RescaleSlope"),
        intercept=macros.number(transform, "RescaleIntercept"),
        rescale_type=macros.text(transform, "RescaleType").upper() or header.rescale_type,
        pixels=layout,
    )


def _layouts(stream: BinaryIO, layout: PixelLayout) -> list[PixelLayout]:
    """Return where each frame's pixels lie in the file."""
    if layout.transfer_syntax in NATIVE:
        size = layout.rows * layout.columns * layout.bits_allocated // 8
        there = layout.available if layout.length < 0 else min(layout.available, layout.length)
        return [
            replace(
                layout,
                frames=1,
                offset=layout.offset + n * size,
                length=size,
                available=max(min(there - n * size, size), 0),
            )
            for n in range(layout.frames)
        ]
    starts, end = _fragments(stream, layout)
    return [
        replace(layout, frames=1, offset=start, length=-1, available=stop - start)
        for start, stop in zip(starts, [*starts[1:], end], strict=True)
    ]


def _fragments(stream: BinaryIO, layout: PixelLayout) -> tuple[list[int], int]:
    """Return where the first fragment of each frame begins in the file, and where the last one ends."""
    stream.seek(layout.offset)
    tag, length = _item(stream)
    if tag != _ITEM:
        raise ValueError("the pixels do not begin with a table of offsets")
    table = struct.unpack(f"<{length // 4}L", stream.read(length // 4 * 4))
    first = stream.tell()
    starts = []
    tag, length = _item(stream)
    while tag == _ITEM:
        starts.append(stream.tell() - 8)
        stream.seek(length, 1)
        tag, length = _item(stream)
    end = stream.tell() - (8 if tag == _END else 0)
    if len(starts) == layout.frames:
        return starts, end
    if len(table) != layout.frames or not {first + offset for offset in table} <= set(starts):
        raise ValueError(f"{len(starts)} fragments for {layout.frames} frames, without a usable table of offsets")
    return [first + offset for offset in table], end


def _item(stream: BinaryIO) -> tuple[int, int]:
    head = stream.read(8)
    if len(head) < 8:
        return 0, 0
    group, element, length = struct.unpack("<HHL", head)
    return group << 16 | element, length
