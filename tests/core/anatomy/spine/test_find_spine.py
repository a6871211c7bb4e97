"""The spine found in a phantom and in real CTs, against their labels; and what is said where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cvt_planner.anatomy.spine.model import Part, Spine
from cvt_planner.anatomy.spine.pipeline import NO_SPINE, find_spine
from cvt_planner.base.arrays import LabelArray
from cvt_planner.base.errors import Cancelled
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume
from cvt_planner.phantom import Phantom

RealCt = Callable[[str], Path]


@pytest.fixture(scope="module")
def phantom(odd_phantom: Phantom) -> tuple[Volume, dict[str, LabelArray]]:
    made = odd_phantom
    volume = Volume(made.hu, made.grid, Patient(), SeriesIdentity(), "phantom", "small", measured_distance_mm=2.0)
    return volume, made.labels


@pytest.fixture(scope="module")
def found(phantom: tuple[Volume, dict[str, LabelArray]]) -> Spine:
    return find_spine(phantom[0])


def on_ct(volume: Volume, spine: Spine, labels: LabelArray) -> LabelArray:
    out = np.zeros(volume.grid.shape_kji, dtype=np.uint8)
    corner = np.rint(volume.grid.index_of(spine.grid.lps_of(np.zeros(3)))).astype(int)
    out[tuple(slice(a, a + n) for a, n in zip(corner, labels.shape, strict=True))] = labels
    return out


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2.0 * (a & b).sum() / max(a.sum() + b.sum(), 1))


def best_number(truth: np.ndarray, labels: LabelArray) -> int:
    counts = np.bincount(labels[truth], minlength=2)
    return int(counts[1:].argmax()) + 1


def crop(volume: Volume, first: int, count: int) -> Volume:
    grid = volume.grid.crop((first, 0, 0), (count, *volume.grid.shape_kji[1:]))
    return replace(volume, hu=volume.hu[first : first + count].copy(), grid=grid)


def test_vertebrae_and_canal_of_a_phantom(phantom: tuple[Volume, dict[str, LabelArray]], found: Spine) -> None:
    volume, labels = phantom
    truth, canal = labels["vertebrae"], labels["canal"]
    numbers = on_ct(volume, found, found.vertebrae)
    # L1 and L2 lie wholly in the scan; of T12 only a sliver.
    seen = [best_number(truth == label, numbers) for label in (2, 3)]
    assert seen[1] == seen[0] + 1
    for label, number in zip((2, 3), seen, strict=True):
        assert dice(truth == label, numbers == number) > 0.85
    assert dice(canal > 0, on_ct(volume, found, found.parts) == Part.CANAL) > 0.88


def test_the_canal_is_unbroken(phantom: tuple[Volume, dict[str, LabelArray]], found: Spine) -> None:
    canal = on_ct(phantom[0], found, found.parts) == Part.CANAL
    assert canal.any(axis=(1, 2)).all(), "the canal runs through every slice"
    assert np.linalg.norm(np.diff(found.canal_lps_mm, axis=0), axis=1).max() < 1.5


def test_it_says_the_same_twice(phantom: tuple[Volume, dict[str, LabelArray]], found: Spine) -> None:
    again = find_spine(phantom[0])
    assert np.array_equal(again.vertebrae, found.vertebrae) and again.found == found.found


def test_a_seed_in_the_canal_changes_nothing_where_it_was_right(
    phantom: tuple[Volume, dict[str, LabelArray]], found: Spine
) -> None:
    middle = found.canal_lps_mm[len(found.canal_lps_mm) // 2]
    seeded = find_spine(phantom[0], seeds=((float(middle[0]), float(middle[1]), float(middle[2])),))
    assert len(seeded.found) == len(found.found)
    near = np.linalg.norm(seeded.canal_lps_mm[:, None] - found.canal_lps_mm[None], axis=2).min(axis=1)
    assert near.max() < 1.5


def test_it_stops_when_asked(phantom: tuple[Volume, dict[str, LabelArray]]) -> None:
    progress = Progress(lambda fraction, message: progress.stop() if fraction >= 0.5 else None)
    with pytest.raises(Cancelled):
        find_spine(phantom[0], progress=progress)


@pytest.mark.parametrize("what", ["air", "water", "skull"])
def test_where_there_is_no_spine_it_says_so(phantom: tuple[Volume, dict[str, LabelArray]], what: str) -> None:
    k, j, i = np.indices((60, 80, 80))
    away = 2.5 * np.sqrt((k - 30.0) ** 2 + (j - 40.0) ** 2 + (i - 40.0) ** 2)
    hu = np.full(away.shape, -1000, dtype=np.int16)
    if what != "air":
        hu[away < 92] = 40
    if what == "skull":
        hu[(away > 80) & (away < 88)] = 900
    affine = np.eye(4)
    affine[:3, :3] = 2.5 * np.eye(3)[:, ::-1]
    spine = find_spine(replace(phantom[0], hu=hu, grid=Grid(hu.shape, affine)))
    assert spine.found == () and spine.notices == (NO_SPINE,)


@pytest.mark.real_ct
def test_a_lumbar_spine_with_sacrum(real_ct: RealCt) -> None:
    volume = read_volume(real_ct("ts_example_ct_lumbar_3mm.nii"))
    truth = read_volume(real_ct("ts_example_ct_lumbar_3mm_vertebrae")).hu
    spine = find_spine(volume)
    numbers = on_ct(volume, spine, spine.vertebrae)
    # Labels 27 to 32 are L5 to T12, whole in the scan; 26 is S1.
    levels = [best_number(truth == label, numbers) for label in range(26, 33)]
    assert levels == list(range(levels[0], levels[0] - 7, -1)), "in order, none merged"
    assert len(spine.found) == 7 and not spine.found[-1].complete, "nothing below S1, and S1 is not called whole"
    assert all(v.confidence >= 0.5 for v in spine.found[:-1]), "doubted for the sacrum's sake"
    for label, number in zip(range(27, 33), levels[1:], strict=True):
        assert dice(truth == label, numbers == number) > 0.78


@pytest.mark.real_ct
@pytest.mark.parametrize("length", [60, 100])
def test_windows_of_a_thoracic_spine_show_the_same_vertebrae(real_ct: RealCt, length: int) -> None:
    whole = read_volume(real_ct("lidc_idri_0314_spinecrop"))
    reference = find_spine(crop(whole, 60, 160))
    pedicles = [p for v in reference.found if v.complete for p in v.pedicles]
    # There is no truth for their sizes: every one has a place, and one that is not measured to the end says so.
    assert len(pedicles) >= 8 and all(p.judged or p.doubt for p in pedicles)
    for first in (70, 110):
        part = crop(whole, first, length)
        spine = find_spine(part)
        low, high = part.grid.bounds_lps_mm()
        centres = np.array([v.centre_lps_mm for v in spine.found])
        for vertebra in reference.found:
            z, reach = vertebra.centre_lps_mm[2], vertebra.height_mm / 2.0 + 5.0
            if vertebra.complete and low[2] + reach < z < high[2] - reach:
                assert np.linalg.norm(centres - vertebra.centre_lps_mm, axis=1).min() < 4.0
