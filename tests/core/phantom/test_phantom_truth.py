"""The truth of a phantom agrees with its own labels, its picture and the published sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from cvt_planner.base.errors import Cancelled, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.phantom import CASES, LABELS, Phantom, make_phantom
from cvt_planner.phantom.cases import case_named
from cvt_planner.phantom.make import make_case
from cvt_planner.phantom.proportions import nominal, proportions_for
from cvt_planner.phantom.spine import build_spine


def _volume_ml(phantom: Phantom, name: str, label: int) -> float:
    return float((phantom.labels[name] == label).sum() * phantom.grid.voxel_volume_mm3 / 1000.0)


def test_same_case_and_seed_give_the_same_voxels(small_phantom: Phantom) -> None:
    again = make_phantom("small", seed=0)
    assert again.hu.tobytes() == small_phantom.hu.tobytes()
    assert again.truth == small_phantom.truth
    assert all(np.array_equal(again.labels[name], small_phantom.labels[name]) for name in LABELS)


def test_true_volumes_are_those_of_the_labels(small_phantom: Phantom) -> None:
    complete = [level for level in small_phantom.truth["levels"] if level["complete"]]
    assert [level["name"] for level in complete] == ["L1", "L2"]
    for level in complete:
        assert _volume_ml(small_phantom, "bodies", level["label"]) == pytest.approx(level["body_volume_ml"], rel=0.015)
        assert _volume_ml(small_phantom, "vertebrae", level["label"]) == pytest.approx(
            level["bone_volume_ml"], rel=0.04
        )
    for lesion in small_phantom.truth["lesions"]:
        assert _volume_ml(small_phantom, "lesions", lesion["label"]) == pytest.approx(lesion["volume_ml"], rel=0.02)


def test_bodies_have_the_size_of_published_means(small_phantom: Phantom) -> None:
    # An elliptical cylinder of the mean widths, depths and heights of Panjabi et al., Spine 1992;17:299, times 0.9 for
    # the waist, lies within 25 % of a person's volume.
    for level in small_phantom.truth["levels"][1:]:
        p = nominal(level["name"])
        cylinder = np.pi / 4 * p.width_mm * p.depth_mm * p.posterior_height_mm / 1000.0 * 0.9
        assert level["body_volume_ml"] == pytest.approx(cylinder, rel=0.15)


def test_a_lesion_that_does_not_breach_keeps_bone_around_it(small_phantom: Phantom) -> None:
    (lesion,) = small_phantom.truth["lesions"]
    assert not lesion["breaches_cortex"] and lesion["volume_in_canal_ml"] == 0.0
    mask = small_phantom.labels["lesions"] == lesion["label"]
    grown = ndimage.binary_dilation(mask, iterations=1)
    body = small_phantom.labels["bodies"] > 0
    assert np.mean(body[grown]) > 0.99
    centre = small_phantom.grid.lps_of(np.array(ndimage.center_of_mass(mask)))
    assert np.allclose(centre, lesion["centre_lps_mm"], atol=0.3)
    assert lesion["centre_lps_mm"][0] > 3.0  # on the left


def test_a_breach_opens_the_posterior_wall() -> None:
    case = replace(
        case_named("breach"),
        levels=("L1", "L2"),
        rows=150,
        columns=130,
        pixel_mm=1.0,
        slice_mm=2.0,
        margin_mm=2.0,
        targeted=True,
    )
    made = make_case(case)
    by_name = {lesion["name"]: lesion for lesion in made.truth["lesions"]}
    assert by_name["A"]["breaches_posterior_wall"] and by_name["A"]["volume_in_canal_ml"] > 0.1
    assert not by_name["B"]["breaches_posterior_wall"] and by_name["B"]["volume_in_canal_ml"] == 0.0
    in_canal = (made.labels["lesions"] == by_name["A"]["label"]) & (made.labels["canal"] > 0)
    assert in_canal.sum() * made.grid.voxel_volume_mm3 / 1000.0 == pytest.approx(
        by_name["A"]["volume_in_canal_ml"], rel=0.15
    )


def test_pedicles_of_the_picture_have_the_true_width(small_phantom: Phantom) -> None:
    grid = small_phantom.grid
    bone = (small_phantom.labels["vertebrae"] > 0).astype(float)
    t = np.arange(-9.0, 9.0, 0.1)
    for level in small_phantom.truth["levels"][1:]:
        assert level["pedicles"]["left"]["width_mm"] == pytest.approx(nominal(level["name"]).left.width_mm)
        for side, sign in (("left", 1.0), ("right", -1.0)):
            pedicle = level["pedicles"][side]
            isthmus = np.array(pedicle["isthmus_lps_mm"])
            assert np.sign(isthmus[0] - level["centre_lps_mm"][0]) == sign
            axis = np.diff(np.array(pedicle["axis_lps_mm"]), axis=0)[0]
            up = np.array(level["left_posterior_up"][2])
            across = np.cross(axis, up) / np.linalg.norm(np.cross(axis, up))
            where = grid.index_of(isthmus + t[:, None] * across).T
            for picture, edge in ((bone, 0.5), (small_phantom.hu.astype(float), 330.0)):
                profile = ndimage.map_coordinates(picture, where, order=1)
                inside = ndimage.binary_closing(profile > edge, iterations=30)
                width = 0.1 * np.sum(ndimage.label(inside)[0] == ndimage.label(inside)[0][len(t) // 2])
                assert width == pytest.approx(pedicle["width_mm"], abs=1.1), (level["name"], side, edge)


def test_canal_and_cord_lie_where_the_truth_says(small_phantom: Phantom) -> None:
    for name in ("canal", "cord"):
        truth = small_phantom.truth[name]
        index = np.rint(small_phantom.grid.index_of(np.array(truth["centre_lps_mm"]))).astype(int)
        index = index[(index >= 0).all(axis=1) & (index < small_phantom.hu.shape).all(axis=1)]
        hits = small_phantom.labels[name][tuple(index.T)]
        assert hits.mean() > (0.97 if name == "canal" else 0.6)  # the conus is thinner than a voxel at its tip
    assert not np.any((small_phantom.labels["cord"] > 0) & (small_phantom.labels["canal"] == 0))
    assert not np.any((small_phantom.labels["canal"] > 0) & (small_phantom.labels["vertebrae"] > 0))


def test_skin_lies_behind_every_level(small_phantom: Phantom) -> None:
    for name, distance in small_phantom.truth["skin"]["distance_mm"].items():
        assert 70.0 < distance < 110.0, name
        index = small_phantom.grid.index_of(np.array(small_phantom.truth["skin"]["back_lps_mm"][name]))
        k, j, i = np.rint(index).astype(int)
        behind = small_phantom.hu[k, min(j + 3, small_phantom.hu.shape[1] - 1), i]
        assert behind < -800 < small_phantom.hu[k, j - 6, i]


def test_odd_seeds_are_perturbed_and_asymmetric_even_ones_are_not() -> None:
    levels = ("L1", "L2", "L3")
    even, plain = proportions_for(levels, 4)
    assert not plain and all(part == nominal(part.name) for part in even)
    odd, perturbed = proportions_for(levels, 5)
    assert perturbed and all(part.left != part.right for part in odd)
    assert any(abs(part.left.width_mm - nominal(part.name).left.width_mm) > 0.2 for part in odd)
    straight, bent = build_spine(levels, 0), build_spine(levels, 1)
    assert np.ptp(straight.axis[:, 0]) < 1e-6 < 1.0 < np.ptp(bent.axis[:, 0])


def test_what_cannot_be_made_is_refused_in_a_sentence() -> None:
    with pytest.raises(InputRefused, match="standard"):
        make_phantom("unknown")
    with pytest.raises(InputRefused, match="seed"):
        make_phantom("small", seed=-1)
    with pytest.raises(InputRefused, match="HFS"):
        make_phantom("small", position="HFX")
    stopped = Progress()
    stopped.stop()
    with pytest.raises(Cancelled):
        make_phantom("small", progress=stopped)
    assert set(CASES) >= {"standard", "thoracic", "lumbar", "breach", "blastic", "small", "thick"}
    standard = case_named("standard")
    assert len({lesion.level for lesion in standard.lesions}) == 3
    assert sum(lesion.kind == "lytic" and not lesion.breach for lesion in standard.lesions) >= 2
