"""Forms built from field metadata: limits, units, refused values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLabel, QSpinBox
from pytestqt.qtbot import QtBot

from app.bridge.forms import FieldForm
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.fields import described
from cvt_planner.devices.cryoprobe import DEFAULT_CRYOPROBE, CryoprobeModel


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Record:
    size_mm: float = described("Size", unit="mm", minimum=1.0, maximum=9.0, default=2.0)
    count: int = described("Count", minimum=0, maximum=5, default=1)
    on: bool = described("On", default=False)
    colour: Colour = described("Colour", default=Colour.RED)  # noqa: RUF009  (a field)
    hidden: str = "not described"

    def __post_init__(self) -> None:
        if self.on and self.count == 0:
            raise InputRefused("Nothing to switch on.")


def test_every_described_field_has_its_editor_and_edits_make_new_records(qtbot: QtBot) -> None:
    form = FieldForm(Record())
    qtbot.addWidget(form)
    heard: list[Record] = []
    form.edited.connect(heard.append)
    size = form.findChild(QDoubleSpinBox, "field_size_mm")
    assert size.suffix() == " mm" and (size.minimum(), size.maximum()) == (1.0, 9.0)
    size.setValue(3.5)
    form.findChild(QSpinBox, "field_count").setValue(0)
    form.findChild(QComboBox, "field_colour").setCurrentIndex(1)
    assert heard[-1] == Record(3.5, 0, False, Colour.BLUE)
    assert form.findChild(object, "field_hidden") is None
    form.findChild(QCheckBox, "field_on").setChecked(True)
    assert len(heard) == 3
    assert any("Nothing to switch on." in label.text() for label in form.findChildren(QLabel))
    form.show_record(Record(2.5))
    assert size.value() == 2.5 and len(heard) == 3


def test_a_device_makes_a_form(qtbot: QtBot) -> None:
    form = FieldForm(DEFAULT_CRYOPROBE)
    qtbot.addWidget(form)
    heard: list[CryoprobeModel] = []
    form.edited.connect(heard.append)
    form.findChild(QDoubleSpinBox, "field_active_length_mm").setValue(22.0)
    assert heard == [replace(DEFAULT_CRYOPROBE, active_length_mm=22.0)]
