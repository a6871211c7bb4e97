"""The sample case against its truth, measured in the window with real mouse and key events.

What is asserted: a grown lesion has its true volume, a needle aimed along a pedicle's true axis is planned and painted
inside that pedicle on its own side, and the canal that is measured is the true one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from scipy import ndimage

from app.panels.rail import Step
from app.render.slice_view import SliceView
from cvt_planner.anatomy.lesion_shape import Region
from cvt_planner.base.arrays import Points
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.nrrd import read_nrrd
from cvt_planner.plan.model import Assembly, Side
from tests.app.window.hand import Hand

SAMPLE = Path(__file__).resolve().parents[3] / "sample_dicom"
FINE, WIDE = 0.2, 0.35  # mm per pixel: for a click that must be exact, and for a needle as a whole
TIP_BEFORE_ISTHMUS_MM = 16.0  # from the isthmus to the front along the axis: inside the body at every level
PAINTED = 60  # of 255, in any colour: the filled section, not its faint projection


@dataclass(frozen=True)
class Truth:
    """What is known of the sample case."""

    values: dict[str, Any]
    vertebrae: np.ndarray
    canal: np.ndarray
    grid: Grid

    @property
    def lesions(self) -> list[dict[str, Any]]:
        return list(self.values["lesions"])

    def level(self, name: str) -> dict[str, Any]:
        return next(level for level in self.values["levels"] if level["name"] == name)

    def pedicle(self, level: str, side: str) -> dict[str, Any]:
        found: dict[str, Any] = self.level(level)["pedicles"][side]
        return found

    def label_at(self, lps_mm: Points) -> int:
        k, j, i = np.round(self.grid.index_of(np.asarray(lps_mm))).astype(int)
        return int(self.vertebrae[k, j, i])


@pytest.fixture(scope="module")
def truth() -> Truth:
    folder = SAMPLE / "truth"
    vertebrae, grid = read_nrrd(folder / "labels_vertebrae.nrrd")
    canal, _ = read_nrrd(folder / "labels_canal.nrrd")
    return Truth(json.loads((folder / "truth.json").read_text(encoding="utf-8")), vertebrae, canal > 0, grid)


@pytest.fixture
def sample(open_hand: Callable[..., Hand]) -> Hand:
    """Return the hand with the sample case dropped on the window."""
    hand = open_hand(1600, 1000)
    hand.drop(SAMPLE / "standard")
    assert hand.built.desk.volume is not None, hand.message
    return hand


def show(hand: Hand, lps_mm: Points, mm_per_px: float = FINE) -> None:
    """Bring a place into the middle of every view, and the crosshair there by Shift and the mouse."""
    hand.zoom(lps_mm, mm_per_px)
    hand.crosshair(lps_mm, "sagittal")
    hand.crosshair(lps_mm, "axial")
    assert np.linalg.norm(np.array(hand.built.desk.view_state.crosshair_lps_mm) - lps_mm) < mm_per_px


def colours_of(view: SliceView) -> np.ndarray:
    """Return (height, width, 3) what the view shows, 0 to 255."""
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(bytes(image.constBits()), dtype=np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def painted_needles(hand: Hand, view: SliceView) -> np.ndarray:
    """Return (height, width) which pixels the needles colour: the picture with them against the one without."""
    QTest.mouseMove(view, view.rect().bottomLeft() + hand.window.rect().topLeft())
    hand.qtbot.wait(1)
    with_needles = colours_of(view)
    hand.built.desk.view_state.show_overlay("needles", False)
    without = colours_of(view)
    hand.built.desk.view_state.show_overlay("needles", True)
    return np.asarray(np.abs(with_needles - without).max(axis=2) > PAINTED)


# --- lesions


def test_lytic_lesions_inside_the_cortex_grow_to_their_true_volume(sample: Hand, truth: Truth) -> None:
    wanted = [x for x in truth.lesions if x["kind"] == "lytic" and not x["breaches_cortex"]]
    assert len(wanted) >= 2
    sample.step(Step.LESIONS)
    for number, lesion in enumerate(wanted):
        centre = np.array(lesion["centre_lps_mm"])
        show(sample, centre)
        sample.click("tool_grow")
        sample.press_at(centre)
        assert sample.window.growing.region is not None, sample.window.growing.problem
        sample.click("grow_accept")
        sample.settle()
        kept = sample.plan.lesions[number]
        assert isinstance(kept.shape, Region)
        error = kept.volume_ml / lesion["volume_ml"] - 1.0
        print(f"\n{lesion['name']}: {kept.volume_ml:.2f} of {lesion['volume_ml']:.2f} mL, {error:+.1%}")
        assert abs(error) < 0.10, lesion["name"]
        assert np.linalg.norm(np.array(kept.centre_lps_mm) - centre) < 1.5
        shown = float(sample.table("lesions_table")[number][4].split()[0])
        assert shown == pytest.approx(kept.volume_ml, abs=0.051)


# --- needles


def axis_of(pedicle: dict[str, Any]) -> tuple[Points, Points]:
    """Return the isthmus and the unit direction along the pedicle to the back, LPS."""
    front, back = np.array(pedicle["axis_lps_mm"])
    return np.array(pedicle["isthmus_lps_mm"]), np.asarray((back - front) / np.linalg.norm(back - front))


def mark_lesion(hand: Hand, lesion: dict[str, Any]) -> None:
    """Mark a sphere at a true lesion and give it its true level."""
    hand.step(Step.LESIONS)
    centre = np.array(lesion["centre_lps_mm"])
    show(hand, centre)
    hand.click("tool_sphere")
    hand.drag(hand.at(centre), hand.at(centre + np.array([7.0, 0.0, 0.0])))
    hand.choose("lesion_level", lesion["level"])


def lay(hand: Hand, truth: Truth, level: str, side: str) -> Assembly:
    """Lay a needle along a pedicle's true axis, by the keys T and E."""
    isthmus, outward = axis_of(truth.pedicle(level, side))
    skin_y = truth.values["skin"]["back_lps_mm"][level][1]
    tip = isthmus - TIP_BEFORE_ISTHMUS_MM * outward
    entry = isthmus + (skin_y + 3.0 - isthmus[1]) / outward[1] * outward  # between skin and couch
    hand.click(f"add_{side}")
    for point, key in ((tip, Qt.Key.Key_T), (entry, Qt.Key.Key_E)):
        show(hand, point)
        hand.hover(point)
        hand.key(key)
    hand.settle()
    return hand.plan.assemblies[-1]


def check_axis(assembly: Assembly, truth: Truth, level: str, side: str) -> float:
    """Check side and place of a planned needle; return how far it passes the isthmus, mm."""
    isthmus, _ = axis_of(truth.pedicle(level, side))
    tip, entry = np.array(assembly.probe_tip_lps_mm), np.array(assembly.entry_lps_mm)
    assert assembly.side.value == side
    assert (entry[0] > truth.level(level)["centre_lps_mm"][0]) == (assembly.side is Side.LEFT)
    assert truth.label_at(tip) == truth.level(level)["label"]
    skin = assembly.skin_entry_lps_mm
    assert skin is not None and abs(skin[1] - truth.values["skin"]["back_lps_mm"][level][1]) < 4.0
    assert assembly.bone_entry_lps_mm is not None
    to_isthmus = isthmus - tip
    return float(np.linalg.norm(to_isthmus - (to_isthmus @ assembly.outward) * assembly.outward))


def check_painted_at_isthmus(hand: Hand, truth: Truth, level: str, side: str, name: str) -> float:
    """Check that the needle is painted inside the pedicle; return how far off its isthmus, mm in the picture.

    The view is turned along the needle; read is the line of pixels across it, at the isthmus: a row where the needle
    runs up the picture (axial), a column where it runs along it (sagittal).
    """
    pedicle, view = truth.pedicle(level, side), hand.view(name)
    isthmus, outward = axis_of(pedicle)
    plane = view.plane()
    assert abs(plane.normal @ outward) < 0.03 and abs(plane.distance_mm(isthmus)) < 1.0
    at, mask = view.point_of(isthmus), painted_needles(hand, view)
    upright = name == "axial"
    line = mask[int(at.y())] if upright else mask[:, int(at.x())]
    here = at.x() if upright else at.y()
    across, room_mm = (plane.right, pedicle["width_mm"]) if upright else (plane.down, pedicle["height_mm"])
    runs, count = ndimage.label(line)
    assert count, f"no needle is painted at the isthmus of {level} {side}"
    run = min((np.flatnonzero(runs == n + 1) for n in range(count)), key=lambda px: abs(px.mean() - here))
    offsets_mm = (run + 0.5 - here) * plane.mm_per_px
    assert 1.0 < np.ptp(offsets_mm) < 5.0  # an 11 G or 13 G needle or a 17 G probe, and its dark rim
    labels = {truth.label_at(isthmus + offset * across) for offset in offsets_mm}
    assert labels == {truth.level(level)["label"]}, f"{level} {side}: painted outside the vertebra"
    assert np.abs(offsets_mm).max() < room_mm / 2.0, f"{level} {side}: painted outside the pedicle"
    return float(abs(offsets_mm.mean()))


def of_side(hand: Hand, side: Side) -> np.ndarray:
    """Return (height, width) which pixels of the axial view have the colour of the left or the right needle."""
    painted = painted_needles(hand, hand.view())
    red, green, blue = np.moveaxis(colours_of(hand.view()), -1, 0)
    coloured = (green - red > 40) & (green >= blue) if side is Side.LEFT else (red - blue > 60) & (green > blue)
    return np.asarray(painted & coloured & along_needle(hand, side, coloured.shape))


def along_needle(hand: Hand, side: Side, shape: tuple[int, int]) -> np.ndarray:
    """Return which pixels lie along a side's needle: its name beside its end stays upright when the picture turns."""
    plane = hand.view().plane()
    assembly = next(a for a in hand.plan.assemblies if a.side is side)
    ends = [plane.point_of(np.array(p)) for p in (assembly.probe_tip_lps_mm, assembly.entry_lps_mm)]
    tip, entry = (np.array([p.x(), p.y()]) for p in ends)
    rows, columns = np.indices(shape)
    places = np.stack([columns + 0.5, rows + 0.5], axis=-1)
    share = np.clip((places - tip) @ (entry - tip) / ((entry - tip) @ (entry - tip)), 0.0, 1.0)
    return np.asarray(np.linalg.norm(places - tip - share[..., None] * (entry - tip), axis=-1) < 8.0)


def check_half(hand: Hand, side: Side) -> None:
    """Check on which half of the axial picture a needle is painted, in both ways to hang it."""
    view = hand.view()
    masks = []
    for letter_at in (2, 0):  # L at the right edge; in the procedure view at the left one
        letters = view.edge_letters()
        assert letters.index("L") == letter_at and letters.index("R") == 2 - letter_at
        assert letters.index("A") == (1 if letter_at == 2 else 3)
        masks.append(of_side(hand, side))
        assert masks[-1].sum() > 50
        on_right = np.flatnonzero(masks[-1].any(axis=0)).mean() > view.width() / 2.0
        assert on_right == ((letter_at == 2) == (side is Side.LEFT)), f"the {side} needle is on the wrong half"
        hand.key(Qt.Key.Key_P)
    normal, procedure = masks
    turned = shared(normal, procedure[::-1, ::-1])
    print(f"\n{side}: shared with the picture turned {turned:.2f}, mirrored {shared(normal, procedure[::-1]):.2f}")
    assert turned > 0.6
    assert max(shared(normal, procedure[::-1]), shared(normal, procedure[:, ::-1])) < 0.3


def shared(one: np.ndarray, other: np.ndarray) -> float:
    """Return which part of the pixels in either mask is in both."""
    return float((one & other).sum() / max((one | other).sum(), 1))


@pytest.mark.parametrize("n", [0, 1, 2], ids=["first", "second", "third"])
def test_needles_along_the_true_pedicles_are_planned_and_painted_inside_them(
    sample: Hand, truth: Truth, n: int
) -> None:
    lesion = truth.lesions[n]
    level = lesion["level"]
    mark_lesion(sample, lesion)
    sample.step(Step.NEEDLES)
    for side in ("left", "right"):
        assembly = lay(sample, truth, level, side)
        off = check_axis(assembly, truth, level, side)
        sample.key(Qt.Key.Key_Space)
        sample.zoom(axis_of(truth.pedicle(level, side))[0], FINE)
        painted = [check_painted_at_isthmus(sample, truth, level, side, view) for view in ("axial", "sagittal")]
        sample.key(Qt.Key.Key_Space)
        print(f"\n{level} {side}: {off:.2f} mm from axis to isthmus; paint {painted[0]:.2f}, {painted[1]:.2f} mm")
        assert off < 1.0 and max(painted) < 1.0


def test_left_is_left_and_the_procedure_view_turns_without_mirroring(sample: Hand, truth: Truth) -> None:
    lesion = truth.lesions[1]
    mark_lesion(sample, lesion)
    sample.step(Step.NEEDLES)
    for side in ("left", "right"):
        lay(sample, truth, lesion["level"], side)
    isthmus, _ = axis_of(truth.pedicle(lesion["level"], "left"))
    show(sample, isthmus * np.array([0.0, 1.0, 1.0]), WIDE)
    check_half(sample, Side.LEFT)  # the right one is chosen: no names are written beside the left one
    sample.key(Qt.Key.Key_N)
    show(sample, isthmus * np.array([0.0, 1.0, 1.0]), WIDE)
    check_half(sample, Side.RIGHT)


def test_a_lesion_beside_the_mid_line_is_seen_on_its_side_and_letters_are_not_mirrored(
    sample: Hand, truth: Truth
) -> None:
    view = sample.view()
    sample.key(Qt.Key.Key_2)  # soft tissue: the lesion stands out from the marrow
    for lesion in (x for x in truth.lesions if x["kind"] == "lytic"):
        centre = np.array(lesion["centre_lps_mm"])
        show(sample, centre * np.array([0.0, 1.0, 1.0]), WIDE)
        for _ in range(2):  # the second time in the procedure view
            grey = ndimage.uniform_filter(colours_of(view).mean(axis=2), 9)
            here, across = (view.point_of(centre * np.array([sign, 1.0, 1.0])) for sign in (1.0, -1.0))
            darker = grey[int(across.y()), int(across.x())] - grey[int(here.y()), int(here.x())]
            assert darker > 20.0, lesion["name"]
            assert (here.x() > view.width() / 2) == ((centre[0] > 0) == (view.edge_letters()[2] == "L"))
            sample.key(Qt.Key.Key_P)
    sample.key(Qt.Key.Key_F)  # beside the fitted picture the letters stand on black
    right_edge = letter(view, "right")
    sample.key(Qt.Key.Key_P)
    left_edge = letter(view, "left")
    assert shared(right_edge, left_edge) > 0.9
    assert shared(right_edge, left_edge[:, ::-1]) < 0.6
    assert right_edge[:, : right_edge.shape[1] // 3].sum() > right_edge[:, -right_edge.shape[1] // 3 :].sum()  # an L


def letter(view: SliceView, edge: str) -> np.ndarray:
    """Return the pixels of the letter at an edge of a view, cut to its size."""
    half = view.height() // 2
    bright = colours_of(view).min(axis=2)[half - 20 : half + 20] > 100
    bright = bright[:, :24] if edge == "left" else bright[:, -24:]
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    assert rows.size and columns.size, f"no letter is painted at the {edge} edge"
    return np.asarray(bright[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


# --- canal


def distances_mm(truth: Truth, label: np.ndarray, wall_lps_mm: Points) -> np.ndarray:
    """Return (n,) how far points of one transverse section lie outside a label's border, mm (inside: < 0)."""
    index = np.atleast_2d(truth.grid.index_of(wall_lps_mm))
    section = label[round(float(index[:, 0].mean()))]
    step = truth.grid.spacing_kji_mm[1:]
    # Distances run between voxel centres, the border between two of them: half a voxel is taken off on either side.
    outside = ndimage.distance_transform_edt(~section, sampling=step) - 0.5 * step[0] * ~section
    inside = ndimage.distance_transform_edt(section, sampling=step) - 0.5 * step[0] * section
    return np.asarray(ndimage.map_coordinates(outside - inside, index[:, 1:].T, order=1))


def test_the_canal_measured_from_a_click_at_pedicle_height_is_the_true_one(sample: Hand, truth: Truth) -> None:
    for lesion in truth.lesions:
        level = lesion["level"]
        sample.step(Step.LEVELS)
        show(sample, np.array(truth.level(level)["centre_lps_mm"]))
        sample.choose("level_choice", level)
        sample.click("mark_level")
        canal = truth.values["canal"]
        z_mm = truth.pedicle(level, "left")["isthmus_lps_mm"][2]
        centre = np.array(canal["centre_lps_mm"])[np.argmin(np.abs(np.array(canal["z_mm"]) - z_mm))]
        show(sample, centre + np.array([0.0, 0.0, z_mm - centre[2]]))
        sample.click("mark_canal")
        sample.press_at(sample.built.desk.view_state.crosshair_lps_mm)
        mark = next(m for m in sample.plan.levels if m.level == level).canal
        assert mark is not None, sample.message
        wall = np.array(mark.wall_lps_mm)
        from_canal, from_bone = (distances_mm(truth, label, wall) for label in (truth.canal, truth.vertebrae > 0))
        bony = np.abs(from_bone) < 1.0  # the rest of the outline runs across the gap between two arches
        to_bone, off, over_all = (float(np.median(np.abs(d))) for d in (from_bone[bony], from_canal[bony], from_canal))
        print(
            f"\n{level}: {bony.sum()} of {len(wall)} points on bone, {to_bone:.2f} mm from its border and {off:.2f} mm "
            f"from the canal (median); all {over_all:.2f} mm, {from_canal.min():+.2f} to {from_canal.max():+.2f} mm"
        )
        assert bony.sum() >= 14 and to_bone < 0.5
        assert off < 1.5  # the true canal is an ellipse within the bony ring and does not fill its corners
        assert from_canal.min() > -1.0  # nowhere through the canal
        assert from_canal.max() < 6.0
        assert np.hypot(*(np.array(mark.centre_lps_mm) - centre)[:2]) < 2.0
