"""Nothing holds the window up: views are painted one per turn of the event loop, slow work is done beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QAbstractEventDispatcher, QEvent, QObject, Qt
from PySide6.QtWidgets import QPushButton

from app import growing
from app.panels.rail import Step
from app.render import turns
from cvt_planner.plan import edits
from tests.app.window.hand import Hand, Small


class PaintedWhen(QObject):
    """Notes in which turns of the event loop a view was painted."""

    def __init__(self, hand: Hand) -> None:
        super().__init__()
        self.turns: dict[str, set[int]] = {name: set() for name in hand.window.views}
        self._turn = 0
        self._names: dict[int, str] = {}
        for name, view in hand.window.views.items():
            self._names[id(view)] = name
            view.installEventFilter(self)
        dispatcher = QAbstractEventDispatcher.instance()
        assert dispatcher is not None
        dispatcher.aboutToBlock.connect(self._next)

    def _next(self) -> None:
        self._turn += 1

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Paint:
            self.turns[self._names[id(watched)]].add(self._turn)
        return False


CHANGES: dict[str, Callable[[Hand], object]] = {
    "undo": lambda hand: hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier),
    "next needle": lambda hand: hand.key(Qt.Key.Key_N),
    "moment of the ice": lambda hand: hand.window.playing.go_to(300.0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_views_are_painted_in_turns_of_their_own(frozen: Hand, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "FRAME_MS", 0.0)  # what is painted within a frame may share one
    frozen.qtbot.wait(300)
    painted = PaintedWhen(frozen)
    CHANGES[change](frozen)
    frozen.settle()
    frozen.qtbot.wait(100)
    one, two, three = painted.turns.values()
    assert one and two and three, "a view was not painted"
    assert not (one & two or one & three or two & three)


def test_the_neighbourhood_of_a_click_is_looked_at_beside_the_window(
    opened: Hand, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, where = growing.suggest_band, list[bool]()

    def listening(*given: Any) -> Any:
        where.append(threading.current_thread() is threading.main_thread())
        return plain(*given)

    monkeypatch.setattr(growing, "suggest_band", listening)
    opened.step(Step.LESIONS)
    opened.click("tool_grow")
    opened.press_at(small.lesion)
    assert where == [False] and opened.window.growing.region is not None


def test_the_scene_is_not_drawn_again_for_what_it_does_not_show(ready: Hand) -> None:
    ready.qtbot.wait(500)
    drawn: list[int] = []
    ready.window.scene.rendered.connect(lambda: drawn.append(1))
    ready.built.workspace.apply(edits.set_notes("spinal anaesthesia"), "Write notes")
    ready.settle()
    ready.qtbot.wait(400)
    assert not drawn
    ready.built.workspace.undo()  # the notes
    ready.built.workspace.undo()  # a needle
    ready.qtbot.waitUntil(lambda: bool(drawn), timeout=5000)


def test_rows_of_checks_are_used_again(ready: Hand) -> None:
    ready.step(Step.SESSION)
    ready.settle()
    ready.click("checks_ok")
    rows = [ready.window.session.fine.itemAt(n).widget() for n in range(ready.window.session.fine.count())]
    assert len(rows) > 5 and all(row.isVisible() for row in rows)
    ready.click("checks_ok")
    assert not any(row.isVisible() for row in rows)
    ready.click("checks_ok")
    assert [ready.window.session.fine.itemAt(n).widget() for n in range(len(rows))] == rows
    assert isinstance(ready.button("checks_ok"), QPushButton) and ready.button("checks_ok").text().startswith("Hide")
