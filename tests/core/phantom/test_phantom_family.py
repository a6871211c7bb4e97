"""Necks, sacra, curves, thin bone and the family of spines: what the seed and the person ask for is what is made."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cvt_planner.phantom import CASES, Phantom
from cvt_planner.phantom.cases import Case
from cvt_planner.phantom.family import spine_case
from cvt_planner.phantom.make import make_case
from cvt_planner.phantom.person import Person
from cvt_planner.phantom.proportions import nominal, rank_of
from cvt_planner.phantom.spine import BACK, FRONT, Spine, build_spine
from cvt_planner.phantom.tissue import bone_at, canal_mm


def _coarse(levels: tuple[str, ...], person: Person) -> Phantom:
    return make_case(
        Case("test", levels, (), pixel_mm=0.8, slice_mm=1.5, margin_mm=8.0, targeted=True, person=person, fitted=True,
             piece_mm=0.8, noise=0.5)
    )  # fmt: skip


@pytest.fixture(scope="module")
def neck() -> Phantom:
    """Return C5 and C6 of thin bone."""
    return _coarse(("C5", "C6"), Person(varied=False, marrow_hu=60.0, arch_marrow_hu=110.0, shell_mm=0.4))


@pytest.fixture(scope="module")
def sacrum() -> Phantom:
    """Return L5 and S1."""
    return _coarse(("L5", "S1"), Person(varied=False))


def _extent(spine: Spine, n: int, place: np.ndarray, direction: np.ndarray) -> float:
    """Return how far the bone of one vertebra reaches through a place of its axes, along a direction, mm."""
    t = np.arange(-12.0, 12.0, 0.1)
    no_lesion = np.zeros((0, 15))
    inside = []
    for x, y, z in spine.to_lps(n, place + t[:, None] * direction):
        to_canal = canal_mm(spine.canal, x, y, z)
        inside.append(bone_at(x, y, z, to_canal, spine.bodies, spine.pedicles, spine.struts, no_lesion)[1] == n)
    parts = ndimage.label(inside)[0]
    return 0.1 * float(np.sum(parts == parts[len(t) // 2])) if inside[len(t) // 2] else 0.0


@pytest.mark.parametrize(
    ("levels", "person"),
    [
        (("C3", "C4", "C5", "C6", "C7"), Person(varied=False)),
        (("T4", "T7", "T9", "T12", "L2", "L5"), Person(varied=True, cobb_deg=38.0, apex="T9", kyphosis_deg=25.0)),
    ],
)
def test_no_pedicle_is_narrower_or_wider_than_its_truth(levels: tuple[str, ...], person: Person) -> None:
    spine = build_spine((levels[0], levels[-1]), 1, person)
    for name in levels:
        n = spine.index(name)
        for row, side in zip(spine.pedicles[n], (spine.parts[n].left, spine.parts[n].right), strict=True):
            forward, across = row[5:8], row[8:11]
            places = [row[:3] + t * forward for t in (-2.0, 0.0, 2.0)]
            for direction, true in ((across, side.width_mm), (np.cross(forward, across), side.height_mm)):
                narrowest = min(_extent(spine, n, place, direction) for place in places)
                assert narrowest == pytest.approx(true, abs=0.3), (name, true)


def test_a_neck_has_a_ring_and_two_holes_and_thin_bone(neck: Phantom) -> None:
    row = next(row for row in neck.truth["levels"] if row["name"] == "C5")
    bone = neck.labels["vertebrae"] == row["label"]
    k = round(float(neck.grid.index_of(np.array(row["centre_lps_mm"]))[0]))
    # Seen from above, the ring of the canal and one of the artery on each side are closed.
    flat = bone[k - 3 : k + 4].any(axis=0)
    holes = ndimage.label(ndimage.binary_fill_holes(flat) & ~flat)[1]
    assert holes >= 3
    body = ndimage.binary_erosion(neck.labels["bodies"] > 0, iterations=2)
    assert neck.hu[body].mean() == pytest.approx(60.0, abs=45.0)  # denser beneath the endplates


def test_a_sacrum_is_one_wide_bone_about_a_canal(sacrum: Phantom) -> None:
    grid = sacrum.grid
    rows = {row["name"]: row for row in sacrum.truth["levels"]}
    first = sacrum.labels["vertebrae"] == rows["S1"]["label"]
    sizes = np.bincount(ndimage.label(first)[0].ravel())[1:]
    assert sizes.max() > 0.97 * sizes.sum()
    wide = np.ptp(np.nonzero(first.any(axis=(0, 1)))[0]) * grid.spacing_kji_mm[2]
    assert 95.0 < wide < 130.0  # across the wings; about 105 to 120 mm in adults (assumed)
    both = first | (sacrum.labels["vertebrae"] == rows["S2"]["label"])
    assert np.bincount(ndimage.label(both)[0].ravel())[1:].max() > 0.97 * both.sum()  # fused
    line = np.rint(grid.index_of(np.array(sacrum.truth["canal"]["centre_lps_mm"]))).astype(int)
    line = line[(line[:, 0] >= 0) & (line[:, 0] < grid.shape_kji[0])]
    assert sacrum.labels["canal"][tuple(line.T)].mean() > 0.97


def test_curves_are_as_large_as_asked() -> None:
    levels = tuple(f"T{n}" for n in range(4, 13))
    straight = build_spine(levels, 0, Person(varied=False))
    curved = build_spine(levels, 0, Person(varied=False, cobb_deg=36.0, apex="T8", kyphosis_deg=20.0))
    up = curved.bodies[:, 9:12]
    tilt = np.degrees(np.arcsin(up[:, 0]))
    assert np.ptp(tilt) == pytest.approx(36.0, abs=2.0)
    assert np.argmax(np.abs(curved.axis[:, 0] - curved.axis[:, 0].mean())) > 0
    lean = [np.degrees(np.arctan2(s.bodies[:, 10], s.bodies[:, 11])) for s in (straight, curved)]
    between = [float(v[curved.index("T12")] - v[curved.index("T4")]) for v in lean]
    assert between[1] - between[0] == pytest.approx(20.0 * 8 / 10, abs=3.0)  # of T2 to T12
    assert abs(curved.canal[0, 7]) <= 1.0 and np.allclose(np.hypot(curved.canal[:, 6], curved.canal[:, 7]), 1.0)


def test_a_collapsed_body_is_half_as_high_in_front_and_the_others_are_not() -> None:
    levels = ("L1", "L2", "L3")
    sunk = build_spine(levels, 0, Person(varied=False, collapsed=("L2",)))
    for n, part in enumerate(sunk.parts):
        share = (0.5, 0.8) if part.name == "L2" else (1.0, 1.0)
        usual = nominal(part.name)
        found = sunk.bodies[n, [FRONT, BACK]] / (usual.anterior_height_mm, usual.posterior_height_mm)
        assert np.allclose(found, share)


def test_a_sixth_lumbar_vertebra_stands_above_the_sacrum() -> None:
    names = [part.name for part in build_spine(("L4", "L5", "L6", "S1"), 0, Person(lumbar=6)).parts]
    assert names == ["L3", "L4", "L5", "L6", "S1", "S2", "S3"]
    assert "L6" not in [part.name for part in build_spine(("L4", "L5", "S1"), 0).parts]
    assert rank_of("L5") < rank_of("L6") < rank_of("S1")


def test_twenty_seeds_hold_what_the_acceptance_asks_for() -> None:
    cases = [spine_case(seed) for seed in range(20)]
    assert "spine" in CASES and spine_case(3) == cases[3] and spine_case(23) != cases[3]
    people = [case.person for case in cases]
    levels = {name for case in cases for name in case.levels}
    assert {"C3", "C7", "T1", "T4", "L5", "S1"} <= levels
    middle = [name for case in cases for name in case.levels if -3 <= rank_of(name) <= 10]
    assert len(middle) > 0.75 * sum(len(case.levels) for case in cases)
    assert {min(c.slice_mm for c in cases), max(c.slice_mm for c in cases)} == {0.6, 3.0}
    assert max(case.noise for case in cases) == 2.0 and min(p.marrow_hu for p in people) == 60.0
    assert 30.0 < max(abs(p.cobb_deg) for p in people) <= 40.0 and max(p.kyphosis_deg for p in people) > 20.0
    assert {p.rib_pairs for p in people} == {11, 12, 13} and {p.lumbar for p in people} == {5, 6}
    assert sum(bool(p.collapsed) for p in people) >= 3
    lesions = [lesion for case in cases for lesion in case.lesions]
    assert {lesion.kind for lesion in lesions} == {"lytic", "mixed", "blastic"}
    assert sum(lesion.breach for lesion in lesions) >= 5
