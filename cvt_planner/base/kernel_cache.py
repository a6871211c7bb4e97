"""Where compiled kernels are kept, and when they are out of date; numba asks (`NUMBA_CACHE_LOCATOR_CLASSES`).

numba's own rule looks at the file of the kernel alone: a kernel that calls one of another file goes stale without
notice. Here all kernels are out of date when the text of any file with kernels changes. And numba's own rule finds no
place at all for a frozen program's kernels unless it is told one, nor one that can be shipped.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

DOOR = b"cvt_planner.base.compiled import"  # a file that has kernels imports them from there
STAMP_FILE = "kernels-stamp"  # beside a frozen program: the stamp of the sources it was made from
_MARK = 8  # letters of the stamp in a file's name
SHIPPED = "kernels"  # beside a frozen program: kernels compiled when it was made


@functools.cache
def source_stamp() -> str:
    """Return a digest of all sources that hold kernels (frozen: of those the program was made from)."""
    bundle = getattr(sys, "_MEIPASS", None)
    if bundle is not None:
        return (Path(bundle) / STAMP_FILE).read_text(encoding="ascii")
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).resolve().parents[1].rglob("*.py")):
        text = path.read_bytes()
        if DOOR in text or path.name == "compiled.py":
            digest.update(text)
    return digest.hexdigest()[:16]


@functools.cache
def own_folder() -> Path:
    """Return this user's folder for kernels, filled with the shipped ones when it is made."""
    told = os.environ.get("NUMBA_CACHE_DIR")
    if told:
        return Path(told)
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "cvt-planner" / f"kernels-{source_stamp()}"
    shipped = Path(getattr(sys, "_MEIPASS", "")) / SHIPPED
    if getattr(sys, "frozen", False) and shipped.is_dir() and not folder.exists():
        partial = folder.with_name(f"{folder.name}.{os.getpid()}")
        try:
            shutil.copytree(shipped, partial)
            partial.rename(folder)
        except OSError:  # another process was quicker, or the disk is full: numba compiles what is missing
            shutil.rmtree(partial, ignore_errors=True)
    return folder


class KernelLocator:
    """Tells numba where one function's compiled code lies; the methods are numba's."""

    def __init__(self, module: str, line: int, source: Path) -> None:
        self._module = module
        self._line = line
        self._source = source

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> KernelLocator:
        """Return the locator of a function."""
        return cls(py_func.__module__, py_func.__code__.co_firstlineno, Path(py_file))

    def get_cache_path(self) -> str:
        """Return the folder: beside the sources where they can be written, else the user's own."""
        beside = self._source.parent
        if "NUMBA_CACHE_DIR" not in os.environ and not getattr(sys, "frozen", False) and os.access(beside, os.W_OK):
            return str(beside / "__pycache__")
        return str(own_folder() / self._module)

    def ensure_cache_path(self) -> None:
        """Make the folder; beside the sources, take away what was compiled from older ones."""
        folder = Path(self.get_cache_path())
        folder.mkdir(parents=True, exist_ok=True)
        if folder.name == "__pycache__":
            _clear_older(folder)

    def get_source_stamp(self) -> str:
        """Return what must be the same for the compiled code to be used."""
        return source_stamp()

    def get_disambiguator(self) -> str:
        """Return what tells functions of one name apart, and files of other sources.

        numba writes a function's index before its code. Under one name for all sources, an index that was just written,
        or whose writer was stopped there, led to the code of older sources: the program died of it.
        """
        return f"{self._line}-{source_stamp()[:_MARK]}"


@functools.cache
def _clear_older(folder: Path) -> None:
    """Take away a folder's kernels of other sources, once in a process."""
    for kernel in folder.glob("*.nb[ic]"):
        if f"-{source_stamp()[:_MARK]}." not in kernel.name:
            kernel.unlink(missing_ok=True)
