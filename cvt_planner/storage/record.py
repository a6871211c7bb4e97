"""Reading JSON with a sentence for everything that is not as it should be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import InputRefused

_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True)
class Record:
    """One JSON object, with where it stands in the file; each method raises `InputRefused` naming that place."""

    values: dict[str, Any]
    where: str

    @classmethod
    def of(cls, value: object, where: str) -> Record:
        """Return a record of a value that must be a JSON object."""
        if not isinstance(value, dict):
            raise InputRefused(f"{where} is not an object")
        return cls(value, where)

    def _get(self, key: str) -> Any:
        if key not in self.values:
            raise InputRefused(f"{self.where} lacks {key!r}")
        return self.values[key]

    def _wrong(self, key: str, wanted: str) -> InputRefused:
        return InputRefused(f"{key!r} of {self.where} is not {wanted}")

    def has(self, key: str) -> bool:
        """Return whether the object says anything under a key."""
        return key in self.values

    def only(self, *keys: str) -> None:
        """Refuse an object with a key that is not among these: a misspelt key must not go unread."""
        for key in self.values:
            if key not in keys:
                raise InputRefused(f"{self.where} has an unknown key {key!r}; known are {', '.join(keys)}")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings."""
        value = self.items(key)
        if not all(isinstance(one, str) for one in value):
            raise self._wrong(key, "a list of texts")
        return tuple(value)

    def text(self, key: str) -> str:
        """Return a string."""
        value = self._get(key)
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self._get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def number(self, key: str) -> float:
        """Return a finite number."""
        return self._finite(key, self._get(key))

    def whole(self, key: str) -> int:
        """Return a whole number."""
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(key, "a whole number")
        return value

    def numbers(self, key: str, count: int | None = None) -> tuple[float, ...]:
        """Return a list of finite numbers, of that length when it is given."""
        value = self._get(key)
        if not isinstance(value, list) or (count is not None and len(value) != count):
            raise self._wrong(key, f"a list of {count if count is not None else 'any'} numbers")
        return tuple(self._finite(key, v) for v in value)

    def point(self, key: str) -> Vec3:
        """Return a point or direction."""
        x, y, z = self.numbers(key, 3)
        return (x, y, z)

    def point_or_none(self, key: str) -> Vec3 | None:
        """Return a point, or None where the file says null."""
        return None if self._get(key) is None else self.point(key)

    def number_or_none(self, key: str) -> float | None:
        """Return a number, or None where the file says null."""
        return None if self._get(key) is None else self.number(key)

    def choice(self, key: str, kind: type[_Choice]) -> _Choice:
        """Return a member of an enumeration."""
        value = self.text(key)
        for member in kind:
            if member.value == value:
                return member
        raise self._wrong(key, "one of " + ", ".join(member.value for member in kind))

    def record(self, key: str) -> Record:
        """Return an object inside this one."""
        return Record.of(self._get(key), f"{self.where}.{key}")

    def record_or_none(self, key: str) -> Record | None:
        """Return an object inside this one, or None where the file says null."""
        return None if self._get(key) is None else self.record(key)

    def records(self, key: str) -> Iterator[Record]:
        """Yield the objects of a list, in order."""
        for number, value in enumerate(self.items(key)):
            yield Record.of(value, f"{self.where}.{key}[{number}]")

    def items(self, key: str) -> list[Any]:
        """Return a list of anything."""
        value = self._get(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return value

    def _finite(self, key: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number")
        try:
            number = float(value)
        except OverflowError:
            raise self._wrong(key, "a number of sensible size") from None
        if not math.isfinite(number):
            raise self._wrong(key, "a finite number")
        return number
