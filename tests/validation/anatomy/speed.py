"""Time and peak memory of finding a spine in 512 x 512 x 400 voxels, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.validation.anatomy.truths import Case

SHAPE = (400, 512, 512)

_CHILD = """
import json, resource, sys, time
import numpy as np
from cvt_planner.geometry.frames import Grid
from tests.validation.anatomy.truths import volume_of
from cvt_planner.anatomy.spine.pipeline import find_spine
from cvt_planner.anatomy.spine.warm_up import search_warming_up
search_warming_up()  # as the program does before it reads a CT
hu, affine = np.load(sys.argv[1]), np.load(sys.argv[2])
volume = volume_of(hu, Grid(hu.shape, affine), "speed")
del hu
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
times = []
for _ in range(3):
    t = time.perf_counter()
    spine = find_spine(volume)
    times.append(time.perf_counter() - t)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"times": times, "peak": peak / 1e6, "before": before / 1e6, "found": len(spine.found)}))
"""


@dataclass(frozen=True)
class Cost:
    """Seconds of three calls in a fresh process, and its peak memory (the volume included), GB."""

    times_s: tuple[float, ...]
    peak_gb: float
    found: int

    @property
    def words(self) -> str:
        """Return the sentences for the document."""
        first, best = self.times_s[0], min(self.times_s)
        fast = "met" if first <= 8.0 else "**NOT MET**"
        small = "met" if self.peak_gb < 2.5 else "**NOT MET**"
        return (
            f"512 x 512 x 400 voxels, two cores shared with other work: first call in a process {first:.1f} s, best of "
            f"three {best:.1f} s (limit 8 s, first call too: {fast}); peak of the process {self.peak_gb:.2f} GB (limit "
            f"2.5 GB: {small}); {self.found} vertebrae found."
        )


def measured(case: Case, store: Path) -> Cost:
    """Return the cost for a case whose voxels are repeated or cut to `SHAPE`."""
    hu = case.volume.hu
    steps = [np.minimum(np.arange(n) * m // n, m - 1) for n, m in zip(SHAPE, hu.shape, strict=True)]
    affine = case.volume.grid.lps_from_index.copy()
    affine[:3, :3] *= np.array(hu.shape) / np.array(SHAPE)
    store.mkdir(parents=True, exist_ok=True)
    np.save(store / "speed_hu.npy", np.ascontiguousarray(hu[np.ix_(*steps)]))
    np.save(store / "speed_affine.npy", affine)
    command = [sys.executable, "-c", _CHILD, str(store / "speed_hu.npy"), str(store / "speed_affine.npy")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"The run for time and memory failed: {done.stderr[-800:]}")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    return Cost(tuple(said["times"]), said["peak"], said["found"])
