"""Strict reading of plain JSON values; what does not fit is refused by its key."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import InputRefused

_T = TypeVar("_T")


def an_object(value: object, where: str) -> Mapping[str, Any]:
    """Return the object; refuse anything else."""
    if not isinstance(value, dict):
        raise InputRefused(f"{where} must be a JSON object, not {kind_of(value)}.")
    return value


def kind_of(value: object) -> str:
    """Return what a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def only_known(data: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    """Refuse keys that are not known."""
    for key in data:
        if key not in keys:
            raise InputRefused(f"{where} has an unknown key {key!r}; known are {', '.join(keys)}.")


def need(data: Mapping[str, Any], key: str, where: str) -> Any:
    """Return the value of a key that must be there."""
    if key not in data:
        raise InputRefused(f"{where} lacks {key!r}; add it.")
    return data[key]


def get(data: Mapping[str, Any], key: str, read: Callable[[object, str], _T], default: _T) -> _T:
    """Return the value of a key, read, or the default where it is absent."""
    return read(data[key], key) if key in data else default


def number(value: object, where: str) -> float:
    """Return a finite number; refuse anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputRefused(f"{where!r} must be a number, not {kind_of(value)}.")
    try:
        found = float(value)
    except OverflowError as error:
        raise InputRefused(f"{where!r} is too large a number.") from error
    if not math.isfinite(found):
        raise InputRefused(f"{where!r} must be a finite number, not {found}.")
    return found


def a_list(value: object, where: str) -> list[Any]:
    """Return a list; refuse anything else."""
    if not isinstance(value, list):
        raise InputRefused(f"{where!r} must be a list, not {kind_of(value)}.")
    return value


def numbers(value: object, where: str) -> tuple[float, ...]:
    """Return a list of finite numbers."""
    return tuple(number(v, f"{where}[{n}]") for n, v in enumerate(a_list(value, where)))


def point(value: object, where: str) -> Vec3:
    """Return three numbers x, y, z."""
    found = numbers(value, where)
    if len(found) != 3:
        raise InputRefused(f"{where!r} must be a list of three numbers, x, y and z.")
    return (found[0], found[1], found[2])
