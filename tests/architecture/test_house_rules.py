"""The house rules that neither the type checker nor the import linter can see."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*(ROOT / "cvt_planner").rglob("*.py"), *(ROOT / "app").rglob("*.py")])
LONGEST_FILE = 400


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _imports(path: Path) -> tuple[str, ...]:
    return tuple(_imported(_parsed(path)))


def _imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _where(*packages: str) -> set[str]:
    """Return the files (relative to the root) that import one of the packages."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if any(name.split(".")[0] in packages for name in _imports(path))
    }


def test_the_core_imports_where_qt_and_vtk_are_absent() -> None:
    program = """
import importlib, pkgutil, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("PySide6", "shiboken6", "vtkmodules", "vtk"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import cvt_planner
names = [m.name for m in pkgutil.walk_packages(cvt_planner.__path__, "cvt_planner.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


def test_dicom_and_itk_enter_through_imaging() -> None:
    outside = {
        path
        for path in _where("pydicom", "SimpleITK")
        if not path.startswith(("cvt_planner/imaging/", "cvt_planner/phantom/"))
    }
    assert not outside


def test_vtk_lives_in_render_and_is_never_imported_whole() -> None:
    assert not _where("vtk")
    assert not {path for path in _where("vtkmodules") if not path.startswith("app/render/")}


def test_numba_has_one_door() -> None:
    assert _where("numba") <= {"cvt_planner/base/compiled.py"}


def test_window_threads_are_made_in_one_place() -> None:
    makers = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if path.is_relative_to(ROOT / "app")
        and re.search(
            r"\b(QThread|QThreadPool|QRunnable|threading\.Thread|ThreadPoolExecutor)\(", path.read_text("utf-8")
        )
    }
    assert makers <= {"app/bridge/jobs.py"}


@pytest.mark.parametrize("word", ["processEvents(", "/work/", "QVTKRenderWindowInteractor("])
def test_words_that_must_not_stand_in_the_code(word: str) -> None:
    assert not [p.relative_to(ROOT).as_posix() for p in SOURCES if word in p.read_text(encoding="utf-8")]


def test_files_stay_small() -> None:
    files = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    lengths = {p.relative_to(ROOT).as_posix(): len(p.read_text(encoding="utf-8").splitlines()) for p in files}
    assert not {path: n for path, n in lengths.items() if n > LONGEST_FILE}


def test_public_functions_and_classes_say_what_they_return() -> None:
    silent = [
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno} {node.name}"
        for path in SOURCES
        if path.is_relative_to(ROOT / "cvt_planner")
        for node in _parsed(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]
    assert not silent
