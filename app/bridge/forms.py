"""A small form built from the field metadata of a dataclass (`cvt_planner.base.fields`)."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Any, cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QLineEdit, QSpinBox, QWidget

from cvt_planner.base.errors import PlannerError
from cvt_planner.base.fields import FieldInfo, field_infos

WIDEST = 1e6  # limit of a number whose field names none


class FieldForm(QWidget):
    """Shows the described fields of a frozen dataclass and emits `edited` with a new instance when one changes.

    A value the dataclass refuses is not emitted; its sentence is shown below the form.
    """

    edited = Signal(object)

    def __init__(self, record: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._record = record
        self._editors: dict[str, QWidget] = {}
        self._message = QLabel()
        self._message.setWordWrap(True)
        self._message.hide()
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for name, info in field_infos(record).items():
            editor = self._editor(name, info, getattr(record, name))
            editor.setObjectName(f"field_{name}")
            if info.source:
                editor.setToolTip(info.source)
            self._editors[name] = editor
            layout.addRow(info.label, editor)
        layout.addRow(self._message)

    @property
    def record(self) -> Any:
        """Return the dataclass instance as edited."""
        return self._record

    def show_record(self, record: Any) -> None:
        """Show another instance of the same dataclass; nothing is emitted."""
        self._record = record
        for name, editor in self._editors.items():
            editor.blockSignals(True)
            _show(editor, getattr(record, name))
            editor.blockSignals(False)
        self._message.hide()

    def _editor(self, name: str, info: FieldInfo, value: Any) -> QWidget:
        if isinstance(value, bool):
            box = QCheckBox()
            box.setChecked(value)
            box.toggled.connect(lambda on: self._edit(name, on))
            return box
        if isinstance(value, Enum):
            combo = QComboBox()
            for member in type(value):
                combo.addItem(str(member.value), member)
            _show(combo, value)
            # By its place: Qt hands the data of a `StrEnum` back as a plain text.
            members = tuple(type(value))
            combo.currentIndexChanged.connect(lambda at: self._edit(name, members[at]))
            return combo
        if isinstance(value, int | float):
            return self._number(name, info, value)
        line = QLineEdit(str(value))
        line.editingFinished.connect(lambda: self._edit(name, line.text()))
        return line

    def _number(self, name: str, info: FieldInfo, value: float) -> QWidget:
        low = -WIDEST if info.minimum is None else info.minimum
        high = WIDEST if info.maximum is None else info.maximum
        if isinstance(value, int):
            whole = QSpinBox()
            whole.setRange(int(low), int(high))
            whole.setSingleStep(int(info.step or 1))
            whole.setSuffix(f" {info.unit}" if info.unit else "")
            whole.setValue(value)
            whole.valueChanged.connect(lambda number: self._edit(name, number))
            return whole
        spin = QDoubleSpinBox()
        spin.setDecimals(3 if high - low < 10 else 2)
        spin.setRange(low, high)
        spin.setSingleStep(info.step or (0.1 if high - low < 100 else 1.0))
        spin.setSuffix(f" {info.unit}" if info.unit else "")
        spin.setKeyboardTracking(False)
        spin.setValue(value)
        spin.valueChanged.connect(lambda number: self._edit(name, number))
        return spin

    def _edit(self, name: str, value: Any) -> None:
        try:
            self._record = replace(self._record, **{name: value})
        except PlannerError as refused:
            self._message.setText(str(refused))
            self._message.show()
            return
        self._message.hide()
        self.edited.emit(self._record)


def _show(editor: QWidget, value: Any) -> None:
    if isinstance(editor, QCheckBox):
        editor.setChecked(value)
    elif isinstance(editor, QComboBox):
        editor.setCurrentIndex(editor.findData(value))
    elif isinstance(editor, QSpinBox | QDoubleSpinBox):
        cast(Any, editor).setValue(value)
    elif isinstance(editor, QLineEdit):
        editor.setText(str(value))
