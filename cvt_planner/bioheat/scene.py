"""What is to be frozen: a box of tissue, probes in it, and the protocol. All in LPS mm, degC and seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, get_args

import numpy as np

from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat.box import NUDGE_MM, HeatBox, Shells
from cvt_planner.bioheat.limits import LONGEST_S, finite, temperature, within
from cvt_planner.bioheat.probe import ProbeBody, Sleeve
from cvt_planner.bioheat.tissue import Material
from cvt_planner.bioheat.tissue_map import TissueMap

__all__ = ["HELD", "INSULATED", "HeatBox", "Phase", "PhaseKind", "ProbeBody", "Scene", "Shells", "Sleeve", "Wall"]

PhaseKind = Literal["freeze", "thaw"]
WallKind = Literal["held", "insulated"]


@dataclass(frozen=True)
class Phase:
    """One part of the protocol, the same for all probes.

    In a thaw the probes give and take no heat, or are held at `temperature_c`.
    """

    kind: PhaseKind
    seconds: float
    temperature_c: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(PhaseKind):
            raise InputRefused(f"The phase {self.kind!r} is unknown; give one of {get_args(PhaseKind)}.")
        finite("The length of a phase", self.seconds)
        if not 0.0 < self.seconds <= LONGEST_S:
            raise InputRefused(
                f"A {self.kind} of {self.seconds:g} s cannot be simulated; give it between 0 and 86400 s."
            )
        if self.temperature_c is not None:
            if self.kind == "freeze":
                raise InputRefused("A freeze takes its temperature from the probes; only a thaw may carry one.")
            temperature("The temperature of a thaw", self.temperature_c)


@dataclass(frozen=True)
class Wall:
    """What one face of the box does: held at a temperature (the initial one when None), or insulated."""

    kind: WallKind = "held"
    temperature_c: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(WallKind):
            raise InputRefused(f"The wall {self.kind!r} is unknown; give one of {get_args(WallKind)}.")
        if self.temperature_c is not None:
            temperature("The temperature of a wall", self.temperature_c)


HELD = Wall()
INSULATED = Wall("insulated")
SIX_HELD = (HELD,) * 6


@dataclass(frozen=True)
class Scene:
    """All that the ice depends on; a value that a result keeps.

    Parameters
    ----------
    box
        What is solved, or shells around a point or line.
    material
        Of the whole box; of isotherms and held walls too where there is a tissue map.
    initial_c
        Temperature of the tissue, of the blood and of the held walls, degC.
    perfusion_w_m3k
        Heat brought by blood per volume and kelvin; stops for good where tissue has frozen.
    report_at_s
        Times of the snapshots, s from the start, kept in rising order; the end of the protocol when empty.
    walls
        Of the faces at low x, high x, low y, high y, low z and high z; of shells the inner and the outer face.
    metabolic_w_m3
        Heat made by the tissue; stops for good where it has frozen.
    tissue
        A material for every voxel; `material`, `perfusion_w_m3k` and `metabolic_w_m3` then do not count.

    Raises
    ------
    InputRefused
        When probes leave the box, touch or cross, or a number cannot be used.
    """

    box: HeatBox | Shells
    material: Material
    probes: tuple[ProbeBody, ...]
    protocol: tuple[Phase, ...]
    initial_c: float = 37.0
    perfusion_w_m3k: float = 0.0
    report_at_s: tuple[float, ...] = ()
    walls: tuple[Wall, ...] = field(default=SIX_HELD)
    metabolic_w_m3: float = 0.0
    tissue: TissueMap | None = None

    def __post_init__(self) -> None:
        for name in ("probes", "protocol", "report_at_s", "walls"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        temperature("The initial temperature", self.initial_c)
        finite("The perfusion", self.perfusion_w_m3k)
        within("The perfusion", self.perfusion_w_m3k, (0.0, 1e6), "W/m3K")
        if not self.protocol:
            raise InputRefused("The protocol is empty; give at least one freeze.")
        finite("The metabolic heat", self.metabolic_w_m3)
        within("The metabolic heat", self.metabolic_w_m3, (0.0, 1e6), "W/m3")
        if isinstance(self.box, Shells):
            object.__setattr__(self, "walls", (*self.walls[:2], *[INSULATED] * 4))
        if len(self.walls) != 6:
            raise InputRefused("A box has six walls: low and high x, y and z.")
        self._check_times()
        self._check_tissue()
        self._check_inside()
        self._check_crossing()

    def _check_tissue(self) -> None:
        wanted = self.box.cells_xyz[::-1]
        if self.tissue is not None and self.tissue.shape_kji != wanted:
            raise InputRefused(
                f"The tissue map has {self.tissue.shape_kji} voxels (z, y, x), the box {wanted}; make them the same."
            )

    def _check_inside(self) -> None:
        if isinstance(self.box, Shells):
            if self.probes:
                raise InputRefused("Shells hold no probes; take a box.")
            return
        for number, probe in enumerate(self.probes, start=1):
            for point in probe.zone_lps_mm:
                if not self.box.holds(point):
                    raise InputRefused(
                        f"Probe {number} leaves the box at ({', '.join(f'{v:.1f}' for v in point)}) mm; "
                        "its active zone must lie inside. Move it or enlarge the box."
                    )

    def _check_times(self) -> None:
        if not self.report_at_s:
            object.__setattr__(self, "report_at_s", (self.duration_s,))
        finite("A report time", *self.report_at_s)
        object.__setattr__(self, "report_at_s", tuple(sorted({float(t) for t in self.report_at_s})))
        if min(self.report_at_s) < 0.0 or max(self.report_at_s) > self.duration_s + 1e-6:
            raise InputRefused(f"A report time lies outside the protocol, which lasts {self.duration_s:g} s.")

    def _check_crossing(self) -> None:
        if isinstance(self.box, Shells):
            return
        reach = float(np.linalg.norm(self.box.size_mm))
        for (a, first), (b, second) in combinations(enumerate(self.probes, start=1), 2):
            gap = _gap_mm(first, second, reach)
            if gap < 0.5 * (first.diameter_mm + second.diameter_mm) - NUDGE_MM:
                raise InputRefused(
                    f"Probes {a} and {b} cross or touch: their axes come within {gap:.2f} mm. Move one of them."
                )

    @property
    def duration_s(self) -> float:
        """Return the length of the whole protocol, s."""
        return sum(phase.seconds for phase in self.protocol)


def _gap_mm(first: ProbeBody, second: ProbeBody, reach_mm: float) -> float:
    """Return the smallest distance between two probe axes, from their tips up to `reach_mm` of shaft."""
    u, v = np.array(first.direction), np.array(second.direction)
    w = np.array(first.tip_lps_mm) - np.array(second.tip_lps_mm)
    b, d, e = float(u @ v), float(u @ w), float(v @ w)
    den = 1.0 - b * b
    along = min(max((b * e - d) / den, 0.0), reach_mm) if den > 1e-12 else 0.0
    candidates = [along, 0.0, reach_mm]
    best = math.inf
    for s in candidates:
        t = min(max(e + s * b, 0.0), reach_mm)
        s_again = min(max(t * b - d, 0.0), reach_mm)
        best = min(best, float(np.linalg.norm(w + s_again * u - t * v)))
    return best
