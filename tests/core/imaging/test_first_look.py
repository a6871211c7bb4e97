"""Hash and clipped HU, taken while a volume is being filled: the same as of the whole volume afterwards."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cvt_planner.base.errors import Cancelled
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging import isolation
from cvt_planner.imaging.content import content_hash
from cvt_planner.imaging.first_look import FirstLook
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.volume import Volume

Writer = Callable[..., list[Path]]


def clipped_volume() -> tuple[np.ndarray, Grid]:
    hu = np.random.default_rng(4).integers(-1000, 1500, (40, 32, 32)).astype(np.int16)
    hu[17, 4:14, 4:14] = 3071
    return hu, Grid(hu.shape, np.eye(4))


@pytest.mark.parametrize("threads", [1, 4])
def test_planes_filled_in_any_order_give_the_hash_of_the_whole(threads: int) -> None:
    hu, grid = clipped_volume()
    being_filled = np.zeros_like(hu)
    look = FirstLook(being_filled, grid)
    order = list(range(len(hu)))
    random.Random(1).shuffle(order)

    def fill(k: int) -> None:
        being_filled[k] = hu[k]
        look.filled(k, hu[k].copy())

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, order))
    text, saturation = look.finish(Progress())
    assert text == content_hash(hu, grid)
    assert saturation is not None and (saturation.ceiling_hu, saturation.voxels) == (3071, 100)


def test_planes_of_which_nothing_was_said_are_looked_at_in_the_end() -> None:
    hu, grid = clipped_volume()
    look = FirstLook(hu, grid)
    look.filled(0, hu[0])
    look.filled(2, hu[2])
    assert look.finish(Progress())[0] == content_hash(hu, grid)


def test_a_stop_is_heard_while_it_looks() -> None:
    progress = Progress()
    progress.stop()
    with pytest.raises(Cancelled):
        FirstLook(*clipped_volume()).finish(progress)


@pytest.mark.parametrize(
    "axes",
    [(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0), (1, 0, 0, 0, -1, 0), (0, 1, 0, -1, 0, 0), (1, 0, 0, 0, 0, -1)],
)
@pytest.mark.parametrize("reader", [read_volume, isolation.read_volume])
def test_the_hash_is_that_of_the_voxels_however_slices_lie(
    tmp_path: Path, write_series: Writer, axes: tuple[float, ...], reader: Callable[..., Volume]
) -> None:
    write_series(tmp_path, iop=axes)
    volume = reader(tmp_path)
    assert volume.content_hash == content_hash(volume.hu, volume.grid)
