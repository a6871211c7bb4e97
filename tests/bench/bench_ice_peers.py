"""Time the ice beside other solvers, in one process: best and median of 7, with the memory bandwidth of the same run.

Two probes, 80 mm cube, 10-5-10, at 1 and 2 mm, with constant and with temperature-dependent tissue; the first call
after a start; a straightforward explicit NumPy solver (`peer_numpy`) and scikit-fem (`peer_skfem`) with the same
physics, how many times longer they take, and how far their isotherms are from the product's.

Run: python tests/bench/bench_ice_peers.py [--runs N] [--numpy-seconds S] [--json]
scikit-fem is not among the project's packages: pip install scikit-fem (the extra `bench`). Without it that row is
absent, and said to be.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # for tests.validation
import bench_ice
import peer_numpy
import peer_skfem

from cvt_planner.bioheat.isotherms import isotherm_points
from cvt_planner.bioheat.law import HeatLaw
from cvt_planner.bioheat.scene import HeatBox, Phase, ProbeBody, Scene
from cvt_planner.bioheat.solver import HeatResult, simulate, warm_up
from cvt_planner.bioheat.tissue import SOFT_TISSUE
from tests.validation.scenes import lesion_in_bone

# float32 values that one stage reads and writes per cell if nothing stays in the cache. One material: what conducts,
# three states and the first rate read, the state and what conducts written. A map: besides, one more field that
# conducts, six conductances, a capacity and two of the law read, that field written; and three more for the blood.
BYTES_ONE_MATERIAL, BYTES_MAPPED = 4 * 7, 4 * (9 + 1 + 2 + 2) + 2 * 6
ROOT = Path(__file__).resolve().parents[2]
ISOTHERMS_C = (-1.0, -20.0, -40.0)
UP = (0.0, 0.0, 1.0)
CHANGING = replace(SOFT_TISSUE, frozen_law="rabin", latent_law="colligative")
FIRST_CALL = (
    "import time; t = time.perf_counter()\n"
    "from cvt_planner.bioheat.scene import HeatBox, Phase, ProbeBody, Scene\n"
    "from cvt_planner.bioheat.solver import simulate\n"
    "from cvt_planner.bioheat.tissue import SOFT_TISSUE\n"
    "p = tuple(ProbeBody((x, 0.0, -7.5), (0.0, 0.0, 1.0), 15.0, 1.476, -140.0, 30.0) for x in (-5.0, 5.0))\n"
    "simulate(Scene(HeatBox((80.0, 80.0, 80.0), 2.0), SOFT_TISSUE, p, (Phase('freeze', 600.0),)))\n"
    "print(time.perf_counter() - t)\n"
)


def bandwidth_gb_s(threads: int) -> float:
    """Return what copies of 128 MB by several threads move per second, reading and writing counted, GB/s; best of 5."""
    pairs = [(np.ones(16_000_000), np.empty(16_000_000)) for _ in range(threads)]

    def one(pair: tuple[np.ndarray, np.ndarray]) -> None:
        for _ in range(4):
            np.copyto(pair[1], pair[0])

    best = float("inf")
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(5):
            began = time.perf_counter()
            list(pool.map(one, pairs))
            best = min(best, time.perf_counter() - began)
    return 4.0 * 2.0 * threads * pairs[0][0].nbytes / best / 1e9


def first_calls_s() -> dict[str, float]:
    """Return how long import and a first 10-minute freeze at 2 mm take in a new process, kernels kept and not kept."""
    found = {}
    with tempfile.TemporaryDirectory() as empty:
        for name, extra in (("kernels compiled before", {}), ("kernels to be compiled", {"NUMBA_CACHE_DIR": empty})):
            env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])} | extra
            done = subprocess.run([sys.executable, "-c", FIRST_CALL], cwd=ROOT, env=env, capture_output=True, text=True)
            found[name] = float(done.stdout) if done.returncode == 0 else float("nan")
    return found


def timed(scene: Scene, runs: int) -> tuple[list[float], HeatResult]:
    """Return the times of several runs, and the last result."""
    results = [simulate(scene) for _ in range(runs)]
    return [r.wall_s for r in results], results[-1]


def own_scenes() -> list[tuple[str, Scene]]:
    """Return the product's cases: one material and one for every voxel, constant and changing with temperature."""
    found = []
    for spacing in (1.0, 2.0):
        box = HeatBox((80.0, 80.0, 80.0), spacing)
        for words, law in (("constant", SOFT_TISSUE), ("k(T), c(T), colligative", CHANGING)):
            scene = Scene(box, law, bench_ice.PROBES, bench_ice.PROTOCOL)
            found.append((f"{spacing:g} mm, {words}", scene))
            found.append((f"{spacing:g} mm, voxel by voxel, {words}", replace(scene, tissue=lesion_in_bone(box, law))))
    return found


def own_rows(runs: int) -> list[dict[str, Any]]:
    """Return the product's own times; GB/s as if the most cells that were solved had been there all the time."""
    rows = []
    for name, scene in own_scenes():
        walls, last = timed(scene, runs)
        size = BYTES_ONE_MATERIAL if scene.tissue is None else BYTES_MAPPED
        rows.append({
            "case": name, "best_s": min(walls), "median_s": statistics.median(walls), "voxels": last.cells,
            "cells": last.solved_cells, "steps": last.steps, "stages": last.stages,
            "energy_imbalance": last.energy_imbalance, "bytes_per_cell_and_stage": size,
            "gb_s": last.solved_cells * last.stages * size / min(walls) / 1e9,
        })  # fmt: skip
    return rows


def extents_mm(temperature_c: np.ndarray, scene: Scene, iso_c: float) -> np.ndarray:
    """Return extents along x, y and z of an isotherm, found in the Kirchhoff variable."""
    law = HeatLaw(scene.material, scene.initial_c)
    points = isotherm_points(law.theta_of(temperature_c), scene.box.grid, float(law.theta_of(iso_c)))
    return np.ptp(points, axis=0)


def against_numpy(runs: int, seconds: float) -> dict[str, Any]:
    """Return the comparison with NumPy: it runs the first `seconds`, its time for the whole protocol is that rate's."""
    probes = tuple(ProbeBody((x, 0.0, -7.0), UP, 15.0, 1.436, -140.0, 30.0) for x in (-5.0, 5.0))
    part = Scene(HeatBox((80.0, 80.0, 80.0), 1.0), SOFT_TISSUE, probes, (Phase("freeze", seconds),))
    whole = replace(part, protocol=bench_ice.PROTOCOL, report_at_s=())
    before, _ = timed(whole, runs - runs // 2)
    peer = peer_numpy.explicit(part, seconds)
    after, _ = timed(whole, runs // 2)
    found = simulate(part).snapshots[-1].temperature_c
    gaps = [np.abs(extents_mm(peer.temperature_c, part, i) - extents_mm(found, part, i)).max() for i in ISOTHERMS_C]
    best, median = peer.whole_s(whole.duration_s)
    return {
        "peer": f"explicit NumPy {np.__version__}, float64",
        "case": "two probes, 80 mm cube, 1 mm, 10-5-10",
        "how": f"{peer.steps} steps timed ({seconds:g} s of freezing), best hundred scaled to {whole.duration_s:g} s",
        "aim": 30.0,
        **_ratios(best, median, before + after, gaps),
    }


def _ratios(best_s: float, median_s: float, own: list[float], gaps_mm: list[float]) -> dict[str, Any]:
    """Return times, ratios and distances of one comparison; own runs stand before and after the peer's."""
    return {
        "peer_s": best_s,
        "own_best_s": min(own),
        "own_median_s": statistics.median(own),
        "ratio_best": best_s / min(own),
        "ratio_median": median_s / statistics.median(own),
        "largest_gap_mm": dict(zip(map(str, ISOTHERMS_C), map(float, gaps_mm), strict=True)),
    }


def against_skfem(runs: int, box_too: bool) -> list[dict[str, Any]]:
    """Return the comparison with scikit-fem on a reduced case, one probe and one freeze in a 60 mm cube.

    Like for like it solves the whole cube; by symmetry it can do with an eighth, which the product cannot use.
    """
    if importlib.util.find_spec("skfem") is None:
        return []
    probe = ProbeBody((0.0, 0.0, -7.5), UP, 15.0, 1.476, -140.0, 30.0)
    scene = Scene(HeatBox((60.0, 60.0, 60.0), 1.0), SOFT_TISSUE, (probe,), (Phase("freeze", 600.0),))
    rows = []
    for whole in (True, False) if box_too else (False,):
        before, result = timed(scene, runs - runs // 2)
        peer = peer_skfem.implicit(scene, scene.duration_s, whole)
        after, _ = timed(scene, runs // 2)
        found = result.snapshots[-1].temperature_c
        gaps = [
            max(abs(peer.extent_mm(i, axis) - extents_mm(found, scene, i)[axis]) for axis in (0, 2))
            for i in ISOTHERMS_C
        ]
        part = "" if whole else " (scikit-fem: an eighth of it)"
        rows.append({
            "peer": f"scikit-fem {importlib.metadata.version('scikit-fem')}",
            "case": f"one probe, 60 mm cube{part}, 1 mm, one freeze of 600 s",
            "how": f"{peer.nodes} nodes, {peer.steps} implicit steps, {peer.solves} linear solves",
            "aim": 100.0 if whole else None,
            **_ratios(peer.wall_s, peer.wall_s, before + after, gaps),
        })  # fmt: skip
    return rows


def report(runs: int, numpy_seconds: float) -> dict[str, Any]:
    """Return everything measured."""
    warm_up()
    cores = os.cpu_count() or 1
    return {
        "cores": cores,
        "machine": platform.machine(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan"),
        "runs": runs,
        "copy_one_gb_s": bandwidth_gb_s(1),
        "copy_all_gb_s": bandwidth_gb_s(cores),
        "first_call_s": first_calls_s(),
        "rows": own_rows(runs),
        "peers": [against_numpy(runs, numpy_seconds), *against_skfem(runs, numpy_seconds >= 300.0)],
        "skfem_absent": importlib.util.find_spec("skfem") is None,
        "load_after": os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan"),
    }


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--numpy-seconds", type=float, default=300.0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = report(asked.runs, asked.numpy_seconds)
    if found["skfem_absent"]:
        print("!! scikit-fem IS ABSENT: its comparison is missing below. pip install scikit-fem", file=sys.stderr)
    if asked.json:
        print(json.dumps(found))
        return
    print(f"{found['cores']} cores, load {found['load']:.1f} to {found['load_after']:.1f}; copying moves "
          f"{found['copy_one_gb_s']:.1f} GB/s on one core, {found['copy_all_gb_s']:.1f} on all")  # fmt: skip
    for name, seconds in found["first_call_s"].items():
        print(f"first call in a new process, {name}: {seconds:.2f} s")
    for row in found["rows"]:
        print(f"{row['case']:46s} best {row['best_s']:.3f} s, median {row['median_s']:.3f}; {row['cells']} cells, "
              f"{row['stages']} stages, {row['bytes_per_cell_and_stage']} B each: {row['gb_s']:.1f} GB/s, "
              f"{row['gb_s'] / found['copy_all_gb_s']:.1f} of the copy")  # fmt: skip
    for peer in found["peers"]:
        gaps = ", ".join(f"{iso} °C {gap:.2f} mm" for iso, gap in peer["largest_gap_mm"].items())
        print(f"{peer['peer']}: {peer['case']}: {peer['peer_s']:.1f} s ({peer['how']})")
        print(f"    {peer['ratio_best']:.0f} times (median {peer['ratio_median']:.0f}) the product's "
              f"{peer['own_best_s']:.3f} s; extents differ by {gaps}")  # fmt: skip


if __name__ == "__main__":
    main()
