"""Time the ice: two probes, 80 mm cube, 10-5-10 protocol; best and median of 7, beside the machine's
memory bandwidth measured in the same run.

Run: python tests/bench/bench_ice.py [--runs N] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from cvt_planner.bioheat.isotherms import extent_mm, volume_ml
from cvt_planner.bioheat.scene import HeatBox, Phase, ProbeBody, Scene
from cvt_planner.bioheat.solver import HeatResult, simulate, warm_up
from cvt_planner.bioheat.tissue import SOFT_TISSUE, Material

PROTOCOL = (Phase("freeze", 600.0), Phase("thaw", 300.0), Phase("freeze", 600.0))
PROBES = tuple(ProbeBody((x, 0.0, -7.5), (0.0, 0.0, 1.0), 15.0, 1.476, -140.0, 30.0) for x in (-5.15625, 5.15625))
BYTES_PER_CELL_AND_STAGE = 32  # theta and three states read, one state and theta written, the rate read; all float32


def bandwidth_gb_s() -> float:
    """Return what a copy of 256 MB moves per second on one core, reading and writing counted, GB/s; best of 5."""
    source = np.ones(32_000_000)
    target = np.empty_like(source)

    def copy() -> None:
        np.copyto(target, source)

    return 2.0 * source.nbytes / min(_times(copy, 5)) / 1e9


def _times(work: Callable[[], object], runs: int) -> list[float]:
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return taken


def ice(result: HeatResult) -> list[float]:
    """Return extents and volume of the -1 °C surface at the end of the last freeze."""
    field, level = result.smooth(result.snapshots[-1].temperature_c, -1.0)
    return [*extent_mm(field, result.grid, level), volume_ml(field, result.grid, level)]


def bench(name: str, spacing_mm: float, material: Material, runs: int) -> dict[str, Any]:
    """Return one row of the table."""
    scene = Scene(HeatBox((80.0, 80.0, 80.0), spacing_mm), material, PROBES, PROTOCOL)
    results = [simulate(scene) for _ in range(runs)]
    walls = [r.wall_s for r in results]
    last = results[-1]
    return {
        "case": name,
        "best_s": min(walls),
        "median_s": statistics.median(walls),
        "cells": last.cells,
        "steps": last.steps,
        "stages": last.stages,
        "energy_imbalance": last.energy_imbalance,
        "ice_mm_mm_mm_ml": ice(last),
        "whole_box_gb_s": last.cells * last.stages * BYTES_PER_CELL_AND_STAGE / min(walls) / 1e9,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    start = time.perf_counter()
    warm_up()
    first_call = time.perf_counter() - start
    rabin = replace(SOFT_TISSUE, frozen_law="rabin", latent_law="colligative")
    rows = [
        bench("1 mm, constant", 1.0, SOFT_TISSUE, asked.runs),
        bench("2 mm, constant", 2.0, SOFT_TISSUE, asked.runs),
        bench("2.5 mm, constant", 2.5, SOFT_TISSUE, asked.runs),
        bench("1 mm, k(T), c(T), colligative", 1.0, rabin, asked.runs),
    ]
    report = {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "first_call_s": first_call,
        "copy_gb_s": bandwidth_gb_s(),
        "rows": rows,
    }
    if asked.json:
        print(json.dumps(report))
        return
    print(f"{report['cores']} cores, load {report['load']:.1f}, copy {report['copy_gb_s']:.1f} GB/s on one core")
    print(f"first call (compiling or loading) {first_call:.2f} s")
    for row in rows:
        size = " x ".join(f"{v:.2f}" for v in row["ice_mm_mm_mm_ml"][:3])
        print(
            f"{row['case']:32s} best {row['best_s']:.3f} s, median {row['median_s']:.3f} s; {row['steps']} steps, "
            f"{row['stages']} stages; imbalance {row['energy_imbalance']:.1e}; ice {size} mm, "
            f"{row['ice_mm_mm_mm_ml'][3]:.2f} mL; at most {row['whole_box_gb_s']:.0f} GB/s"
        )


if __name__ == "__main__":
    main()
