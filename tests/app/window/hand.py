"""A hand that works in the window of a test as a user does, with real mouse and key events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.dialogs import Answer, Dialogs
from app.main import Built
from app.panels.rail import Step
from app.panels.widgets import FigureTable
from app.render.slice_view import SliceView
from app.render.view_state import Frame
from app.settings import Settings
from cvt_planner.base.arrays import Points, vec3
from cvt_planner.plan.model import Plan

OUT = Path(__file__).resolve().parents[3] / "out" / "window"
LONG_MS = 120_000
BACK = np.array([24.0, 60.0, 0.0])  # from a lesion to a point behind it, half-way to the skin


class Answers(Dialogs):
    """Gives the answers a test has prepared, and counts the questions."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.write_to: Path | None = None
        self.folder: Path | None = None
        self.card: Path | None = None
        self.segmentation: Path | None = None
        self.unsaved_answer = Answer.CANCEL
        self.asked = 0

    def plan_to_write(self, suggested: str) -> Path | None:
        return self.write_to

    def segmentation_file(self) -> Path | None:
        return self.segmentation

    def card_file(self) -> Path | None:
        return self.card

    def study_folder(self, title: str = "") -> Path | None:
        return self.folder

    def unsaved(self, name: str) -> Answer:
        self.asked += 1
        return self.unsaved_answer


class HeldUp:
    """Measures for how long at most the window's thread was not to be had, ms, from now until it is told to stop.

    `own_ms` is what the thread itself computed in one go: other work on the same cores does not lengthen it. `whole_ms`
    is what a user would have waited here.
    """

    def __init__(self) -> None:
        self.own_ms = self.whole_ms = 0.0
        self._last = time.perf_counter(), time.thread_time()
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(2)

    def stop(self) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter(), time.thread_time()
        self.whole_ms = max(self.whole_ms, 1000.0 * (now[0] - self._last[0]))
        self.own_ms = max(self.own_ms, 1000.0 * (now[1] - self._last[1]))
        self._last = now


@dataclass
class Hand:
    """Works in the window as a user does."""

    built: Built
    qtbot: QtBot
    answers: Answers

    @property
    def window(self) -> Any:
        return self.built.window

    @property
    def plan(self) -> Plan:
        return self.built.workspace.plan

    def view(self, name: str = "axial") -> SliceView:
        return self.built.window.views[name]

    @property
    def out(self) -> Path:
        """Where pictures are kept."""
        OUT.mkdir(parents=True, exist_ok=True)
        return OUT

    def settle(self) -> None:
        """Wait until nothing runs and everything is told."""
        for _ in range(3):
            assert self.built.desk.jobs.wait_all(LONG_MS)
            self.qtbot.wait(35)  # the growing region asks for its job after a pause of 30 ms
        assert self.built.desk.jobs.wait_all(LONG_MS)
        self.qtbot.wait(1)

    def drop(self, path: Path) -> None:
        """Drop a file or folder on the window."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        at = QPointF(400, 300)
        copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(self.window, QDragEnterEvent(at.toPoint(), copy, data, left, none))
        QApplication.sendEvent(self.window, QDropEvent(at, copy, data, left, none))
        self.qtbot.wait(1)
        self.settle()

    def step(self, step: Step) -> None:
        """Click a step of the rail."""
        self.qtbot.mouseClick(self.window.rail.buttons[step], Qt.MouseButton.LeftButton)
        self.qtbot.wait(1)

    def button(self, name: str) -> QPushButton:
        found: QPushButton | None = self.window.findChild(QPushButton, name)
        assert found is not None, name
        return found

    def click(self, name: str) -> None:
        """Click a button that is seen and not dimmed."""
        found = self.button(name)
        assert found.isVisible() and found.isEnabled(), f"{name}: visible {found.isVisible()}"
        self.qtbot.mouseClick(found, Qt.MouseButton.LeftButton)
        self.qtbot.wait(1)

    def tick(self, name: str) -> None:
        """Click a check box of the step of levels."""
        box: QCheckBox | None = self.window.findChild(QCheckBox, name)
        assert box is not None and box.isVisible()
        self.window.panels[Step.LEVELS].ensureWidgetVisible(box)
        QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
        self.qtbot.wait(5)

    def choose(self, name: str, text: str) -> None:
        """Choose a text of a list, by keyboard."""
        box: QComboBox | None = self.window.findChild(QComboBox, name)
        assert box is not None
        box.setFocus()
        box.showPopup()
        self.qtbot.wait(1)
        row = box.findText(text)
        assert row >= 0, f"{text} is not in {name}"
        box.view().setCurrentIndex(box.model().index(row, 0))
        QTest.keyClick(box.view(), Qt.Key.Key_Return)
        self.qtbot.wait(1)

    def choose_series(self, description: str) -> None:
        """Click the row of a series in the list of the first step."""
        rows = self.window.images.series
        info = next(info for info in rows.infos if info.description == description)
        rows.scrollToItem(rows.item(rows.row_of(info)))
        place = rows.visualItemRect(rows.item(rows.row_of(info))).center()
        assert rows.isVisible() and rows.viewport().rect().contains(place)
        self.qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=place)
        self.qtbot.wait(1)

    def table(self, name: str) -> list[list[str]]:
        """Return the texts of a table."""
        found: FigureTable | None = self.window.findChild(FigureTable, name)
        assert found is not None
        texts = []
        for row in range(found.rowCount()):
            items = [found.item(row, column) for column in range(found.columnCount())]
            texts.append([item.text() if item is not None else "" for item in items])
        return texts

    def zoom(self, centre: Sequence[float] | Points, mm_per_px: float = 0.45) -> None:
        """Show a place large in every view."""
        self.built.desk.go_to(vec3(np.asarray(centre)))
        for name in ("axial", "sagittal", "coronal"):
            self.built.desk.view_state.set_frame(name, Frame(mm_per_px, vec3(np.asarray(centre))))
        self.qtbot.wait(1)

    def at(self, lps_mm: Sequence[float] | Points, view: str = "axial") -> QPoint:
        """Return where a patient point lies on a view; it must be seen there."""
        shown = self.view(view)
        place = shown.point_of(np.asarray(lps_mm)).toPoint()
        assert shown.rect().contains(place), f"{lps_mm} is not on the {view} view: {place}"
        return place

    def hover(self, lps_mm: Sequence[float] | Points, view: str = "axial") -> None:
        """Move the pointer over a patient point."""
        place = self.at(lps_mm, view)
        QTest.mouseMove(self.view(view), place + QPoint(1, 0))
        QTest.mouseMove(self.view(view), place)
        self.qtbot.wait(1)

    def press_at(self, lps_mm: Sequence[float] | Points, view: str = "axial") -> None:
        """Click a patient point."""
        self.qtbot.mouseClick(self.view(view), Qt.MouseButton.LeftButton, pos=self.at(lps_mm, view))
        self.settle()

    def drag(self, start: QPoint, end: QPoint, view: str = "axial", moves: int = 6) -> None:
        """Drag with the left button."""
        shown = self.view(view)
        QTest.mousePress(shown, Qt.MouseButton.LeftButton, pos=start)
        for n in range(1, moves + 1):
            QTest.mouseMove(shown, start + (end - start) * n / moves)
            self.qtbot.wait(1)
        QTest.mouseRelease(shown, Qt.MouseButton.LeftButton, pos=end)
        self.qtbot.wait(1)

    def key(
        self,
        key: Qt.Key,
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
        where: QWidget | None = None,
    ) -> None:
        """Press a key."""
        QTest.keyClick(where or self.view(), key, modifier)
        self.qtbot.wait(1)

    @property
    def message(self) -> str:
        """Return the sentence that is shown."""
        bar = self.window.message
        return str(bar.text.text()) if bar.isVisible() else ""

    def wheel(self, lps_mm: Sequence[float] | Points, notches: int, view: str = "axial", zoom: bool = False) -> None:
        """Turn the wheel over a patient point; with Ctrl held when it is to zoom."""
        shown = self.view(view)
        place = QPointF(self.at(lps_mm, view))
        held = Qt.KeyboardModifier.ControlModifier if zoom else Qt.KeyboardModifier.NoModifier
        for _ in range(abs(notches)):
            turn = QPoint(0, 120 if notches > 0 else -120)
            none, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
            event = QWheelEvent(place, shown.mapToGlobal(place), QPoint(), turn, none, held, phase, False)
            QApplication.sendEvent(shown, event)
            self.qtbot.wait(1)

    def crosshair(self, lps_mm: Sequence[float] | Points, view: str) -> None:
        """Move the crosshair with Shift held."""
        shown = self.view(view)
        place = QPointF(self.at(lps_mm, view))
        none, shift = Qt.MouseButton.NoButton, Qt.KeyboardModifier.ShiftModifier
        for offset in (QPointF(2, 0), QPointF(0, 0)):
            at = place + offset
            event = QMouseEvent(QEvent.Type.MouseMove, at, shown.mapToGlobal(at), none, none, shift)
            QApplication.sendEvent(shown, event)
        self.qtbot.wait(1)

    def picture(self, name: str, large: bool = False) -> None:
        """Keep a picture of the window at the size of a laptop and, where asked for, of a workstation."""
        OUT.mkdir(parents=True, exist_ok=True)
        for width, height in ((1920, 1080), (1280, 800)) if large else ((1280, 800),):
            self.window.resize(width, height)
            self.settle()
            self.window.grab().save(str(OUT / f"{name}_{width}x{height}.png"))

    def mark_sphere(self, centre_lps_mm: Sequence[float] | Points, radius_mm: float = 8.0) -> None:
        """Mark a sphere as a lesion by a drag in the axial view."""
        centre = np.asarray(centre_lps_mm)
        self.step(Step.LESIONS)
        self.click("tool_sphere")
        self.drag(self.at(centre), self.at(centre + np.array([radius_mm, 0.0, 0.0])))

    def lay_needles(self, lesion_lps_mm: Points) -> None:
        """Lay a left and a right needle into a lesion through the keys T and E."""
        self.step(Step.NEEDLES)
        for name, side in (("add_left", 1.0), ("add_right", -1.0)):
            self.click(name)
            self.hover(lesion_lps_mm + np.array([6.0 * side, 0.0, 0.0]))
            self.key(Qt.Key.Key_T)
            self.hover(lesion_lps_mm + BACK * np.array([side, 1.0, 1.0]))
            self.key(Qt.Key.Key_E)
        self.settle()


def pixels(image: QImage) -> np.ndarray:
    """Return (rows, columns, 3) the red, green and blue of a picture."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


@dataclass(frozen=True)
class Small:
    """The small phantom on the disk, and the places in it that a test needs, LPS mm."""

    folder: Path
    truth: dict[str, Any]

    @property
    def lesion(self) -> Points:
        return np.array(self.truth["lesions"][0]["centre_lps_mm"])

    @property
    def level(self) -> dict[str, Any]:
        wanted = self.truth["lesions"][0]["level"]
        return next(level for level in self.truth["levels"] if level["name"] == wanted)

    def canal(self, z_mm: float) -> Points:
        line = np.array(self.truth["canal"]["centre_lps_mm"])
        return np.asarray(line[np.argmin(np.abs(line[:, 2] - z_mm))])
