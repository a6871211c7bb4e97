"""One click on lesions of phantoms: within 10 % of the truth, 4 % after two strokes; and what is said of them."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from cvt_planner.anatomy.lesion.box import labels_on
from cvt_planner.anatomy.lesion.brush import Brush, Canvas
from cvt_planner.anatomy.lesion.figures import LesionFigures, lesion_figures
from cvt_planner.anatomy.lesion.find import FoundLesion, find_lesion
from cvt_planner.anatomy.lesion.normal import look_ahead, normal_bone
from cvt_planner.anatomy.raster import rasterise
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.base.arrays import vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume
from cvt_planner.phantom.cases import Case, LesionSpec
from cvt_planner.phantom.make import Phantom, make_case
from tests.truth_spine import spine_of_truth

# One vertebra each of the kinds the band of one HU cannot tell, on a small field: made in a second or two.
_SCAN = {"rows": 160, "columns": 160, "pixel_mm": 0.9, "slice_mm": 1.5, "margin_mm": 6.0, "targeted": True}
CASES = {
    "mixed": Case("mixed", ("L3",), (LesionSpec("A", "L3", "mixed", 7, (0.3, 0.1, 0.0), (9.5, 9.8, 7.6)),), **_SCAN),
    "blastic": Case("blastic", ("L1",), (LesionSpec("A", "L1", "blastic", 7, (0.2, 0, 0), (9.0, 9.5, 7.0)),), **_SCAN),
    "three": Case(
        "three",
        ("L1", "L2", "L3"),
        (LesionSpec("A", "L2", "lytic", 8, (0.65, 1.0, 0.35), (7.5, 12.0, 8.0), True),),
        **{**_SCAN, "rows": 110, "columns": 110},
        piece_mm=0.45,
    ),
    "breach": Case(
        "breach", ("L2",), (LesionSpec("A", "L2", "lytic", 9, (0.12, 0.62, 0.0), (10.5, 12.5, 8.0), True),), **_SCAN
    ),
}


@cache
def scanned(name: str) -> tuple[Volume, Spine, Phantom]:
    made = make_case(CASES[name])
    volume = Volume(made.hu, made.grid, Patient(), SeriesIdentity(), name, name)
    return volume, spine_of_truth(made.truth, made.labels, made.grid, name), made


def found(name: str, beyond: bool = False) -> tuple[FoundLesion, float]:
    volume, spine, made = scanned(name)
    truth = made.truth["lesions"][0]
    lesion = find_lesion(volume, vec3(truth["centre_lps_mm"]), spine, beyond)
    return lesion, lesion.region.volume_ml / truth["volume_ml"] - 1.0


@pytest.mark.parametrize(("name", "beyond"), [("mixed", False), ("blastic", False), ("breach", True)])
def test_one_click_has_the_true_volume_within_a_tenth_and_the_kind(name: str, beyond: bool) -> None:
    lesion, error = found(name, beyond)
    print(f"\n{name}: {error:+.1%}")
    assert abs(error) <= 0.10
    assert lesion.kind == ("lytic" if name == "breach" else name)


def test_sound_bone_is_refused_however_coarse_its_marrow() -> None:
    volume, spine, made = scanned("three")
    coarse = ndimage.gaussian_filter(np.random.default_rng(5).standard_normal(volume.hu.shape), 2.5 / 1.1)
    grainy = replace(volume, hu=(volume.hu + 35.0 * coarse / coarse.std()).astype(np.int16))
    names = [level["name"] for level in made.truth["levels"]]
    sound = [spine.found[names.index(name)] for name in ("L1", "L3")]
    for vertebra in sound:
        for scan in (volume, grainy):
            with pytest.raises(InputRefused, match="differs"):
                find_lesion(scan, vertebra.centre_lps_mm, spine)


def test_an_eaten_pedicle_that_the_labels_lack_is_found_from_the_other_side() -> None:
    volume, spine, made = scanned("three")
    truth = made.truth["lesions"][0]
    eaten = made.labels["lesions"] > 0
    lacking = replace(
        spine, vertebrae=np.where(eaten, 0, spine.vertebrae), parts=np.where(eaten, 0, spine.parts).astype(np.uint8)
    )
    lesion = find_lesion(volume, vec3(truth["centre_lps_mm"]), lacking, beyond=True)
    error = lesion.region.volume_ml / truth["volume_ml"] - 1.0
    print(f"\n{error:+.1%}; {lesion.notes}")
    assert lesion.kind == "lytic"
    assert abs(error) <= 0.15


def test_two_strokes_bring_it_within_four_percent() -> None:
    """Two strokes of the brush at the places where most is wrong, as an operator who sees the outline would draw."""
    volume, _, made = scanned("mixed")
    truth = made.labels["lesions"] > 0
    lesion, before = found("mixed")
    shape = lesion.region
    for _ in range(2):
        mask = rasterise(shape, volume.grid)
        wrong_ml = shape.volume_ml - made.truth["lesions"][0]["volume_ml"]
        if abs(wrong_ml) <= 0.02 * made.truth["lesions"][0]["volume_ml"]:
            break
        erase = wrong_ml > 0
        voxels = volume.grid.lps_of(np.argwhere(mask & ~truth if erase else truth & ~mask).astype(float))
        radius = 2.5
        # The ball of the brush that holds the most wrong voxels; half of it lies beyond the outline.
        counts = [(np.linalg.norm(voxels - p, axis=1) <= radius).sum() for p in voxels[::5]]
        at = voxels[::5][int(np.argmax(counts))]
        canvas = Canvas.of(volume, shape)
        middle = np.array(lesion.region.centre_lps_mm)
        turn = np.cross(at - middle, (0.0, 0.0, 1.0))
        turn /= max(float(np.linalg.norm(turn)), 1e-6)
        reach = min(abs(wrong_ml) * 1000.0 / (radius * radius * 2.0), 14.0)
        canvas.stroke(Brush(radius, erase), at - turn * reach / 2.0, at + turn * reach / 2.0)
        shape = canvas.region()
    after = shape.volume_ml / made.truth["lesions"][0]["volume_ml"] - 1.0
    print(f"\n{before:+.1%}, after two strokes {after:+.1%}")
    assert abs(after) <= 0.04


def test_it_stops_at_cortex_and_canal_unless_told_to_go_beyond() -> None:
    volume, spine, _ = scanned("breach")
    inside = rasterise(found("breach")[0].region, volume.grid)
    beyond = rasterise(found("breach", True)[0].region, volume.grid)
    bone = spine.vertebrae > 0
    assert (inside & ~bone).sum() <= 0.02 * inside.sum()
    assert (beyond & ~bone).sum() > 0.1 * inside.sum()
    # Within the bone it takes what is left of the cortex before that, and nothing else.
    away_mm = ndimage.distance_transform_edt(~inside, sampling=volume.grid.spacing_kji_mm)
    assert not (beyond & bone & (away_mm > 2.0)).any()


def figures_of(name: str, beyond: bool = False, agent: str = "") -> LesionFigures:
    volume, spine, _ = scanned(name)
    volume = replace(volume, series=replace(volume.series, contrast_agent=agent))
    return lesion_figures(volume, found(name, beyond)[0].region, spine)


def test_defects_parts_and_distances_are_told() -> None:
    eaten = figures_of("breach", beyond=True)
    assert eaten.defects is not None and eaten.defects.judged
    assert eaten.defects.posterior_wall_mm2 > 60.0
    assert eaten.canal_mm == 0.0
    assert eaten.epidural_ml is not None and eaten.epidural_ml > 0.2
    parts = (eaten.in_bone_ml, eaten.epidural_ml, eaten.paravertebral_ml)
    assert sum(part or 0.0 for part in parts) == pytest.approx(eaten.volume_ml, rel=0.01)
    whole = figures_of("mixed")
    assert whole.defects is not None
    assert whole.defects.posterior_wall_mm2 == 0.0
    for intact in (whole.defects, figures_of("blastic").defects):
        assert intact is not None and intact.judged
        assert (intact.upper_endplate_mm2, intact.lower_endplate_mm2, intact.other_cortex_mm2) == (0.0, 0.0, 0.0)
    assert whole.kind == "mixed" and figures_of("blastic").kind == "blastic"
    assert whole.canal_mm is not None and whole.canal_mm > 3.0
    _, _, made = scanned("mixed")
    body_ml = made.truth["levels"][[x["name"] for x in made.truth["levels"]].index("L3")]["body_volume_ml"]
    assert whole.body_share == pytest.approx(whole.volume_ml / body_ml, rel=0.05)


def test_contrast_medium_widens_what_rests_on_hu() -> None:
    told = figures_of("mixed", agent="Iohexol 300")
    assert told.hu_within == 30.0
    assert any("Contrast medium" in note for note in told.notes)


def test_it_is_quick_and_refuses_in_words() -> None:
    volume, spine, made = scanned("mixed")
    seed = vec3(made.truth["lesions"][0]["centre_lps_mm"])
    find_lesion(volume, seed, spine)  # compiles
    begin = time.thread_time()
    find_lesion(volume, seed, spine)
    assert time.thread_time() - begin < 0.6  # 0.3 s on a free machine; this one may be shared
    with pytest.raises(InputRefused, match="outside the CT"):
        find_lesion(volume, (900.0, 0.0, 0.0), spine)
    with pytest.raises(InputRefused, match="differs from normal bone"):
        find_lesion(volume, (seed[0] - 26.0, seed[1], seed[2]), spine)  # spongy bone of the other side


def test_normal_bone_is_read_once_for_a_ct_and_its_spine() -> None:
    volume, spine, _ = scanned("three")
    vertebra = spine.found[1]
    assert normal_bone(volume, spine, vertebra) is normal_bone(volume, spine, vertebra)
    brighter = replace(volume, hu=volume.hu + np.int16(20))
    first, other = normal_bone(volume, spine, vertebra), normal_bone(brighter, spine, vertebra)
    assert first is not None and other is not None
    assert other.hu == pytest.approx(first.hu + 20.0, abs=0.1)


def test_bone_that_was_looked_at_ahead_is_not_read_again_by_a_click(monkeypatch: pytest.MonkeyPatch) -> None:
    volume, spine, _ = scanned("three")
    expected = normal_bone(volume, spine, spine.found[1])
    other = replace(volume, hu=volume.hu.copy())
    look_ahead(other, spine)
    monkeypatch.delattr("cvt_planner.anatomy.lesion.normal._sample")
    again = normal_bone(other, spine, spine.found[1])
    assert expected is not None and again is not None
    assert (again.hu, again.spread_hu) == (expected.hu, expected.spread_hu)


def test_labels_on_a_grid_of_other_voxels_are_those_of_the_nearest_voxel_and_none_outside() -> None:
    _, spine, _ = scanned("three")
    wide = spine.grid.lps_from_index.copy()
    wide[:3, :3] *= 1.3
    wide[:3, 3] = spine.grid.lps_of(np.array([-9.13, 20.21, -5.17]))
    grid = Grid((40, 50, 120), wide)
    places = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij"), axis=-1)
    nearest = np.rint(spine.grid.index_of(grid.lps_of(places.astype(float)))).astype(int)
    inside = ((nearest >= 0) & (nearest < np.array(spine.vertebrae.shape))).all(axis=-1)
    expected = np.zeros(grid.shape_kji, dtype=np.uint8)
    expected[inside] = spine.vertebrae[tuple(nearest[inside].T)]
    assert inside.any() and not inside.all()
    assert (labels_on(spine, spine.vertebrae, grid) == expected).all()
    far = replace(grid, lps_from_index=grid.lps_from_index + np.array([[0, 0, 0, 900.0], *np.zeros((3, 4))]))
    assert not labels_on(spine, spine.vertebrae, far).any()
