"""Compiled kernels are kept, used again, and out of date when any kernel's source changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CALLER = """
from cvt_planner.base.compiled import kernel
from cvt_planner.geometry.called import twice

@kernel
def caller(x: float) -> float:
    return twice(x) + 1.0
"""
CALLED = """
from cvt_planner.base.compiled import kernel

@kernel
def twice(x: float) -> float:
    return {factor} * x
"""
PROGRAM = """
from cvt_planner.geometry.caller import caller
value = caller(3.0)
print(value, sum(caller.stats.cache_hits.values()))
"""


def _run(folder: Path) -> list[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "PYTHONPATH"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_a_changed_kernel_makes_its_callers_stale(tmp_path: Path) -> None:
    package = tmp_path / "cvt_planner"
    for part in ("base", "geometry"):
        shutil.copytree(ROOT / "cvt_planner" / part, package / part, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "__init__.py").write_text("")
    (package / "geometry" / "caller.py").write_text(CALLER)
    (package / "geometry" / "called.py").write_text(CALLED.format(factor="2.0"))
    assert _run(tmp_path) == ["7.0", "0"]
    assert _run(tmp_path) == ["7.0", "1"]
    (package / "geometry" / "called.py").write_text(CALLED.format(factor="5.0"))
    assert _run(tmp_path) == ["16.0", "0"]
    names = {path.name for path in (package / "geometry" / "__pycache__").glob("caller.caller-*.nb[ic]")}
    assert len(names) == 2, "what was compiled from older sources is gone"

    # A program that was stopped after it had written an index, and before it had written the code.
    code = next((package / "geometry" / "__pycache__").glob("caller.caller-*.nbc"))
    older = code.read_bytes()
    (package / "geometry" / "called.py").write_text(CALLED.format(factor="7.0"))
    assert _run(tmp_path) == ["22.0", "0"]
    next((package / "geometry" / "__pycache__").glob("caller.caller-*.nbc")).unlink()
    code.write_bytes(older)
    assert _run(tmp_path) == ["22.0", "0"]
