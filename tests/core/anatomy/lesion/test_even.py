"""Lesions that HU hardly tell: even tissue in marrow of its own HU, and edges towards cortex."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from cvt_planner.anatomy.lesion.evidence import Tissues, evidence_at_cortex, evidence_of
from cvt_planner.anatomy.lesion.find import find_lesion
from cvt_planner.anatomy.lesion.ground import Ground
from cvt_planner.anatomy.lesion.normal import NormalBone
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.base.arrays import vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume
from cvt_planner.phantom.cases import Case, LesionSpec
from cvt_planner.phantom.make import Phantom, make_case
from cvt_planner.phantom.person import MEAN
from tests.truth_spine import spine_of_truth

# Marrow of 60 HU about a lysis of 42: no band of HU can hold it.
_OLD = Case(
    "even",
    ("L1", "L2", "L3"),
    (LesionSpec("A", "L2", "lytic", 8, (0.15, 0.5, 0.0), (11.0, 11.0, 8.5), True),),
    rows=130,
    columns=110,
    pixel_mm=0.9,
    slice_mm=1.5,
    margin_mm=6.0,
    targeted=True,
    person=replace(MEAN, marrow_hu=60.0, arch_marrow_hu=115.0),
    noise=0.7,
    piece_mm=0.45,
)


@cache
def scanned() -> tuple[Volume, Spine, Phantom]:
    made = make_case(_OLD)
    volume = Volume(made.hu, made.grid, Patient(), SeriesIdentity(), "even", "even")
    return volume, spine_of_truth(made.truth, made.labels, made.grid, "even"), made


def test_tissue_without_the_grain_of_bone_is_found_in_marrow_of_its_own_hu() -> None:
    volume, spine, made = scanned()
    truth = made.truth["lesions"][0]
    lesion = find_lesion(volume, vec3(truth["centre_lps_mm"]), spine, beyond=True)
    error = lesion.region.volume_ml / truth["volume_ml"] - 1.0
    print(f"\n{error:+.1%}; normal {lesion.normal.hu:.0f} HU, lesion {lesion.tissues.dark_hu}")
    assert lesion.kind == "lytic"
    assert abs(error) <= 0.10
    assert any("grain" in note and "Make sure" in note for note in lesion.notes)


def test_sound_marrow_of_tumours_hu_is_refused_with_the_reason_and_what_to_do() -> None:
    volume, spine, made = scanned()
    names = [level["name"] for level in made.truth["levels"]]
    for name in ("L1", "L3"):
        v = spine.found[names.index(name)]
        half = np.array([v.width_mm, v.depth_mm, v.height_mm]) / 2.0
        axes = np.array([v.left, v.back, v.up])
        for place in ((0.0, 0.0, 0.0), (0.45, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, -0.5, 0.0)):
            with pytest.raises(InputRefused, match=r"hardly shows in such bone.*by hand"):
                find_lesion(volume, vec3(np.array(v.centre_lps_mm) + (half * place) @ axes), spine)


def test_a_lesion_that_borders_on_cortex_ends_half_way_to_the_cortex_not_to_marrow() -> None:
    spacing, edge, cortex, marrow, tumour = 0.5, 2.2, 450.0, 150.0, 45.0
    along = (np.arange(40) + 0.5) * spacing  # the depth below the surface
    across = np.where(along < edge, cortex, tumour)
    line = ndimage.gaussian_filter1d(across, 0.7 / spacing, mode="nearest").astype(np.float32)
    shape = (12, 12, 40)
    raw = np.broadcast_to(line, shape).copy()
    depth = np.broadcast_to(along, shape).astype(np.float32)
    above = np.where(depth < 3.0, np.float32(cortex - marrow), np.float32(0.0))
    flat = np.where(raw > marrow, np.maximum(raw - above, np.float32(marrow)), raw)
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, ::-1] * spacing
    whole = np.ones(shape, dtype=np.bool_)
    ground = Ground(
        flat, Grid(shape, affine), whole, depth, (1, 1, 1), (0, 0, 0), (6, 6, 30), np.zeros(shape, np.float32),
        raw_hu=raw, above_hu=above,
    )  # fmt: skip
    normal, tissues = NormalBone(marrow, 30.0), Tissues(tumour, None)
    region = depth > edge + 0.5
    first = evidence_of(ground, normal, tissues, None)[6, 6]
    border = evidence_at_cortex(ground, normal, tumour, region)
    assert border is not None and border[1].any() and not (border[1] & (depth < 1.0)).any()
    then = np.where(border[1], border[0], np.where(region, 1.0, -1.0))[6, 6]
    places = [float(np.interp(0.0, evidence[:12], along[:12])) for evidence in (first, then)]
    print(f"\nedge at {edge} mm; by marrow {places[0]:.2f}, by cortex {places[1]:.2f}")
    assert places[0] > edge + 0.35
    assert abs(places[1] - edge) < 0.25
