"""A patchy lesion's smooth surface, and where its ground and its normal bone come from."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from cvt_planner.anatomy.lesion.evidence import Tissues
from cvt_planner.anatomy.lesion.find import find_lesion
from cvt_planner.anatomy.lesion.ground import Ground, nearest_vertebra
from cvt_planner.anatomy.lesion.normal import NormalBone
from cvt_planner.anatomy.lesion.patchy import grown_patchy
from cvt_planner.anatomy.lesion.radial import rounded
from cvt_planner.anatomy.spine.model import Part
from cvt_planner.base.arrays import Float32Array, MaskArray, vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume
from cvt_planner.phantom.cases import Case
from cvt_planner.phantom.make import make_case
from tests.core.anatomy.lesion.test_find import scanned
from tests.truth_spine import spine_of_truth

_MARROW_HU, _SPREAD_HU = 150.0, 35.0


@cache
def patchy() -> tuple[Ground, MaskArray]:
    """Return marrow with an ellipsoid of dark tissue and islands in it, and the ellipsoid."""
    rng = np.random.default_rng(3)
    shape, mm = (41, 51, 51), 0.8
    grid = Grid(shape, np.diag([mm, mm, mm, 1.0]))
    k, j, i = (mm * (n - s // 2) for n, s in zip(np.indices(shape), shape, strict=True))
    lesion = (i / 9.0) ** 2 + (j / 7.5) ** 2 + (k / 6.0) ** 2 <= 1.0
    islands = lesion & (np.sin(0.75 * i) * np.sin(0.8 * j + 1.0) + 0.9 * np.sin(0.7 * k) > 0.8)
    grain = ndimage.gaussian_filter(rng.standard_normal(shape), 0.9)
    hu = np.where(lesion, np.where(islands, 500.0, 45.0), _MARROW_HU + _SPREAD_HU * grain / grain.std())
    hu = ndimage.gaussian_filter(hu, 0.75 / mm).astype(np.float32)
    hu += np.where(lesion, 0.0, (_SPREAD_HU * 0.5 * grain / grain.std())).astype(np.float32)
    bone = np.ones(shape, dtype=bool)
    away = np.sqrt(k**2 + j**2 + i**2).astype(np.float32)
    depth = np.full(shape, 20.0, dtype=np.float32)
    middle = (20, 25, 25)
    return Ground(hu, grid, bone, depth, (1, 1, 1), (0, 0, 0), middle, away), lesion


def field_of(mask: MaskArray) -> Float32Array:
    return mask.astype(np.float32)


def test_a_patchy_lesion_that_leaked_into_marrow_is_made_round_about_its_true_surface() -> None:
    ground, lesion = patchy()
    leak = np.zeros_like(lesion)
    leak[18:23, 22:28, 35:47] = True
    grown = (ndimage.binary_erosion(lesion) | leak) & ~(ground.hu > 250.0)
    field = rounded(ground, NormalBone(_MARROW_HU, _SPREAD_HU), Tissues(50.0, 400.0), field_of(grown))
    found = field >= 0.5
    error = found.sum() / lesion.sum() - 1.0
    dice = 2.0 * (found & lesion).sum() / (found.sum() + lesion.sum())
    print(f"\n{error:+.1%}, Dice {dice:.3f}")
    assert abs(error) <= 0.08
    assert dice >= 0.93
    assert (found & leak & ~lesion).sum() <= 0.1 * (leak & ~lesion).sum()


def test_what_holds_other_bone_than_was_found_is_not_taken() -> None:
    ground, _ = patchy()
    elsewhere = field_of(ground.distance_mm > 14.0)
    same = rounded(ground, NormalBone(_MARROW_HU, _SPREAD_HU), Tissues(50.0, 400.0), elsewhere)
    assert np.array_equal(same, elsewhere)


def clicked(ground: Ground, place_kji: tuple[int, int, int]) -> Ground:
    """Return the ground with its seed elsewhere."""
    off = np.moveaxis(np.indices(ground.hu.shape), 0, -1) - np.array(place_kji)
    away = np.linalg.norm(off * ground.grid.spacing_kji_mm, axis=-1).astype(np.float32)
    return replace(ground, seed_kji=place_kji, distance_mm=away)


@pytest.mark.parametrize("place_kji", [(20, 25, 25), (20, 22, 30), (22, 25, 22)])
def test_dark_tissue_and_islands_together_tell_a_lesion_wherever_it_is_clicked(
    place_kji: tuple[int, int, int],
) -> None:
    ground, lesion = patchy()
    grown = grown_patchy(clicked(ground, place_kji), NormalBone(_MARROW_HU, _SPREAD_HU))
    assert grown is not None
    tissues, field = grown
    found = field >= 0.5
    assert tissues.patchy
    assert abs(found.sum() / lesion.sum() - 1.0) <= 0.08
    assert 2.0 * (found & lesion).sum() / (found.sum() + lesion.sum()) >= 0.93


def test_neither_marrow_nor_one_tissue_alone_is_told_by_its_patchiness() -> None:
    ground, lesion = patchy()
    normal = NormalBone(_MARROW_HU, _SPREAD_HU)
    assert grown_patchy(clicked(ground, (20, 25, 45)), normal) is None
    only_dark = replace(ground, hu=np.where(lesion, np.minimum(ground.hu, np.float32(60.0)), ground.hu))
    assert grown_patchy(only_dark, normal) is None


def test_a_click_beside_an_island_is_not_refused_and_says_what_it_rests_on() -> None:
    volume, spine, made = scanned("mixed")
    lesion = find_lesion(volume, vec3(volume.grid.lps_of(np.array([8.0, 60.0, 91.0]))), spine)
    error = lesion.region.volume_ml / made.truth["lesions"][0]["volume_ml"] - 1.0
    print(f"\n{error:+.1%}; {lesion.notes}")
    assert lesion.kind == "mixed"
    assert abs(error) <= 0.10
    assert any("patchiness" in note for note in lesion.notes)


def test_a_canal_label_that_ran_into_an_eaten_pedicle_does_not_hide_it() -> None:
    volume, spine, made = scanned("three")
    truth = made.truth["lesions"][0]
    eaten = made.labels["lesions"] > 0
    beside = ndimage.binary_dilation(spine.parts == Part.CANAL, iterations=9) & eaten
    parts = np.where(beside, np.uint8(Part.CANAL), np.where(eaten, np.uint8(0), spine.parts))
    lacking = replace(spine, vertebrae=np.where(eaten, 0, spine.vertebrae), parts=parts.astype(np.uint8))
    lesion = find_lesion(volume, vec3(truth["centre_lps_mm"]), lacking, beyond=True)
    error = lesion.region.volume_ml / truth["volume_ml"] - 1.0
    print(f"\n{error:+.1%}; {beside.sum() / eaten.sum():.0%} of it labelled canal")
    assert abs(error) <= 0.15


@pytest.mark.parametrize("off_deg", [-8.0, 5.0, 8.0])
def test_no_lesion_runs_into_the_canal_where_the_vertebra_seems_turned(off_deg: float) -> None:
    """The other side is mirrored about an axis that is off, and covers a part of the canal."""
    volume, spine, made = scanned("three")
    seed = vec3(made.truth["lesions"][0]["centre_lps_mm"])
    own = nearest_vertebra(spine, seed)
    assert own is not None
    a = np.radians(off_deg)
    turned = replace(own, left=vec3(np.cos(a) * np.array(own.left) + np.sin(a) * np.array(own.back)))
    spine = replace(spine, found=tuple(turned if v.number == own.number else v for v in spine.found))
    region = find_lesion(volume, seed, spine).region
    inside = np.argwhere(spine.parts == Part.CANAL)
    at = np.rint(region.grid.index_of(spine.grid.lps_of(inside.astype(np.float64)))).astype(int)
    at = at[np.all((at >= 0) & (at < np.array(region.grid.shape_kji)), axis=1)]
    assert region.mask[tuple(at.T)].sum() * spine.grid.voxel_volume_mm3 < 60.0


@pytest.mark.parametrize("slice_mm", [1.5, 3.0])
def test_sound_bodies_of_the_neck_are_refused_on_coarse_voxels(slice_mm: float) -> None:
    levels = ("C3", "C4", "C5", "C6", "C7")
    size = {"pixel_mm": 0.84, "slice_mm": slice_mm, "margin_mm": 6.0, "piece_mm": 0.45}
    made = make_case(Case("neck", levels, (), targeted=True, fitted=True, **size))
    volume = Volume(made.hu, made.grid, Patient(), SeriesIdentity(), "neck", "neck")
    spine = spine_of_truth(made.truth, made.labels, made.grid, "neck")
    for vertebra in spine.found[1:3]:
        with pytest.raises(InputRefused, match="differs"):
            find_lesion(volume, vertebra.centre_lps_mm, spine)
