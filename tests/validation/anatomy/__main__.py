"""Find spines in phantoms and real CTs, score them, and write docs/anatomy.md.

    python -m tests.validation.anatomy              everything, about half an hour on two cores
    python -m tests.validation.anatomy --quick      five seeds, the labelled CTs, few changes; written to out/ only
    python -m tests.validation.anatomy --seeds 3,7 --skip harder,cost,seen      these only; written to out/

Ends with 0 also where a figure misses its limit: the document says so.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from cvt_planner.anatomy.spine.model import Spine
from tests.validation.anatomy import changes, reals, speed
from tests.validation.anatomy.lesions import LesionScore, SoundScore, one_click, sound_clicks
from tests.validation.anatomy.phantoms import SEEDS, family_case
from tests.validation.anatomy.pictures import montage
from tests.validation.anatomy.report import Harder, text
from tests.validation.anatomy.scoring import Score, score
from tests.validation.anatomy.truths import Case

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / "out" / "anatomy"
QUICK_SEEDS = (0, 3, 8, 9, 14)
PARTS = ("phantoms", "reals", "harder", "seen", "cost")


def found_in(case: Case, pictures: bool = True) -> tuple[Spine, float]:
    """Return the spine found in a case, and in how many seconds."""
    from cvt_planner.anatomy.spine.pipeline import find_spine

    began = time.perf_counter()
    spine = find_spine(case.volume)
    seconds = time.perf_counter() - began
    if pictures:
        montage(case, spine, OUT / f"{case.name.replace(' ', '_')}.png")
    return spine, seconds


def _scored(case: Case, grown: list[LesionScore] | None = None, sound: list[SoundScore] | None = None) -> Score:
    spine, seconds = found_in(case)
    done = score(case, spine, seconds)
    if grown is not None:
        grown += one_click(case, spine)
    if sound is not None:
        sound.append(sound_clicks(case, spine))
    dice = [v.dice for v in done.scored]
    line = f"{done.seconds:5.1f} s  {done.name}: " + " ".join(
        f"{v.level}{'' if v.complete else '-'} {v.dice:.2f}" for v in done.vertebrae
    )
    line += f"; canal {done.canal_dice:.2f} {done.centre_mean_mm:.2f}/{done.centre_worst_mm:.2f} mm"
    line += f"; wrong {','.join(done.misnumbered) or '-'}; invented {done.invented}" if dice else ""
    print(line, file=sys.stderr, flush=True)
    return done


def _harder(case: Case, base: Score, quick: bool) -> list[Harder]:
    rows = []
    dz, total = float(case.volume.grid.spacing_kji_mm[0]), case.volume.grid.shape_kji[0]
    windows = [changes.cropped(case, f * (total * dz - w), w) for w in (60.0, 100.0, 150.0) for f in (0.2, 0.5, 0.8)]
    changed: list[tuple[Case, tuple[str, ...]]] = [(c, ()) for c in windows if c is not None and c.complete]
    changed += [(changes.thinned(case, t), ()) for t in (3.0, 4.0, 5.0) if t > dz + 0.01]
    if case.bodies is not None and "L3" in case.names.values():
        changed += changes.lysed(case, "L3")
    for one, struck in changed[:: 3 if quick else 1]:
        rows.append(Harder(base, _scored(one), struck))
    return rows


def _seen(case: Case, sound: list[SoundScore]) -> str:
    spine, seconds = found_in(case)
    sound.append(sound_clicks(case, spine))
    print(f"{seconds:5.1f} s  {case.name}: {len(spine.found)} found", file=sys.stderr, flush=True)
    whole = sum(v.complete for v in spine.found)
    doubtful = sum(v.confidence < 0.5 for v in spine.found)
    length = float(len(spine.canal_lps_mm))
    return (
        f"- {case.name} ({case.words}): {len(spine.found)} vertebrae, {whole} whole, {doubtful} doubtful; canal "
        f"{length:.0f} mm; {seconds:.1f} s. {' '.join(spine.notices)}"
    )


def main() -> int:
    """Run what is asked and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", default="", help="only these phantoms, separated by commas")
    parser.add_argument("--skip", default="", help=f"of {', '.join(PARTS)}")
    asked = parser.parse_args()
    skip = set(asked.skip.split(",")) - {""}
    if skip - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(skip - set(PARTS)))}")
    seeds = [int(s) for s in asked.seeds.split(",") if s] or list(QUICK_SEEDS if asked.quick else SEEDS)
    store = OUT / "cases"
    grown: list[LesionScore] = []
    sound: list[SoundScore] = []
    phantoms = [] if "phantoms" in skip else [_scored(family_case(seed, store), grown, sound) for seed in seeds]
    scored: list[Score] = []
    harder: list[Harder] = []
    for case in reals.labelled(store):
        if skip >= {"reals", "harder"}:
            break
        scored.append(_scored(case, sound=sound))
        if "harder" not in skip:
            harder += _harder(case, scored[-1], asked.quick)
    seen = [] if "seen" in skip else [_seen(case, sound) for case in reals.unlabelled(store)]
    cost = None if "cost" in skip or asked.quick else speed.measured(family_case(12, store), store)
    whole = not (asked.quick or asked.seeds or skip)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    target = (ROOT / "docs" if whole else OUT) / "anatomy.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = "full" if whole else "in parts"
    target.write_text(
        text(phantoms, grown, scored, harder, seen, cost, mode, commit.stdout.strip(), sound), encoding="utf-8"
    )
    print(f"{target.relative_to(ROOT)} written; pictures in {OUT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
