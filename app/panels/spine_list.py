"""What was found of the spine: in words for the list of vertebrae and for the chosen one, and what of it is drawn."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.desk import Desk
from app.finding import Finding
from app.panels.switches import Switches
from app.panels.widgets import button, label
from app.panels.words import UNKNOWN, mm
from cvt_planner.anatomy.counting import DOUBTFUL
from cvt_planner.anatomy.spine.model import SideName, Vertebra

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


class FoundSpine(QWidget):
    """How the search stands, what is known of the chosen vertebra, and what of the spine is drawn."""

    def __init__(self, desk: Desk, finding: Finding) -> None:
        super().__init__()
        self.desk = desk
        self.finding = finding
        inside = QVBoxLayout(self)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        self._state = label("", "hint", "spine_state")
        self.look = button("Find the spine", finding.search, icon="target", name="find_spine")
        self._about = label("", "hint", "spine_about")
        self._switches = Switches(desk, _SWITCHES, density=True)
        for part in (self._state, self.look, self._about, self._switches):
            inside.addWidget(part)
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
        self._switches.setVisible(spine is not None)
        self._switches.refresh()
        self._about.setVisible(chosen is not None)
        if chosen is not None:
            self._about.setText(about(chosen))

    def _state_words(self) -> str:
        if self.desk.volume is None:
            return "Open a CT first."
        if self.finding.running:
            return "The spine is being looked for; the window can be used meanwhile."
        found = self.desk.workspace.state.spine
        if found is None:
            return "The spine of this CT was not looked for yet."
        return " ".join(found.notices)

    def _changed(self) -> None:
        if self.isVisible():
            self.refresh()

    def showEvent(self, event: object) -> None:
        """Look again when entered."""
        self.refresh()


def is_doubtful(vertebra: Vertebra) -> bool:
    """Return whether the list marks a vertebra: its confidence is low, or it is cut off."""
    return vertebra.confidence < DOUBTFUL or not vertebra.complete


def sure_words(vertebra: Vertebra) -> str:
    """Return the confidence."""
    return f"{100 * vertebra.confidence:.0f} %"


def widths_words(vertebra: Vertebra) -> str:
    """Return the widths of the right and the left pedicle, mm, as they lie on the screen; each may be not judged."""
    found = [vertebra.pedicle(side) for side in _SIDES]
    if all(pedicle is None for pedicle in found):
        return UNKNOWN
    if not any(pedicle is not None and pedicle.judged for pedicle in found):
        return NOT_JUDGED
    return " | ".join(f"{p.width_mm:.1f}" if p is not None and p.judged else UNKNOWN for p in found)


def about(vertebra: Vertebra) -> str:
    """Return in sentences what is known of a vertebra, and what is doubtful."""
    words = [f"Confidence {sure_words(vertebra)}."]
    if vertebra.complete:
        size = (vertebra.width_mm, vertebra.depth_mm, vertebra.height_mm)
        words.append("Body {:.0f} × {:.0f} × {:.0f} mm (width, depth, height).".format(*size))
    else:
        words.append("It is cut off by the edge of the CT and not measured.")
    for side in _SIDES:
        pedicle = vertebra.pedicle(side)
        if pedicle is None:
            words.append(f"No {side} pedicle was measured.")
        elif pedicle.judged:
            sizes = f"{mm(pedicle.width_mm, 1)} wide, {mm(pedicle.height_mm, 1)} high at its isthmus"
            words.append(f"{side.capitalize()} pedicle {sizes}.")
        else:
            words.append(f"{side.capitalize()} pedicle {NOT_JUDGED}. {pedicle.doubt}".rstrip())
    return " ".join(dict.fromkeys((*words, *vertebra.doubts)))
