"""Classes 1 to 8, 25 to 27, 33, 34 and 37 of awkward DICOM: where slices lie. Small synthetic series, spoilt."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from scipy import ndimage

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.volume import Volume

Writer = Callable[..., list[Path]]
OfPlace = Callable[[np.ndarray], np.ndarray]


def setting(only: int | None = None, **values: object) -> Callable[[Dataset, int], None]:
    def edit(ds: Dataset, n: int) -> None:
        if only is None or n == only:
            for keyword, value in values.items():
                setattr(ds, keyword, value)

    return edit


def errors(volume: Volume, hu_of_place: OfPlace) -> np.ndarray:
    """Return how far each voxel is from the HU that the synthetic patient has at its place; air counts as none."""
    places = volume.grid.lps_of(np.moveaxis(np.indices(volume.hu.shape), 0, -1))
    off = np.abs(volume.hu.astype(int) - hu_of_place(places))
    off[volume.hu <= -1000] = 0
    return off


def refusal(path: Path) -> str:
    info = find_series(path).series[0]
    assert info.verdict == "refused"
    with pytest.raises(InputRefused) as caught:
        read_volume(path)
    assert all(reason in str(caught.value) for reason in info.reasons)
    return str(caught.value)


def test_class_01_missing_slices_are_left_empty_and_said(tmp_path: Path, write_series: Writer, hu_of_place: OfPlace) -> None:  # fmt: skip # noqa: E501
    write_series(tmp_path, places=[0, 1, 2, 6, 7])
    volume = read_volume(tmp_path)
    assert find_series(tmp_path).series[0].verdict == "warning" and volume.hu.shape[0] == 8
    assert "3 slices are missing: 1.2.3.4-002.dcm and 1.2.3.4-003.dcm lie 4.00 mm apart" in volume.notices[0]
    (gap,) = volume.gaps
    assert (gap.axis, gap.first, gap.last, gap.low_mm, gap.high_mm) == pytest.approx((0, 3, 5, 7.0, 11.0))
    assert (volume.hu[3:6] == -1024).all() and volume.hu[[0, 1, 2, 6, 7]].min() > -1000
    assert errors(volume, hu_of_place).max() == 0
    assert gap.words == "between S 7.0 and S 11.0 mm"
    assert gap.is_met_by(np.array([[0.0, 0.0, 6.0], [0.0, 0.0, 12.0]]))
    assert not gap.is_met_by(np.array([[0.0, 0.0, 5.0], [0.0, 0.0, 7.0]]))


@pytest.mark.parametrize("iop", [(-1, 0, 0, 0, 1, 0), (1, 0, 0, 0, 0, -1), (0, 1, 0, 0, 0, -1)])
def test_class_01_a_gap_is_marked_on_the_right_axis(tmp_path: Path, write_series: Writer, iop: tuple[int, ...]) -> None:
    write_series(tmp_path, iop=iop, places=[0, 1, 2, 3, 6])
    volume = read_volume(tmp_path)
    (gap,) = volume.gaps
    empty = np.moveaxis(volume.hu, gap.axis, 0)
    assert [bool((plane == -1024).all()) for plane in empty] == [gap.first <= n <= gap.last for n in range(7)]


def test_class_02_uneven_slices_are_interpolated_with_a_warning(tmp_path: Path, write_series: Writer, hu_of_place: OfPlace) -> None:  # fmt: skip # noqa: E501
    write_series(tmp_path, places=[0, 1, 2, 3.5, 5, 6.5, 8, 9])
    volume = read_volume(tmp_path)
    assert "lie unevenly, 1.00 to 1.50 mm apart (widest between 1.2.3.4-002.dcm and" in volume.notices[0]
    assert "interpolated to 1.50 mm" in volume.notices[0] and volume.slice_distance_mm == pytest.approx(1.5)
    assert volume.grid.spacing_kji_mm[0] == pytest.approx(1.5) and not volume.gaps
    assert errors(volume, hu_of_place).max() <= 1  # the synthetic patient's HU rise evenly: interpolation is exact


def test_class_01_and_02_single_holes_are_gaps_and_a_coarser_part_is_uneven(
    tmp_path: Path, write_series: Writer
) -> None:
    write_series(tmp_path / "holes", places=[0, 1, 2, 4, 5, 7, 8, 10, 11, 13])
    assert [(gap.first, gap.last) for gap in read_volume(tmp_path / "holes").gaps] == [(3, 3), (6, 6), (9, 9), (12, 12)]
    write_series(tmp_path / "coarser", places=[0, 1, 2, 3, 4, 5, 7, 9, 11, 13])
    coarser = read_volume(tmp_path / "coarser")
    assert not coarser.gaps and coarser.hu.shape[0] == 14 and coarser.slice_distance_mm == pytest.approx(2.0)


@pytest.mark.parametrize("places", [[0, 4, 8, 14, 18.5], [0, 0.5, 1.2, 3.0, 4.1]])
def test_class_02_wide_or_wild_spacing_is_refused_by_name(tmp_path: Path, write_series: Writer, places: list[float]) -> None:  # fmt: skip # noqa: E501
    write_series(tmp_path, places=places)
    assert "1.2.3.4-002.dcm and 1.2.3.4-003.dcm" in refusal(tmp_path)


@pytest.mark.parametrize("degrees", [1.0, 5.5, -22.0])
def test_class_03_a_tilted_gantry_is_put_upright(tmp_path: Path, write_series: Writer, hu_of_place: OfPlace, degrees: float) -> None:  # fmt: skip # noqa: E501
    tilt = np.radians(degrees)
    cosines = (1, 0, 0, 0, round(np.cos(tilt), 6), round(np.sin(tilt), 6))
    lying = setting(GantryDetectorTilt=-3 * degrees)  # the tag is never asked
    write_series(tmp_path, iop=cosines, step=(0, 0, 1.0), places=range(8), edit=lying)
    volume = read_volume(tmp_path)
    assert f"sheared by {abs(degrees):.1f} degrees" in volume.notices[0] and "linear interpolation" in volume.notices[0]
    axes = volume.grid.lps_from_index[:3, :3] / volume.grid.spacing_kji_mm
    assert np.allclose(axes.T @ axes, np.eye(3), atol=1e-6)
    inside = volume.hu[:, 2:-2]
    assert (inside > -1000).mean() > 0.5
    off = errors(volume, hu_of_place)
    filled = np.array([[row.min() > -700 for row in one] for one in volume.hu])  # a border row is mixed with air
    assert off[ndimage.binary_erosion(filled, np.ones((1, 3)))].max() <= 2


def test_class_03_a_real_head_ct_has_its_tilt_from_its_axes(awkward_dicom: Path) -> None:
    from cvt_planner.imaging.headers import read_header
    from cvt_planner.imaging.sources import FileRef, Opener

    with Opener() as opener:
        header = read_header(opener, FileRef(awkward_dicom / "fo_dicom" / "GH1308.dcm"))
    assert header is not None and header.orientation is not None
    normal = np.cross(*np.array(header.orientation))
    assert np.degrees(np.arccos(normal[2])) == pytest.approx(5.5, abs=0.01)


def test_class_04_copies_are_left_out_and_conflicts_refused(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "same" / "a")
    write_series(tmp_path / "same" / "b", places=range(3))
    volume = read_volume(tmp_path / "same")
    assert "Identical copies of slices were left out (3)." in volume.notices and volume.hu.shape[0] == 6
    write_series(tmp_path / "other" / "a")
    write_series(tmp_path / "other" / "b", places=range(3), edit=setting(1, RescaleIntercept=-1000))
    assert "1.2.3.4-001.dcm and 1.2.3.4-001.dcm lie at the same place" in refusal(tmp_path / "other")


def test_class_04_two_acquisitions_are_two_entries(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "a", edit=setting(AcquisitionNumber=1))
    write_series(tmp_path / "b", places=range(8), edit=setting(AcquisitionNumber=2, RescaleIntercept=-1000))
    listing = find_series(tmp_path)
    assert [(s.uid, s.slice_count) for s in listing.series] == [("1.2.3.4", 8), ("1.2.3.4#2", 6)]
    assert all("2 acquisitions of the same place" in s.reasons[0] for s in listing.series)
    apart = [read_volume(tmp_path, s.uid) for s in listing.series]
    assert apart[0].hu[0, 0, 0] - apart[1].hu[0, 0, 0] == 24
    assert [[s.gave(v) for v in apart] for s in listing.series] == [[True, False], [False, True]]


def test_class_05_the_largest_of_mixed_orientations_is_taken_and_the_rest_listed(tmp_path: Path, write_series: Writer) -> None:  # fmt: skip # noqa: E501
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", iop=(0, 1, 0, 0, 0, -1), places=range(4))
    write_series(tmp_path / "c", iop=(1, 0, 0, 0, 0, -1), places=[0])
    first, second = find_series(tmp_path).series
    assert (first.uid, first.orientation, first.slice_count) == ("1.2.3.4", "axial", 6)
    assert (second.uid, second.orientation, second.slice_count) == ("1.2.3.4#2", "sagittal", 4)
    assert "5 of 11 images differ" in first.reasons[0] and "first 1.2.3.4-000.dcm" in first.reasons[0]
    assert read_volume(tmp_path, first.uid).content_hash == read_volume(tmp_path / "a").content_hash


def test_class_06_interleaved_series_are_told_apart_by_their_tags(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "a", edit=setting(SliceThickness=1.0))
    write_series(tmp_path / "b", places=np.arange(6) + 0.4, edit=setting(SliceThickness=3.0))
    found = find_series(tmp_path).series
    assert [(s.uid, s.slice_count, s.verdict) for s in found] == [
        ("1.2.3.4#1", 6, "warning"), ("1.2.3.4#2", 6, "warning")
    ]  # fmt: skip
    assert "2 acquisitions whose slices lie between each other" in found[0].reasons[0]
    assert {read_volume(tmp_path, s.uid).content_hash for s in found} == {
        read_volume(tmp_path / name).content_hash for name in "ab"
    }


def test_class_07_instance_numbers_do_not_order_slices(tmp_path: Path, write_series: Writer) -> None:
    order = list(range(6))
    random.Random(1).shuffle(order)
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", edit=lambda ds, n: setattr(ds, "InstanceNumber", order[n]))
    assert read_volume(tmp_path / "a").content_hash == read_volume(tmp_path / "b").content_hash
    assert find_series(tmp_path / "b").series[0].verdict == "usable"


@pytest.mark.parametrize("tags", [{"SpacingBetweenSlices": -3.0}, {"SliceThickness": 7.0}, {"SpacingBetweenSlices": 0}])
def test_class_08_lying_spacing_tags_are_never_asked(tmp_path: Path, write_series: Writer, tags: dict[str, float]) -> None:  # fmt: skip # noqa: E501
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", edit=setting(**tags))
    assert read_volume(tmp_path / "b").content_hash == read_volume(tmp_path / "a").content_hash


@pytest.mark.parametrize("spacing", [[0.0, 0.0], [-0.7, 0.7], [0.7], None])
def test_class_25_zero_or_missing_pixel_spacing_is_refused(tmp_path: Path, write_series: Writer, spacing: list[float] | None) -> None:  # fmt: skip # noqa: E501
    write_series(tmp_path, edit=setting(2, PixelSpacing=spacing))
    assert "1.2.3.4-002.dcm has no usable pixel spacing" in refusal(tmp_path)


def test_class_25_pixels_need_not_be_square(tmp_path: Path, write_series: Writer, hu_of_place: OfPlace) -> None:
    write_series(tmp_path)
    volume = read_volume(tmp_path)
    assert volume.grid.spacing_kji_mm == pytest.approx((1.0, 0.9, 0.7)) and errors(volume, hu_of_place).max() == 0


@pytest.mark.parametrize("cosines", [[1, 0, 0, 0, 0.9, 0], [1, 0, 0, 0.6, 0.8, 0], [0, 0, 0, 0, 0, 0], [1, 0, 0]])
def test_class_26_impossible_axes_are_refused_by_name(tmp_path: Path, write_series: Writer, cosines: list[float]) -> None:  # fmt: skip # noqa: E501
    write_series(tmp_path, edit=setting(3, ImageOrientationPatient=cosines))
    assert "1.2.3.4-003.dcm has" in refusal(tmp_path) and "orig" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("position", "iop"),
    [("HFP", (-1, 0, 0, 0, -1, 0)), ("FFS", (-1, 0, 0, 0, 1, 0)), ("HFDL", (0, -1, 0, 1, 0, 0)),
     ("HFS", (1, 0, 0, 0, 0, -1)), ("HFS", (0, 1, 0, 0, 0, -1)), ("FFDR", (1, 0, 0, 0, 0.8, -0.6))],
)  # fmt: skip
def test_class_27_every_position_and_plane_keeps_left_left(tmp_path: Path, write_series: Writer, hu_of_place: OfPlace, position: str, iop: tuple[float, ...]) -> None:  # fmt: skip # noqa: E501
    write_series(tmp_path, iop=iop, edit=setting(PatientPosition=position))
    volume = read_volume(tmp_path)
    assert errors(volume, hu_of_place).max() <= 1 and volume.sides_confirmed
    assert (volume.grid.lps_from_index[[2, 1, 0], [0, 1, 2]] > 0.5).all()


def test_class_33_without_identifiers_slices_are_grouped_by_geometry(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "a", edit=setting(SeriesInstanceUID="", PatientID="", PatientName=""))
    write_series(
        tmp_path / "b", shape=(8, 8), edit=setting(SeriesInstanceUID="", PatientID="", PatientName=""), places=range(4)
    )
    found = find_series(tmp_path).series
    assert sorted(s.slice_count for s in found) == [4, 6] and {s.verdict for s in found} == {"warning"}
    assert all("names no series" in s.reasons[-1] and s.uid.startswith("unnamed-") for s in found)


@pytest.mark.parametrize("count", [1, 2])
def test_class_34_fewer_than_three_slices_are_refused(tmp_path: Path, write_series: Writer, count: int) -> None:
    write_series(tmp_path, places=range(count))
    assert f"only {count} of the 3 or more slices of a volume (1.2.3.4-000.dcm)" in refusal(tmp_path)


def test_class_37_two_frames_of_reference_never_become_one_volume(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", places=range(6, 12), edit=setting(FrameOfReferenceUID="1.2.3.10"))
    found = find_series(tmp_path).series
    frames = {read_volume(tmp_path, s.uid).grid.frame_of_reference_uid for s in found}
    assert len(found) == 2 and frames == {"1.2.3.9", "1.2.3.10"}
    assert all("frame of reference" in s.reasons[0] for s in found)
