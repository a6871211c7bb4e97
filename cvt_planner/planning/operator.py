"""Who works with the program, and when: for what an operator confirms."""

from __future__ import annotations

import getpass
from datetime import datetime


def who() -> str:
    """Return the name the computer knows its user by."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no user is known to the system
        return "unknown user"


def now() -> str:
    """Return the present date and time with its zone, ISO, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
