"""Names for arrays by what they hold. Volumes are [k, j, i] = (slice, row, column); points are LPS, mm."""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

HuArray: TypeAlias = NDArray[np.int16]  # (k, j, i), Hounsfield units
FloatArray: TypeAlias = NDArray[np.float64]
Float32Array: TypeAlias = NDArray[np.float32]
MaskArray: TypeAlias = NDArray[np.bool_]  # (k, j, i)
LabelArray: TypeAlias = NDArray[np.uint8]  # (k, j, i)
Points: TypeAlias = NDArray[np.float64]  # (..., 3), LPS mm unless the name says otherwise
Matrix4: TypeAlias = NDArray[np.float64]  # (4, 4), homogeneous
Vec3: TypeAlias = tuple[float, float, float]  # one point or direction in LPS mm; hashable, for frozen values

_Array = TypeVar("_Array", bound=NDArray[Any])


def read_only(array: _Array) -> _Array:
    """Return the array itself, its write flag cleared."""
    array.flags.writeable = False
    return array


def vec3(values: NDArray[Any] | tuple[float, ...] | list[float]) -> Vec3:
    """Return three plain floats, so that the value can stand in a frozen dataclass and in JSON."""
    x, y, z = (float(v) for v in values)
    return (x, y, z)
