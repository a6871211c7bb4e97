"""Run the self-test of a built program with no Python and no virtual environment in reach.

python packaging/check_frozen.py dist/cvt-planner
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

KEPT = ("SYSTEMROOT", "TEMP", "TMP", "LANG", "LC_ALL", "DISPLAY")  # Windows cannot start a program without the first


def main(argv: list[str]) -> int:
    folder = Path(argv[0]).resolve()
    program = folder / ("cvt-planner.exe" if os.name == "nt" else "cvt-planner")
    if not program.exists():
        print(f"{program} does not exist; run: make package", file=sys.stderr)
        return 1
    kernels = folder / "_internal" / "kernels"
    shutil.rmtree(kernels, ignore_errors=True)
    print("Compiling the kernels to be shipped ...", flush=True)
    if _selftest(program, subprocess.DEVNULL, NUMBA_CACHE_DIR=str(kernels)):
        print("The self-test failed while compiling.", file=sys.stderr)
    size_mb = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file() and not f.is_symlink()) / 1e6
    print(f"{folder.name}: {size_mb:.0f} MB", flush=True)
    return _selftest(program, None)


def _selftest(program: Path, out: int | None, **settings: str) -> int:
    """Run the self-test in an empty environment and a fresh home: nothing but the folder itself can help it."""
    with tempfile.TemporaryDirectory() as home:
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment |= {"PATH": "", "HOME": home, "LOCALAPPDATA": home, **settings}
        return subprocess.run([str(program), "selftest"], cwd=home, env=environment, stdout=out).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
