"""The found spine in the window: looked for, drawn, listed, chosen, straightened, corrected; with mouse and keys."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from app import finding as finding_module
from app.panels.rail import Step
from app.panels.widgets import FigureTable
from app.render.spine_surfaces import vertebra_on_ray
from cvt_planner.anatomy.spine.corrections import NO_EDITS, PAINTED, boundaries
from cvt_planner.anatomy.spine.model import Part, Spine
from cvt_planner.anatomy.spine.remeasure import stale_numbers
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume
from cvt_planner.phantom import Phantom
from cvt_planner.storage.plan_file import load_plan
from tests.app.window.hand import Hand, Small, pixels
from tests.truth_spines import truth_spine


@pytest.fixture
def spine_hand(hand: Hand, small: Small, small_phantom: Phantom) -> Hand:
    """Return the hand in a window with the small phantom and its true spine, in the step of levels."""
    hand.drop(small.folder)
    hand.built.workspace.put_spine(truth_spine(small_phantom, hand.built.workspace.volume.content_hash))
    hand.step(Step.LEVELS)
    hand.settle()
    return hand


def spine_of(hand: Hand) -> Spine:
    spine = hand.built.workspace.state.spine
    assert spine is not None
    return spine


def whole(hand: Hand) -> list[int]:
    return [v.number for v in spine_of(hand).found if v.complete]


def test_structures_are_drawn_where_they_are_and_can_be_switched_off(spine_hand: Hand) -> None:
    hand, view = spine_hand, spine_hand.view("axial")
    vertebra = spine_of(hand).found[whole(hand)[0] - 1]
    hand.zoom(vertebra.centre_lps_mm, 0.4)
    inside = view.point_of(np.array(vertebra.centre_lps_mm)).toPoint() + QPoint(9, 9)
    outside = view.point_of(np.array(vertebra.centre_lps_mm) + np.array((-32.0, -30.0, 0.0))).toPoint()
    before = pixels(view.grab().toImage())
    hand.tick("show_vertebrae")
    after = pixels(view.grab().toImage())

    def patch(picture: np.ndarray, at: QPoint) -> np.ndarray:
        return picture[at.y() - 4 : at.y() + 5, at.x() - 4 : at.x() + 5]

    assert np.abs(patch(before, inside) - patch(after, inside)).mean() > 15
    assert np.ptp(patch(after, inside), axis=2).max() <= 2  # nothing but the CT's greys is left
    assert np.abs(patch(before, outside) - patch(after, outside)).max() == 0
    assert np.abs(before - after).max(axis=2).astype(bool).sum() > 2000
    for name in ("canal", "pedicles", "discs"):
        one = pixels(view.grab().toImage())
        hand.tick(f"show_{name}")
        changed = np.abs(one - pixels(view.grab().toImage())).max(axis=2) > 8
        assert (changed.sum() > 100) == (name != "discs")  # no disc lies in the middle of a body
    for key in (Qt.Key.Key_O, Qt.Key.Key_O):
        hand.key(key)
    assert "anatomy" in hand.built.desk.view_state.overlays


def test_a_row_of_the_list_takes_all_views_there(spine_hand: Hand) -> None:
    hand = spine_hand
    table = hand.window.findChild(FigureTable, "levels_table")
    rows = hand.table("levels_table")
    assert len(rows) == len(spine_of(hand).found)
    number = whole(hand)[-1]
    vertebra = spine_of(hand).found[number - 1]
    assert rows[number - 1][2] == "90 %"
    widths = [f"{vertebra.pedicle(side).width_mm:.1f}" for side in ("right", "left")]  # type: ignore[union-attr]
    assert rows[number - 1][3] == " | ".join(widths)
    place = table.visualItemRect(table.item(number - 1, 0)).center()
    hand.window.panels[Step.LEVELS].ensureWidgetVisible(table)
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    hand.settle()
    assert hand.built.desk.view_state.vertebra == number
    assert hand.built.desk.view_state.crosshair_lps_mm == pytest.approx(vertebra.centre_lps_mm)
    for name in ("axial", "sagittal", "coronal"):
        assert hand.view(name).rect().contains(hand.at(vertebra.centre_lps_mm, name))
    hand.picture("spine_levels")


def test_a_click_in_3d_chooses_the_vertebra_under_it(spine_hand: Hand) -> None:
    hand, scene = spine_hand, spine_hand.window.scene
    assert scene._surfaces is not None and len(scene._surfaces.vertebrae) == len(spine_of(hand).found)
    assert "bone" not in hand.built.desk.view_state.overlays  # the vertebrae's surfaces took its place
    wanted = whole(hand)[-1]
    before = pixels(scene.picture())
    hits = [
        QPoint(x, y)
        for y in range(10, scene.height(), 12)
        for x in range(10, scene.width(), 12)
        if (met := vertebra_on_ray(spine_of(hand), *scene.ray_at(QPointF(x, y)))) and met[0] == wanted
    ]
    lit = [at for at in hits if np.ptp(before[at.y(), at.x()]) > 8]
    assert len(hits) > 10 and len(lit) > 0.7 * len(hits)  # the ray and the picture agree
    at = lit[len(lit) // 2]
    QTest.mouseClick(scene, Qt.MouseButton.LeftButton, pos=at)
    hand.settle()
    assert hand.built.desk.view_state.vertebra == wanted
    assert hand.built.desk.view_state.crosshair_lps_mm == pytest.approx(spine_of(hand).found[wanted - 1].centre_lps_mm)
    assert np.abs(before - pixels(scene.picture())).max(axis=2).astype(bool).sum() > 1000  # others are faded


def test_the_straight_view_takes_places_to_the_patient_and_back(spine_hand: Hand) -> None:
    hand, view = spine_hand, spine_hand.view("sagittal")
    vertebra = spine_of(hand).found[whole(hand)[0] - 1]
    hand.built.desk.go_to(vertebra.centre_lps_mm)
    hand.wheel(vertebra.centre_lps_mm, 3, "sagittal", zoom=True)
    seen = hand.built.desk.view_state.frame("sagittal")
    plain = pixels(view.grab().toImage())
    hand.key(Qt.Key.Key_S)
    assert view.straight is not None
    assert np.abs(plain - pixels(view.grab().toImage())).mean() > 5
    for place in ((60.0, 80.0), (view.width() / 2.0, view.height() / 2.0), (view.width() - 40.0, 120.0)):
        back = view.point_of(view.lps_at(QPointF(*place)))
        assert (back.x(), back.y()) == pytest.approx(place, abs=1e-3)
    body = np.array(vertebra.centre_lps_mm)
    assert view.point_of(body + np.array((0.0, -8.0, 0.0))).x() < view.point_of(body).x()  # the front is on the left
    assert view.point_of(body + np.array((0.0, 0.0, 8.0))).y() < view.point_of(body).y()  # the head is up
    target = view.lps_at(QPointF(view.point_of(body)) + QPointF(14.0, 10.0))
    hand.crosshair(target, "sagittal")
    assert hand.built.desk.view_state.crosshair_lps_mm == pytest.approx(target, abs=view.plane().mm_per_px)
    hand.wheel(target, 3, "sagittal")
    moved = np.array(hand.built.desk.view_state.crosshair_lps_mm) - target
    assert moved[0] > 2.0  # the wheel goes to the patient's left, as without
    assert abs(hand.view("sagittal").plane().distance_mm(np.array(hand.built.desk.view_state.crosshair_lps_mm))) < 1e-3
    hand.picture("spine_straight")
    hand.key(Qt.Key.Key_S)
    assert view.straight is None and hand.built.desk.view_state.frame("sagittal") == seen


def test_a_boundary_is_dragged_and_comes_back(spine_hand: Hand, tmp_path: Path) -> None:
    hand, view = spine_hand, spine_hand.view("sagittal")
    as_found = spine_of(hand)
    first = whole(hand)[0]
    boundary = boundaries(as_found)[first - 1]
    hand.zoom(boundary.centre_lps_mm, 0.3)
    start = hand.at(boundary.centre_lps_mm, "sagittal")
    up = np.array(boundary.centre_lps_mm) + 4.0 * np.array(boundary.normal)
    hand.drag(start, view.point_of(up).toPoint(), "sagittal")
    hand.settle()
    moved = boundaries(spine_of(hand))[first - 1]
    height = float((np.array(moved.centre_lps_mm) - np.array(boundary.centre_lps_mm)) @ np.array(boundary.normal))
    assert height == pytest.approx(4.0, abs=0.35)
    assert spine_of(hand).found[first - 1].height_mm < as_found.found[first - 1].height_mm - 3.0
    assert len(hand.plan.anatomy.boundaries) == 1  # the whole drag is one correction
    hand.answers.write_to = tmp_path / "corrected.cvtplan"
    hand.key(Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    hand.settle()
    assert load_plan(tmp_path / "corrected.cvtplan").plan.anatomy == hand.plan.anatomy
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    hand.settle()
    assert spine_of(hand) is as_found and hand.plan.anatomy == NO_EDITS


def test_a_brush_stroke_paints_the_chosen_vertebra_and_ctrl_erases(spine_hand: Hand) -> None:
    hand = spine_hand
    as_found = spine_of(hand)
    vertebra = as_found.found[whole(hand)[0] - 1]
    hand.zoom(vertebra.centre_lps_mm, 0.4)
    hand.window.finding.choose(vertebra.number)
    hand.click("spine_brush")
    front = np.array(vertebra.centre_lps_mm) + np.array((0.0, -24.0, 0.0))
    before = pixels(hand.view().grab().toImage())
    hand.drag(hand.at(front), hand.at(front + np.array((12.0, 0.0, 0.0))))
    hand.settle()
    won = (spine_of(hand).vertebrae == vertebra.number).sum() - (as_found.vertebrae == vertebra.number).sum()
    assert won > 40
    assert np.abs(before - pixels(hand.view().grab().toImage())).max(axis=2).astype(bool).sum() > 200
    assert len(hand.plan.anatomy.strokes) == 1
    at = hand.at(vertebra.centre_lps_mm)
    QTest.mouseClick(hand.view(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, at)
    hand.settle()
    k, j, i = np.rint(as_found.grid.index_of(np.array(vertebra.centre_lps_mm))).astype(int)
    assert as_found.parts[k, j, i] == Part.BODY and spine_of(hand).parts[k, j, i] == 0
    hand.picture("spine_brush")
    for _ in range(2):
        hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    hand.settle()
    assert spine_of(hand) is as_found
    hand.key(Qt.Key.Key_Escape)
    assert hand.built.desk.tool == "navigate"


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch, small_phantom: Phantom) -> list[tuple[object, ...]]:
    """Let the search give the truth, and return the seeds of each search."""
    made: list[tuple[object, ...]] = []

    def find(volume: Volume, seeds: tuple[object, ...], progress: Progress) -> Spine:
        made.append(seeds)
        return truth_spine(small_phantom, volume.content_hash)

    search_by(monkeypatch, find)
    monkeypatch.setattr(finding_module, "AFTER_MS", 20)
    return made


Find = Callable[[Volume, tuple[object, ...], Progress], Spine]


def search_by(monkeypatch: pytest.MonkeyPatch, find: Find) -> None:
    """Let the search be done by a function, in no process of its own."""

    class Here:
        def __init__(self) -> None:
            self.find = find

        def start(self) -> None: ...

        def close(self) -> None: ...

    monkeypatch.setattr(finding_module, "SpineProcess", Here)


def test_the_spine_is_looked_for_by_itself_and_again_from_a_seed(
    searches: list[tuple[object, ...]], open_hand: Callable[..., Hand], small: Small
) -> None:
    hand = open_hand()
    hand.built.desk.settings.finds_spine = True
    hand.drop(small.folder)
    hand.qtbot.waitUntil(lambda: hand.built.workspace.state.spine is not None, timeout=5000)
    hand.settle()
    assert searches == [()]
    hand.step(Step.LEVELS)
    first = spine_of(hand)
    hand.click("canal_seed")
    seed = small.canal(float(first.found[1].centre_lps_mm[2]))
    hand.zoom(seed, 0.4)
    hand.press_at(seed)
    hand.settle()
    assert len(searches) == 2 and searches[1][0] == pytest.approx(tuple(seed), abs=0.5)
    assert spine_of(hand) is not first
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    hand.settle()
    assert spine_of(hand) is first and len(searches) == 2  # what was found is known still


def test_the_search_can_be_stopped_and_switched_off(
    monkeypatch: pytest.MonkeyPatch, searches: list[tuple[object, ...]], open_hand: Callable[..., Hand], small: Small
) -> None:
    begun = threading.Event()

    def slow(volume: Volume, seeds: tuple[object, ...], progress: Progress) -> Spine:
        begun.set()
        while True:
            progress.report(0.4, "Looking for the spinal canal")
            threading.Event().wait(0.005)

    search_by(monkeypatch, slow)
    hand = open_hand()
    hand.built.desk.settings.finds_spine = True
    hand.window.documents.open_path(small.folder)
    hand.qtbot.waitUntil(begun.is_set, timeout=20000)
    hand.qtbot.waitUntil(lambda: "spinal canal" in hand.window.busy.text.text(), timeout=5000)
    hand.click("busy_stop")
    hand.settle()
    assert hand.built.workspace.state.spine is None and not hand.window.finding.running
    assert hand.built.desk.jobs.idle()  # it does not begin again by itself
    hand.window.menus.actions["finds_spine"].trigger()
    assert not hand.built.desk.settings.finds_spine


def test_a_spine_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, open_hand: Callable[..., Hand], small: Small
) -> None:
    def none(volume: Volume, seeds: tuple[object, ...], progress: Progress) -> Spine:
        grid, none = volume.grid.crop((0, 0, 0), (1, 1, 1)), np.zeros((1, 1, 1), dtype=np.uint8)
        notices = ("No spine was found in this CT.",)
        return Spine(grid, none, none.copy(), np.zeros((0, 3)), (), volume.content_hash, notices)

    search_by(monkeypatch, none)
    hand = open_hand()
    hand.drop(small.folder)
    hand.step(Step.LEVELS)
    hand.click("find_spine")
    hand.settle()
    assert "No spine was found" in hand.message
    hand.key(Qt.Key.Key_S)
    assert hand.view("sagittal").straight is None and "not found" in hand.message


def test_pedicles_near_a_stroke_are_not_judged_until_they_are_measured_again(spine_hand: Hand) -> None:
    hand = spine_hand
    number = whole(hand)[0]
    vertebra = spine_of(hand).found[number - 1]
    at = np.array(vertebra.pedicles[0].isthmus_lps_mm)
    hand.zoom(at, 0.4)
    hand.window.finding.choose(number, go=False)
    hand.click("spine_brush")
    QTest.mouseClick(hand.view(), Qt.MouseButton.LeftButton, pos=hand.at(at))
    stale = spine_of(hand).found[number - 1].pedicles[0]
    assert not stale.judged and stale.doubt == PAINTED
    hand.qtbot.waitUntil(lambda: not stale_numbers(spine_of(hand)), timeout=60_000)
    again = spine_of(hand).found[number - 1].pedicles[0]
    assert again.doubt != PAINTED and abs(again.width_mm - vertebra.pedicles[0].width_mm) < 1.0
    assert spine_of(hand).found[number - 1].pedicles[1] == vertebra.pedicles[1]
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    hand.settle()
    assert spine_of(hand).found[number - 1].pedicles[0] == vertebra.pedicles[0]


def test_a_stroke_shows_no_bone_that_was_switched_off(spine_hand: Hand) -> None:
    view = spine_hand.built.desk.view_state
    view.show_overlay("surfaces", False)
    assert "bone" not in view.overlays
    vertebra = spine_of(spine_hand).found[whole(spine_hand)[0] - 1]
    spine_hand.zoom(np.array(vertebra.centre_lps_mm), 0.4)
    spine_hand.window.finding.choose(vertebra.number, go=False)
    spine_hand.click("spine_brush")
    QTest.mouseClick(spine_hand.view(), Qt.MouseButton.LeftButton, pos=spine_hand.at(vertebra.centre_lps_mm))
    spine_hand.settle()
    assert "bone" not in view.overlays
