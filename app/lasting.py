"""Keeps None, True, False and NotImplemented alive under Python 3.11.

The wheels of PySide6 6.12.0 are compiled against headers in which these objects are immortal (PEP 683, Python 3.12), so
they return them without counting the reference. Under Python 3.11 each call of a Qt function that returns nothing, and
each signal, takes one reference away; after minutes of mouse moves the interpreter ends with "deallocating None".
Measured: -1 on None per `QTimer.stop()`, -1 on True per `Signal.emit()`; 6.11.2 does not do it. Giving the four objects
more references than any session can take makes them as lasting as Python 3.12 makes them.
"""

from __future__ import annotations

import ctypes
import sys
import sysconfig

_ENOUGH = 1 << 40


def keep_constants_alive() -> None:
    """Give the four constants references to spare; does nothing where the interpreter already keeps them for ever."""
    if sys.version_info >= (3, 12) or sys.maxsize < 2**32 or sysconfig.get_config_var("Py_TRACE_REFS"):
        return
    for constant in (None, True, False, NotImplemented):
        count = ctypes.c_ssize_t.from_address(id(constant))  # the first field of every object of CPython 3.11
        if count.value < _ENOUGH:
            count.value += _ENOUGH
