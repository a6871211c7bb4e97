"""By what a CT is recognised: a hash of its geometry and voxels, which plans keep."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import xxhash

from cvt_planner.base.arrays import HuArray
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

HASHED_BYTES = 32 << 20  # at a time, so that a stop is heard
_KIND = "xxh3-"


def content_hash(hu: HuArray, grid: Grid, progress: Progress | None = None) -> str:
    """Return "xxh3-" and the XXH3-128, hex, of shape, affine (to 1e-4 mm) and voxels; the same for any order of files.

    It tells CTs apart that differ by accident. A plan, which keeps it, is not signed: whoever wants to pass off another
    CT can write that CT's hash into it, so that a cryptographic hash would cost seven times more and prove nothing.
    """
    return _KIND + _digest(xxhash.xxh3_128, hu, grid, progress or Progress())


class RunningHash:
    """The hash of a volume whose voxels are given piece by piece, in the order of its (k, j, i) array."""

    def __init__(self, grid: Grid) -> None:
        self._digest = xxhash.xxh3_128(_place(grid))

    def add(self, hu: HuArray) -> None:
        """Take the next voxels."""
        self._digest.update(np.ascontiguousarray(hu, dtype="<i2").data)

    @property
    def text(self) -> str:
        """Return what `content_hash` returns of the voxels given so far."""
        return _KIND + self._digest.hexdigest()


def known_as(volume: Volume, wanted: str, progress: Progress | None = None) -> Volume | None:
    """Return a volume that bears the hash by which a plan knows it; None where it is another one.

    Plans of before XXH3 know it by its SHA-256, and go on doing so.
    """
    if volume.content_hash == wanted:
        return volume
    if wanted.startswith(_KIND) or _digest(hashlib.sha256, volume.hu, volume.grid, progress or Progress()) != wanted:
        return None
    return replace(volume, content_hash=wanted)


def _digest(make: Callable[[], Any], hu: HuArray, grid: Grid, progress: Progress) -> str:
    digest = make()
    digest.update(_place(grid))
    voxels = np.ascontiguousarray(hu, dtype="<i2").reshape(-1)
    for start in range(0, voxels.size, HASHED_BYTES // 2):
        progress.check()
        digest.update(voxels[start : start + HASHED_BYTES // 2].data)
    return str(digest.hexdigest())


def _place(grid: Grid) -> bytes:
    """Return shape and affine as they are hashed."""
    shape = np.array(grid.shape_kji, dtype="<i8")
    return shape.tobytes() + np.rint(grid.lps_from_index * 1e4).astype("<i8").tobytes()
