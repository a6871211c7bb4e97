"""Answers that are kept as long as what they were computed from, so that a drag does not compute them every time."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

_Value = TypeVar("_Value")


class Remembered(Generic[_Value]):
    """The last few answers per owner (a CT, an ice result); forgotten with the owner. Safe to share between threads."""

    def __init__(self, most_per_owner: int = 16) -> None:
        self._most = most_per_owner
        self._known: weakref.WeakKeyDictionary[Any, dict[Hashable, _Value]] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def known(self, owner: object, key: Hashable) -> _Value | None:
        """Return the answer for a key if it was made already."""
        with self._lock:
            return self._known.get(owner, {}).get(key)

    def get(self, owner: object, key: Hashable, make: Callable[[], _Value]) -> _Value:
        """Return the answer for a key, made now if it is not known; the owner is compared by identity or equality."""
        with self._lock:
            answers = self._known.setdefault(owner, {})
            if key in answers:
                return answers[key]
        value = make()
        with self._lock:
            answers[key] = value
            while len(answers) > self._most:
                del answers[next(iter(answers))]
        return value
