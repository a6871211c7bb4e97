"""Run the validation and write docs/validation.md with its pictures.

    python -m tests.validation            everything, about ten minutes on two cores
    python -m tests.validation --quick    fewer rows and coarser grids, about two minutes, printed to out/ only
    python -m tests.validation --only sizes,gels    these chapters, printed to out/ only

Ends with 0 also where a figure misses its limit: the document says so, and so does the last line here.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from cvt_planner.bioheat.solver import warm_up
from tests.validation.chapters import CHAPTERS
from tests.validation.checks import Chapter
from tests.validation.report import text

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run what is asked and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--only", default="", help="chapters, separated by commas: " + ", ".join(n for n, _ in CHAPTERS)
    )
    asked = parser.parse_args()
    wanted = [w for w in asked.only.split(",") if w]
    unknown = set(wanted) - {name for name, _ in CHAPTERS}
    if unknown:
        parser.error(f"no chapter is called {', '.join(sorted(unknown))}")
    whole = not asked.quick and not wanted
    docs = ROOT / "docs" if whole else ROOT / "out"
    began = time.perf_counter()
    warm_up()
    chapters: list[Chapter] = []
    for name, chapter in CHAPTERS:
        if wanted and name not in wanted:
            continue
        chapters.append(chapter(asked.quick, docs / "pictures"))
        print(f"{time.perf_counter() - began:6.0f} s  {name}", file=sys.stderr, flush=True)
    mode = "full" if whole else "quick" if asked.quick else f"only {asked.only}"
    docs.mkdir(exist_ok=True)
    target = docs / "validation.md"
    target.write_text(text(chapters, mode, time.perf_counter() - began), encoding="utf-8")
    missed = [c for ch in chapters for c in ch.checks if not c.met]
    print(
        f"{target.relative_to(ROOT)} written: {sum(len(ch.checks) for ch in chapters)} figures, {len(missed)} NOT MET"
    )
    for c in missed:
        grid = f" on {c.spacing_mm:g} mm" if c.spacing_mm else ""
        print(f"  NOT MET  {c.point}: {c.setting}, {c.quantity}{grid}: {c.found:.4g} for {c.expected:.4g} {c.unit}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
