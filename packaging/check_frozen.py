"""Run the self-test of a built program with no Python and no virtual environment in reach.

python packaging/check_frozen.py dist/cvt-planner
"""

from __future__ import annotations

import os
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
    size_mb = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file() and not f.is_symlink()) / 1e6
    print(f"{folder.name}: {size_mb:.0f} MB")
    with tempfile.TemporaryDirectory() as home:
        # An empty PATH and a fresh home: nothing but the folder itself can help the program.
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment |= {"PATH": "", "HOME": home, "LOCALAPPDATA": home}
        return subprocess.run([str(program), "selftest"], cwd=home, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
