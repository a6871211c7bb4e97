"""Classes 9 to 19, 23, 24 and 35 of awkward DICOM: what the pixels mean."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging import parse
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.headers import read_header
from cvt_planner.imaging.pixels import hu_slice, rescaled
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.sources import FileRef, Opener

Writer = Callable[..., list[Path]]
SAMPLE = Path(__file__).resolve().parents[3] / "sample_dicom" / "standard"


def setting(only: int | None = None, **values: object) -> Callable[[Dataset, int], None]:
    def edit(ds: Dataset, n: int) -> None:
        if only is None or n == only:
            for keyword, value in values.items():
                if value is None:
                    delattr(ds, keyword)
                else:
                    setattr(ds, keyword, value)

    return edit


def refusal(path: Path) -> str:
    with pytest.raises(InputRefused) as caught:
        read_volume(path)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def hu_of(path: Path) -> np.ndarray:
    with Opener() as opener:
        header = read_header(opener, FileRef(path))
        assert header is not None
        return hu_slice(opener, header)


@pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept"])
def test_class_09_without_rescale_there_are_no_hu(tmp_path: Path, write_series: Writer, keyword: str) -> None:
    write_series(tmp_path, edit=setting(4, **{keyword: None}))
    assert "1.2.3.4-004.dcm has no rescale slope and intercept" in refusal(tmp_path)


@pytest.mark.parametrize("limit", [None, 3030])
def test_class_10_padding_is_air_whatever_its_number(tmp_path: Path, write_series: Writer, limit: int | None) -> None:
    def padded(ds: Dataset, n: int) -> None:
        stored = np.frombuffer(ds.PixelData, "<u2").reshape(9, 11).copy()
        stored[:, :2], stored[:, 9:] = 3024, 3024 if limit is None else 3030
        ds.PixelData, ds.PixelPaddingValue = stored.tobytes(), 3024
        if limit is not None:
            ds.PixelPaddingRangeLimit = limit

    write_series(tmp_path, edit=padded)
    volume = read_volume(tmp_path)
    assert (volume.hu[..., :2] == -1024).all() and (volume.hu[..., 9:] == -1024).all()
    assert volume.hu[..., 2:9].min() > -1000
    assert f"carry {2000 if limit is None else 2006} HU in the files; they were taken as air" in volume.notices[0]


def test_class_10_padding_darker_than_air_stays(tmp_path: Path, write_series: Writer) -> None:
    def padded(ds: Dataset, n: int) -> None:
        stored = np.frombuffer(ds.PixelData, "<u2").astype("<i2").reshape(9, 11) - 1024
        stored[:2] = -3000
        ds.PixelRepresentation, ds.RescaleIntercept, ds.PixelPaddingValue = 1, 0, -3000
        ds.PixelData = stored.astype("<i2").tobytes()

    write_series(tmp_path, edit=padded)
    volume = read_volume(tmp_path)
    assert (volume.hu[:, :2] == -3000).all() and volume.notices == ()


@pytest.mark.parametrize(("bits", "high"), [(12, 11), (12, 15), (13, 12)])
def test_class_11_unused_bits_are_masked(tmp_path: Path, write_series: Writer, bits: int, high: int) -> None:
    shift = high + 1 - bits

    def dirty(ds: Dataset, n: int) -> None:
        stored = np.frombuffer(ds.PixelData, "<u2") & ((1 << bits) - 1)
        noise = 0xFFFF ^ (((1 << bits) - 1) << shift)
        ds.PixelData = ((stored << shift) | noise).astype("<u2").tobytes()
        ds.BitsStored, ds.HighBit = bits, high

    write_series(tmp_path / "a")
    write_series(tmp_path / "b", edit=dirty)
    assert read_volume(tmp_path / "a").content_hash == read_volume(tmp_path / "b").content_hash


def test_class_11_impossible_bits_are_refused(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path, edit=setting(1, BitsStored=17, HighBit=16))
    assert "1.2.3.4-001.dcm stores 17 of 16 bits" in refusal(tmp_path)


def test_class_12_the_header_gives_the_sign_of_a_jpeg_2000_picture(awkward_dicom: Path) -> None:
    path = awkward_dicom / "pydicom" / "J2K_pixelrep_mismatch.dcm"  # its stream says unsigned, its header signed
    hu = hu_of(path)
    assert hu.min() == -2000 and (hu < -900).mean() > 0.4 and hu.max() < 4000  # not 60000 for air


@pytest.mark.parametrize("syntax", ["J2KR", "RLE", "JLSL", "JPLL"])
def test_class_13_lossless_twins_are_equal(awkward_dicom: Path, syntax: str) -> None:
    for head in ("CT1", "CT2"):
        folder = awkward_dicom / "wg04"
        assert np.array_equal(hu_of(folder / f"{head}_{syntax}.dcm"), hu_of(folder / f"{head}_UNC.dcm"))


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_class_13_a_compressed_series_is_the_plain_one(tmp_path: Path, write_series: Writer, syntax: str) -> None:
    files = write_series(tmp_path / "a", shape=(64, 64))
    (tmp_path / "b").mkdir()
    for file in files:
        ds = dcmread(file)
        ds.compress(syntax, generate_instance_uid=False)
        ds.save_as(tmp_path / "b" / file.name)
    assert read_volume(tmp_path / "a").content_hash == read_volume(tmp_path / "b").content_hash


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2KLosslessRPCL])
def test_class_13_htj2k_gives_the_pixels_of_the_original(tmp_path: Path, syntax: str) -> None:
    # Slices of the sample, encoded without loss by OpenJPH (imagecodecs 2026.3.6, htj2k_encode).
    for stream in sorted((Path(__file__).parent / "htj2k").iterdir()):
        original = SAMPLE / f"{stream.stem}.dcm"
        ds = dcmread(original)
        ds.file_meta.TransferSyntaxUID = syntax
        ds.PixelData = encapsulate([stream.read_bytes()])
        ds.save_as(tmp_path / original.name)
        assert np.array_equal(hu_of(tmp_path / original.name), hu_of(original))


def test_class_13_video_is_refused(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path)
    for file in tmp_path.iterdir():
        data = file.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.4.100\0")
        length = struct.pack("<H", 24)
        file.write_bytes(data.replace(b"\x02\0\x10\0UI\x14\0", b"\x02\0\x10\0UI" + length))
    assert "compressed in a way that cannot be read here (MPEG2" in refusal(tmp_path)


def test_class_13_loss_is_said(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path, edit=setting(LossyImageCompression="01"))
    assert "compressed with loss" in read_volume(tmp_path).notices[0]


@pytest.mark.parametrize("syntax", ["J2KR", "RLE", "JLSL", "JPLL"])
def test_class_14_a_cut_off_fragment_is_refused_by_name(awkward_dicom: Path, tmp_path: Path, syntax: str) -> None:
    whole = (awkward_dicom / "wg04" / f"CT1_{syntax}.dcm").read_bytes()
    for n in range(3):  # copies, so that pixels are looked at
        (tmp_path / f"{n}.dcm").write_bytes(whole[: len(whole) * 3 // 4])
    assert "0.dcm cannot be decoded" in refusal(tmp_path)


def test_class_14_fragments_of_one_frame_are_put_together(awkward_dicom: Path) -> None:
    assert hu_of(awkward_dicom / "fo_dicom" / "D_CLUNIE_CT1_RLE_FRAGS.dcm").shape == (512, 512)


def test_class_15_a_truncated_slice_is_refused_by_name(tmp_path: Path, write_series: Writer) -> None:
    file = write_series(tmp_path)[3]
    file.write_bytes(file.read_bytes()[:-10])
    assert "1.2.3.4-003.dcm is truncated: 188 of 198 bytes" in refusal(tmp_path)


def enhanced(files: list[Path], target: Path, syntax: str = "", sop_class: str = EnhancedCTImageStorage) -> Dataset:
    """Write single slices as the frames of one multi-frame CT, in mixed order, and return it."""
    parts = [dcmread(file) for file in files]
    parts = parts[1::2] + parts[::2]
    ds = dcmread(files[0])
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.NumberOfFrames = len(parts)
    frames, shared = [], Dataset()
    for part in parts:
        place, plane, frame = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient, plane.ImageOrientationPatient = (
            part.ImagePositionPatient,
            part.ImageOrientationPatient,
        )
        frame.PlanePositionSequence, frame.PlaneOrientationSequence = Sequence([place]), Sequence([plane])
        frames.append(frame)
    transform, measures = Dataset(), Dataset()
    transform.RescaleSlope, transform.RescaleIntercept, transform.RescaleType = 1, -1024, "HU"
    measures.PixelSpacing, measures.SliceThickness = ds.PixelSpacing, 5
    shared.PixelValueTransformationSequence = Sequence([transform])
    shared.PixelMeasuresSequence = Sequence([measures])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "RescaleSlope",
        "RescaleIntercept",
    ):
        delattr(ds, keyword)
    ds.PixelData = b"".join(part.PixelData for part in parts)
    if syntax:
        ds.compress(syntax, generate_instance_uid=False)
    ds.save_as(target)
    return ds


@pytest.mark.parametrize("syntax", ["", RLELossless, JPEGLSLossless])
@pytest.mark.parametrize("sop_class", [EnhancedCTImageStorage, CTImageStorage])
def test_class_16_a_multi_frame_ct_is_the_series_of_its_frames(tmp_path: Path, write_series: Writer, syntax: str, sop_class: str) -> None:  # fmt: skip # noqa: E501
    files = write_series(tmp_path / "a", shape=(32, 32))
    (tmp_path / "b").mkdir()
    enhanced(files, tmp_path / "b" / "multi.dcm", syntax, sop_class)
    info = find_series(tmp_path / "b").series[0]
    assert (info.verdict, info.slice_count, len(info.files)) == ("usable", 6, 1)
    assert read_volume(info).content_hash == read_volume(tmp_path / "a").content_hash
    assert read_volume(tmp_path / "b" / "multi.dcm").content_hash == read_volume(tmp_path / "a").content_hash


def test_class_16_a_zipped_multi_frame_ct_reads_alike(tmp_path: Path, write_series: Writer) -> None:
    import zipfile

    enhanced(write_series(tmp_path / "a"), tmp_path / "multi.dcm")
    with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "multi.dcm", "x/multi.dcm")
    assert read_volume(tmp_path / "study.zip").content_hash == read_volume(tmp_path / "a").content_hash


def test_class_16_frames_without_places_or_cut_off_are_refused_by_name(tmp_path: Path, write_series: Writer) -> None:
    ds = enhanced(write_series(tmp_path / "a"), tmp_path / "multi.dcm")
    whole = (tmp_path / "multi.dcm").read_bytes()
    (tmp_path / "multi.dcm").write_bytes(whole[:-300])
    assert "multi.dcm (frame 5) is truncated" in refusal(tmp_path / "multi.dcm")
    del ds.PerFrameFunctionalGroupsSequence
    ds.save_as(tmp_path / "multi.dcm")
    assert "multi.dcm is a multi-frame image that does not say where each" in refusal(tmp_path / "multi.dcm")
    ds.PerFrameFunctionalGroupsSequence = Sequence([Dataset()])
    ds.save_as(tmp_path / "multi.dcm")
    assert "multi.dcm is damaged: its frames cannot be told apart" in refusal(tmp_path / "multi.dcm")


def test_class_16_a_real_enhanced_ct_is_taken_apart(awkward_dicom: Path) -> None:
    path = awkward_dicom / "pydicom_data" / "eCT_Supplemental.dcm"
    info = find_series(path).series[0]
    assert info.slice_count == 2 and "only 2 of the 3 or more slices" in refusal(path)


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_class_17_other_encodings_are_read_alike(tmp_path: Path, write_series: Writer, syntax: str) -> None:
    files = write_series(tmp_path / "plain")
    (tmp_path / "other").mkdir()
    for file in files:
        ds = dcmread(file)
        big = syntax == ExplicitVRBigEndian
        if big:
            ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
        ds.file_meta.TransferSyntaxUID = syntax
        implicit = syntax == ImplicitVRLittleEndian
        dcmwrite(tmp_path / "other" / file.name, ds, implicit_vr=implicit, little_endian=not big, force_encoding=True)
    assert read_volume(tmp_path / "other").content_hash == read_volume(tmp_path / "plain").content_hash


def test_class_18_a_deflate_bomb_is_refused_by_name(tmp_path: Path, write_series: Writer, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip # noqa: E501
    monkeypatch.setattr(parse, "MAX_INFLATED_BYTES", 1 << 20)
    file = write_series(tmp_path)[0]
    ds = dcmread(file)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dcmwrite(file, ds, implicit_vr=False, little_endian=True, force_encoding=True)
    data = file.read_bytes()
    meta_end = 144 + int.from_bytes(data[140:144], "little")
    engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    file.write_bytes(data[:meta_end] + engine.compress(bytes(8 << 20)) + engine.flush())
    listing = find_series(tmp_path)
    assert listing.broken_files[0][0].endswith("1.2.3.4-000.dcm") and "inflates to over" in listing.broken_files[0][1]


def test_class_19_a_missing_transfer_syntax_is_seen_from_the_bytes(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    for file in files:
        data = file.read_bytes()
        (tmp_path / "b" / file.name).write_bytes(data[144 + int.from_bytes(data[140:144], "little") :])  # no meta
        at = data.index(b"\x02\0\x10\0UI")
        length = int.from_bytes(data[140:144], "little") - 28
        (tmp_path / "c" / file.name).write_bytes(
            data[:140] + length.to_bytes(4, "little") + data[144:at] + data[at + 28 :]
        )
    plain = read_volume(tmp_path / "a").content_hash
    assert read_volume(tmp_path / "b").content_hash == plain and read_volume(tmp_path / "c").content_hash == plain


@pytest.mark.parametrize("name", ["no_meta.dcm", "no_meta_group_length.dcm", "meta_missing_tsyntax.dcm"])
def test_class_19_files_of_headers_only_are_refused_by_name(awkward_dicom: Path, name: str) -> None:
    assert name in refusal(awkward_dicom / "pydicom" / name)


@pytest.mark.parametrize("size", [(0, 512), (65535, 65535), (1, 65535)])
def test_class_23_absurd_sizes_are_refused_before_memory_is_taken(tmp_path: Path, write_series: Writer, size: tuple[int, int]) -> None:  # fmt: skip # noqa: E501
    write_series(tmp_path, edit=setting(2, Rows=size[0], Columns=size[1]))
    words = refusal(tmp_path)
    assert "1.2.3.4-002.dcm" in words and ("implausible" in words or "needed" in words or "truncated" in words)


def test_class_24_an_icon_is_not_the_picture(tmp_path: Path, write_series: Writer) -> None:
    def iconised(ds: Dataset, n: int) -> None:
        icon = Dataset()
        icon.Rows = icon.Columns = 2
        icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
        icon.SamplesPerPixel, icon.PhotometricInterpretation, icon.PixelData = 1, "MONOCHROME2", b"\1\2\3\4"
        ds.IconImageSequence = Sequence([icon])

    write_series(tmp_path / "a")
    write_series(tmp_path / "b", edit=iconised)
    assert read_volume(tmp_path / "b").content_hash == read_volume(tmp_path / "a").content_hash


def metal(ds: Dataset, n: int, top: int, wrap: bool) -> None:
    stored = np.full((40, 40), 1064, dtype=np.int64) + np.random.default_rng(n).integers(-20, 20, (40, 40))
    distance = np.hypot(*(np.indices((40, 40)) - 20.0))
    stored = stored + np.clip((12.0 - distance) * 600.0, 0.0, 4500.0).astype(int)
    stored = stored % (top + 1) if wrap else np.minimum(stored, top)
    ds.BitsStored, ds.HighBit, ds.PixelData = 12, 11, stored.astype("<u2").tobytes()


def test_class_35_clipped_hu_are_said_with_their_share(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path, shape=(40, 40), edit=lambda ds, n: metal(ds, n, 4095, False))
    volume = read_volume(tmp_path)
    found = volume.saturation
    assert found is not None and (found.ceiling_hu, found.wrapped) == (3071, 0)
    assert found.voxels == int((volume.hu == 3071).sum()) and found.share == found.voxels / volume.hu.size
    assert any("HU end at 3071" in notice and "%" in notice for notice in volume.notices)


def test_class_35_wrapped_hu_are_said(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path, shape=(40, 40), edit=lambda ds, n: metal(ds, n, 4095, True))
    volume = read_volume(tmp_path)
    assert volume.saturation is not None and volume.saturation.wrapped >= 20
    assert any("wrapped round" in notice for notice in volume.notices)


def test_class_35_bright_bone_and_unclipped_metal_are_not_saturated(tmp_path: Path, write_series: Writer) -> None:
    def bright(ds: Dataset, n: int) -> None:
        metal(ds, n, 65535, False)
        ds.BitsStored, ds.HighBit = 16, 15
        stored = np.frombuffer(ds.PixelData, "<u2").astype(int)
        stored = stored + np.where(stored > 3000, np.random.default_rng(n).integers(-900, 900, stored.shape), 0)
        ds.PixelData = stored.astype("<u2").tobytes()

    write_series(tmp_path, shape=(40, 40), edit=bright)
    assert read_volume(tmp_path).saturation is None
    assert rescaled(np.array([[40000]], np.uint16), 1.0, 0.0)[0, 0] == 32767
