"""What a series is, which one is best, its small picture, and where its slices cross a localiser."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from cvt_planner import cli
from cvt_planner.base.errors import GeometryMismatch, InputRefused
from cvt_planner.imaging import isolation
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.headers import SliceHeader, read_header
from cvt_planner.imaging.kinds import CAPTURE, DERIVED, IMAGE, LOCALISER, OTHER, REPORT
from cvt_planner.imaging.localiser import level_lines
from cvt_planner.imaging.rank import is_bone
from cvt_planner.imaging.series import SeriesInfo
from cvt_planner.imaging.sources import FileRef, Opener
from cvt_planner.imaging.thumbnails import Upright, picture, pictured

Writer = Callable[..., list[Path]]
AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
FRONTAL = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0))


def only(folder: Path) -> SeriesInfo:
    (info,) = find_series(folder).series
    return info


# --- kinds and rank


def test_each_series_says_what_it_is(tmp_path: Path, write_series: Writer) -> None:
    cases = {
        IMAGE: {},
        DERIVED: {"ImageType": ["DERIVED", "SECONDARY", "MPR"]},
        LOCALISER: {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        CAPTURE: {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
        REPORT: {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.67", "Modality": "SR"},
        OTHER: {"Modality": "MR"},
    }
    for n, values in enumerate(cases.values()):

        def edit(ds: Dataset, _n: int, values: dict[str, object] = values) -> None:
            for key, value in values.items():
                setattr(ds, key, value)

        write_series(tmp_path / str(n), uid=f"1.2.3.{n + 10}", edit=edit)
    kinds = {info.uid: info.kind for info in find_series(tmp_path).series}
    assert kinds == {f"1.2.3.{n + 10}": kind for n, kind in enumerate(cases)}


def test_one_localiser_among_the_slices_does_not_make_a_series_a_localiser(
    tmp_path: Path, write_series: Writer
) -> None:
    def edit(ds: Dataset, n: int) -> None:
        if n == 0:
            ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    write_series(tmp_path, edit=edit)
    info = only(tmp_path)
    assert info.kind == IMAGE and info.can_be_read and len(info.images) == 6 and len(info.slices) == 5


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"places": range(80)}, {"places": range(6)}),
        ({}, {"ImageType": ["DERIVED", "PRIMARY", "AXIAL"]}),
        ({"ConvolutionKernel": "B60f"}, {"ConvolutionKernel": "B31f"}),
        ({"ConvolutionKernel": "BONEPLUS"}, {"ConvolutionKernel": "STANDARD"}),
        ({"SeriesDescription": "L-spine bone"}, {"SeriesDescription": "L-spine"}),
        ({"SeriesDescription": "LWS 1.0"}, {"SeriesDescription": "Abdomen 1.0"}),
        ({"ConvolutionKernel": "B31f"}, {"ConvolutionKernel": "B60f", "places": range(0, 90, 3)}),
        (
            {"ConvolutionKernel": "B31f", "places": range(0, 80, 2)},
            {"ConvolutionKernel": "B60f", "places": range(0, 84, 6)},
        ),
    ],
)
def test_the_better_series_for_planning_is_preferred(
    tmp_path: Path, write_series: Writer, better: dict[str, object], worse: dict[str, object]
) -> None:
    for uid, values in (("1.2.3.8", worse), ("1.2.3.9", better)):
        header = {key: value for key, value in values.items() if key != "places"}

        def edit(ds: Dataset, _n: int, header: dict[str, object] = header) -> None:
            for key, value in header.items():
                setattr(ds, key, value)

        write_series(tmp_path / uid, uid=uid, places=values.get("places", range(70)), edit=edit)
    best = find_series(tmp_path).preferred
    assert best is not None and best.uid == "1.2.3.9"


def test_kernels_of_bone_are_known_by_vendor() -> None:
    assert all(is_bone(kernel) for kernel in ("B60f", "Br59d", "H70h", "BONE", "BONEPLUS", "EDGE", "FC30", "D", "YC"))
    assert not any(is_bone(kernel) for kernel in ("B31f", "Br40", "SOFT", "STANDARD", "FC03", "B", "", "I30f/3"))


# --- pictures


def test_pictures_are_upright_for_every_storing(tmp_path: Path, write_series: Writer) -> None:
    # The synthetic patient's HU fall towards the back (-11 per mm) and rise towards the left (7 per mm).
    for n, iop in enumerate([(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0), (0, 1, 0, 1, 0, 0), (1, 0, 0, 0, -1, 0)]):
        write_series(tmp_path / str(n), iop=iop, step=(0, 0, 1), uid=f"1.2.3.{n + 20}")
    for info in find_series(tmp_path).series:
        with Opener() as opener:
            made = picture(opener, info.slices[3], 40, (0.0, 800.0))
        grey = made.grey.astype(int)
        assert (grey[0] > grey[-1]).all() and (grey[:, -1] > grey[:, 0]).all(), info.uid
        assert made.edge_letters == ("R", "A")
        rows, columns = info.rows * 0.9, info.columns * 0.7
        if info.uid.endswith("22"):
            rows, columns = columns, rows
        assert made.grey.shape == (
            (40, round(40 * columns / rows)) if rows >= columns else (round(40 * rows / columns), 40)
        )


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("right", [False, True])
def test_a_place_moves_with_its_picture(swapped: bool, down: bool, right: bool) -> None:
    upright = Upright(swapped, down, right)
    stored = np.zeros((5, 7), np.uint8)
    stored[1, 2] = 255
    column, row = upright.place(2, 1, stored.shape)
    assert upright.array(stored)[int(row), int(column)] == 255


def test_a_thumbnail_is_made_of_one_slice_and_of_nothing_else(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path)
    info = only(tmp_path)
    (middle,) = pictured(info)
    for path in files:
        if path != middle.ref.path:
            path.unlink()
    made = isolation.thumbnail(info)
    assert made is not None and made.header.ref == middle.ref and max(made.grey.shape) == 96
    middle.ref.path.write_bytes(middle.ref.path.read_bytes()[:-60])
    assert isolation.thumbnail(info) is None


def test_the_command_line_writes_thumbnails(
    tmp_path: Path, write_series: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    write_series(tmp_path / "in" / "a")
    sr = "1.2.840.10008.5.1.4.1.1.88.67"
    write_series(tmp_path / "in" / "b", uid="1.2.3.5", places=[0], edit=lambda ds, n: setattr(ds, "SOPClassUID", sr))
    assert cli.main(["series", str(tmp_path / "in"), "--json", "--thumbnails", str(tmp_path / "out")]) == 0
    entries = json.loads(capsys.readouterr().out)["series"]
    assert [entry["kind"] for entry in entries] == [IMAGE, REPORT]
    assert [entry["thumbnail"] for entry in entries] == [str(tmp_path / "out" / "series_001.png"), None]
    assert (tmp_path / "out" / "series_001.png").read_bytes().startswith(b"\x89PNG")
    assert cli.main(["series", str(tmp_path / "in"), "--thumbnails", str(tmp_path / "no" / "out")]) == 3


# --- level lines


@pytest.fixture
def stack(tmp_path: Path, write_series: Writer) -> tuple[SliceHeader, ...]:
    """Return 41 axial slices, 1 mm apart, z = 5 to 45 mm; x = 2 to 9, y = 3 to 10.2 mm."""
    write_series(tmp_path / "ct", places=range(41))
    return only(tmp_path / "ct").slices


def scout(like: SliceHeader, orientation: tuple[object, object], position: tuple[float, float, float]) -> SliceHeader:
    """Return a localiser of 100 columns of 0.5 mm and 60 rows of 2 mm."""
    assert like.pixels is not None
    layout = replace(like.pixels, rows=60, columns=100)
    return replace(like, orientation=orientation, position=position, spacing_mm=(2.0, 0.5), pixels=layout)  # type: ignore[arg-type]


def test_lines_lie_where_the_slices_do(stack: tuple[SliceHeader, ...]) -> None:
    frontal = scout(stack[0], FRONTAL, (-10.0, 0.0, 65.0))
    lines = level_lines(frontal, stack)
    assert [line.slice_index for line in lines] == [0, 10, 20, 30, 40]
    assert [line.is_end for line in lines] == [True, False, False, False, True]
    for line in lines:
        z = stack[line.slice_index].position[2]  # type: ignore[index]
        row = (65.0 - z) / 2.0
        assert line.start[1] == line.end[1] == pytest.approx(row)
        columns = sorted((line.start[0], line.end[0]))
        # The slice is 11 pixels of 0.7 mm wide, the first centred on x = 2 mm.
        assert columns == pytest.approx([(2.0 - 0.35 + 10.0) / 0.5, (2.0 + 10.5 * 0.7 + 10.0) / 0.5])


def test_a_lateral_localiser_and_an_oblique_slice(stack: tuple[SliceHeader, ...]) -> None:
    lateral = scout(stack[0], ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)), (0.0, -10.0, 65.0))
    (line, *_) = level_lines(lateral, stack)
    assert sorted((line.start[0], line.end[0])) == pytest.approx(
        [(3.0 - 0.45 + 10.0) / 0.5, (3.0 + 8.5 * 0.9 + 10.0) / 0.5]
    )
    tilted = replace(stack[0], orientation=((1.0, 0.0, 0.0), (0.0, np.cos(0.3), np.sin(0.3))))
    (line, *_) = level_lines(lateral, [tilted])
    (y0, r0), (y1, r1) = sorted((line.start, line.end))
    assert (r0 - r1) * 2.0 / ((y1 - y0) * 0.5) == pytest.approx(np.tan(0.3))  # rises towards the head and the back


def test_lines_are_cut_at_the_picture_and_left_out_beside_it(stack: tuple[SliceHeader, ...]) -> None:
    narrow = scout(stack[0], FRONTAL, (5.0, 0.0, 65.0))
    for line in level_lines(narrow, stack):
        assert min(line.start[0], line.end[0]) == pytest.approx(-0.5)
    assert level_lines(scout(stack[0], FRONTAL, (-10.0, 0.0, -65.0)), stack) == ()
    low = level_lines(scout(stack[0], FRONTAL, (-10.0, 0.0, 20.0)), stack)
    assert [line.slice_index for line in low] == [0, 10]
    assert level_lines(scout(stack[0], AXIAL, (0.0, 0.0, 9.0)), stack) == ()
    assert level_lines(narrow, ()) == ()


def test_lines_are_not_guessed(stack: tuple[SliceHeader, ...]) -> None:
    frontal = scout(stack[0], FRONTAL, (-10.0, 0.0, 65.0))
    for other in ("1.2.9", ""):
        with pytest.raises(GeometryMismatch, match="frame of reference"):
            level_lines(replace(frontal, frame_of_reference_uid=other), stack)
    for missing in ({"orientation": None}, {"position": None}, {"spacing_mm": None}, {"spacing_mm": (0.0, 1.0)}):
        with pytest.raises(GeometryMismatch, match="where it lies"):
            level_lines(replace(frontal, **missing), stack)


def test_a_real_localiser_is_shown_and_crossed(awkward_dicom: Path, stack: tuple[SliceHeader, ...]) -> None:
    path = awkward_dicom / "fo_dicom" / "GH342_localizer_ids_blanked.dcm"
    with Opener() as opener:
        real = read_header(opener, FileRef(path))
        assert real is not None and real.orientation is not None and real.position is not None
        made = picture(opener, real, 200, None)
    assert made.grey.std() > 20 and max(made.grey.shape) == 200
    info = only_of(path)
    assert info.kind == LOCALISER and pictured(info) and not info.can_be_read
    assert real.spacing_mm is not None and real.pixels is not None
    # Slices across the middle of the picture, in the real localiser's own frame.
    right, down = (np.array(step) for step in real.orientation)
    middle_row = real.pixels.rows // 2
    centre = np.array(real.position) + down * middle_row * real.spacing_mm[0]
    across = replace(
        stack[0],
        frame_of_reference_uid=real.frame_of_reference_uid or "1.2",
        orientation=(tuple(right), tuple(np.cross(right, down))),
        position=tuple(centre + right * 20.0),
    )
    real = replace(real, frame_of_reference_uid=real.frame_of_reference_uid or "1.2")
    (line,) = level_lines(real, [across])
    assert line.start[1] == line.end[1] == pytest.approx(middle_row, abs=1e-3)


def only_of(path: Path) -> SeriesInfo:
    listing = find_series(path)
    assert len(listing.series) == 1
    return listing.series[0]


def test_a_picture_of_a_report_is_refused(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path, edit=lambda ds, n: delattr(ds, "RescaleSlope"))
    info = only(tmp_path)
    with Opener() as opener, pytest.raises(InputRefused):
        picture(opener, info.images[0], 50, None)
    assert pictured(info) == ()
