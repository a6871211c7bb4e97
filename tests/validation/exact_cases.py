"""Chapter: exact solutions with a freezing front: A, B, C, D and G; and the order at which errors vanish."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from cvt_planner.base.arrays import FloatArray, Points
from cvt_planner.bioheat.scene import Scene
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import MARROW_BONE, SOFT_TISSUE, Material
from tests.validation import rulers, scenes
from tests.validation.checks import Check
from tests.validation.sharp_front import SharpFront
from tests.validation.similarity import ThreeParts, similarity

MUSHY_LIMIT_MM = {1.0: 0.25, 0.5: 0.12}
SHARP_LIMIT_MM = {1.0: 0.4, 0.5: 0.2}
TIMES_S = (150.0, 300.0, 600.0)
ORDER_TIMES_S = tuple(300.0 + 25.0 * n for n in range(13))
SEED = 41
SHARP = replace(SOFT_TISSUE, t_solidus_c=-1.01, t_liquidus_c=-1.0)
LEAST_CELLS = 2.0  # fronts nearer to the wall or line than this are not compared


@dataclass(frozen=True)
class Drive:
    """A tissue, its start and what cools it: a wall (degC) or a line (W/m)."""

    words: str
    material: Material
    start_c: float
    wall_c: float | None = None
    line_w_m: float | None = None

    def scene(self, spacing_mm: float, times_s: tuple[float, ...] = TIMES_S) -> Scene:
        """Return what the solver is asked."""
        if self.wall_c is not None:
            return scenes.plane(self.material, self.wall_c, spacing_mm, times_s, self.start_c)
        assert self.line_w_m is not None
        return scenes.line(self.material, self.line_w_m, spacing_mm, times_s, self.start_c)

    @property
    def setting(self) -> str:
        """Return the parameters in words."""
        cold = f"wall {self.wall_c:g} °C" if self.wall_c is not None else f"line {self.line_w_m:g} W/m"
        return f"{self.words}, {cold}, start {self.start_c:g} °C"

    def distance_mm(self, points: Points) -> FloatArray:
        """Return distances from the wall or the line."""
        return rulers.depth_mm(points) if self.wall_c is not None else rulers.radius_mm(points)


def drawn_at_random(count: int) -> list[tuple[str, Material, float]]:
    """Return tissues and starts drawn from the range of what is found in the body and beyond; the same every time."""
    rng = np.random.default_rng(SEED)
    found = []
    for n in range(count):
        k_f, k_u, rho, c_f, c_u, latent = (
            round(float(rng.uniform(a, b)), 3 - math.ceil(math.log10(b)))
            for a, b in ((0.6, 3.5), (0.2, 0.6), (900.0, 1500.0), (1300.0, 2100.0), (2000.0, 4000.0), (60e3, 330e3))
        )
        solidus, start = round(float(rng.uniform(-12.0, -4.0)), 1), round(float(rng.uniform(15.0, 40.0)))
        words = (
            f"drawn {n + 1}: k {k_f:g}/{k_u:g} W/mK, ρ {rho:g} kg/m³, c {c_f:g}/{c_u:g} J/kgK, "
            f"L {latent / 1e3:g} kJ/kg, {solidus:g} to -1 °C"
        )
        found.append((words, Material(k_f, k_u, rho, c_f, c_u, latent, solidus, -1.0), float(start)))
    return found


def mushy_drives() -> dict[str, list[Drive]]:
    """Return the settings of cases B and D."""
    drawn = drawn_at_random(4)
    planes = [
        Drive("soft tissue", SOFT_TISSUE, 37.0, wall_c=-140.0),
        Drive("soft tissue", SOFT_TISSUE, 22.0, wall_c=-40.0),
        Drive("marrow-filled bone", MARROW_BONE, 37.0, wall_c=-120.0),
        *(Drive(w, m, s, wall_c=t) for (w, m, s), t in zip(drawn[:2], (-95.0, -170.0), strict=True)),
    ]
    lines = [
        Drive("soft tissue", SOFT_TISSUE, 37.0, line_w_m=400.0),
        Drive("soft tissue", SOFT_TISSUE, 37.0, line_w_m=200.0),
        Drive("soft tissue", SOFT_TISSUE, 22.0, line_w_m=600.0),
        Drive("marrow-filled bone", MARROW_BONE, 37.0, line_w_m=200.0),
        *(Drive(w, m, s, line_w_m=q) for (w, m, s), q in zip(drawn[2:], (350.0, 250.0), strict=True)),
    ]
    return {"B": planes, "D": lines}


def law_drives() -> list[Drive]:
    """Return the settings of case G."""
    coll = replace(SOFT_TISSUE, latent_law="colligative")
    rabin = replace(SOFT_TISSUE, frozen_law="rabin")
    both = replace(SOFT_TISSUE, latent_law="colligative", frozen_law="rabin", t_liquidus_c=-0.53)
    bone = replace(MARROW_BONE, latent_law="colligative", frozen_law="rabin")
    return [
        Drive("colligative ice", coll, 37.0, line_w_m=400.0),
        Drive("k(T), c(T) of ice (Rabin)", rabin, 37.0, line_w_m=400.0),
        Drive("both, liquidus -0.53 °C", both, 37.0, line_w_m=300.0),
        Drive("both, marrow-filled bone", bone, 37.0, line_w_m=200.0),
        Drive("both, liquidus -0.53 °C", both, 37.0, wall_c=-140.0),
    ]


def sharp_drives() -> dict[str, list[Drive]]:
    """Return the settings of cases A and C."""
    bone = replace(MARROW_BONE, t_solidus_c=-1.01, t_liquidus_c=-1.0)
    water = Material(2.22, 0.556, 1000.0, 1762.0, 4226.0, 338e3, -0.01, 0.0)
    return {
        "A": [
            Drive("soft tissue", SHARP, 37.0, wall_c=-140.0),
            Drive("soft tissue", SHARP, 37.0, wall_c=-40.0),
            Drive("water", water, 10.0, wall_c=-20.0),
        ],
        "C": [
            Drive("soft tissue", SHARP, 37.0, line_w_m=400.0),
            Drive("soft tissue", SHARP, 37.0, line_w_m=200.0),
            Drive("soft tissue", SHARP, 37.0, line_w_m=600.0),
            Drive("marrow-filled bone", bone, 37.0, line_w_m=200.0),
        ],
    }


def exact_isotherms(drive: Drive) -> Callable[[float, float], float]:
    """Return (iso_c, time_s) -> distance, mm: in closed form at the ends of the range, by shooting elsewhere."""
    m = drive.material
    by_shooting = similarity(m, drive.start_c, drive.line_w_m, wall_c=drive.wall_c)
    closed: dict[float, float] = {}
    if m.latent_law == "uniform" and m.frozen_law == "constant":
        fronts = ThreeParts(m, drive.start_c, drive.wall_c, drive.line_w_m).fronts()
        closed = dict(zip((m.t_solidus_c, m.t_liquidus_c), fronts, strict=True))

    def distance_mm(iso_c: float, time_s: float) -> float:
        if iso_c in closed:
            return 1e3 * closed[iso_c] * math.sqrt(time_s)
        return 1e3 * by_shooting(iso_c, time_s)

    return distance_mm


def mushy_checks(point: str, drive: Drive, spacing_mm: float) -> Iterator[Check]:
    """Yield the isotherms of one run with a freezing range, at the end."""
    result = simulate(drive.scene(spacing_mm))
    exact = exact_isotherms(drive)
    m = drive.material
    limit = MUSHY_LIMIT_MM[spacing_mm]
    for iso_c in (-40.0, -20.0, m.t_solidus_c, m.t_liquidus_c):
        expected = exact(iso_c, TIMES_S[-1])
        if expected < LEAST_CELLS * max(MUSHY_LIMIT_MM) or (drive.wall_c is not None and iso_c <= drive.wall_c):
            continue
        found = drive.distance_mm(rulers.isotherm(result, iso_c))
        name = {m.t_solidus_c: "solidus", m.t_liquidus_c: "liquidus"}.get(iso_c, f"{iso_c:g} °C")
        yield Check(point, drive.setting, name, "mm", expected, float(found.mean()), limit, spacing_mm)


def sharp_checks(point: str, drive: Drive, spacing_mm: float) -> Iterator[Check]:
    """Yield the front of one run with next to no freezing range: where half the latent heat is gone."""
    result = simulate(drive.scene(spacing_mm))
    exact = SharpFront(drive.material, drive.material.t_liquidus_c, drive.start_c, drive.wall_c, drive.line_w_m)
    for shot, time_s in enumerate(TIMES_S):
        expected = 1e3 * exact.front() * math.sqrt(time_s)
        if expected < LEAST_CELLS * max(SHARP_LIMIT_MM):
            continue
        found = drive.distance_mm(rulers.half_frozen(result, shot))
        yield Check(point, drive.setting, f"front at {time_s:g} s", "mm", expected, float(found.mean()),
                    SHARP_LIMIT_MM[spacing_mm], spacing_mm)  # fmt: skip


def all_checks(quick: bool) -> dict[str, list[Check]]:
    """Return the figures of all cases, by case."""
    spacings = (1.0,) if quick else (1.0, 0.5)
    found: dict[str, list[Check]] = {}
    work: list[tuple[str, Drive, Callable[[str, Drive, float], Iterator[Check]]]] = []
    for case, drives in sharp_drives().items():
        work += [(case, d, sharp_checks) for d in drives]
    for case, drives in mushy_drives().items():
        work += [(case, d, mushy_checks) for d in drives]
    work += [("G plane" if d.wall_c is not None else "G line", d, mushy_checks) for d in law_drives()]
    for case, drive, compare in work:
        for spacing in spacings:
            found.setdefault(case, []).extend(compare(case, drive, spacing))
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Convergence:
    """Errors of one case on ever finer grids."""

    words: str
    spacing_mm: tuple[float, ...]
    error_k: tuple[float, ...]

    @property
    def orders(self) -> tuple[float, ...]:
        """Return the order between each grid and the next finer one."""
        pairs = zip(self.error_k[:-1], self.error_k[1:], strict=True)
        steps = zip(self.spacing_mm[:-1], self.spacing_mm[1:], strict=True)
        return tuple(math.log(a / b) / math.log(h / g) for (a, b), (h, g) in zip(pairs, steps, strict=True))


def profile_error_k(
    drive: Drive, exact_c: Callable[[FloatArray], FloatArray], spacing_mm: float
) -> tuple[float, float]:
    """Return the root mean square error of temperature over 300 to 600 s: from 4 mm to the liquidus, and to 30 mm.

    Several times, because a plane front that passes a row of cells is wrong by turns: at one time the order is noise.
    """
    result = simulate(drive.scene(spacing_mm, ORDER_TIMES_S))
    cold, all_of_it = [], []
    for shot, time_s in enumerate(ORDER_TIMES_S):
        x_mm, found = profile(drive, result, shot)
        use = (x_mm >= 4.0) & (x_mm <= 30.0)
        exact = exact_c(x_mm[use] / math.sqrt(time_s))
        squares = (found[use] - exact) ** 2
        all_of_it.append(squares)
        cold.append(squares[exact < drive.material.t_liquidus_c])
    return float(np.sqrt(np.mean(np.concatenate(cold)))), float(np.sqrt(np.mean(np.concatenate(all_of_it))))


def profile(drive: Drive, result: HeatResult, shot: int = -1) -> tuple[FloatArray, FloatArray]:
    """Return distances, mm, and temperatures of the cells of the middle layer."""
    field = result.snapshots[shot].temperature_c.astype(float)
    k, j, i = np.meshgrid(*[np.arange(n, dtype=float) for n in field.shape], indexing="ij")
    points = result.grid.lps_of(np.stack([k, j, i], axis=-1))
    layer = points[field.shape[0] // 2].reshape(-1, 3)
    return drive.distance_mm(layer), field[field.shape[0] // 2].ravel()


def exact_profile(drive: Drive) -> Callable[[FloatArray], FloatArray]:
    """Return distance / sqrt(time), mm/sqrt(s) -> temperature, from the exact isotherms."""
    where = exact_isotherms(drive)
    m, start = drive.material, drive.start_c
    coldest = drive.wall_c + 0.01 if drive.wall_c is not None else -200.0
    ends = [np.linspace(coldest, m.t_solidus_c, 3000), np.linspace(m.t_solidus_c, m.t_liquidus_c, 300)]
    warm = start - np.geomspace(start - m.t_liquidus_c, 1e-4, 3000)
    temperatures = np.unique(np.concatenate([*ends, warm]))
    places = np.array([where(float(t), 1.0) for t in temperatures])
    return partial(_between, places, temperatures)


def _between(places: FloatArray, temperatures: FloatArray, eta: FloatArray) -> FloatArray:
    return np.asarray(np.interp(eta, places, temperatures))


def convergence(quick: bool) -> list[Convergence]:
    """Return how the errors of B, D and G fall with the grid."""
    spacings = (2.0, 1.0) if quick else (2.0, 1.0, 0.5, 0.25)
    law = law_drives()[2]
    found = []
    for case, drive in (("B", mushy_drives()["B"][0]), ("D", mushy_drives()["D"][0]), ("G", law)):
        exact = exact_profile(drive)
        errors = np.array([profile_error_k(drive, exact, h) for h in spacings]).T
        for where, row in zip(("in the ice", "to 30 mm"), errors, strict=True):
            found.append(Convergence(f"{case}, {where}: {drive.setting}", spacings, tuple(float(e) for e in row)))
    return found
