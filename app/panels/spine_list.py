"""The vertebrae that were found: a list that takes the views there, and what of the spine is drawn."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QSlider, QVBoxLayout, QWidget

from app.desk import Desk
from app.finding import Finding
from app.panels.widgets import FigureTable, button, form, label, named, verdict_icon
from app.panels.words import mm
from cvt_planner.anatomy.counting import DOUBTFUL, vertebra_near
from cvt_planner.anatomy.spine.model import Pedicle, SideName, Spine, Vertebra
from cvt_planner.plan.level_state import level_words
from cvt_planner.plan.model import Plan

_SWITCHES = (
    ("vertebrae", "Vertebrae"),
    ("canal", "Canal"),
    ("pedicles", "Pedicles"),
    ("discs", "Discs"),
    ("surfaces", "3-D vertebrae"),
    ("bone", "3-D bone"),
)
_SIDES: tuple[SideName, SideName] = ("right", "left")  # as they lie on the screen
NOT_JUDGED = "not judged"


class SpineList(QWidget):
    """A row per vertebra with its confidence and pedicles; a click takes the views there."""

    def __init__(self, desk: Desk, finding: Finding) -> None:
        super().__init__()
        self.desk = desk
        self.finding = finding
        inside = QVBoxLayout(self)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        self._state = label("", "hint", "spine_state")
        self.look = button("Find the spine", finding.search, icon="target", name="find_spine")
        self.table = FigureTable("spine_table", ("Vertebra", "Sure", "Pedicle R", "Pedicle L"))
        self.table.itemSelectionChanged.connect(self._chosen)
        self._about = label("", "hint", "spine_about")
        for part in (self._state, self.look, self.table, self._about):
            inside.addWidget(part)
        self._switches = _Switches(desk)
        inside.addWidget(self._switches)
        desk.changed.connect(self._changed)
        finding.changed.connect(self._changed)
        self.refresh()

    def refresh(self) -> None:
        """Show what was found."""
        spine, chosen = self.finding.spine, self.finding.chosen
        self._state.setText(self._state_words())
        self._state.setVisible(bool(self._state.text()))
        self.look.setVisible(spine is None)
        self.look.setEnabled(self.desk.volume is not None and not self.finding.running)
        self.table.setVisible(spine is not None)
        self._switches.setVisible(spine is not None)
        self._about.setVisible(chosen is not None)
        if spine is None:
            return
        names = vertebra_names(spine, self.desk.plan)
        rows = [(str(v.number), (names[v.number], _sure(v), *_pedicle_texts(v))) for v in spine.found]
        self.table.show_rows(rows, str(chosen.number) if chosen else "")
        for v in spine.found:
            doubtful = v.confidence < DOUBTFUL or not v.complete
            self.table.mark(str(v.number), 0, verdict_icon("look" if doubtful else "ok"), " ".join(v.doubts))
        if chosen is not None:
            self._about.setText(about(chosen, names[chosen.number]))
        self._switches.refresh()

    def _state_words(self) -> str:
        if self.desk.volume is None:
            return "Open a CT first."
        if self.finding.running:
            return "The spine is being looked for; the window can be used meanwhile."
        found = self.desk.workspace.state.spine
        if found is None:
            return "The spine of this CT was not looked for yet."
        return " ".join(found.notices)

    def _chosen(self) -> None:
        if self.table.chosen:
            self.finding.choose(int(self.table.chosen))

    def _changed(self) -> None:
        if self.isVisible():
            self.refresh()

    def showEvent(self, event: object) -> None:
        """Look again when entered."""
        self.refresh()


class _Switches(QWidget):
    """Which structures are drawn, and how dense."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        self._boxes: dict[str, QCheckBox] = {}
        for n, (name, words) in enumerate(_SWITCHES):
            box = named(QCheckBox(words), f"show_{name}")
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            box.toggled.connect(partial(desk.view_state.show_overlay, name))
            grid.addWidget(box, n // 2, n % 2)
            self._boxes[name] = box
        self.opacity = named(QSlider(Qt.Orientation.Horizontal), "anatomy_opacity")
        self.opacity.setRange(0, 100)
        self.opacity.valueChanged.connect(lambda percent: desk.view_state.set_anatomy_opacity(percent / 100.0))
        self._percent = QLabel()
        grid.addWidget(form(("Density", self.opacity)), len(_SWITCHES) // 2, 0, 1, 1)
        grid.addWidget(self._percent, len(_SWITCHES) // 2, 1)

    def refresh(self) -> None:
        """Show what is switched on."""
        view = self.desk.view_state
        for name, box in self._boxes.items():
            box.blockSignals(True)
            box.setChecked(name in view.overlays)
            box.blockSignals(False)
        self.opacity.blockSignals(True)
        self.opacity.setValue(round(100 * view.anatomy_opacity))
        self.opacity.blockSignals(False)
        self._percent.setText(f"{round(100 * view.anatomy_opacity)} %")


def vertebra_names(spine: Spine, plan: Plan | None) -> dict[int, str]:
    """Return what each vertebra is called: its level as the plan has it, else its place from the top."""
    names = {vertebra.number: f"no. {vertebra.number}" for vertebra in spine.found}
    for mark in plan.levels if plan is not None else ():
        near = vertebra_near(spine, mark.centre_lps_mm)
        if near is not None and plan is not None:
            names[near.number] = level_words(plan, mark.level)
    return names


def about(vertebra: Vertebra, name: str) -> str:
    """Return in sentences what is known of a vertebra, and what is doubtful."""
    words = [f"{name}: confidence {_sure(vertebra)}."]
    if vertebra.complete:
        size = (vertebra.width_mm, vertebra.depth_mm, vertebra.height_mm)
        words.append("Body {:.0f} × {:.0f} × {:.0f} mm (width, depth, height).".format(*size))
    else:
        words.append("It is cut off by the edge of the CT and not measured.")
    for side in _SIDES:
        pedicle = vertebra.pedicle(side)
        if pedicle is None:
            words.append(f"No {side} pedicle was found.")
        elif pedicle.judged:
            sizes = f"{mm(pedicle.width_mm, 1)} wide, {mm(pedicle.height_mm, 1)} high at its isthmus"
            words.append(f"{side.capitalize()} pedicle {sizes}.")
        else:
            words.append(f"{side.capitalize()} pedicle {NOT_JUDGED}. {pedicle.doubt}".rstrip())
    return " ".join(dict.fromkeys((*words, *vertebra.doubts)))


def _sure(vertebra: Vertebra) -> str:
    return f"{100 * vertebra.confidence:.0f} %"


def _pedicle_texts(vertebra: Vertebra) -> tuple[str, str]:
    right, left = (_pedicle_text(vertebra.pedicle(side)) for side in _SIDES)
    return right, left


def _pedicle_text(pedicle: Pedicle | None) -> str:
    """Return width and height, so that the narrow side stands first."""
    if pedicle is None:
        return "—"
    return f"{pedicle.width_mm:.1f}×{pedicle.height_mm:.0f} mm" if pedicle.judged else NOT_JUDGED
