"""The fields of a probe card: what the instructions for use say, typed by hand or read from a file."""

from __future__ import annotations

import datetime
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFormLayout, QGridLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.bridge.forms import FieldForm
from app.panels.widgets import button, form, label, named
from cvt_planner.base.errors import InputRefused, PlannerError
from cvt_planner.base.fields import field_infos
from cvt_planner.devices.cryoprobe import CryoprobeModel
from cvt_planner.planning.probe_card import (
    MOST_ROWS,
    CardBench,
    CardIsotherm,
    CardOrigin,
    CardProbe,
    CustomMedium,
    MediumKind,
    ProbeCard,
    protocol_of,
    protocol_text,
)

_LABEL_PX, _SHORT_LABEL_PX = 136, 76
_ROWS = 5
_COLUMNS = ("Isotherm, °C", "Width, mm", "Length, mm", "Beyond tip, mm", "After, min")
_NAMES = ("temperature", "width", "length", "beyond", "after")


class IsothermRows(QWidget):
    """One line of fields per isotherm; a line without width and length is no isotherm."""

    typed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(4)
        self._grid.setVerticalSpacing(4)
        for column, words in enumerate(_COLUMNS):
            heading = label(words, "hint")
            heading.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom)
            self._grid.addWidget(heading, 0, column)
            self._grid.setColumnStretch(column, 1)
        self._cells: list[list[QLineEdit]] = []
        self.show_isotherms((), 0.0)

    def show_isotherms(self, rows: tuple[CardIsotherm, ...], end_s: float) -> None:
        """Show the isotherms of a card; 0, -20 and -40 °C to be filled in where there are none."""
        while len(self._cells) < max(_ROWS, len(rows)):
            self.add_row()
        for line in self._cells:
            for cell in line:
                cell.clear()
        if not rows:
            for line, words in zip(self._cells, ("0", "-20", "-40"), strict=False):
                line[0].setText(words)
        for line, row in zip(self._cells, rows, strict=False):
            beyond = "" if row.beyond_tip_mm is None else f"{row.beyond_tip_mm:g}"
            after = "" if abs(row.at_s - end_s) < 1e-6 else f"{row.at_s / 60.0:.6g}"
            texts = (f"{row.temperature_c:g}", f"{row.width_mm:g}", f"{row.length_mm:g}", beyond, after)
            for cell, text in zip(line, texts, strict=True):
                cell.setText(text)

    def add_row(self) -> None:
        """Add an empty line."""
        if len(self._cells) >= MOST_ROWS:
            return
        at = len(self._cells) + 1
        line = []
        for column, name in enumerate(_NAMES):
            cell = named(QLineEdit(), f"card_{name}_{at}")
            cell.setAccessibleName(f"{_COLUMNS[column]}, line {at}")
            cell.setMinimumWidth(40)
            cell.textEdited.connect(lambda _text: self.typed.emit())
            self._grid.addWidget(cell, at, column)
            line.append(cell)
        line[4].setPlaceholderText("end")
        self._cells.append(line)

    def isotherms(self, end_s: float) -> tuple[CardIsotherm, ...]:
        """Return what was typed; raise `InputRefused` naming the line."""
        found = []
        for at, line in enumerate(self._cells, start=1):
            texts = [cell.text().strip() for cell in line]
            if not texts[1] and not texts[2]:
                continue
            try:
                found.append(_isotherm(texts, end_s))
            except PlannerError as refused:
                raise InputRefused(f"Line {at} of the isotherms: {refused}") from refused
        return tuple(found)


def _isotherm(texts: list[str], end_s: float) -> CardIsotherm:
    temperature, width, length, beyond, after = texts
    return CardIsotherm(
        temperature_c=_number(temperature, _COLUMNS[0]),
        width_mm=_number(width, _COLUMNS[1]),
        length_mm=_number(length, _COLUMNS[2]),
        at_s=60.0 * _number(after, _COLUMNS[4]) if after else end_s,
        beyond_tip_mm=_number(beyond, _COLUMNS[3]) if beyond else None,
    )


def _number(text: str, what: str) -> float:
    name, unit = what.split(", ")
    if not text:
        raise InputRefused(f"the {name.lower()} is missing. Type it in {unit}, or empty the line.")
    try:
        return float(text.replace("−", "-").replace(",", "."))
    except ValueError:
        raise InputRefused(f"{text!r} is not a number. Type the {name.lower()} in {unit}.") from None


class CardForm(QWidget):
    """Two columns of fields that make up a card."""

    edited = Signal()  # by hand

    def __init__(self) -> None:
        super().__init__()
        self.touched = False  # something was typed, or a card read, that must not be lost
        self._typical: CardProbe | None = None  # whose assumed numbers the fields began with
        self.probe = FieldForm(CardProbe("", "17 G", 1.47, 15.0))
        self.bench = FieldForm(CardBench())
        self.custom = FieldForm(CustomMedium())
        self.origin = FieldForm(CardOrigin(date=datetime.date.today().isoformat()))
        self.protocol = named(QLineEdit("10"), "card_protocol")
        self.protocol.setToolTip("Minutes of freeze, or of freeze, thaw and freeze, for example 10 or 10-5-10")
        self.rows = IsothermRows()
        for one in (self.probe, self.bench, self.custom, self.origin):
            _align(one, _SHORT_LABEL_PX if one is self.origin else _LABEL_PX)
            one.edited.connect(lambda _record: self._edited())
        self.rows.typed.connect(self._edited)
        self.protocol.textEdited.connect(lambda _text: self._edited())
        columns = QHBoxLayout(self)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(16)
        columns.addWidget(self._left(), 8)
        self.right = QVBoxLayout()
        self.right.setSpacing(6)
        columns.addLayout(self.right, 10)
        self._fill_right()
        self._look()

    def card(self) -> ProbeCard:
        """Return the card as typed; raise `InputRefused` saying what is missing or wrong."""
        protocol = protocol_of(self.protocol.text().strip())
        end_s = sum(phase.seconds for phase in protocol)
        return ProbeCard(
            probe=self._typed_probe(),
            bench=self.bench.record,
            protocol=protocol,
            isotherms=self.rows.isotherms(end_s),
            origin=self.origin.record,
            custom=self.custom.record,
        )

    def show_card(self, card: ProbeCard) -> None:
        """Show a card that was read from a file."""
        self.touched = True
        self._typical = card.probe
        self.probe.show_record(card.probe)
        self.bench.show_record(card.bench)
        self.custom.show_record(card.custom)
        self.origin.show_record(card.origin)
        self.protocol.setText(protocol_text(card.protocol))
        self.rows.show_isotherms(card.isotherms, sum(phase.seconds for phase in card.protocol))
        self._look()

    def begin_with(self, model: CryoprobeModel) -> None:
        """Fill in the geometry of a probe of the catalogue, to be corrected from the instructions for use."""
        names = [name for name, info in field_infos(CardProbe).items() if info.minimum is not None]
        values = {name: getattr(model, name) for name in names}
        assumed = tuple(name for name in model.assumed if name in values)
        plain = model.name.removesuffix(f", {model.gauge}")
        self._typical = CardProbe(name=plain, gauge=model.gauge, assumed=assumed, **values)
        self.probe.show_record(self._typical)

    def _typed_probe(self) -> CardProbe:
        """Return the probe; a number that was changed by hand is not assumed any more."""
        record: CardProbe = self.probe.record
        first = self._typical
        if first is None:
            return record
        kept = tuple(name for name in first.assumed if getattr(record, name) == getattr(first, name))
        return replace(record, assumed=kept)

    def _left(self) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(label("Probe, as the instructions for use say", "section"))
        column.addWidget(self.probe)
        column.addWidget(label("How the isotherms were made", "section"))
        column.addWidget(self.bench)
        protocol = form(("Protocol, min", self.protocol))
        first_column(protocol)
        column.addWidget(protocol)
        self._custom_words = label("Thermal properties of the medium", "section")
        column.addWidget(self._custom_words)
        column.addWidget(self.custom)
        self.left = column
        return holder

    def _fill_right(self) -> None:
        self.right.addWidget(label("Isotherms on the card", "section"))
        self.right.addWidget(self.rows)
        self.right.addWidget(
            button("Add a line", self.rows.add_row, role="link", name="card_add_row"), 0, Qt.AlignmentFlag.AlignLeft
        )
        self.right.addWidget(label("Which paper, who typed it", "section"))
        self.right.addWidget(self.origin)

    def _edited(self) -> None:
        self.touched = True
        self._look()
        self.edited.emit()

    def _look(self) -> None:
        own = self.bench.record.medium is MediumKind.CUSTOM
        self.custom.setVisible(own)
        self._custom_words.setVisible(own)


def _align(one: FieldForm, label_px: int) -> None:
    """Give every form's labels the same width, so that the fields stand under each other."""
    layout = one.layout()
    if isinstance(layout, QFormLayout):
        for row in range(layout.rowCount()):
            item = layout.itemAt(row, QFormLayout.ItemRole.LabelRole)
            words = item.widget() if item is not None else None
            if words is not None:
                words.setFixedWidth(label_px)
                words.setProperty("role", "hint")
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(5)


def first_column(holder: QWidget) -> None:
    """Give the label of a single field the width of the others'."""
    layout = holder.layout()
    if isinstance(layout, QGridLayout):
        layout.setColumnMinimumWidth(0, _LABEL_PX)
