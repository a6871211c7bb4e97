"""Turns: each in its own turn of the event loop, once, and the hand's view every second time."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from app.render.turns import Turns


def test_each_runs_once_and_the_first_alternates_with_the_others(qtbot: QtBot) -> None:
    turns, ran = Turns(), list[str]()

    def hand() -> None:
        ran.append("hand")
        if ran.count("hand") < 3:
            turns.ask("hand", hand, first=True)  # a hand that never rests

    for name in ("a", "b", "a"):
        turns.ask(name, lambda name=name: ran.append(name))
    turns.ask("hand", hand, first=True)
    turns.ask("gone", lambda: ran.append("gone"))
    turns.drop("gone")
    qtbot.waitUntil(lambda: len(ran) == 5, timeout=2000)
    qtbot.wait(30)
    assert sorted(ran) == ["a", "b", "hand", "hand", "hand"]
    assert ran.index("a") <= 2 and ran.index("b") <= 4  # nobody starves


def test_who_moves_under_the_hand_changes_line(qtbot: QtBot) -> None:
    turns, ran = Turns(), list[str]()
    turns.ask("view", lambda: ran.append("as other"))
    turns.ask("view", lambda: ran.append("as first"), first=True)
    qtbot.waitUntil(lambda: bool(ran), timeout=2000)
    qtbot.wait(30)
    assert ran == ["as first"]
