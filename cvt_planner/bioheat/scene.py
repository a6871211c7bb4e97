"""What is to be frozen: a box of tissue, probes in it, and the protocol. All in LPS mm, degC and seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, get_args

import numpy as np

from cvt_planner.base.arrays import FloatArray, Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat.law import COLDEST_C, WARMEST_C
from cvt_planner.bioheat.tissue import Material
from cvt_planner.geometry.frames import Grid

MOST_CELLS = 60_000_000  # 60 bytes each in the solver
SPACING_MM = (0.1, 10.0)
PROBE_LENGTH_MM = (1.0, 200.0)
PROBE_DIAMETER_MM = (0.3, 10.0)
LONGEST_S = 24 * 3600.0
NUDGE_MM = 1e-6

PhaseKind = Literal["freeze", "thaw"]
WallKind = Literal["held", "insulated"]


def _finite(what: str, *values: float | None) -> None:
    if any(v is not None and not math.isfinite(v) for v in values):
        raise InputRefused(f"{what} is not a finite number; give a number.")


def _within(what: str, value: float, limits: tuple[float, float], unit: str) -> None:
    if not limits[0] <= value <= limits[1]:
        raise InputRefused(f"{what} is {value:g} {unit}; it must lie between {limits[0]:g} and {limits[1]:g} {unit}.")


def _temperature(what: str, value: float) -> None:
    _finite(what, value)
    _within(what, value, (COLDEST_C, WARMEST_C), "°C")


@dataclass(frozen=True)
class HeatBox:
    """The box that is solved: axes along LPS, cut into whole cells whose centres are the voxels of `grid`.

    The box keeps exactly its size; where the spacing does not divide it, cells are a little smaller or larger.
    """

    size_mm: Vec3 = (80.0, 80.0, 80.0)
    spacing_mm: float = 1.0
    centre_lps_mm: Vec3 = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        _finite("The box (size, spacing or centre)", self.spacing_mm, *self.size_mm, *self.centre_lps_mm)
        _within("The grid spacing", self.spacing_mm, SPACING_MM, "mm")
        for length in self.size_mm:
            _within("A side of the box", length, (3.0 * self.spacing_mm, 1000.0), "mm")
        if math.prod(self.cells_xyz) > MOST_CELLS:
            raise InputRefused(
                f"The box of {math.prod(self.cells_xyz):,} cells is too large; take a coarser spacing or a smaller box."
            )

    @property
    def cells_xyz(self) -> tuple[int, int, int]:
        """Return how many cells lie along x, y and z."""
        x, y, z = (max(3, round(length / self.spacing_mm)) for length in self.size_mm)
        return (x, y, z)

    @property
    def spacing_xyz_mm(self) -> FloatArray:
        """Return (3,) the true sides of a cell along x, y and z, mm."""
        return np.asarray(np.array(self.size_mm) / np.array(self.cells_xyz))

    @property
    def low_lps_mm(self) -> FloatArray:
        """Return (3,) the corner of the box with the smallest coordinates, LPS mm."""
        return np.array(self.centre_lps_mm) - 0.5 * np.array(self.size_mm)

    @property
    def grid(self) -> Grid:
        """Return the grid of the cell centres, [k, j, i] = z, y, x."""
        affine = np.zeros((4, 4))
        affine[[2, 1, 0], [0, 1, 2]] = self.spacing_xyz_mm[::-1]
        affine[:3, 3] = self.low_lps_mm + 0.5 * self.spacing_xyz_mm
        affine[3, 3] = 1.0
        nx, ny, nz = self.cells_xyz
        return Grid((nz, ny, nx), affine)

    def holds(self, lps_mm: FloatArray) -> bool:
        """Return whether a point lies in the box, its walls included."""
        away = np.abs(lps_mm - np.array(self.centre_lps_mm))
        return bool(np.all(away <= 0.5 * np.array(self.size_mm) + NUDGE_MM))


@dataclass(frozen=True)
class ProbeBody:
    """One cryoprobe: where it lies and how it cools.

    The shaft beyond the active zone is insulated and displaces no tissue. The active zone starts at the tip; a probe
    with a dead tip is given by the start of its active zone.

    Parameters
    ----------
    tip_lps_mm
        Start of the active zone, LPS mm.
    direction
        From the tip towards the hub; normalised here.
    active_length_mm, diameter_mm
        Of the active zone.
    temperature_c
        Of its surface in a freeze, degC.
    cooldown_s
        A freeze ramps linearly to `temperature_c` in this time, from the probe's own present temperature.
    power_limit_w
        Most heat that the whole probe can draw; where that is not enough its temperature stays above `temperature_c`.
    """

    tip_lps_mm: Vec3
    direction: Vec3
    active_length_mm: float
    diameter_mm: float
    temperature_c: float
    cooldown_s: float = 0.0
    power_limit_w: float | None = None

    def __post_init__(self) -> None:
        _finite("A probe's tip or direction", *self.tip_lps_mm, *self.direction)
        _finite("A probe's length or diameter", self.active_length_mm, self.diameter_mm)
        _finite("A probe's cool-down or power limit", self.cooldown_s, self.power_limit_w)
        _temperature("A probe's temperature", self.temperature_c)
        _within("A probe's active length", self.active_length_mm, PROBE_LENGTH_MM, "mm")
        _within("A probe's diameter", self.diameter_mm, PROBE_DIAMETER_MM, "mm")
        _within("A probe's cool-down", self.cooldown_s, (0.0, LONGEST_S), "s")
        if self.power_limit_w is not None and self.power_limit_w <= 0:
            raise InputRefused(
                f"A probe's power limit is {self.power_limit_w:g} W; it must be above zero, or left out."
            )
        length = math.sqrt(sum(d * d for d in self.direction))
        if length < 1e-9:
            raise InputRefused("A probe's direction has no length; give the direction from its tip to its hub.")
        x, y, z = (d / length for d in self.direction)
        object.__setattr__(self, "direction", (x, y, z))

    @property
    def end_lps_mm(self) -> FloatArray:
        """Return (3,) the end of the active zone nearest the hub, LPS mm."""
        return np.array(self.tip_lps_mm) + self.active_length_mm * np.array(self.direction)


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
        _finite("The length of a phase", self.seconds)
        if not 0.0 < self.seconds <= LONGEST_S:
            raise InputRefused(
                f"A {self.kind} of {self.seconds:g} s cannot be simulated; give it between 0 and 86400 s."
            )
        if self.temperature_c is not None:
            if self.kind == "freeze":
                raise InputRefused("A freeze takes its temperature from the probes; only a thaw may carry one.")
            _temperature("The temperature of a thaw", self.temperature_c)


@dataclass(frozen=True)
class Wall:
    """What one face of the box does: held at a temperature (the initial one when None), or insulated."""

    kind: WallKind = "held"
    temperature_c: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(WallKind):
            raise InputRefused(f"The wall {self.kind!r} is unknown; give one of {get_args(WallKind)}.")
        if self.temperature_c is not None:
            _temperature("The temperature of a wall", self.temperature_c)


HELD = Wall()
INSULATED = Wall("insulated")
SIX_HELD = (HELD,) * 6


@dataclass(frozen=True)
class Scene:
    """All that the ice depends on; a value that a result keeps.

    Parameters
    ----------
    material
        Of the whole box.
    initial_c
        Temperature of the tissue, of the blood and of the held walls, degC.
    perfusion_w_m3k
        Heat brought by blood per volume and kelvin; stops for good where tissue has frozen.
    report_at_s
        Times of the snapshots, s from the start, kept in rising order; the end of the protocol when empty.
    walls
        Of the faces at low x, high x, low y, high y, low z and high z.

    Raises
    ------
    InputRefused
        When probes leave the box, touch or cross, or a number cannot be used.
    """

    box: HeatBox
    material: Material
    probes: tuple[ProbeBody, ...]
    protocol: tuple[Phase, ...]
    initial_c: float = 37.0
    perfusion_w_m3k: float = 0.0
    report_at_s: tuple[float, ...] = ()
    walls: tuple[Wall, ...] = field(default=SIX_HELD)

    def __post_init__(self) -> None:
        for name in ("probes", "protocol", "report_at_s", "walls"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _temperature("The initial temperature", self.initial_c)
        _finite("The perfusion", self.perfusion_w_m3k)
        _within("The perfusion", self.perfusion_w_m3k, (0.0, 1e6), "W/m3K")
        if not self.protocol:
            raise InputRefused("The protocol is empty; give at least one freeze.")
        if len(self.walls) != 6:
            raise InputRefused("A box has six walls: low and high x, y and z.")
        self._check_times()
        for number, probe in enumerate(self.probes, start=1):
            for point in (np.array(probe.tip_lps_mm), probe.end_lps_mm):
                if not self.box.holds(point):
                    raise InputRefused(
                        f"Probe {number} leaves the box at ({', '.join(f'{v:.1f}' for v in point)}) mm; "
                        "its active zone must lie inside. Move it or enlarge the box."
                    )
        self._check_crossing()

    def _check_times(self) -> None:
        if not self.report_at_s:
            object.__setattr__(self, "report_at_s", (self.duration_s,))
        _finite("A report time", *self.report_at_s)
        object.__setattr__(self, "report_at_s", tuple(sorted({float(t) for t in self.report_at_s})))
        if min(self.report_at_s) < 0.0 or max(self.report_at_s) > self.duration_s + 1e-6:
            raise InputRefused(f"A report time lies outside the protocol, which lasts {self.duration_s:g} s.")

    def _check_crossing(self) -> None:
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
