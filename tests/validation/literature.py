"""Chapter: published gel experiments with several probes (Littrup 2009, Shah 2016), from their abstracts.

Neither abstract states all that a computation needs. What was taken for it stands here and is repeated in the report.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cvt_planner.bioheat.isotherms import sample_c
from cvt_planner.bioheat.scene import HeatBox, Phase, Scene
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import Material
from tests.validation import rulers, scenes
from tests.validation.checks import Check, markdown_table

# Agar taken as water: k 0.6, c 4180 J/kgK, 334 kJ/kg; frozen, the laws of ice (k_frozen 2.0 and c_frozen 1800 make the
# product's "rabin" law just those). Freezing over the degree below 0 (assumed: the gels' salt is not stated).
GEL = Material(2.0, 0.6, 1000.0, 1800.0, 4180.0, 334e3, -1.0, -0.05, frozen_law="rabin")
EDGE_C = -0.05  # the visible edge
LITERATURE_LIMIT = 0.15

LITTRUP_ACTIVE_MM = 40.0  # not in the abstract (assumed)
LITTRUP_SPACING_MM = 20.0
LITTRUP_START_C, LITTRUP_SECONDS = 39.0, 900.0
LETHAL_CM = (1.2, 3.3, 4.1, 4.9)  # diameter of -30 °C for one to four 2.4 mm probes
LETHAL_SHARE = (0.13, 0.46, 0.51, 0.56)  # of the area of the ice
THIN_DIAMETER, THIN_AREA = 0.84, 0.71  # of 1.7 mm probes, in parts of 2.4 mm ones
FIT_AT_C = (-90.0, -110.0, -130.0, -150.0)
# Other probes than the fitted one: how cold at most, degC, and how much heat, W, each can draw at most.
LITTRUP_OTHERS = ((-80.0, None), (-120.0, None), (-120.0, 25.0), (-120.0, 28.0), (-120.0, 30.0))

SHAH_ACTIVE_MM = 30.0  # not in the abstract (assumed)
SHAH_PROBE_C = -140.0  # not in the abstract; the plateau of argon needles in gel (Cryobiology 2025, 105274)
SHAH_CORE_MM, SHAH_GAP_MM = 10.0, 10.0  # -40 °C around the needles, and from there to the edge
SHAH_TIMES_S = (600.0, 900.0)  # the time of freezing is not in the abstract


def littrup(
    count: int, probe_c: float, diameter_mm: float, grid_mm: float, limit_w: float | None = None
) -> tuple[float, float]:
    """Return the diameters, cm, of visible edge and -30 °C: those of circles of the same area at mid-height."""
    bare = scenes.parallel_probes(scenes.ring(count, LITTRUP_SPACING_MM), LITTRUP_ACTIVE_MM, probe_c, diameter_mm)
    probes = tuple(replace(probe, power_limit_w=limit_w) for probe in bare)
    box = HeatBox((120.0, 120.0, 60.0 + LITTRUP_ACTIVE_MM), grid_mm)
    result = simulate(Scene(box, GEL, probes, (Phase("freeze", LITTRUP_SECONDS),), LITTRUP_START_C))
    edge, lethal = (rulers.area_mm2(result, iso_c) for iso_c in (EDGE_C, -30.0))
    return 0.2 * math.sqrt(edge / math.pi), 0.2 * math.sqrt(lethal / math.pi)


def visible_cm() -> tuple[float, ...]:
    """Return the visible diameters that the abstract's lethal diameters and shares of area imply."""
    return tuple(d / math.sqrt(s) for d, s in zip(LETHAL_CM, LETHAL_SHARE, strict=True))


@dataclass(frozen=True)
class Fit:
    """The one fitted number of the Littrup comparison, and how well the visible diameters then agree."""

    probe_c: float
    rms: float


def fit_littrup() -> Fit:
    """Return the probe temperature at which the four visible diameters agree best (2 mm grid)."""
    expected = np.array(visible_cm())
    found = np.array([[littrup(n, t, 2.4, 2.0)[0] for n in (1, 2, 3, 4)] for t in FIT_AT_C])
    fine = np.arange(FIT_AT_C[0], FIT_AT_C[-1] - 0.5, -1.0)
    at = [np.interp(-fine, -np.array(FIT_AT_C), found[:, n]) for n in range(4)]
    rms = np.sqrt(np.mean((np.stack(at, axis=1) / expected - 1.0) ** 2, axis=1))
    best = int(np.argmin(rms))
    return Fit(float(fine[best]), float(rms[best]))


def littrup_rows(fit: Fit, grid_mm: float) -> list[Check]:
    """Return visible (fitted) and lethal (predicted) diameters, shares, and the thinner probes."""
    found: list[Check] = []
    thick = [littrup(n, fit.probe_c, 2.4, grid_mm) for n in (1, 2, 3, 4)]
    for n, (edge, lethal) in enumerate(thick):
        words = f"{n + 1} probe{'s' if n else ''} of 2.4 mm"
        found.append(
            _part("Littrup: visible", words, "visible diameter (fitted)", "cm", visible_cm()[n], edge, grid_mm)
        )
        found.append(_part("Littrup: lethal", words, "-30 °C diameter", "cm", LETHAL_CM[n], lethal, grid_mm))
        share = (lethal / edge) ** 2
        found.append(
            Check("Littrup: share", words, "lethal share of the area", "", LETHAL_SHARE[n], share, None, grid_mm)
        )
    thin = [littrup(n, fit.probe_c, 1.7, grid_mm)[1] for n in (1, 2, 3, 4)]
    ratio = float(np.mean([a / b[1] for a, b in zip(thin, thick, strict=True)]))
    words = "1.7 against 2.4 mm, mean of 1 to 4 probes"
    found.append(_part("Littrup: 1.7 mm", words, "ratio of -30 °C diameters", "", THIN_DIAMETER, ratio, grid_mm))
    area = float(np.mean([(a / b[1]) ** 2 for a, b in zip(thin, thick, strict=True)]))
    found.append(_part("Littrup: 1.7 mm", words, "ratio of -30 °C areas", "", THIN_AREA, area, grid_mm))
    return found


def littrup_others(fit: Fit) -> str:
    """Return a table of what other probes would do to the four lethal diameters (2 mm grid)."""
    rows = []
    for probe_c, limit_w in ((fit.probe_c, None), *LITTRUP_OTHERS):
        found = [littrup(n, probe_c, 2.4, 2.0, limit_w) for n in (1, 2, 3, 4)]
        seen = [edge / wanted - 1.0 for (edge, _), wanted in zip(found, visible_cm(), strict=True)]
        lethal = [core / wanted - 1.0 for (_, core), wanted in zip(found, LETHAL_CM, strict=True)]
        limit = "none" if limit_w is None else f"{limit_w:g} W"
        rows.append(
            [f"{probe_c:g} °C", limit, *(" / ".join(f"{100 * v:+.0f}" for v in part) for part in (seen, lethal))]
        )
    return markdown_table(["probe", "draws at most", "visible, % off", "lethal, % off"], rows)


def _part(point: str, words: str, quantity: str, unit: str, expected: float, found: float, grid_mm: float) -> Check:
    return Check(point, words, quantity, unit, expected, found, LITERATURE_LIMIT, grid_mm, relative=True)


def shah(count: int, spacing_mm: float, grid_mm: float) -> tuple[HeatResult, np.ndarray, np.ndarray]:
    """Return one to four 17 G probes in gel at 37 °C, the place of one of them, and its direction outwards."""
    places = np.array(scenes.ring(count, spacing_mm))
    probes = scenes.parallel_probes(scenes.ring(count, spacing_mm), SHAH_ACTIVE_MM, SHAH_PROBE_C, 1.47)
    box = HeatBox((96.0, 96.0, 60.0 + SHAH_ACTIVE_MM), grid_mm)
    result = simulate(Scene(box, GEL, probes, (Phase("freeze", SHAH_TIMES_S[-1]),), report_at_s=SHAH_TIMES_S))
    length = float(np.linalg.norm(places[0]))
    out = places[0] / length if count > 1 else np.array([1.0, 0.0])
    return result, places[0], out


def reach_mm(result: HeatResult, place: np.ndarray, out: np.ndarray, iso_c: float, shot: int) -> float:
    """Return how far outwards from a probe an isotherm stands at mid-height."""
    field, level = result.smooth(result.snapshots[shot].temperature_c, iso_c)
    along = np.arange(0.0, 0.5 * float(min(result.scene.box.size_mm[:2])) - 1.0 - float(np.linalg.norm(place)), 0.01)
    points = np.column_stack([place + along[:, None] * out, np.zeros(along.size)])
    cold = np.nonzero(sample_c(field, result.grid, points) < level)[0]
    return float(along[cold[-1]]) if cold.size else 0.0


def shah_rows(counts: Sequence[int], spacings_mm: Sequence[float], grid_mm: float) -> list[Check]:
    """Return the way from -40 °C to the edge, outwards from a needle, and the -40 °C diameter through two needles."""
    found: list[Check] = []
    for count in counts:
        for spacing in spacings_mm if count > 1 else (0.0,):
            result, place, out = shah(count, spacing, grid_mm)
            needles = "1 needle" if count == 1 else f"{count} needles {spacing:g} mm apart"
            limit = LITERATURE_LIMIT if count > 1 else None  # the abstract speaks of combinations of needles
            for shot, time_s in enumerate(SHAH_TIMES_S):
                core = reach_mm(result, place, out, -40.0, shot)
                gap = reach_mm(result, place, out, EDGE_C, shot) - core
                rows = [("Shah: gap", "-40 °C inside the visible edge", SHAH_GAP_MM, gap)]
                if count != 3:  # in a triangle no needle stands opposite
                    across = 2.0 * float(np.linalg.norm(place))
                    words = "-40 °C diameter through opposite needles"
                    rows.append(("Shah: lethal", words, across + 2.0 * SHAH_CORE_MM, across + 2.0 * core))
                found += [
                    Check(p, f"{needles}, {time_s:g} s", q, "mm", e, f, limit, grid_mm, relative=True)
                    for p, q, e, f in rows
                ]
    return found
