"""What is known of a volume once its voxels have been gone through: its hash and its HU that the files could not hold.

Both are taken plane by plane while the volume is being filled: the planes then lie in the processor's cache, and the
one processor looks while the other waits for memory.
"""

from __future__ import annotations

import threading

import numpy as np

from cvt_planner.base.arrays import HuArray
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.content import RunningHash
from cvt_planner.imaging.saturation import saturation_of
from cvt_planner.imaging.volume import Saturation


class FirstLook:
    """Goes through the k planes of a volume in order, each as soon as it and all before it are filled.

    Parameters
    ----------
    hu, grid
        (k, j, i) int16 HU, perhaps still being filled, and their places.
    """

    def __init__(self, hu: HuArray, grid: Grid) -> None:
        self._hu = hu
        self._hash = RunningHash(grid)
        self._brightest = np.full(len(hu), np.iinfo(np.int16).min, dtype=np.int16)
        self._filled = [False] * len(hu)
        self._next = 0
        self._looking = threading.Lock()

    def filled(self, k: int, plane: HuArray) -> None:
        """Say that a plane holds its final values, which `plane` repeats in memory that is quicker to read.

        Called from several threads, in any order.
        """
        self._filled[k] = True
        while self._is_ready() and self._looking.acquire(blocking=False):
            try:
                while self._is_ready():
                    self._look(plane if self._next == k else self._hu[self._next])
            finally:
                self._looking.release()

    def finish(self, progress: Progress) -> tuple[str, Saturation | None]:
        """Return the content hash and where HU are clipped or wrapped, once the whole volume is filled.

        Raises
        ------
        Cancelled
            If `progress` was stopped.
        """
        with self._looking:
            while self._next < len(self._hu):
                if self._next % 16 == 0:
                    progress.check()
                self._look(self._hu[self._next])
        return self._hash.text, saturation_of(self._hu, self._brightest)

    def _is_ready(self) -> bool:
        return self._next < len(self._hu) and self._filled[self._next]

    def _look(self, plane: HuArray) -> None:
        self._hash.add(plane)
        self._brightest[self._next] = plane.max(initial=np.iinfo(np.int16).min)
        self._next += 1
