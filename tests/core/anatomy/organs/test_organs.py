"""Body, lungs, air and aorta of made-up trunks: what each must be, and what must not disturb it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cvt_planner.anatomy.organs import aorta as aorta_module
from cvt_planner.anatomy.organs.drawn import SURFACE, organ_fields
from cvt_planner.anatomy.organs.find import find_organs, with_aorta
from cvt_planner.anatomy.organs.model import AORTA_LABEL, Organ, Organs, organs_words
from cvt_planner.anatomy.organs.on_grid import organs_on
from cvt_planner.anatomy.organs.rims import AirRims
from cvt_planner.anatomy.spine.model import Part, Spine
from cvt_planner.base.errors import Cancelled
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.geometry.sampling import sample_grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume
from cvt_planner.planning.judge import aorta_told
from tests.spines import box_vertebra

LUNG, GAS, TISSUE, BONE, BLOOD = -820.0, -1000.0, 40.0, 400.0, 170.0
AORTA_AT, AORTA_MM, AORTA_TILT = (14.0, -22.0), 11.0, 0.08


def places(grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    index = np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij", sparse=True)
    m = grid.lps_from_index
    x, y, z = (m[r, 0] * index[0] + m[r, 1] * index[1] + m[r, 2] * index[2] + m[r, 3] for r in range(3))
    return x, y, z


def trunk(
    slice_mm: float = 3.0,
    pixel_mm: float = 2.0,
    field_mm: float = 440.0,
    lungs: bool = True,
    couch_at_mm: float | None = 112.0,
    contrast: str = "",
    touching: bool = False,
) -> Volume:
    """Return an upright trunk: ellipse, two lungs, trachea at the top, a stomach bubble, a spine, an aorta."""
    slices, n = round(180.0 / slice_mm), round(field_mm / pixel_mm)
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = slice_mm, pixel_mm, pixel_mm, 1.0
    affine[:3, 3] = (-field_mm / 2.0, -field_mm / 2.0, -90.0)
    grid = Grid((slices, n, n), affine)
    x, y, z = places(grid)
    hu = np.full(grid.shape_kji, GAS)
    if couch_at_mm is not None:
        hu[np.broadcast_to((y > couch_at_mm) & (y < couch_at_mm + 4.0) & (np.abs(x) < 200.0), hu.shape)] = -100.0
    hu[np.hypot(x / 170.0, y / 110.0) + 0.0 * z < 1.0] = TISSUE
    if lungs:
        for sign in (1.0, -1.0):
            gap = 47.0 if touching else 80.0
            inside = np.hypot((x - sign * gap) / 48.0, y / 75.0)
            hu[np.broadcast_to((inside < 1.0) & (z > -40.0), hu.shape)] = LUNG
        hu[np.hypot(x, y + 30.0) + 0.0 * z < np.where(z > 30.0, 9.0, -1.0)] = GAS
    hu[np.hypot(np.hypot((x - 60.0) / 25.0, (y + 60.0) / 15.0), (z + 65.0) / 12.0) < 1.0] = GAS
    hu[np.broadcast_to((np.abs(x) < 18.0) & (y > -8.0) & (y < 26.0), hu.shape)] = BONE
    hu[np.hypot(x, y - 36.0) + 0.0 * z < 8.0] = 20.0
    if contrast:
        hu[np.hypot(x - AORTA_AT[0] - AORTA_TILT * z, y - AORTA_AT[1]) < AORTA_MM] = BLOOD
        hu[np.hypot(x + 26.0, y - AORTA_AT[1]) + 0.0 * z < 10.0] = BLOOD - 10.0  # the lower caval vein
    hu = hu + np.random.default_rng(1).normal(0.0, 12.0, hu.shape)
    voxels = np.ascontiguousarray(np.clip(hu, -1024, 3000), dtype=np.int16)
    identity = SeriesIdentity(contrast_agent=contrast)
    return Volume(voxels, grid, Patient(), identity, f"{slice_mm} {field_mm} {contrast}", "")


def spine_of(volume: Volume) -> Spine:
    x, y, _ = places(volume.grid)
    body = np.broadcast_to((np.abs(x) < 18.0) & (y > -8.0) & (y < 26.0), volume.hu.shape)
    canal = np.column_stack([np.zeros(170), np.full(170, 36.0), np.linspace(-85.0, 84.0, 170)])
    parts = np.where(body, np.uint8(Part.BODY), np.uint8(0))
    found = (box_vertebra(1, np.array([0.0, 9.0, 0.0])),)
    return Spine(volume.grid, body.astype(np.uint8), parts, canal, found, volume.content_hash)


def at(organs: Organs, x: float, y: float, z: float) -> int:
    return int(organs.labels[tuple(np.rint(organs.grid.index_of(np.array([x, y, z]))).astype(int))])


@pytest.mark.parametrize(("slice_mm", "pixel_mm"), [(1.0, 1.6), (3.0, 2.0), (5.0, 0.9)])
def test_lungs_air_and_body_are_told_apart(slice_mm: float, pixel_mm: float) -> None:
    volume = trunk(slice_mm, pixel_mm)
    organs = find_organs(volume)
    assert at(organs, 80.0, 0.0, 20.0) == Organ.LEFT_LUNG
    assert at(organs, -80.0, 0.0, 20.0) == Organ.RIGHT_LUNG
    assert at(organs, 0.0, -30.0, 60.0) == Organ.AIR  # the trachea
    assert at(organs, 60.0, -60.0, -65.0) == Organ.AIR  # the stomach's bubble
    assert at(organs, 0.0, 80.0, 0.0) == Organ.TISSUE
    assert at(organs, 0.0, 114.0, 0.0) == 0  # the couch, which touches the skin within a cell
    true_ml = np.pi * 48.0 * 75.0 * 130.0 / 1000.0
    for lung in (Organ.LEFT_LUNG, Organ.RIGHT_LUNG):
        assert organs.volume_ml(lung) == pytest.approx(true_ml, rel=0.05)
    assert "right lung" in organs_words(organs) and "mL" in organs_words(organs)
    assert find_organs(volume) is organs  # once per CT


def test_lungs_that_touch_are_parted_at_the_middle() -> None:
    organs = find_organs(trunk(touching=True))
    left, right = (organs.volume_ml(lung) for lung in (Organ.LEFT_LUNG, Organ.RIGHT_LUNG))
    assert left == pytest.approx(right, rel=0.15) and left > 300.0


def test_a_field_that_cuts_skin_and_lungs_off() -> None:
    organs = find_organs(trunk(pixel_mm=1.0, field_mm=150.0))
    assert at(organs, 60.0, 0.0, 20.0) == Organ.LEFT_LUNG and at(organs, -60.0, 0.0, 20.0) == Organ.RIGHT_LUNG
    assert at(organs, 0.0, 60.0, 0.0) == Organ.TISSUE
    assert float((organs.labels > 0).mean()) > 0.98


def test_a_patient_who_lies_the_other_way_round() -> None:
    """Turned in the file's axes by a half turn about the body's: left stays +x of the patient's frame."""
    volume = trunk()
    turned = replace(volume, hu=np.ascontiguousarray(volume.hu[:, ::-1, ::-1]), content_hash="turned")
    organs = find_organs(turned)
    assert at(organs, 80.0, 0.0, 20.0) == Organ.LEFT_LUNG and organs.volume_ml(Organ.RIGHT_LUNG) > 1000.0


def test_no_lungs_in_view_and_no_body_at_all() -> None:
    organs = find_organs(trunk(lungs=False))
    assert organs.volume_ml(Organ.LEFT_LUNG) == organs.volume_ml(Organ.RIGHT_LUNG) == 0.0
    assert organs.volume_ml(Organ.AIR) > 5.0
    empty = trunk(couch_at_mm=None)
    nothing = find_organs(replace(empty, hu=np.full_like(empty.hu, -1000), content_hash="empty"))
    assert not nothing.labels.any() and organs_words(nothing).startswith("No body")
    assert AirRims.of(nothing.labels, nothing.grid).nearest(np.zeros((1, 3))) is None


def test_air_of_the_room_under_an_arm_is_no_air_of_the_body() -> None:
    volume = trunk()
    hu = volume.hu.copy()
    x, y, z = places(volume.grid)
    arm = (np.hypot(x - 190.0, y) + 0.0 * z < 30.0) & (np.hypot(x - 185.0, y) + 0.0 * z > np.where(z < 0.0, 10.0, 0.0))
    hu[arm & (np.hypot(x / 170.0, y / 110.0) > 1.0)] = 40
    organs = find_organs(replace(volume, hu=hu, content_hash="arm"))
    assert at(organs, 184.0, 0.0, -60.0) != Organ.LEFT_LUNG


def test_the_search_can_be_stopped() -> None:
    progress = Progress()
    progress.stop()
    with pytest.raises(Cancelled):
        find_organs(trunk(2.0), progress)


def test_distances_to_lung_are_those_of_the_geometry() -> None:
    organs = find_organs(trunk(2.0, 1.0))
    rims = AirRims.of(organs.labels, organs.grid)
    found = rims.nearest(np.array([[20.0, 0.0, 20.0], [60.0, 0.0, 20.0], [-5.0, 0.0, -10.0]]))
    assert found is not None
    gaps, labels = found
    assert gaps == pytest.approx([12.0, -28.0, 27.0], abs=2.5)
    assert labels.tolist() == [Organ.LEFT_LUNG, Organ.LEFT_LUNG, Organ.RIGHT_LUNG]


def test_the_aorta_is_followed_where_contrast_shows_it() -> None:
    volume = trunk(2.5, 2.0, 300.0, contrast="IOMERON")
    organs = with_aorta(find_organs(volume), volume, spine_of(volume))
    tube = organs.aorta
    assert tube is not None and tube.hu == pytest.approx(BLOOD, abs=10.0)
    z = tube.centres_lps_mm[:, 2]
    true = np.column_stack([AORTA_AT[0] + AORTA_TILT * z, np.full(len(z), AORTA_AT[1])])
    assert np.abs(tube.centres_lps_mm[:, :2] - true).max() < 1.5
    assert np.abs(tube.radii_mm - AORTA_MM).max() < 1.5
    assert float(np.ptp(z)) > 150.0 and "followed over" in organs.aorta_words
    assert aorta_told(organs) == organs.aorta_words  # for needles above or below it
    gaps = tube.gaps_mm(np.array([[AORTA_AT[0] + 20.0, AORTA_AT[1], 0.0], [*AORTA_AT, 0.0], [0.0, 0.0, 500.0]]))
    assert gaps[:2] == pytest.approx([9.0, -11.0], abs=1.6) and np.isnan(gaps[2])
    labels = organs_on(volume.grid, organs)
    ml = float((labels == AORTA_LABEL).sum()) * volume.grid.voxel_volume_mm3 / 1000.0
    assert ml == pytest.approx(np.pi * AORTA_MM**2 * float(np.ptp(z)) / 1000.0, rel=0.15)


def test_without_contrast_the_aorta_is_not_guessed() -> None:
    volume = trunk()
    organs = find_organs(volume)
    assert with_aorta(organs, volume, spine_of(volume)) is organs
    assert organs.aorta is None and organs.aorta_words == aorta_module.NO_CONTRAST
    assert aorta_told(organs) == ""
    told = replace(volume, series=SeriesIdentity(contrast_agent="LATE"), content_hash="late")
    late = with_aorta(find_organs(told), told, spine_of(told))  # the header says so, but nothing is bright
    assert late.aorta is None and late.aorta_words == aorta_told(late) == aorta_module.NOT_SEEN


def test_what_is_drawn_crosses_its_level_at_the_surface() -> None:
    volume = trunk(2.5, 2.0, 300.0, contrast="IOMERON")
    organs = with_aorta(find_organs(volume), volume, spine_of(volume))
    fields = {one.name: one for one in organ_fields(organs)}
    assert set(fields) == {"skin", "right lung", "left lung", "air", "aorta"}
    for name, outside, inside in (
        ("skin", (0.0, 113.0, 0.0), (0.0, 107.0, 0.0)),
        ("left lung", (29.0, 0.0, 20.0), (35.0, 0.0, 20.0)),
        ("aorta", (AORTA_AT[0] + 13.0, AORTA_AT[1], 0.0), (AORTA_AT[0] + 9.0, AORTA_AT[1], 0.0)),
    ):
        values = sample_grid(fields[name].values, fields[name].grid, np.array([outside, inside]), 0.0)
        assert values[0] < SURFACE < values[1], name
