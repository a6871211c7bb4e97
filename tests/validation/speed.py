"""Chapter: how fast, beside other solvers, measured by tests/bench/bench_ice_peers.py in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.validation.checks import Chapter, Check, markdown_table

ROOT = Path(__file__).resolve().parents[2]


def measured(quick: bool) -> dict[str, Any]:
    """Return what the benchmark prints as JSON."""
    options = ["--runs", "3", "--numpy-seconds", "30"] if quick else ["--runs", "7", "--numpy-seconds", "300"]
    script = ROOT / "tests" / "bench" / "bench_ice_peers.py"
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, str(script), "--json", *options], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise RuntimeError("The speed benchmark did not run to its end; run tests/bench/bench_ice_peers.py by itself.")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def speed_chapter(quick: bool, folder: Path | None) -> Chapter:
    """Return the chapter."""
    found = measured(quick)
    chapter = Chapter("Speed")
    chapter.say(
        f"{found['cores']} cores; load of the machine {found['load']:.1f} at the start and "
        f"{found['load_after']:.1f} at the end (other work slows all of this; a quiet machine has a load of 0 "
        f"before and about {found['cores']} after). Copying in memory moved {found['copy_one_gb_s']:.1f} GB/s on "
        f"one core and {found['copy_all_gb_s']:.1f} GB/s on all, reading and writing counted. Two probes, 80 mm "
        f"cube, whole 10-5-10; best and median of {found['runs']} runs, compiling left out.",
        _own(found),
        "Cells: the most that were solved (single voxels near the ice, several in one farther away). Bytes per "
        "cell and stage are what the scheme reads and writes if nothing stays in the cache; GB/s takes the most "
        "cells for all stages, so it is an upper bound. A part of the grid of this size stays in the processor's "
        "caches, so the rate may exceed that of the copy.",
        "First call in a new process (importing, and 600 s of freezing at 2 mm): "
        + "; ".join(f"{words} {s:.1f} s" for words, s in found["first_call_s"].items())
        + ".",
        "### Other solvers, in the same process",
    )
    if found["skfem_absent"]:
        chapter.say("**scikit-fem was absent; its row is missing.** `pip install scikit-fem` and run again.")
    chapter.say(_peers(found))
    for peer in found["peers"]:
        if peer["aim"] is not None:
            chapter.checks.append(_faster("speed NumPy" if "NumPy" in peer["peer"] else "speed library", peer))
    chapter.say(
        "NumPy: the product's equations, explicit steps, float64, each probe 2 by 2 held voxels "
        "(`tests/bench/peer_numpy.py`). scikit-fem: hexahedra on a mesh graded towards the probe, implicit steps, "
        "the stiffness matrix assembled once, Newton with conjugate gradients (`tests/bench/peer_skfem.py`). Like "
        "for like it solves the whole cube; an eighth of it, by symmetry, is shown for information (a real case "
        "has no symmetry). The product's runs stand half before and half after the peer's. scikit-fem was chosen "
        "over FiPy, which took 6 to 9 s for one sweep of 30,000 cells on the same machine at a time when "
        "scikit-fem took 0.25 s for one linear solve of 42,000 nodes (tried once, not in this run).",
    )
    if folder is not None:
        from tests.validation import pictures

        chapter.picture(pictures.speed(folder, found), "Wall times, logarithmic")
    return chapter


def _faster(point: str, peer: dict[str, Any]) -> Check:
    words = f"{peer['peer']}, {peer['case']} (median {peer['ratio_median']:.0f} times)"
    return Check(point, words, "times faster, best run", "", peer["aim"], peer["ratio_best"], 0.0, at_least=True)


def _own(found: dict[str, Any]) -> str:
    rows = []
    for row in found["rows"]:
        share = row["gb_s"] / found["copy_all_gb_s"]
        rows.append([
            row["case"], f"{row['best_s']:.3f}", f"{row['median_s']:.3f}", f"{row['voxels']:,}", f"{row['cells']:,}",
            str(row["stages"]), str(row["bytes_per_cell_and_stage"]), f"{row['gb_s']:.1f}", f"{share:.2f}",
            f"{row['energy_imbalance']:.1e}",
        ])  # fmt: skip
    head = [
        "case",
        "best, s",
        "median, s",
        "voxels",
        "cells",
        "stages",
        "B per cell and stage",
        "GB/s",
        "of the copy",
        "imbalance",
    ]
    return markdown_table(head, rows)


def _peers(found: dict[str, Any]) -> str:
    rows = []
    for peer in found["peers"]:
        gaps = ", ".join(f"{iso} °C {gap:.2f}" for iso, gap in peer["largest_gap_mm"].items())
        rows.append([
            peer["peer"], peer["case"], f"{peer['peer_s']:.1f} ({peer['how']})",
            f"{peer['own_best_s']:.3f} / {peer['own_median_s']:.3f}",
            f"{peer['ratio_best']:.0f} / {peer['ratio_median']:.0f}", gaps,
        ])  # fmt: skip
    head = ["peer", "case", "peer, s", "product best / median, s", "times faster", "extents differ by, mm"]
    return markdown_table(head, rows)
