"""A window in a test, the hand that works in it, and the small phantom that is open in most."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import reading, theme
from app.dialogs import Answer
from app.main import build_window
from app.panels.rail import Step
from app.settings import Settings
from cvt_planner.bioheat.solver import warm_up
from cvt_planner.phantom import Phantom, write_phantom
from tests.app.window.hand import Answers, Hand, Small


@pytest.fixture(scope="session", autouse=True)
def compiled_kernels() -> None:
    """Compile the solver before any window opens: a compiler at work holds the thread of the window up."""
    warm_up()


@pytest.fixture
def open_hand(qtbot: QtBot, tmp_path: Path) -> Iterator[Callable[..., Hand]]:
    """Return a function that opens a window and gives the hand that works in it."""
    hands: list[Hand] = []

    def make(width: int = 1280, height: int = 800) -> Hand:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        theme.apply_theme(application)
        settings = Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
        settings.finds_spine = False  # it takes seconds; the tests of it switch it on
        answers = Answers(settings)
        built = build_window(settings, answers)
        built.window.resize(width, height)
        built.window.show()
        built.window.activateWindow()
        qtbot.waitExposed(built.window)
        hands.append(Hand(built, qtbot, answers))
        return hands[-1]

    yield make
    for hand in hands:
        hand.answers.unsaved_answer = Answer.DISCARD
        hand.window.close()
        hand.window.deleteLater()
    qtbot.wait(1)


@pytest.fixture
def hand(open_hand: Callable[..., Hand]) -> Hand:
    """Return the hand in a window of 1280 x 800 in which nothing is open."""
    return open_hand()


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, small_phantom: Phantom) -> Small:
    """Return the small phantom as DICOM."""
    folder = tmp_path_factory.mktemp("small_phantom")
    write_phantom(small_phantom, folder)
    truth = next(folder.rglob("truth.json"))
    return Small(folder, json.loads(truth.read_text(encoding="utf-8")))


@pytest.fixture
def opened(hand: Hand, small: Small) -> Hand:
    """Return the hand with the phantom open, its lesion large in every view."""
    hand.drop(small.folder)
    assert hand.built.desk.volume is not None
    hand.zoom(small.lesion + np.array([0.0, 25.0, 0.0]))
    hand.built.desk.go_to(tuple(small.lesion))
    return hand


@pytest.fixture
def ready(hand: Hand, small: Small, monkeypatch: pytest.MonkeyPatch) -> Hand:
    """Return the hand in the ice step, with two needles in one lesion; the ice is solved on 2 mm, in a tenth the time.

    The ice on the window's own 1 mm is in the tests of the whole job.
    """
    monkeypatch.setattr(reading, "ICE_SPACING_MM", 2.0)
    hand.drop(small.folder)
    hand.zoom(small.lesion + np.array([0.0, 25.0, 0.0]), 0.4)
    hand.built.desk.go_to(tuple(small.lesion))
    hand.mark_sphere(small.lesion)
    hand.lay_needles(small.lesion)
    hand.step(Step.ICE)
    return hand


@pytest.fixture
def frozen(ready: Hand) -> Hand:
    """Return the hand with the ice of both needles computed."""
    ready.click("run_ice")
    ready.settle()
    assert ready.built.workspace.state.ice
    return ready
