"""NRRD pictures inside a plan file, as bytes: exact geometry, gzip, and nothing read that we would not write.

ITK's own writer splits an affine into spacing and direction and so loses its last bits; a mask's digest counts on them.
"""

from __future__ import annotations

import gzip
import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid

_TYPES: dict[str, np.dtype[Any]] = {"uint8": np.dtype("u1"), "int16": np.dtype("<i2")}
_FRAME_KEY = "frame_of_reference_uid:="
LARGEST_VOXELS = 400_000_000
LONGEST_HEADER = 4096


def encode(array: NDArray[Any], grid: Grid) -> bytes:
    """Return an NRRD file of a uint8 or int16 array (k, j, i) on its grid; space left-posterior-superior."""
    name = next(name for name, dtype in _TYPES.items() if dtype == array.dtype)
    if array.shape != grid.shape_kji:
        raise InputRefused("The picture does not fit its grid.")
    affine = grid.lps_from_index
    fastest_first = ((*affine[:3, column].tolist(),) for column in (2, 1, 0))
    lines = [
        "NRRD0004",
        f"type: {name}",
        "dimension: 3",
        "space: left-posterior-superior",
        "sizes: " + " ".join(str(n) for n in reversed(array.shape)),
        "space directions: " + " ".join(_triple(step) for step in fastest_first),
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        "space origin: " + _triple((*affine[:3, 3].tolist(),)),
        _FRAME_KEY + grid.frame_of_reference_uid,
    ]
    data = np.ascontiguousarray(array, dtype=_TYPES[name]).tobytes()
    return ("\n".join(lines) + "\n\n").encode() + gzip.compress(data, compresslevel=6, mtime=0)


def decode(content: bytes, kind: str) -> tuple[NDArray[Any], Grid]:
    """Return the array (k, j, i) and its grid from what `encode` made.

    Raises
    ------
    InputRefused
        If it is anything else, is cut short, or unpacks to more than it says.
    """
    try:
        end = content.index(b"\n\n", 0, LONGEST_HEADER)
        lines = content[:end].decode().split("\n")
        fields = dict(line.split(": ", 1) for line in lines[1:] if ":=" not in line)
        frame = next((line.removeprefix(_FRAME_KEY) for line in lines if line.startswith(_FRAME_KEY)), "")
        if lines[0] != "NRRD0004" or fields["type"] != kind or fields["encoding"] != "gzip":
            raise ValueError("not one of ours")
        i, j, k = (int(n) for n in fields["sizes"].split())
        steps = [_numbers(part) for part in fields["space directions"].split()]
        affine = np.eye(4)
        affine[:3, :3] = np.array(list(reversed(steps))).T
        affine[:3, 3] = _numbers(fields["space origin"])
        data = _unpacked(content[end + 2 :], (k, j, i), _TYPES[kind])
    except (ValueError, KeyError, IndexError, UnicodeDecodeError, zlib.error) as error:
        raise InputRefused(f"a picture inside it is damaged ({error})") from error
    return data, Grid((k, j, i), affine, frame)


def _unpacked(packed: bytes, shape_kji: tuple[int, int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
    voxels = math.prod(shape_kji)
    if min(shape_kji) < 1 or voxels > LARGEST_VOXELS:
        raise ValueError(f"its size is {shape_kji}")
    expected = voxels * dtype.itemsize
    machine = zlib.decompressobj(16 + zlib.MAX_WBITS)
    data = machine.decompress(packed, expected + 1)
    if len(data) != expected:
        raise ValueError(f"{len(data)} bytes instead of {expected}")
    # One byte more lets the machine reach the trailer, whose checksum it verifies.
    if machine.decompress(machine.unconsumed_tail, 1) or not machine.eof:
        raise ValueError("its end is missing")
    return np.frombuffer(data, dtype=dtype).reshape(shape_kji)


def _triple(values: tuple[float, ...]) -> str:
    return "(" + ",".join(repr(float(v)) for v in values) + ")"


def _numbers(text: str) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in text.strip("()").split(","))
    if not all(math.isfinite(v) for v in (x, y, z)):
        raise ValueError("a number is not finite")
    return x, y, z
