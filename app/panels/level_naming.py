"""Confirming one vertebra, saying how it was counted, and moving all names at once."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.naming import Naming
from app.panels.widgets import Choice, beside, button, form, label, set_role
from cvt_planner.anatomy.levels import SCHEMES, LevelScheme
from cvt_planner.plan import edits
from cvt_planner.plan.level_state import anchors, how_counted, mark_of, standing
from cvt_planner.plan.model import LevelMark, Plan
from cvt_planner.plan.naming import NamedVertebra

WITHHELD = "Until one is, final proposals and the CT-room sheet are withheld."
_LANDMARKS = (
    ("recognised by itself", ""),
    ("S1, the sacrum", "S1"),
    ("T12, the last rib", "T12"),
    ("T1, the first rib", "T1"),
    ("C2, the dens", "C2"),
)
_PICTURES = (
    ("the views of this CT", ""),
    ("its localiser", "the localiser of this CT"),
    ("another CT", "another CT of this patient"),
    ("an MR", "an MR of this patient"),
    ("a radiograph", "a radiograph of this patient"),
)
STANDS_WORDS = {
    "confirmed": "confirmed",
    "counted": "counted",
    "doubtful": "in doubt",
    "proposed": "proposed",
    "marked": "not yet",
    "": "no name",
}


class LevelNaming(QWidget):
    """Which vertebra is at the crosshair, the button that confirms it, and how the names came about."""

    def __init__(self, naming: Naming) -> None:
        super().__init__()
        self.naming = naming
        self.desk = naming.desk
        self._choice_of: tuple[object, ...] = ()  # what the chosen level was chosen for
        inside = QVBoxLayout(self)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        self._state = label("", "look", "level_state")
        self._here = label("", "hint", "level_here")
        self.level = Choice("level_choice")
        self.level.activated.connect(lambda _n: self.refresh())
        self.counted_from = Choice("counted_from")
        self.counted_from.fill(_LANDMARKS, "")
        self.counted_from.activated.connect(lambda _n: self._counted())
        self.picture = Choice("counted_on")
        self.picture.fill(_PICTURES, "")
        self.picture.activated.connect(lambda _n: self._counted())
        tip = "Name the vertebra at the crosshair by hand, where none was found"
        self.mark = button("Mark at the crosshair", self._mark, icon="target", name="mark_level", tip=tip)
        self.confirm = button("Confirm", self._confirm, icon="check", role="primary", name="confirm_level")
        self._fields = form(("Level", self.level), ("Counted from", self.counted_from), ("Seen on", self.picture))
        for part in (self._state, self._here, self._fields, self.confirm, self.mark):
            inside.addWidget(part)

    def refresh(self) -> None:
        """Show how the names stand, and what would be confirmed."""
        plan, here = self.desk.plan, self.naming.here
        words, role = state_words(plan)
        self._state.setText(words)
        set_role(self._state, role)
        self._here.setText(self._here_words(here))
        self._here.setVisible(bool(self._here.text()))
        names = plan.scheme.names if plan else ()
        self.level.fill([(name, name) for name in names], self.level.currentData() or "L2")
        marked = self._target
        of = (here.vertebra.number, here.level) if here else (marked.level if marked else "",)
        if of != self._choice_of:  # the crosshair went elsewhere: what was chosen for the last vertebra is past
            self._choice_of = of
            proposed = here.level if here else marked.level if marked else ""
            if proposed:
                self.level.choose_quietly(proposed)
        target = self._target  # read again: it speaks of the level that is chosen by now
        self.counted_from.choose_quietly(self.naming.counted_from)
        self.picture.choose_quietly(self.naming.picture)
        self.mark.setEnabled(plan is not None)
        self.mark.setVisible(here is None)
        self.confirm.setEnabled(target is not None)
        self.confirm.setText(self._confirm_words(target))
        set_role(self.confirm, "" if target is not None and target.confirmed else "primary")

    @property
    def _target(self) -> LevelMark | None:
        """Return the mark that the button speaks of: what would be confirmed, or what is and would be taken back."""
        plan, here = self.desk.plan, self.naming.here
        if plan is None:
            return None
        if here is None:
            return mark_of(plan, self.desk.level)
        level = str(self.level.currentData() or here.level)
        confirmed = here.stands == "confirmed" and level == here.level
        return LevelMark(level, here.vertebra.centre_lps_mm, confirmed) if level else None

    def _confirm_words(self, target: LevelMark | None) -> str:
        if target is None:
            return "Confirm"
        here = " here" if self.naming.here is not None else ""
        return f"Not {target.level} after all" if target.confirmed else f"Confirm {target.level}{here}"

    def _here_words(self, here: NamedVertebra | None) -> str:
        if self.desk.workspace.state.spine is None:
            return "The spine of this CT is not found (yet): mark a vertebra by hand and confirm it."
        if here is None:
            return "No vertebra was found at the crosshair. Shift + move takes it into one."
        if not here.level:
            return "At the crosshair: a vertebra without a name."
        plan = self.desk.plan
        if plan is not None and here.stands in ("counted", "doubtful") and mark_of(plan, here.level) is not None:
            return f"At the crosshair: {here.words}. {how_counted(plan, here.level)}"
        return f"At the crosshair: {here.words}, {STANDS_WORDS[here.stands]}."

    def _mark(self) -> None:
        level, place = str(self.level.currentData()), self.desk.view_state.crosshair_lps_mm
        if self.desk.apply(edits.mark_level(level, place), f"Mark {level}"):
            self.desk.level = level
            self.desk.tell()

    def _confirm(self) -> None:
        target = self._target
        if target is None:
            return
        if target.confirmed:
            self.naming.take_back(target.level)
        else:
            self.naming.confirm(target.level, target.centre_lps_mm)

    def _counted(self) -> None:
        self.naming.counted_from = str(self.counted_from.currentData())
        self.naming.picture = str(self.picture.currentData())


class LevelMoving(QWidget):
    """All names one up or down, how many vertebrae the person has, and what the automatic proposal rests on."""

    def __init__(self, naming: Naming) -> None:
        super().__init__()
        self.naming = naming
        self.desk = naming.desk
        inside = QVBoxLayout(self)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        self.up = button("All one up", lambda: naming.renumber(-1), name="renumber_up", tip="L3 becomes L2, and so on")
        self.down = button("All one down", lambda: naming.renumber(1), name="renumber_down", tip="L2 becomes L3")
        self.scheme = Choice("level_scheme")
        self.scheme.fill([(scheme.words, scheme) for scheme in SCHEMES], SCHEMES[0])
        self.scheme.activated.connect(lambda _n: self._set_scheme())
        self.votes = label("", "hint", "level_votes")
        inside.addWidget(form(("Vertebrae", self.scheme), ("Names", beside(self.up, self.down))))
        inside.addWidget(self.votes)

    def refresh(self) -> None:
        """Show the scheme and the votes."""
        plan, numbering = self.desk.plan, self.desk.workspace.state.numbering
        named = plan is not None and bool(plan.levels or plan.lesions)
        self.up.setEnabled(named)
        self.down.setEnabled(named)
        self.scheme.setEnabled(plan is not None)
        if plan is not None:
            self.scheme.choose_quietly(plan.scheme)
        shown = numbering is not None and bool(numbering.votes)
        self.votes.setVisible(shown)
        if numbering is not None and shown:
            ends = list(numbering.names.values())
            proposal = f"Automatic proposal: {ends[0]}? to {ends[-1]}?, {100 * numbering.confidence:.0f} % probable."
            self.votes.setText(" ".join((proposal, *numbering.votes)))

    def _set_scheme(self) -> None:
        scheme = self.scheme.currentData()
        if isinstance(scheme, LevelScheme):
            self.naming.set_scheme(scheme)
        self.refresh()


def state_words(plan: Plan | None) -> tuple[str, str]:
    """Return how the plan's levels stand, as a sentence, and the role of the label that says so."""
    confirmed = anchors(plan) if plan is not None else ()
    if plan is None or not confirmed:
        return f"No vertebra is confirmed. {WITHHELD}", "look"
    doubts = [lesion.level for lesion in plan.lesions if standing(plan, lesion.level) not in ("confirmed", "counted")]
    words = " ".join(how_counted(plan, mark.level) for mark in confirmed)
    if doubts:
        return f"{words} Not established: {', '.join(dict.fromkeys(doubts))}.", "look"
    return words, "ok"
