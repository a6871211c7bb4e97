"""Open the sample case: in the window, or headless where there is no display (results and pictures in out/)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    has_display = not sys.platform.startswith("linux") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if has_display:
        arguments = ["open", str(ROOT / "sample_dicom")]
    else:
        print("No display: running the sample case headless; its results and pictures go to out/.", flush=True)
        arguments = ["selftest", "--out", str(ROOT / "out")]
    return subprocess.run([sys.executable, "-m", "app", *arguments], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
