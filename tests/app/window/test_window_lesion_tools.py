"""Finding, drawing, reshaping and scoring a lesion in the window, with real mouse and key events."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox

from app import growing
from app.panels.rail import Step
from cvt_planner.anatomy.lesion_shape import Origin, Region
from cvt_planner.plan.model import LesionKind
from cvt_planner.plan.scores import Escc, Pain
from tests.app.window.hand import Hand, Small
from tests.truth_spine import spine_in_folder

CONTROL = Qt.KeyboardModifier.ControlModifier
ACROSS = np.array([1.0, 0.0, 0.0])


@pytest.fixture
def opened(hand: Hand, small: Small) -> Hand:
    """Return the hand in the step of lesions, the phantom open, its spine known, its lesion large in every view."""
    hand.drop(small.folder)
    volume = hand.built.desk.volume
    assert volume is not None
    hand.built.workspace.put_spine(spine_in_folder(small.folder, volume.content_hash))
    hand.zoom(small.lesion + np.array([0.0, 12.0, 0.0]), 0.3)
    hand.built.desk.go_to(tuple(small.lesion))
    hand.step(Step.LESIONS)
    return hand


def find(hand: Hand, small: Small) -> None:
    hand.click("tool_grow")
    hand.press_at(small.lesion)
    hand.click("grow_accept")
    hand.settle()


def test_one_click_finds_the_lesion_and_says_what_is_known_of_it(opened: Hand, small: Small) -> None:
    find(opened, small)
    lesion = opened.plan.lesions[0]
    true_ml = small.truth["lesions"][0]["volume_ml"]
    assert lesion.volume_ml == pytest.approx(true_ml, rel=0.10)
    assert lesion.kind is LesionKind.LYTIC and lesion.origin is Origin.AUTOMATIC
    rows = dict(opened.table("lesion_figures"))
    assert rows["Type by HU"] == "lytic"
    assert rows["Posterior wall"] == "none seen" and rows["Epidural"] == "0.0 mL"
    assert rows["Share of the body"].endswith(" %") and rows["Distance to the canal"].endswith(" mm")
    assert "CT-visible part only" in opened.window.panels[Step.LESIONS].origin_words.text()
    opened.picture("lesion_found")


def test_a_second_click_lets_go_of_what_the_first_one_found_at_once(
    opened: Hand, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.click("tool_grow")
    opened.press_at(small.lesion)
    grown = opened.window.growing
    assert grown.region is not None
    seen, plain = threading.Event(), growing.suggest_band

    def slow(*given: Any) -> tuple[float, float]:
        seen.wait(10.0)
        return plain(*given)

    monkeypatch.setattr(growing, "suggest_band", slow)
    at = opened.at(small.lesion + np.array([0.0, 2.0, 0.0]))
    opened.qtbot.mouseClick(opened.view("axial"), Qt.MouseButton.LeftButton, pos=at)
    assert grown.region is None and opened.built.desk.view_state.preview is None
    assert not opened.button("grow_accept").isEnabled()
    seen.set()
    opened.settle()
    assert grown.region is not None


def test_scores_are_entered_and_undone(opened: Hand, small: Small) -> None:
    find(opened, small)
    findings = opened.window.panels[Step.LESIONS].findings
    before = findings.sins.text()
    opened.choose("score_pain", "mechanical")
    opened.choose("score_alignment", "normal")
    opened.choose("score_escc", "2: cord compressed, CSF seen")
    opened.settle()
    scores = opened.plan.lesions[0].scores
    assert scores.pain is Pain.MECHANICAL and scores.escc is Escc.CORD_PRESSED
    assert findings.sins.text() != before and "of 18" in findings.sins.text()
    assert any("decompression or radiotherapy first" in text for text in findings.eligible.texts)
    opened.key(Qt.Key.Key_Z, CONTROL)
    assert opened.plan.lesions[0].scores.escc is None and opened.plan.lesions[0].scores.pain is Pain.MECHANICAL


def test_a_stroke_draws_at_once_and_is_one_undo_step(opened: Hand, small: Small) -> None:
    find(opened, small)
    found = opened.plan.lesions[0].shape
    opened.key(Qt.Key.Key_B)
    assert opened.built.desk.tool == "brush"
    start, end = opened.at(small.lesion), opened.at(small.lesion + 18.0 * ACROSS)
    view = opened.view()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    for n in range(1, 13):  # tests/bench/bench_window.py says how soon it is seen
        QTest.mouseMove(view, start + (end - start) * n / 12)
        assert opened.built.desk.view_state.preview is not None
        opened.qtbot.wait(1)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)
    opened.settle()
    drawn = opened.plan.lesions[0]
    assert isinstance(drawn.shape, Region) and drawn.volume_ml > found.volume_ml
    assert drawn.origin is Origin.CORRECTED
    assert opened.built.desk.view_state.preview is None
    opened.key(Qt.Key.Key_Z, CONTROL)
    assert opened.plan.lesions[0].shape == found


def test_size_eraser_and_3d_by_keys_and_wheel(opened: Hand, small: Small) -> None:
    find(opened, small)
    brushing = opened.window.brushing
    opened.key(Qt.Key.Key_X)
    opened.wheel(small.lesion, 2, zoom=True)
    opened.key(Qt.Key.Key_BracketRight)
    assert brushing.radius_mm == pytest.approx(7.0)  # half millimetres up to 6 mm, then whole ones
    opened.key(Qt.Key.Key_BracketLeft)
    frame = opened.built.desk.view_state.frame("axial")
    assert frame.mm_per_px == 0.3  # the wheel did not zoom
    opened.key(Qt.Key.Key_D)
    assert brushing.in_3d
    before = opened.plan.lesions[0]
    opened.press_at(small.lesion + 7.0 * ACROSS)
    after = opened.plan.lesions[0]
    assert after.volume_ml < before.volume_ml - 0.2
    opened.key(Qt.Key.Key_D)
    opened.press_at(small.lesion - 7.0 * ACROSS)
    one_slice = after.volume_ml - opened.plan.lesions[0].volume_ml
    assert 0.0 < one_slice < before.volume_ml - after.volume_ml
    opened.key(Qt.Key.Key_Escape)
    assert opened.built.desk.tool == "navigate"


def test_a_lesion_is_drawn_by_hand_on_a_band_and_labelled_so(opened: Hand, small: Small) -> None:
    opened.click("tool_brush")
    box: QCheckBox | None = opened.window.findChild(QCheckBox, "brush_banded")
    assert box is not None and box.isVisible()
    opened.qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    opened.window.brushing.set_radius(20.0)
    opened.press_at(small.lesion)
    lesion = opened.plan.lesions[0]
    assert lesion.origin is Origin.DRAWN and isinstance(lesion.shape, Region)
    disc_ml = np.pi * 20.0**2 * 2.0 / 1000.0
    assert 0.0 < lesion.volume_ml < 0.8 * disc_ml  # bone around was left out
    opened.choose("lesion_origin", Origin.ELSEWHERE.value)
    assert opened.plan.lesions[0].origin is Origin.ELSEWHERE


def test_the_buttons_reshape_split_and_join(opened: Hand, small: Small) -> None:
    find(opened, small)
    first = opened.plan.lesions[0]
    opened.click("reshape_grow")
    opened.settle()
    grown = opened.plan.lesions[0]
    assert grown.volume_ml > 1.2 * first.volume_ml
    opened.click("reshape_shrink")
    opened.settle()
    assert opened.plan.lesions[0].volume_ml == pytest.approx(first.volume_ml, rel=0.03)
    menu = opened.button("reshape_cut").menu()
    assert menu is not None
    menu.actions()[2].trigger()  # sagittal, through the crosshair in its middle
    opened.settle()
    halves = opened.plan.lesions
    assert len(halves) == 2
    assert sum(x.volume_ml for x in halves) == pytest.approx(first.volume_ml, rel=0.04)
    opened.built.desk.choose_lesion(halves[0].id)
    opened.settle()
    join = opened.button("reshape_join").menu()
    assert join is not None
    join.actions()[0].trigger()
    opened.settle()
    assert len(opened.plan.lesions) == 1
    assert opened.plan.lesions[0].volume_ml == pytest.approx(first.volume_ml, rel=0.04)
    opened.picture("lesion_reshaped")
