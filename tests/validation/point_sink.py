"""Case F: a point in the tissue that draws Q = q sqrt(t), sharp front; the three-dimensional test with an exact answer.

A point cannot be a probe: the exact temperature has no lower bound at it, a probe's has. A short, thick probe that is
given the power as its limit draws the same heat spread over a small ball, which outside the ball is the same as long as
the probe's surface stays above -205 degC. So q is chosen small enough for that, and that it was is checked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cvt_planner.base.arrays import FloatArray
from cvt_planner.bioheat.scene import HeatBox, Phase, ProbeBody, Scene
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import MARROW_BONE, SOFT_TISSUE, Material
from tests.validation import rulers
from tests.validation.checks import Check
from tests.validation.exact_cases import SHARP_LIMIT_MM
from tests.validation.sharp_front import SharpFront

TIMES_S = (300.0, 600.0)
PLACE_MM = np.array([0.3, 0.2, -0.4])  # off the voxels
LENGTH_MM, DIAMETER_MM = 2.0, 3.0
LEAST_MM = 4.0  # nearer the ball in which the heat is drawn is not small


@dataclass(frozen=True)
class PointSink:
    """A tissue, its start, and q in W/sqrt(s)."""

    words: str
    material: Material
    start_c: float
    point_w_sqrt_s: float

    @property
    def setting(self) -> str:
        """Return the parameters in words."""
        return f"{self.words}, {self.point_w_sqrt_s:g} W/√s, start {self.start_c:g} °C"

    def run(self, spacing_mm: float) -> HeatResult:
        """Return the ice; stops where the probe could not draw all of its power."""
        seconds = np.concatenate([[0.0], np.geomspace(1e-3, TIMES_S[-1], 400)])
        curve = tuple((float(t), self.point_w_sqrt_s * float(t) ** 0.5) for t in seconds)
        tip = PLACE_MM - np.array([0.0, 0.0, 0.5 * LENGTH_MM])
        probe = ProbeBody(
            (tip[0], tip[1], tip[2]), (0.0, 0.0, 1.0), LENGTH_MM, DIAMETER_MM, -205.0, power_curve_w=curve
        )
        box = HeatBox((80.0, 80.0, 80.0), spacing_mm)
        phases = (Phase("freeze", TIMES_S[-1]),)
        result = simulate(Scene(box, self.material, (probe,), phases, self.start_c, report_at_s=TIMES_S))
        wanted_j = 2.0 / 3.0 * self.point_w_sqrt_s * TIMES_S[-1] ** 1.5
        if abs(result.probe_heat_j[0] / wanted_j - 1.0) > 2e-3:
            raise RuntimeError(
                f"The probe drew {result.probe_heat_j[0]:.1f} J, not {wanted_j:.1f} J; take a smaller q."
            )
        return result

    def radius_mm(self, time_s: float) -> float:
        """Return the exact radius of the ice."""
        exact = SharpFront(
            self.material, self.material.t_liquidus_c, self.start_c, point_w_sqrt_s=self.point_w_sqrt_s
        )  # fmt: skip
        return 1e3 * exact.front() * time_s**0.5


def sinks() -> list[PointSink]:
    """Return the settings. What tissue conducts limits q; with ten times the conductivity it can be large."""
    soft = replace(SOFT_TISSUE, t_solidus_c=-1.01)
    bone = replace(MARROW_BONE, t_solidus_c=-1.01)
    return [
        PointSink("soft tissue", soft, 37.0, 0.2),
        PointSink("soft tissue", soft, 15.0, 0.2),
        PointSink("marrow-filled bone", bone, 20.0, 0.06),
        PointSink("soft tissue, but 20 W/mK frozen", replace(soft, k_frozen=20.0), 37.0, 1.0),
    ]


def distances_mm(result: HeatResult, shot: int) -> FloatArray:
    """Return distances of the front's points from the sink."""
    return np.asarray(np.linalg.norm(rulers.half_frozen(result, shot) - PLACE_MM, axis=1))


def checks(quick: bool) -> list[Check]:
    """Return the fronts of all settings."""
    found = []
    for sink in sinks():
        for spacing in (1.0,) if quick else (1.0, 0.5):
            result = sink.run(spacing)
            for shot, time_s in enumerate(TIMES_S):
                if sink.radius_mm(time_s) < LEAST_MM:
                    continue
                mean = float(distances_mm(result, shot).mean())
                found.append(
                    Check("F", sink.setting, f"front at {time_s:g} s", "mm", sink.radius_mm(time_s), mean,
                          SHARP_LIMIT_MM[spacing], spacing)
                )  # fmt: skip
    return found
