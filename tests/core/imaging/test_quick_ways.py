"""The quick ways of reading give what the general ones give: header by header and voxel by voxel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging import codestreams, fill, headers, parse, pixels
from cvt_planner.imaging.elements import NotPlain
from cvt_planner.imaging.headers import SliceHeader, read_header
from cvt_planner.imaging.identity import text_of
from cvt_planner.imaging.pixels import hu_slice, layout_fault
from cvt_planner.imaging.sources import FileRef, Opener

Writer = Callable[..., list[Path]]


def header_or_refusal(path: Path) -> SliceHeader | str | None:
    with Opener() as opener:
        try:
            return read_header(opener, FileRef(path))
        except InputRefused as refusal:
            return str(refusal)


def as_values(header: SliceHeader | str | None) -> object:
    """Return all that a header says, comparable."""
    if not isinstance(header, SliceHeader):
        return header
    values = {name: getattr(header, name) for name in header.__dataclass_fields__ if name not in ("pixels", "values")}
    values["pixels"] = vars(header.pixels) if header.pixels is not None else None
    values["texts"] = [text_of(header.dataset, keyword) for keyword in parse.KEYWORDS]
    return values


def test_every_awkward_header_is_read_alike_by_the_quick_and_the_general_way(
    awkward_dicom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [path for path in sorted(awkward_dicom.rglob("*")) if path.is_file()]
    taken: list[bool] = []
    real = headers.quick

    def spied(*arguments: object) -> object:
        taken.append(False)
        found = real(*arguments)  # type: ignore[arg-type]
        taken[-1] = True
        return found

    def not_plain(*_: object) -> None:
        raise NotPlain

    monkeypatch.setattr(headers, "quick", spied)
    quick = [as_values(header_or_refusal(path)) for path in paths]
    monkeypatch.setattr(headers, "quick", not_plain)
    general = [as_values(header_or_refusal(path)) for path in paths]
    for path, one, other in zip(paths, quick, general, strict=True):
        assert one == other, path.name
    assert sum(taken) > 90


def test_a_header_like_the_last_one_is_read_as_if_it_stood_alone(
    awkward_dicom: Path, tmp_path: Path, write_series: Writer
) -> None:
    def edit(ds: Dataset, n: int) -> None:
        ds.ContentTime = f"1200{n:02d}"
        ds.ImagePositionPatient = [-10.0, 5.25, 10.0 ** (n % 4)]
        ds.RescaleIntercept = -1024 if n < 9 else -1000
        ds.PatientName = "Doe^Jane" if n < 12 else "Doe^John"

    ours = write_series(tmp_path, edit=edit, places=range(15))
    last: SliceHeader | None = None
    with Opener() as opener:
        for path in [*ours, *(path for path in sorted(awkward_dicom.rglob("*")) if path.is_file())]:
            alone = header_or_refusal(path)
            if isinstance(alone, SliceHeader):
                beside = read_header(opener, FileRef(path), last)
                assert as_values(beside) == as_values(alone), path.name
                again = read_header(opener, FileRef(path), beside)
                assert as_values(again) == as_values(alone), path.name
                last = beside


@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_slices_of_one_layout_and_of_others_keep_their_own_values(
    tmp_path: Path, write_series: Writer, syntax: str | None
) -> None:
    def edit(ds: Dataset, n: int) -> None:
        ds.PatientID = "P" * (1 + n % 3)
        if n == 4:
            ds.ImageType = ["DERIVED", "PRIMARY", "AXIAL"]
        if n == 5:
            del ds.RescaleSlope

    files = write_series(tmp_path, edit=edit, places=range(8))
    if syntax is not None:
        from pydicom import dcmread, dcmwrite

        for path in files:
            ds = dcmread(path)
            _ = [element.value for element in ds]
            ds.file_meta.TransferSyntaxUID = syntax
            ds["PixelData"].VR = "OW"
            dcmwrite(
                path, ds, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=syntax != ExplicitVRBigEndian
            )
    found = [header_or_refusal(path) for path in files]
    for n, header in enumerate(found):
        assert isinstance(header, SliceHeader)
        assert text_of(header.dataset, "PatientID") == "P" * (1 + n % 3)
        assert header.position is not None and header.position[2] == 5.0 + n
        assert (header.image_type[0] == "DERIVED") == (n == 4) and (header.slope is None) == (n == 5)
        assert header.pixels is not None and header.pixels.length == 2 * 9 * 11


def test_every_awkward_picture_is_the_same_read_directly(awkward_dicom: Path) -> None:
    compared = 0
    with Opener() as opener:
        for path in sorted(path for path in awkward_dicom.rglob("*") if path.is_file()):
            header = header_or_refusal(path)
            if not isinstance(header, SliceHeader) or header.pixels is None or header.slope is None:
                continue
            if layout_fault(header.pixels) or header.pixels.frames > 1 or header.intercept is None:
                continue
            direct = fill._read_directly(opener, header)
            if direct is not None:
                compared += 1
                assert np.array_equal(direct, hu_slice(opener, header)), path.name
    assert compared >= 3


@pytest.mark.parametrize(
    ("stored", "high", "signed", "intercept"),
    [(16, 15, 0, -1024), (12, 11, 0, -1024), (12, 15, 0, 0), (12, 11, 1, 0), (16, 15, 1, -8000), (16, 15, 0, 30000)],
)
def test_bits_signs_and_limits_are_the_same_read_directly(
    tmp_path: Path, write_series: Writer, stored: int, high: int, signed: int, intercept: int
) -> None:
    def edit(ds: Dataset, n: int) -> None:
        values = np.random.default_rng(n).integers(0, 1 << 16, ds.Rows * ds.Columns)
        ds.BitsStored, ds.HighBit, ds.PixelRepresentation, ds.RescaleIntercept = stored, high, signed, intercept
        ds.PixelData = (values if n % 2 else values % 4096).astype("<u2").tobytes()

    for path in write_series(tmp_path, edit=edit):
        header = header_or_refusal(path)
        assert isinstance(header, SliceHeader)
        with Opener() as opener:
            place = np.zeros((9, 11), dtype=np.int16)
            fill.read_slice(opener, header, place)
            assert np.array_equal(place, hu_slice(opener, header))


def weighed(opener: Opener, header: SliceHeader) -> tuple[np.ndarray | None, np.ndarray]:
    """Return the stored numbers as decoded without pydicom (None: not plain) and with it."""
    assert header.pixels is not None
    with opener.open(header.ref) as stream:
        stream.seek(header.pixels.offset)
        data = stream.read()
    direct = codestreams.decoded(get_frame(data, 0, number_of_frames=1), header.pixels)
    return direct, pixels._meant_bits(pixels._decoded_by_pydicom(data, header.pixels), header.pixels, shift=0)


def test_every_awkward_compressed_picture_is_the_same_without_pydicom(awkward_dicom: Path) -> None:
    compared = 0
    with Opener() as opener:
        for path in sorted(path for path in awkward_dicom.rglob("*") if path.is_file()):
            header = header_or_refusal(path)
            if not isinstance(header, SliceHeader) or header.pixels is None or layout_fault(header.pixels):
                continue
            if header.pixels.transfer_syntax not in pixels._BY_PYDICOM or header.pixels.frames > 1:
                continue
            try:
                direct, through = weighed(opener, header)
            except (RuntimeError, ValueError, AttributeError):  # a damaged one, which both refuse
                continue
            if direct is not None:
                compared += 1
                assert direct.dtype == through.dtype and np.array_equal(direct, through), path.name
    assert compared >= 6


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize(
    ("stored", "said", "signed"), [(16, 16, 0), (12, 12, 0), (12, 12, 1), (16, 16, 1), (12, 16, 0)]
)
def test_bits_and_signs_are_the_same_without_pydicom(
    tmp_path: Path, write_series: Writer, syntax: str, stored: int, said: int, signed: int
) -> None:
    """`said` is what the file says of a picture of `stored` bits: where they differ, pydicom is left to weigh them."""

    def edit(ds: Dataset, n: int) -> None:
        half = 1 << (stored - 1)
        values = np.random.default_rng(n).integers(-half if signed else 0, half if signed else 2 * half, (40, 44))
        ds.BitsStored, ds.HighBit, ds.PixelRepresentation = stored, stored - 1, signed
        ds.PixelData = values.astype("<i2" if signed else "<u2").tobytes()
        ds.compress(syntax)
        ds.BitsStored, ds.HighBit = said, said - 1

    with Opener() as opener:
        for path in write_series(tmp_path, edit=edit, shape=(40, 44)):
            header = header_or_refusal(path)
            assert isinstance(header, SliceHeader)
            direct, through = weighed(opener, header)
            assert (direct is not None) == (stored == said)
            assert direct is None or (direct.dtype == through.dtype and np.array_equal(direct, through))
            assert through.min() < 0 or not signed
