"""The password of a protected ZIP: from a file or asked for on a terminal; never from the command line itself, which
other users can see, and never kept."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cvt_planner.base.errors import InputRefused

_T = TypeVar("_T")
TRIES = 3
_MOST_BYTES = 4096


def with_password(args: argparse.Namespace, work: Callable[[str], _T]) -> _T:
    """Return what `work(password)` returns; the password is empty at first, and asked for when it is needed.

    Raises
    ------
    InputRefused
        What the work raises; `PasswordNeeded` where no password is given and nobody can be asked.
    """
    from cvt_planner.imaging.archives import PasswordNeeded

    password = _from_file(args.password_file) if args.password_file else ""
    for tried in range(TRIES + 1):
        try:
            return work(password)
        except PasswordNeeded as needed:
            if args.password_file or tried == TRIES or not (sys.stdin.isatty() and sys.stderr.isatty()):
                raise
            words = "That password does not open it. Password" if needed.wrong else "Password"
            password = getpass.getpass(f"\n{words} of {needed.zip_name}: ", sys.stderr)
    raise AssertionError("the last try returns or raises")


def _from_file(name: str) -> str:
    """Return the first line of a file."""
    try:
        with Path(name).open("rb") as stream:
            data = stream.read(_MOST_BYTES)
        return data.decode("utf-8-sig").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError) as fault:
        raise InputRefused(f"The password file {name} cannot be read, or its first line is empty.") from fault
