"""Stored numbers to HU: every compression against its uncompressed twin, and every file against GDCM."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom import dcmread, dcmwrite
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging import parse
from cvt_planner.imaging.headers import read_header
from cvt_planner.imaging.pixels import hu_slice, layout_fault, rescaled
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.sources import FileRef, Opener


def hu_of(path: Path) -> np.ndarray:
    with Opener() as opener:
        header = read_header(opener, FileRef(path))
        assert header is not None
        return hu_slice(opener, header)


@pytest.mark.parametrize("head", ["CT1", "CT2"])
@pytest.mark.parametrize("syntax", ["J2KR", "RLE", "JLSL", "JPLL"])
def test_lossless_twins_are_equal(awkward_dicom: Path, head: str, syntax: str) -> None:
    folder = awkward_dicom / "wg04"
    assert np.array_equal(hu_of(folder / f"{head}_{syntax}.dcm"), hu_of(folder / f"{head}_UNC.dcm"))


@pytest.mark.parametrize("syntax", ["J2KI", "JLSN"])
def test_lossy_twins_are_near(awkward_dicom: Path, syntax: str) -> None:
    one, other = (hu_of(awkward_dicom / "wg04" / f"CT1_{s}.dcm").astype(int) for s in (syntax, "UNC"))
    assert 0 < np.abs(one - other).mean() <= (30 if syntax == "J2KI" else 5)  # HU; noise is what the lossy one drops


def test_every_ct_file_that_gdcm_reads_is_read_alike(awkward_dicom: Path) -> None:
    compared = 0
    for path in sorted(awkward_dicom.rglob("*")):
        with Opener() as opener:
            try:
                header = read_header(opener, FileRef(path)) if path.is_file() else None
            except InputRefused:
                continue
            if header is None or header.pixels is None or header.modality != "CT" or header.slope is None:
                continue
            if layout_fault(header.pixels) or header.pixels.frames > 1:
                continue
            ours = hu_slice(opener, header)
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(path))
        try:
            theirs = sitk.GetArrayFromImage(reader.Execute())
        except RuntimeError:
            assert path.name == "GH355.dcm"  # of a private class, which GDCM will not open
            continue
        assert np.array_equal(ours, theirs.reshape(theirs.shape[-2:])), path.name
        compared += 1
    assert compared >= 35


@given(
    arrays(np.int32, (4, 5), elements=st.integers(-32768, 65535)),
    st.sampled_from([1.0, 2.0, 0.5, 1.25]),
    st.sampled_from([0.0, -1024.0, -1000.0, 40000.0, -0.5]),
    st.booleans(),
)
def test_rescale_is_exact_and_limited(values: np.ndarray, slope: float, intercept: float, signed: bool) -> None:
    stored = np.clip(values, *((-32768, 32767) if signed else (0, 65535))).astype(np.int16 if signed else np.uint16)
    before = stored.copy()
    expected = np.clip(np.rint(stored.astype(np.float64) * slope + intercept), -32768, 32767)
    assert np.array_equal(rescaled(stored, slope, intercept), expected)
    assert np.array_equal(stored, before)


@pytest.mark.parametrize(
    "syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=lambda s: s.name
)
def test_other_encodings_of_the_same_series_are_equal(tmp_path: Path, write_series, syntax: str) -> None:  # type: ignore[no-untyped-def]
    files = write_series(tmp_path / "plain")
    (tmp_path / "other").mkdir()
    for file in files:
        ds = dcmread(file)
        if syntax == ExplicitVRBigEndian:
            ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
        ds.file_meta.TransferSyntaxUID = syntax
        dcmwrite(
            tmp_path / "other" / file.name,
            ds,
            implicit_vr=syntax == ImplicitVRLittleEndian,
            little_endian=syntax != ExplicitVRBigEndian,
            force_encoding=True,
        )
    assert read_volume(tmp_path / "other").content_hash == read_volume(tmp_path / "plain").content_hash


@pytest.mark.parametrize(
    ("bits", "high_bit", "signed"), [(12, 11, False), (12, 11, True), (12, 15, True), (13, 12, True)]
)
def test_unused_bits_never_reach_the_hu(  # type: ignore[no-untyped-def]
    tmp_path: Path, write_series, bits: int, high_bit: int, signed: bool
) -> None:
    truth = np.random.default_rng(1).integers(-(2 ** (bits - 1)) if signed else 0, 2 ** (bits - 1), (6, 9, 11))
    shift = high_bit + 1 - bits

    def edit(ds, n):  # type: ignore[no-untyped-def]
        meant = (truth[n] & (2**bits - 1)) << shift
        garbage = 0xFFFF ^ (((1 << bits) - 1) << shift)
        ds.PixelData = (meant | garbage).astype("<u2").tobytes()
        ds.BitsStored, ds.HighBit, ds.PixelRepresentation, ds.RescaleIntercept = bits, high_bit, int(signed), 0

    write_series(tmp_path, edit=edit)
    assert np.array_equal(read_volume(tmp_path).hu, truth)


def test_each_slice_keeps_its_own_rescale(tmp_path: Path, write_series, hu_of_place) -> None:  # type: ignore[no-untyped-def]
    def edit(ds, n):  # type: ignore[no-untyped-def]
        stored = np.frombuffer(ds.PixelData, "<u2").astype(int) - 1024
        ds.RescaleIntercept = -1000 - n
        ds.PixelData = (stored + 1000 + n).astype("<u2").tobytes()

    write_series(tmp_path, edit=edit)
    volume = read_volume(tmp_path)
    assert np.array_equal(volume.hu, hu_of_place(volume.grid.lps_of(np.moveaxis(np.indices(volume.hu.shape), 0, -1))))


@pytest.mark.parametrize("syntax", ["J2KR", "RLE", "JLSL", "JPLL", "J2KI", "JLSN"])
@pytest.mark.parametrize("part", [0.5, 0.95])
def test_damaged_fragments_are_refused_by_name(awkward_dicom: Path, tmp_path: Path, syntax: str, part: float) -> None:
    whole = (awkward_dicom / "wg04" / f"CT1_{syntax}.dcm").read_bytes()
    short = tmp_path / "short.dcm"
    short.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(InputRefused, match=r"short\.dcm cannot be decoded"):
        hu_of(short)


def test_a_deflate_bomb_is_stopped(tmp_path: Path, write_series, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(parse, "MAX_INFLATED_BYTES", 1 << 20)
    file = write_series(tmp_path)[0]
    ds = dcmread(file)
    del ds.PixelData
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dcmwrite(file, ds, implicit_vr=False, little_endian=True, force_encoding=True)
    data = file.read_bytes()
    engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    start = data.index(b"1.2.840.10008.1.2.1.99")
    meta_end = 144 + int.from_bytes(data[140:144], "little")
    assert start < meta_end
    file.write_bytes(data[:meta_end] + engine.compress(bytes(64 << 20)) + engine.flush())
    with pytest.raises(InputRefused, match=rf"{file.name} is damaged.*inflates to over 1 MiB"):
        hu_of(file)


def test_every_awkward_file_is_read_or_refused_by_name(awkward_dicom: Path) -> None:
    read, refused = 0, 0
    for path in sorted(p for p in awkward_dicom.rglob("*") if p.is_file() and "DICOMDIR" not in p.name):
        try:
            read_volume(path)
            read += 1
        except InputRefused as refusal:
            assert path.name in str(refusal) and str(refusal).endswith("."), refusal
            refused += 1
    assert read == 5 and refused > 80


def test_mutated_files_are_refused_and_never_worse(awkward_dicom: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(20260301)
    sources = [
        awkward_dicom / "pydicom" / "CT_small.dcm",
        *(awkward_dicom / "wg04" / f"CT2_{s}.dcm" for s in ("J2KI", "RLE")),
    ]
    for n in range(150):
        data = bytearray(sources[n % len(sources)].read_bytes())
        for at in rng.integers(0, min(len(data), 3000), rng.integers(1, 20)):
            data[at : at + 1] = rng.bytes(int(rng.integers(0, 4)))
        for name in ("a.dcm", "b.dcm", "c.dcm"):  # copies, so that pixels are decoded to compare them
            (tmp_path / name).write_bytes(data)
        with pytest.raises(InputRefused, match=r"\.$"):
            read_volume(tmp_path)
