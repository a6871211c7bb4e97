"""The window on CTs whose left and right are in doubt, and on thick slices: what it shows, and what can be answered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from PySide6.QtCore import Qt

from app.panels.rail import Step
from app.render.overlays import corner_texts, orientation_letters
from cvt_planner.storage.plan_file import load_plan
from tests.app.window.hand import Hand, Small

SAMPLE = Path(__file__).resolve().parents[3] / "sample_dicom" / "standard"
CONTROL = Qt.KeyboardModifier.ControlModifier


def edited(source: Path, target: Path, position: str, every: int = 1) -> Path:
    """Write every n-th slice of a CT with another patient position."""
    target.mkdir()
    files = sorted(
        source.rglob("*.dcm"), key=lambda p: float(dcmread(p, stop_before_pixels=True).ImagePositionPatient[2])
    )
    for file in files[::every]:
        ds = dcmread(file)
        ds.PatientPosition = position
        ds.save_as(target / file.name)
    return target


def letters(hand: Hand, view: str = "axial") -> set[str]:
    return {text for _, text, _ in orientation_letters._letters(hand.view(view).scene())}


def sides_check(hand: Hand) -> tuple[str, str]:
    (found,) = (c for c in hand.window.reading.checks() if c.key == "sides-confirmed")
    return found.verdict, found.sentence


@pytest.fixture
def doubtful(hand: Hand, small: Small, tmp_path: Path) -> Hand:
    hand.drop(edited(small.folder, tmp_path / "no_position", ""))
    return hand


def mark_lesion(hand: Hand, small: Small) -> None:
    hand.zoom(small.lesion)
    hand.mark_sphere(small.lesion)


def test_a_sound_ct_shows_letters_and_no_banner(hand: Hand, small: Small) -> None:
    hand.drop(small.folder)
    assert letters(hand) == {"R", "A", "L", "P"} and not hand.button("sides_as_header").isVisible()
    assert sides_check(hand)[0] == "ok"


def test_in_doubt_no_letter_is_shown_and_no_needle_laid_until_confirmed(doubtful: Hand, small: Small) -> None:
    hand = doubtful
    for view in ("axial", "sagittal", "coronal"):
        assert letters(hand, view) == {"L/R not confirmed"}
    assert "does not say how the patient lies" in hand.window.findChild(object, "sides_text").text()
    assert sides_check(hand)[0] == "stop"
    assert corner_texts.place_text(np.array([-1.0, 2.0, 3.0]), 1, False) == "x −1.0  y 2.0  z 3.0 mm"
    mark_lesion(hand, small)
    hand.step(Step.NEEDLES)
    hand.click("add_left")
    assert hand.built.desk.aim is None and "Left and right are not confirmed" in hand.message
    hand.key(Qt.Key.Key_T)
    assert hand.built.desk.aim is None
    hand.click("sides_as_header")
    mark = hand.plan.sides
    assert mark is not None and mark.as_header and mark.by and mark.at.startswith("20")
    assert letters(hand) == {"R", "A", "L", "P"} and not hand.button("sides_as_header").isVisible()
    verdict, words = sides_check(hand)
    assert verdict == "look" and f"confirmed by {mark.by}" in words
    hand.click("add_left")
    assert hand.built.desk.aim is not None
    hand.key(Qt.Key.Key_Escape)
    hand.key(Qt.Key.Key_Z, CONTROL)
    assert hand.plan.sides is None and letters(hand) == {"L/R not confirmed"}


def test_the_answer_is_kept_in_the_plan_file(doubtful: Hand, tmp_path: Path) -> None:
    hand = doubtful
    hand.click("sides_as_header")
    hand.answers.write_to = tmp_path / "p.cvtplan"
    hand.key(Qt.Key.Key_S, CONTROL)
    hand.settle()
    assert load_plan(tmp_path / "p.cvtplan").plan.sides == hand.plan.sides
    hand.drop(tmp_path / "p.cvtplan")
    assert letters(hand) == {"R", "A", "L", "P"}


def test_turned_sides_stay_in_doubt_and_nothing_is_turned(doubtful: Hand) -> None:
    hand = doubtful
    before = hand.built.workspace.volume
    hand.click("sides_turned")
    assert hand.plan.sides is not None and not hand.plan.sides.as_header
    assert hand.built.workspace.volume is before and letters(hand) == {"L/R not confirmed"}
    assert "corrected at the scanner" in hand.window.findChild(object, "sides_text").text()
    assert sides_check(hand)[0] == "stop" and not hand.button("sides_turned").isVisible()
    hand.picture("sides_turned")


def test_a_contradiction_names_what_was_seen(hand: Hand, tmp_path: Path) -> None:
    hand.drop(edited(SAMPLE, tmp_path / "prone", "HFP", every=3))
    words = hand.window.findChild(object, "sides_text").text()
    assert "couch lies at the patient's back; the header says head first, prone" in words
    hand.picture("sides_contradict")


def test_thick_slices_are_said_beside_the_needle(hand: Hand, small: Small, tmp_path: Path) -> None:
    hand.drop(edited(small.folder, tmp_path / "thick", "HFS", every=2))
    apart = hand.built.workspace.volume.slice_distance_mm
    assert apart > 1.5
    mark_lesion(hand, small)
    hand.step(Step.NEEDLES)
    target = small.lesion + np.array([5.0, 0.0, 0.0])
    hand.zoom(small.lesion, 0.9)
    hand.click("add_left")
    hand.press_at(target)
    hand.press_at(target + np.array([30.0, 70.0, 0.0]))
    rows = dict(row[:2] for row in hand.table("needle_figures"))
    assert rows[f"Pedicle on {apart:.1f} mm slices"] == "not judged"
    assert rows["Clearances along body"] == f"± {apart / 2:.1f} mm"
