"""Spoilt series, each made from a sound synthetic one: what is refused, what is only remarked, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedCTImageStorage, SecondaryCaptureImageStorage

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.read import read_volume

Edit = Callable[[Dataset, int], None]
Writer = Callable[..., list[Path]]


def setting(only: int | None = None, **values: object) -> Edit:
    """Return an edit that sets (or, with None, deletes) header values of all slices or of one."""

    def edit(ds: Dataset, n: int) -> None:
        if only is None or n == only:
            for keyword, value in values.items():
                if value is None:
                    delattr(ds, keyword)
                else:
                    setattr(ds, keyword, value)

    return edit


def halved(ds: Dataset, n: int) -> None:
    if n == 3:
        ds.PixelData = ds.PixelData[:100]


REFUSED = {
    "missing rescale": (setting(2, RescaleSlope=None), r"-002\.dcm has no rescale slope"),
    "zero slope": (setting(RescaleSlope=0), "no rescale slope"),
    "negative slope": (setting(RescaleSlope=-1), r"-000\.dcm has a negative rescale slope \(-1\)"),
    "huge slope": (setting(RescaleSlope="1e300"), r"implausible rescale \(1e\+300 times"),
    "huge intercept": (setting(RescaleIntercept="-1e9"), "implausible rescale"),
    "a line for a picture": (setting(Rows=1, Columns=99), "declares 1 x 99 pixels, which is implausible"),
    "not in HU": (setting(RescaleType="MGML"), "not in Hounsfield units but in MGML"),
    "missing spacing": (setting(1, PixelSpacing=None), r"-001\.dcm has no usable pixel spacing"),
    "zero spacing": (setting(PixelSpacing=[0.0, 0.0]), "no usable pixel spacing"),
    "missing position": (setting(4, ImagePositionPatient=None), r"-004\.dcm has no orientation or no position"),
    "non-unit cosines": (setting(ImageOrientationPatient=[1, 0, 0, 0, 0.9, 0]), "not two perpendicular unit vectors"),
    "skew cosines": (setting(ImageOrientationPatient=[1, 0, 0, 0.6, 0.8, 0]), "not two perpendicular unit vectors"),
    "short pixel data": (halved, r"-003\.dcm declares 100 bytes of pixels where 198 are needed"),
    "no pixel data": (setting(0, PixelData=None), r"-000\.dcm holds no pixel data"),
    "eight bits": (setting(BitsAllocated=8, BitsStored=8, HighBit=7), "stores 8 of 8 bits"),
    "colour": (setting(SamplesPerPixel=3, PhotometricInterpretation="RGB"), "is a RGB picture"),
    "palette": (setting(PhotometricInterpretation="PALETTE COLOR"), "is a PALETTE COLOR picture"),
    "localiser": (setting(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), "is a localiser"),
    "secondary capture": (setting(SOPClassUID=SecondaryCaptureImageStorage), "is a secondary capture"),
    "dose report": (setting(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.67", Modality="SR"), "structured report"),
    "MR": (setting(Modality="MR"), "modality MR, not CT"),
    "multi-frame": (setting(SOPClassUID=EnhancedCTImageStorage), "multi-frame image that does not say where each"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_planned_on_is_refused_in_a_sentence(tmp_path: Path, write_series: Writer, name: str) -> None:
    edit, words = REFUSED[name]
    write_series(tmp_path, edit=edit)
    info = find_series(tmp_path).series[0]
    assert info.verdict == "refused" and len(info.reasons) == 1
    with pytest.raises(InputRefused, match=words):
        read_volume(tmp_path)


PLACES = {
    "two slices": ([0, 1], "only 2 of the 3 or more slices"),
    "more missing than there": (
        [0, 1, 2, 9, 10],
        r"6 slices are missing: 1\.2\.3\.4-002\.dcm and 1\.2\.3\.4-003\.dcm lie 7\.00 mm.*More slices are missing",
    ),
    "wide and uneven": ([0, 4, 8, 14, 18.5], r"lie unevenly, 4\.00 to 6\.00 mm apart.*-002\.dcm and .*-003\.dcm"),
    "too uneven": ([0, 0.5, 1.2, 3.0, 4.1], r"lie unevenly, 0\.50 to 1\.80 mm apart"),
}


@pytest.mark.parametrize("name", PLACES)
def test_places_that_make_no_even_stack_are_refused(tmp_path: Path, write_series: Writer, name: str) -> None:
    places, words = PLACES[name]
    write_series(tmp_path, places=places)
    with pytest.raises(InputRefused, match=words):
        read_volume(tmp_path)


def test_positions_rounded_to_a_tenth_are_even_enough(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path, places=np.round(np.arange(12) * 0.625 - 0.01, 1) - np.array([0.0]), uid="1.2.5")
    info = find_series(tmp_path).series[0]
    assert info.verdict == "usable"
    assert info.slice_distance_mm == pytest.approx(0.625, abs=0.01)


def test_a_tilt_beyond_any_gantry_is_refused(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path, iop=(1, 0, 0, 0, 0.6, 0.8), step=(0, 0, 3.0))
    with pytest.raises(InputRefused, match=r"sheared by 53\.1 degrees.*more than any gantry"):
        read_volume(tmp_path)


def test_slices_shifted_sideways_are_refused(tmp_path: Path, write_series: Writer) -> None:
    def shift(ds: Dataset, n: int) -> None:
        ds.ImagePositionPatient[0] += 2.0 * (n == 3)

    write_series(tmp_path, edit=shift)
    with pytest.raises(InputRefused, match=r"shifted sideways.*2\.0 mm.*-003\.dcm"):
        read_volume(tmp_path)


def test_lying_spacing_tags_are_never_believed(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path, edit=setting(SliceThickness=7.0, SpacingBetweenSlices=-3.0, GantryDetectorTilt=20.0))
    volume = read_volume(tmp_path)
    assert volume.slice_distance_mm == pytest.approx(1.0) and volume.notices == ()


def test_identical_copies_are_left_out_and_said_so(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", places=range(3))
    volume = read_volume(tmp_path)
    assert volume.hu.shape[0] == 6 and "Identical copies of slices were left out (3)" in volume.notices[0]
    assert volume.content_hash == read_volume(tmp_path / "a").content_hash


def test_conflicting_copies_are_refused_by_name(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", places=range(3), edit=setting(1, RescaleIntercept=-1000))
    with pytest.raises(InputRefused, match=r"1\.2\.3\.4-001\.dcm and 1\.2\.3\.4-001\.dcm lie at the same place"):
        read_volume(tmp_path)


def test_two_acquisitions_of_one_place_are_told_apart_by_their_number(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "a", edit=setting(AcquisitionNumber=1))
    write_series(tmp_path / "b", places=range(8), edit=setting(AcquisitionNumber=2, RescaleIntercept=-1000))
    volume = read_volume(tmp_path)
    assert volume.hu.shape[0] == 8 and "2 acquisitions of the same place" in volume.notices[0]


@pytest.mark.parametrize("change", ["orientation", "size", "frame of reference", "localiser"])
def test_strange_images_in_a_series_are_set_aside(tmp_path: Path, write_series: Writer, change: str) -> None:
    write_series(tmp_path / "a")
    if change == "orientation":
        write_series(tmp_path / "b", iop=(0, 1, 0, 0, 0, -1), places=range(3))
    elif change == "size":
        write_series(tmp_path / "b", shape=(12, 12), places=range(3))
    elif change == "localiser":
        write_series(tmp_path / "b", places=[9], edit=setting(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))
    else:
        write_series(tmp_path / "b", places=[9, 10], edit=setting(FrameOfReferenceUID="1.2.3.10"))
    info = find_series(tmp_path).preferred
    assert info is not None and info.verdict == "warning" and info.slice_count == 6
    listed = change in ("orientation", "size")
    assert ("listed as series of their own" if listed else "set aside") in info.reasons[0]
    assert [s.uid for s in find_series(tmp_path).series] == ["1.2.3.4", "1.2.3.4#2"][: 1 + listed]
    assert read_volume(info).content_hash == read_volume(tmp_path / "a").content_hash


def test_two_equal_stacks_in_one_series_are_listed_apart(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", edit=setting(FrameOfReferenceUID="1.2.3.10"))
    listing = find_series(tmp_path)
    assert [(s.uid, s.slice_count, s.verdict) for s in listing.series] == [
        ("1.2.3.4#1", 6, "warning"),
        ("1.2.3.4#2", 6, "warning"),
    ]
    assert read_volume(tmp_path, "1.2.3.4#2").grid.frame_of_reference_uid == "1.2.3.10"
    with pytest.raises(InputRefused, match=r"no series 1\.2\.3\.4\. Series there: .*1\.2\.3\.4#1"):
        read_volume(tmp_path, "1.2.3.4")


def test_thick_slices_and_loss_are_remarked(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path, places=np.arange(4) * 2.5, edit=setting(LossyImageCompression="01"))
    volume = read_volume(tmp_path)
    assert volume.is_thick
    assert [words.split(":")[0] for words in volume.notices] == [
        "Slices lie 2.5 mm apart",
        "The pictures were compressed with loss",
    ]


def test_padding_that_looks_like_tissue_is_taken_as_air(tmp_path: Path, write_series: Writer) -> None:
    def padded(ds: Dataset, n: int) -> None:
        stored = np.frombuffer(ds.PixelData, "<u2").reshape(9, 11).copy()
        stored[:2], stored[5, 5] = 1064, 1064  # a voxel inside the picture has the same value by chance
        ds.PixelData, ds.PixelPaddingValue = stored.tobytes(), 1064

    write_series(tmp_path, edit=padded)
    volume = read_volume(tmp_path)
    assert "carry 40 HU in the files; they were taken as air" in volume.notices[0]
    assert (volume.hu[:, :2] == -1024).all() and (volume.hu[:, 5, 5] == 40).all()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"PixelSpacing": [1e-6, 1e-6]}, "has no usable pixel spacing"),
        ({"PixelSpacing": [1e-300, 1e-300]}, "has no usable pixel spacing"),
        ({"ImagePositionPatient": [1e9, 0, None]}, "lies at an implausible place"),
        ({"ImagePositionPatient": ["1e300", 0, None]}, "lies at an implausible place"),
    ],
)
def test_numbers_that_make_no_box_refuse_their_series_and_no_other(
    tmp_path: Path, write_series: Callable[..., list[Path]], values: dict[str, list[object]], words: str
) -> None:
    def edit(ds: Dataset, n: int) -> None:
        for key, value in values.items():
            setattr(ds, key, [n if one is None else one for one in value])

    write_series(tmp_path / "odd", uid="1.2.3.6", edit=edit)
    write_series(tmp_path / "good")
    by_uid = {info.uid: info for info in find_series(tmp_path).series}
    assert by_uid["1.2.3.4"].verdict == "usable"
    assert by_uid["1.2.3.6"].verdict == "refused" and words in by_uid["1.2.3.6"].reasons[0]
    assert "1.2.3.6-000.dcm" in by_uid["1.2.3.6"].reasons[0]


@pytest.mark.parametrize("step_mm", [1e-3, 1e-5, 1e-9, 1e-13])
def test_slices_on_top_of_each_other_refuse_their_series_and_no_other(
    tmp_path: Path, write_series: Callable[..., list[Path]], step_mm: float
) -> None:
    def edit(ds: Dataset, n: int) -> None:
        ds.ImagePositionPatient = [0, 0, f"{n * step_mm:.8g}"]

    write_series(tmp_path / "odd", uid="1.2.3.6", edit=edit)
    write_series(tmp_path / "good")
    by_uid = {info.uid: info for info in find_series(tmp_path).series}
    assert by_uid["1.2.3.4"].verdict == "usable"
    assert by_uid["1.2.3.6"].verdict == "refused" and "1.2.3.6-00" in by_uid["1.2.3.6"].reasons[0]
