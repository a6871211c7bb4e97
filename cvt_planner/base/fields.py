"""Metadata of dataclass fields, from which forms are built: label, unit, limits, source."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from cvt_planner.base.errors import InputRefused

_KEY = "cvt"


@dataclass(frozen=True)
class FieldInfo:
    """What a form needs to know of one field."""

    label: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    source: str = ""  # where the default comes from; "assumed" where it comes from nowhere


def described(
    label: str,
    *,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    step: float | None = None,
    source: str = "",
    default: Any = MISSING,
) -> Any:
    """Return a dataclass field that carries a `FieldInfo`."""
    metadata = {_KEY: FieldInfo(label, unit, minimum, maximum, step, source)}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


def field_infos(record: Any) -> dict[str, FieldInfo]:
    """Return the described fields of a dataclass (or an instance), by name, in order."""
    return {f.name: f.metadata[_KEY] for f in fields(record) if _KEY in f.metadata}


def check_limits(record: Any) -> None:
    """Raise `InputRefused`, naming the field, when a described number lies outside its limits or is not finite."""
    for name, info in field_infos(record).items():
        value = getattr(record, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        low = info.minimum if info.minimum is not None else float("-inf")
        high = info.maximum if info.maximum is not None else float("inf")
        if not low <= value <= high or value in (float("inf"), float("-inf")):
            unit = f" {info.unit}" if info.unit else ""
            raise InputRefused(f"{info.label}: {value:g}{unit} is outside {low:g} to {high:g}{unit}.")
