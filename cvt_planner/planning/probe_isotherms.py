"""How wide and long the isotherms of one cryoprobe are in a uniform medium: computed, not manufacturer data."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from cvt_planner.base.arrays import Float32Array
from cvt_planner.base.progress import Progress
from cvt_planner.bioheat.isotherms import isotherm_points
from cvt_planner.bioheat.law import HeatLaw
from cvt_planner.bioheat.scene import HeatBox, Phase, ProbeBody, Scene
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import SOFT_TISSUE, Material
from cvt_planner.devices.cryoprobe import CryoprobeModel
from cvt_planner.geometry.frames import Grid
from cvt_planner.planning.probe_card import GEL

COMPUTED_WORDS = "computed, not manufacturer data"
DEFAULT_ISOTHERMS_C = (0.0, -20.0, -40.0)
SPACING_MM = 1.0
# Of medium around the active zone. Only what the cold has reached is computed, so that a wide margin costs little.
MARGIN_MM = 55.0
# Whether the solver cools a probe for a part of the time; until then a duty other than 100 % is said to be left out.
DUTY_IS_MODELLED = "duty" in {field.name for field in fields(ProbeBody)}
_MOST_KEPT = 128


@dataclass(frozen=True)
class Bench:
    """In what a single probe freezes: medium, its temperature at the start, protocol and duty (0 to 1)."""

    name: str
    material: Material
    start_c: float
    protocol: tuple[Phase, ...]
    duty: float = 1.0

    @property
    def end_s(self) -> float:
        """Return how long the protocol lasts, s."""
        return sum(phase.seconds for phase in self.protocol)


_TEN_MINUTES = (Phase("freeze", 600.0),)
SOFT_TISSUE_37 = Bench("soft tissue, 37 °C", SOFT_TISSUE, 37.0, _TEN_MINUTES)
GEL_22 = Bench("gel, 22 °C", GEL, 22.0, _TEN_MINUTES)
DEFAULT_BENCHES = (SOFT_TISSUE_37, GEL_22)


@dataclass(frozen=True)
class IsothermSize:
    """One isotherm at one time, mm; width and length are zero, and `beyond_tip_mm` None, where nothing is so cold.

    `beyond_tip_mm` counts from the point of the probe's metal, negative where the isotherm ends behind it.
    """

    time_s: float
    temperature_c: float
    width_mm: float
    length_mm: float
    beyond_tip_mm: float | None


Wanted = tuple[tuple[float, float], ...]  # (time s, isotherm degC)
_KEPT: dict[tuple[object, ...], tuple[IsothermSize, ...]] = {}
_LOCK = threading.Lock()


def isotherm_sizes(
    probe: CryoprobeModel,
    bench: Bench,
    wanted: Wanted | None = None,
    spacing_mm: float = SPACING_MM,
    progress: Progress | None = None,
) -> tuple[IsothermSize, ...]:
    """Return the isotherms of one probe, in the order of `wanted`; those computed before come from memory.

    Parameters
    ----------
    wanted
        Pairs of time from the start of the protocol, s, and isotherm, degC; 0, -20 and -40 degC at the end when None.
    spacing_mm
        Of the grid: 1 mm is within 0.2 to 0.4 mm of 0.7 mm, 2 mm within 0.3 mm in width and 1.2 mm in length.

    Raises
    ------
    Cancelled
        When `progress` was asked to stop.

    Notes
    -----
    Not modelled: cooling along the shaft, the metal of the probe, convection in a gel before it freezes, a duty other
    than 1 as long as the solver has none.
    """
    progress = progress or Progress()
    wanted = wanted or tuple((bench.end_s, iso_c) for iso_c in DEFAULT_ISOTHERMS_C)
    key = (_cooling(probe), bench, wanted, spacing_mm)
    with _LOCK:
        known = _KEPT.get(key)
    if known is not None:
        progress.report(1.0)
        return known
    sizes = sizes_of(_solved(probe, bench, wanted, spacing_mm, progress), probe, wanted)
    with _LOCK:
        _KEPT[key] = sizes
        while len(_KEPT) > _MOST_KEPT:
            del _KEPT[next(iter(_KEPT))]
    return sizes


def _cooling(probe: CryoprobeModel) -> tuple[object, ...]:
    """Return what the ice of a probe depends on; its name and source are not in it."""
    return (
        probe.outer_diameter_mm, probe.dead_tip_mm, probe.active_length_mm, probe.tip_temperature_c, probe.cooldown_s,
        probe.power_limit_w,
    )  # fmt: skip


def peak_power_w(probe: CryoprobeModel, bench: Bench, at_s: tuple[float, ...], spacing_mm: float) -> float:
    """Return the largest power that a probe draws at any of the times, W."""
    wanted = tuple((t, 0.0) for t in at_s)
    return float(_solved(probe, bench, wanted, spacing_mm, Progress()).probe_power_w.max())


def _solved(probe: CryoprobeModel, bench: Bench, wanted: Wanted, spacing_mm: float, progress: Progress) -> HeatResult:
    """Return the solver's result; the active zone starts in the origin and lies along +z.

    The axis runs through cell centres, so that widths are read along it and not beside it.
    """
    across = 2 * math.ceil(MARGIN_MM / spacing_mm) + 1
    along = math.ceil((probe.active_length_mm + 2.0 * MARGIN_MM) / spacing_mm)
    size = (across * spacing_mm, across * spacing_mm, along * spacing_mm)
    box = HeatBox(size, spacing_mm, (0.0, 0.0, 0.5 * size[2] - MARGIN_MM))
    times = tuple(sorted({time_s for time_s, _ in wanted}))
    scene = Scene(box, bench.material, (_body(probe, bench.duty),), bench.protocol, bench.start_c, report_at_s=times)
    return simulate(scene, progress)


def _body(probe: CryoprobeModel, duty: float) -> ProbeBody:
    more: dict[str, Any] = {"duty": duty} if DUTY_IS_MODELLED else {}
    return ProbeBody(
        tip_lps_mm=(0.0, 0.0, 0.0),
        direction=(0.0, 0.0, 1.0),
        active_length_mm=probe.active_length_mm,
        diameter_mm=probe.outer_diameter_mm,
        temperature_c=probe.tip_temperature_c,
        cooldown_s=probe.cooldown_s,
        power_limit_w=probe.power_limit_w,
        **more,
    )


def sizes_of(result: HeatResult, probe: CryoprobeModel, wanted: Wanted) -> tuple[IsothermSize, ...]:
    """Return the isotherms of a field whose probe's active zone starts in the origin and lies along +z.

    Read in the Kirchhoff variable, which is smooth at the ice's edge, of those cells alone that are nearly so cold.
    """
    law = HeatLaw(result.scene.material, result.scene.initial_c)
    warmest_c = max(iso_c for _, iso_c in wanted)
    fields = {shot.time_s: _cold_part(shot.temperature_c, result.grid, warmest_c) for shot in result.snapshots}
    smooth = {time_s: (law.theta_of(part), grid) for time_s, (part, grid) in fields.items()}
    sizes = []
    for time_s, iso_c in wanted:
        field, grid = smooth[min(smooth, key=lambda t: abs(t - time_s))]
        points = isotherm_points(field, grid, float(law.theta_of(iso_c)))
        if len(points) == 0:
            sizes.append(IsothermSize(time_s, iso_c, 0.0, 0.0, None))
            continue
        width, _, length = np.ptp(points, axis=0)
        beyond = -float(points[:, 2].min()) - probe.dead_tip_mm
        sizes.append(IsothermSize(time_s, iso_c, float(width), float(length), beyond))
    return tuple(sizes)


def _cold_part(temperature_c: Float32Array, grid: Grid, warmest_c: float) -> tuple[Float32Array, Grid]:
    """Return the box of cells around what is colder than the warmest isotherm, one warm cell on every side."""
    cold = temperature_c < warmest_c
    lows, highs = [], []
    for axis in range(3):
        at = np.flatnonzero(cold.any(axis=tuple(other for other in range(3) if other != axis)))
        lows.append(max(int(at[0]) - 1, 0) if len(at) else 0)
        highs.append(min(int(at[-1]) + 2, temperature_c.shape[axis]) if len(at) else 2)
    part = temperature_c[tuple(slice(low, high) for low, high in zip(lows, highs, strict=True))]
    k, j, i = part.shape
    return part, grid.crop((lows[0], lows[1], lows[2]), (k, j, i))
